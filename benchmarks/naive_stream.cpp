#include "naive_stream.hpp"

#include "thresholds.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <istream>
#include <limits>
#include <ostream>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace naive {

namespace {

template <class T>
void write_scalar(std::ostream& out, T value) {
  static_assert(std::is_arithmetic_v<T>);
  out.write(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
T read_scalar(std::istream& in) {
  static_assert(std::is_arithmetic_v<T>);
  T value{};
  in.read(reinterpret_cast<char*>(&value), sizeof value);
  return value;
}

// By element, a node is its members; in bulk, its bytes. Without padding these are the same.
static_assert(sizeof(node) == 2 * sizeof(std::int32_t) + 2 * sizeof(std::uint32_t) + sizeof(float));

void write_element(std::ostream& out, const node& one) {
  write_scalar(out, one.left);
  write_scalar(out, one.right);
  write_scalar(out, one.column);
  write_scalar(out, one.threshold);
  write_scalar(out, one.values);
}

template <class T>
requires std::is_arithmetic_v<T>
void write_element(std::ostream& out, T value) { write_scalar(out, value); }

template <class T>
T read_element(std::istream& in) {
  if constexpr (std::is_same_v<T, node>) {
    node one;
    one.left = read_scalar<std::int32_t>(in);
    one.right = read_scalar<std::int32_t>(in);
    one.column = read_scalar<std::uint32_t>(in);
    one.threshold = read_scalar<float>(in);
    one.values = read_scalar<std::uint32_t>(in);
    return one;
  } else {
    return read_scalar<T>(in);
  }
}

template <class T>
void write_vector(std::ostream& out, const std::vector<T>& values, transfer how) {
  write_scalar(out, std::uint64_t{values.size()});
  if (how == transfer::in_bulk)
    out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
  else
    for (const T& value : values)
      write_element(out, value);
}

template <class T>
std::vector<T> read_vector(std::istream& in, transfer how) {
  const auto size = static_cast<std::size_t>(read_scalar<std::uint64_t>(in));
  std::vector<T> values;
  if (how == transfer::in_bulk) {
    values.resize(size);
    in.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(size * sizeof(T)));
  } else {
    values.reserve(size);
    for (std::size_t i = 0; i < size; ++i)
      values.push_back(read_element<T>(in));
  }
  return values;
}

// Turns on exceptions for the time of a call: no read or write needs to be looked at on its own.
class throwing {
public:
  explicit throwing(std::ios& stream) : stream_(stream), before_(stream.exceptions()) {
    stream.exceptions(std::ios::badbit | std::ios::failbit | std::ios::eofbit);
  }
  throwing(const throwing&) = delete;
  throwing& operator=(const throwing&) = delete;
  ~throwing() {
    try {
      stream_.exceptions(before_);
    } catch (const std::ios_base::failure&) { // thrown already, by the call that failed
    }
  }

private:
  std::ios& stream_;
  std::ios::iostate before_;
};

double leaf_value(const petrify::forest_data& from, std::uint64_t index) {
  return from.leaf_type == petrify::dtype::float32
             ? static_cast<double>(static_cast<const float*>(from.leaf_values)[index])
             : static_cast<const double*>(from.leaf_values)[index];
}

void append_leaf(const petrify::forest_data& from, std::uint32_t payload, std::vector<double>& values) {
  if (from.leaves == petrify::leaf_form::inline_float32)
    values.push_back(static_cast<double>(std::bit_cast<float>(payload)));
  else
    for (std::uint32_t k = 0; k < from.leaf_width; ++k)
      values.push_back(leaf_value(from, std::uint64_t{payload} * from.leaf_width + k));
}

template <class Layout>
tree copy_of_tree(const petrify::forest_data& from, std::uint32_t number) {
  const auto* nodes = static_cast<const typename Layout::node*>(from.nodes);
  tree out;
  struct pending_node {
    std::uint64_t at;
    std::int32_t parent; // -1: the root
    bool is_right;
  };
  std::vector<pending_node> pending{{from.root(number), -1, false}};
  while (!pending.empty()) {
    const pending_node next = pending.back();
    pending.pop_back();
    if (out.nodes.size() >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()) ||
        out.values.size() > std::numeric_limits<std::uint32_t>::max())
      throw std::invalid_argument("a tree is too large for the plain form: 2^31 nodes or 2^32 leaf values");
    const auto index = static_cast<std::int32_t>(out.nodes.size());
    if (next.parent >= 0) {
      node& parent = out.nodes[static_cast<std::size_t>(next.parent)];
      (next.is_right ? parent.right : parent.left) = index;
    }
    const auto& source = nodes[next.at];
    node copy;
    if (const std::uint64_t offset = Layout::offset(source); offset != 0) {
      copy.column = from.slots[Layout::slot(source)].column;
      copy.threshold = bench::threshold_of(source.value);
      pending.push_back({next.at + offset + 1, index, true});
      pending.push_back({next.at + offset, index, false});
    } else {
      copy.values = static_cast<std::uint32_t>(out.values.size());
      append_leaf(from, source.value, out.values);
    }
    out.nodes.push_back(copy);
  }
  return out;
}

// A mean: the sum divided by the number of trees, or the sum of one.
bool is_mean(const petrify::forest_data& from) {
  if (from.epilogue.empty())
    return from.num_trees == 1;
  return from.epilogue.size() == 1 && from.epilogue[0].op == petrify::epilogue_op::divide &&
         from.epilogue[0].parameter == static_cast<double>(from.num_trees);
}

} // namespace

std::vector<double> forest::predict_proba(std::span<const float> row) const {
  std::vector<double> mean(num_classes);
  for (const tree& one : trees) {
    const node* at = one.nodes.data();
    while (at->left >= 0)
      at = &one.nodes[static_cast<std::size_t>(row[at->column] <= at->threshold ? at->left : at->right)];
    for (std::uint32_t k = 0; k < num_classes; ++k)
      mean[k] += one.values[at->values + k];
  }
  for (double& value : mean)
    value /= static_cast<double>(trees.size());
  return mean;
}

void save(std::ostream& out, const forest& model, transfer how) {
  const throwing guard(out);
  write_scalar(out, model.num_columns);
  write_scalar(out, model.num_classes);
  write_scalar(out, std::uint64_t{model.trees.size()});
  for (const tree& one : model.trees) {
    write_vector(out, one.nodes, how);
    write_vector(out, one.values, how);
  }
}

void save(std::ostream& out, const array& values, transfer how) {
  const throwing guard(out);
  write_vector(out, values.shape, how);
  write_vector(out, values.elements, how);
}

forest load_forest(std::istream& in, transfer how) {
  const throwing guard(in);
  forest out;
  out.num_columns = read_scalar<std::uint32_t>(in);
  out.num_classes = read_scalar<std::uint32_t>(in);
  const auto num_trees = static_cast<std::size_t>(read_scalar<std::uint64_t>(in));
  out.trees.reserve(num_trees);
  for (std::size_t t = 0; t < num_trees; ++t) {
    tree one;
    one.nodes = read_vector<node>(in, how);
    one.values = read_vector<double>(in, how);
    out.trees.push_back(std::move(one));
  }
  return out;
}

array load_array(std::istream& in, transfer how) {
  const throwing guard(in);
  array out;
  out.shape = read_vector<std::uint64_t>(in, how);
  out.elements = read_vector<float>(in, how);
  return out;
}

forest copy_of(const petrify::forest& mapped) {
  const petrify::forest_data& from = mapped.data();
  bench::require_float32_slots(from);
  const bool is_plain = is_mean(from) && from.accumulator == petrify::dtype::float64 &&
                        std::all_of(from.start.begin(), from.start.end(), [](double x) { return x == 0; }) &&
                        (from.leaves == petrify::leaf_form::vector || from.raw_width == 1);
  if (!is_plain)
    throw std::invalid_argument("the plain form is a mean of leaves in float64; this forest is something else "
                                "(a boosted one, or a single classification tree)");
  forest out;
  out.num_columns = from.num_columns;
  out.num_classes = from.raw_width;
  out.trees.reserve(from.num_trees);
  petrify::with_layout(from, [&]<class Layout>(Layout) {
    for (std::uint32_t t = 0; t < from.num_trees; ++t)
      out.trees.push_back(copy_of_tree<Layout>(from, t));
  });
  return out;
}

} // namespace naive
