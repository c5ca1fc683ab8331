#include "import/sklearn_tree.hpp"

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/pairwise_sum.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace petrify::inline v0 {

namespace {

template <class... Pieces>
[[noreturn]] void refuse(const Pieces&... pieces) {
  fail(errc::not_importable, {}, pieces...);
}

template <class... Pieces>
[[noreturn]] void refuse_node(std::uint64_t node, const Pieces&... pieces) {
  fail(errc::not_importable, text("node ", node), pieces...);
}

constexpr std::int64_t no_child = -1;

// Nodes that are read from the columns at a time.
constexpr std::size_t block_nodes = 4096;

pickle::value require_state(const pickle::value& tree, std::string_view name) {
  const auto found = tree.state().find(name);
  if (!found)
    refuse("the tree's state has no ", name);
  return *found;
}

// The columns of `nodes`, found by name: their sizes and places differ by version and platform.
struct node_columns {
  explicit node_columns(const numpy_array& nodes)
      : left(nodes, "left_child"), right(nodes, "right_child"), feature(nodes, "feature"),
        threshold(nodes, "threshold") {
    for (const numpy_dtype::field& field : nodes.dtype->fields)
      accept(nodes, field.name);
    if (nodes.dtype->find("missing_go_to_left") != nullptr)
      missing_left.emplace(nodes, "missing_go_to_left");
    if (nodes.dtype->find("weighted_n_node_samples") != nullptr)
      cover.emplace(nodes, "weighted_n_node_samples");
  }

  numpy_column left;
  numpy_column right;
  numpy_column feature;
  numpy_column threshold;
  std::optional<numpy_column> missing_left; // since 1.3; before, NaN goes right because it compares false
  std::optional<numpy_column> cover;        // weight of the training rows that reached a node

private:
  // A field that is not known could change what a node means.
  static void accept(const numpy_array& nodes, std::string_view name) {
    static constexpr std::array<std::string_view, 8> known = {"left_child",
                                                              "right_child",
                                                              "feature",
                                                              "threshold",
                                                              "impurity",
                                                              "n_node_samples",
                                                              "weighted_n_node_samples",
                                                              "missing_go_to_left"};
    if (std::find(known.begin(), known.end(), name) != known.end())
      return;
    if (name != "left_cat_bitset")
      refuse("the tree's nodes have a field ", quoted(name), " that petrify does not know");
    // Categories of a node; all zero where the tree splits on numbers only.
    const numpy_column bits(nodes, name);
    for (std::uint64_t i = 0; i < bits.size(); ++i)
      for (std::uint64_t k = 0; k < bits.numbers_per_record(); ++k)
        if (bits.integer(i, k) != 0)
          refuse_node(i, "splits on categories, expected splits on numbers");
  }
};

std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string out;
  for (const std::uint64_t length : shape)
    out += (out.empty() ? "" : ", ") + text(length);
  return " of shape (" + out + ")";
}

// The values of leaves: (node, output, class), the classes padded to the widest output.
class leaf_values {
public:
  leaf_values(const pickle::value& values, std::uint64_t num_nodes, std::span<const std::uint32_t> widths,
              bool is_classifier)
      : widths_(widths), is_classifier_(is_classifier) {
    const auto array = values.as_array();
    if (!array || array->dtype->kind != 'f' || array->dtype->item_size != 8)
      refuse("the tree's values are ", values.describe(), ", expected an array of <f8");
    const std::uint32_t widest = *std::max_element(widths.begin(), widths.end());
    const std::vector<std::uint64_t>& shape = array->shape;
    if (shape.size() != 3 || shape[0] != num_nodes || shape[1] != widths.size() || shape[2] != widest) {
      refuse("the tree's values are an array", shape_text(shape), ", expected shape (", num_nodes, ", ", widths.size(),
             ", ", widest, ")");
    }
    stride_ = widest;
    native_ = array->dtype->swapped || !array->is_row_major() ? std::optional(to_native_bytes(*array)) : std::nullopt;
    bytes_ = native_ ? std::span<const std::byte>(native_->span()) : array->data;
  }

  // The values of all outputs of one node, without the padding. Valid until the next call.
  std::span<const double> of(std::uint64_t node, bool normalize) {
    row_.clear();
    for (std::size_t k = 0; k < widths_.size(); ++k) {
      const std::size_t begin = row_.size();
      for (std::uint32_t c = 0; c < widths_[k]; ++c) {
        double x;
        std::memcpy(&x, bytes_.data() + ((node * widths_.size() + k) * stride_ + c) * sizeof x, sizeof x);
        row_.push_back(x);
      }
      if (is_classifier_ && !std::isnan(row_[begin]))
        for (std::size_t i = begin + 1; i < row_.size(); ++i)
          if (std::isnan(row_[i])) // the greatest value for numpy's argmax, and for no other comparison
            refuse_node(node, "the value of class ", i - begin, " is NaN, expected a number");
      if (!normalize)
        continue;
      const double sum = pairwise_sum(row_.data() + begin, widths_[k]);
      for (std::size_t i = begin; i < row_.size(); ++i)
        row_[i] /= sum == 0.0 ? 1.0 : sum;
    }
    return row_;
  }

private:
  std::span<const std::uint32_t> widths_;
  bool is_classifier_;
  std::uint64_t stride_ = 0;
  std::optional<byte_buffer> native_;
  std::span<const std::byte> bytes_;
  std::vector<double> row_;
};

std::uint32_t node_number(std::int64_t child, std::uint64_t node, std::uint64_t num_nodes) {
  if (child < 0 || static_cast<std::uint64_t>(child) >= num_nodes)
    refuse_node(node, "child ", child, ", expected 0 to ", num_nodes - 1, ", or -1 for both of a leaf");
  return static_cast<std::uint32_t>(child);
}

// How many nodes lie on the path from the root to each node, both counted; 0 for one that cannot be reached, which the
// builder refuses.
std::vector<std::uint32_t> depths_of(const node_columns& columns, std::uint64_t num_nodes) {
  std::vector<std::uint32_t> out(num_nodes);
  std::vector<std::uint32_t> pending{0};
  out[0] = 1;
  while (!pending.empty()) {
    const std::uint32_t node = pending.back();
    pending.pop_back();
    const std::int64_t left = columns.left.integer(node);
    const std::int64_t right = columns.right.integer(node);
    if (left == no_child && right == no_child)
      continue;
    for (const std::int64_t side : {left, right}) {
      const std::uint32_t child = node_number(side, node, num_nodes);
      if (out[child] != 0)
        refuse_node(node, "child ", child, " has another parent or is an ancestor, expected a tree");
      out[child] = out[node] + 1;
      pending.push_back(child);
    }
  }
  return out;
}

// What the tree was made with, Tree(n_features, n_classes, n_outputs): the origin refuses values of another shape, and
// an estimator rows of another width.
void check_arguments(const pickle::value& tree, std::span<const std::uint32_t> widths, std::uint32_t num_features,
                     std::uint64_t num_nodes) {
  const pickle::value args = tree.args();
  if (args.size() != 3)
    refuse("the tree was made with ", args.size(), " arguments, expected n_features, n_classes and n_outputs");
  if (args[0].as_int() != std::int64_t{num_features})
    refuse("the tree's n_features is ", sklearn::what_is(args[0]), ", expected ", num_features);
  if (args[2].as_int() != static_cast<std::int64_t>(widths.size()))
    refuse("the tree's n_outputs is ", sklearn::what_is(args[2]), ", expected ", widths.size());
  sklearn::require_counts(args[1], "the tree's n_classes", widths);
  const pickle::value node_count = require_state(tree, "node_count");
  if (node_count.as_int() != static_cast<std::int64_t>(num_nodes))
    refuse("node_count is ", sklearn::what_is(node_count), ", expected ", num_nodes, " as there are nodes");
}

} // namespace

namespace sklearn {

std::string what_is(const pickle::value& value) {
  if (const auto number = value.as_int())
    return text(*number);
  const auto array = value.as_array();
  if (!array && !value.is(pickle::kind::list) && !value.is(pickle::kind::tuple))
    return value.describe();
  const std::uint64_t count = array ? array->num_elements() : value.size();
  return text(value.describe(), " of ", count, count == 1 ? " element" : " elements");
}

void require_counts(const pickle::value& value, std::string_view name, std::span<const std::uint32_t> expected) {
  const auto refuse_count = [&](std::size_t i, const std::string& seen) {
    refuse(name, expected.size() == 1 ? std::string() : text("[", i, "]"), " is ", seen, ", expected ", expected[i]);
  };
  if (const auto number = value.as_int()) {
    if (expected.size() != 1)
      refuse(name, " is ", *number, ", expected ", expected.size(), " numbers");
    if (*number != std::int64_t{expected[0]})
      refuse_count(0, text(*number));
    return;
  }
  const auto array = value.as_array();
  const bool is_list = value.is(pickle::kind::list) || value.is(pickle::kind::tuple);
  const std::uint64_t count = array ? array->num_elements() : value.size();
  if ((!array && !is_list) || count != expected.size())
    refuse(name, " is ", what_is(value), ", expected ", expected.size(), expected.size() == 1 ? " number" : " numbers");
  const std::vector<std::int64_t> numbers = array ? to_vector<std::int64_t>(*array) : std::vector<std::int64_t>();
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (array ? numbers[i] != std::int64_t{expected[i]} : value[i].as_int() != std::int64_t{expected[i]})
      refuse_count(i, array ? text(numbers[i]) : what_is(value[i]));
}

} // namespace sklearn

void add_sklearn_tree(forest_builder& builder, const pickle::value& tree, std::span<const std::uint32_t> widths,
                      const tree_format& format, read_budget& budget) {
  if (tree.class_name() != "sklearn.tree._tree.Tree")
    refuse("tree_ is ", tree.describe(), ", expected sklearn.tree._tree.Tree");
  const auto nodes = require_state(tree, "nodes").as_array();
  if (!nodes || nodes->shape.size() != 1 || nodes->shape[0] == 0 || nodes->shape[0] > 0x7fffffff)
    refuse("the tree's nodes are ", require_state(tree, "nodes").describe(), nodes ? shape_text(nodes->shape) : "",
           ", expected an array of 1 to 2^31 - 1 records");
  const std::uint64_t num_nodes = nodes->shape[0];
  // Before anything walks them: aliased arrays are cheap to write down and dear to read.
  budget.charge(nodes->data.size());
  if (const auto values_array = require_state(tree, "values").as_array())
    budget.charge(values_array->data.size());
  check_arguments(tree, widths, format.num_features, num_nodes);
  const node_columns columns(*nodes);
  leaf_values values(require_state(tree, "values"), num_nodes, widths, format.is_classifier);
  const bool normalize = format.is_classifier && format.has_counts && format.normalize_leaves;

  std::vector<std::uint32_t> depths;
  std::optional<numpy_column> num_samples;
  if (format.needs_depth) {
    depths = depths_of(columns, num_nodes);
    num_samples.emplace(*nodes, "n_node_samples");
  }

  builder.begin_tree(static_cast<std::uint32_t>(num_nodes), format.target, 0, format.weight);
  std::array<std::int64_t, block_nodes> left;
  std::array<std::int64_t, block_nodes> right;
  std::array<std::int64_t, block_nodes> feature;
  std::array<std::int64_t, block_nodes> missing_left{};
  std::array<double, block_nodes> threshold;
  std::array<double, block_nodes> cover{};
  for (std::uint64_t first = 0; first < num_nodes; first += block_nodes) {
    const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(block_nodes, num_nodes - first));
    columns.left.read(first, std::span(left).first(count));
    columns.right.read(first, std::span(right).first(count));
    columns.feature.read(first, std::span(feature).first(count));
    columns.threshold.read(first, std::span(threshold).first(count));
    if (columns.missing_left)
      columns.missing_left->read(first, std::span(missing_left).first(count));
    if (columns.cover)
      columns.cover->read(first, std::span(cover).first(count));
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t node = first + i;
      const auto number = static_cast<std::uint32_t>(node);
      if (columns.cover)
        builder.cover(number, cover[i]);
      if (left[i] == no_child && right[i] == no_child) {
        const std::span<const double> leaf = values.of(node, normalize);
        const leaf_facts facts = format.needs_depth ? leaf_facts{depths[node], num_samples->integer(node), number}
                                                    : leaf_facts{0, 0, number};
        builder.leaf(number, format.leaf ? format.leaf(leaf, facts) : leaf);
        continue;
      }
      const std::uint32_t left_node = node_number(left[i], node, num_nodes);
      const std::uint32_t right_node = node_number(right[i], node, num_nodes);
      if (feature[i] < 0 || feature[i] > 0x7fffffff)
        refuse_node(node, "splits on feature ", feature[i], ", expected 0 or more");
      auto column = static_cast<std::uint32_t>(feature[i]);
      if (!format.columns.empty()) {
        if (column >= format.columns.size())
          refuse_node(node, "splits on feature ", column, ", expected less than ", format.columns.size());
        column = format.columns[column];
      }
      const bool missing_goes_left = missing_left[i] != 0 && !format.ignores_missing;
      builder.split(number, column, comparison::less_equal, threshold[i],
                    missing_goes_left ? missing::left : missing::right, left_node, right_node);
    }
  }
  builder.end_tree();
}

} // namespace petrify::inline v0
