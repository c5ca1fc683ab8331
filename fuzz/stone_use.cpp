#include "stone_use.hpp"

#include "target.hpp"

#include "forest/dense.hpp"
#include "forest/evaluate.hpp"

#include <petrify/predictor.hpp>
#include <petrify/record.hpp>

#include "config_generated.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <complex>
#include <limits>

namespace petrify::fuzz {

namespace {

template <element T>
void use_elements(const any_array& array) {
  const array_view<T> view = array.as<T>();
  require(view.elements().size() == view.size() && view.elements().size_bytes() == array.bytes().size(),
          "elements are the segment");
  look_at(std::as_bytes(view.elements()));
  if (view.size() == 0)
    return;
  // Every element by its indices: in memory order, one behind the other.
  std::vector<std::uint64_t> index(view.rank());
  const extents places(array.shape(), array.order());
  const bool row_major = array.order() == axis_order::row_major;
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(view.size(), 256); ++i) {
    std::uint64_t left = i;
    for (std::size_t k = 0; k < index.size(); ++k) {
      const std::size_t axis = row_major ? index.size() - 1 - k : k;
      index[axis] = left % view.shape()[axis];
      left /= view.shape()[axis];
    }
    require(places.checked_offset(index) == static_cast<std::int64_t>(i) &&
                places.offset(index) == static_cast<std::int64_t>(i),
            "indices lead to elements in order");
  }
  // The last element.
  std::int64_t last = 0;
  for (std::size_t axis = 0; axis < view.rank(); ++axis)
    last += static_cast<std::int64_t>(view.shape()[axis] - 1) * view.strides()[axis];
  require(last + 1 == static_cast<std::int64_t>(view.size()), "the last element is at the end");
  look_at(std::as_bytes(std::span(view.data() + last, 1)));
  // A column at a time, as rows() takes a matrix.
  if constexpr (feature_value<T>)
    if (const rows matrix(view); matrix.num_columns() != 0)
      for (std::size_t r = 0; r < std::min<std::size_t>(matrix.num_rows(), 16); ++r)
        for (std::size_t c = 0; c < std::min<std::size_t>(matrix.num_columns(), 16); ++c) {
          const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(r) * matrix.row_stride() +
                                    static_cast<std::ptrdiff_t>(c) * matrix.column_stride();
          look_at(std::as_bytes(std::span(static_cast<const T*>(matrix.data()) + at, 1)));
        }
}

void use_numbers(const any_array& array) {
  switch (array.type()) {
  case dtype::int8: return use_elements<std::int8_t>(array);
  case dtype::int16: return use_elements<std::int16_t>(array);
  case dtype::int32: return use_elements<std::int32_t>(array);
  case dtype::int64: return use_elements<std::int64_t>(array);
  case dtype::uint8: return use_elements<std::uint8_t>(array);
  case dtype::uint16: return use_elements<std::uint16_t>(array);
  case dtype::uint32: return use_elements<std::uint32_t>(array);
  case dtype::uint64: return use_elements<std::uint64_t>(array);
  case dtype::bool8: return use_elements<bool8>(array);
  case dtype::float16: return use_elements<float16>(array);
  case dtype::bfloat16: return use_elements<bfloat16>(array);
  case dtype::complex64: return use_elements<std::complex<float>>(array);
  case dtype::complex128: return use_elements<std::complex<double>>(array);
  case dtype::float32: return use_elements<float>(array);
  case dtype::float64: return use_elements<double>(array);
  default: look_at(array.bytes());
  }
}

void use_node(const value_view& value, std::size_t depth) {
  require(depth <= max_value_depth, "values nest no deeper than they may");
  (void)value.as_bool();
  (void)value.as_int();
  (void)value.as_real();
  if (const auto text = value.as_text())
    look_at(*text);
  if (const auto bytes = value.as_bytes())
    look_at(*bytes);
  std::size_t count = 0;
  for (const value_view element : value.elements()) {
    use_node(element, depth + 1);
    ++count;
  }
  for (const auto& [key, entry] : value.entries()) {
    use_node(key, depth + 1);
    use_node(entry, depth + 1);
    ++count;
  }
  require(count == value.size(), "as many values as it says");
  if (value.kind() == value_kind::list && count != 0)
    require(value[0].kind() == (*value.elements().begin()).kind(), "the first element is the first");
  (void)value.find("a");
}

template <class T>
std::vector<T> awkward_rows(std::size_t columns) {
  static const double values[] = {0.0,
                                  -0.0,
                                  1.0,
                                  -1.0,
                                  0.1,
                                  5e-324,
                                  1e-40,
                                  1e300,
                                  -1e300,
                                  2.5,
                                  1e-35f,
                                  1e-36f,
                                  1e-34f,
                                  100.,
                                  -3.25,
                                  7.0,
                                  std::numeric_limits<double>::quiet_NaN(),
                                  std::numeric_limits<double>::infinity(),
                                  -std::numeric_limits<double>::infinity()};
  std::vector<T> out(3 * columns);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double x = values[(i * 7 + i / 19) % std::size(values)];
    if constexpr (std::is_integral_v<T>)
      out[i] = x >= -100 && x <= 100 ? static_cast<T>(x) : std::numeric_limits<T>::min();
    else
      out[i] = static_cast<T>(x);
  }
  return out;
}

// The same bits; of NaN, which leaves of a hostile file can be, any: which of two NaNs an addition passes on is up to
// the compiler.
bool same(std::span<const double> a, std::span<const double> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
    return (std::isnan(x) && std::isnan(y)) || std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
  });
}

// Whether the tables of the dense layout, if there is one, say what the nodes say; only verify looks for that.
bool tables_are_right(const forest_data& forest) {
  try {
    check_dense_equals_base(forest);
    return true;
  } catch (const error&) {
    return false;
  }
}

// Each output of three rows: at once, row by row, and by the reference kernel; all have the same bits.
template <class T>
void predict(const forest& model) {
  const std::size_t columns = model.num_columns();
  const std::vector<T> values = awkward_rows<T>(columns);
  const rows all(values.data(), 3, columns);
  predictor one(model);
  evaluator reference(model.data(), 3, reference_kernel);
  const auto row = [&](std::size_t i) { return std::span<const T>(values).subspan(i * columns, columns); };
  const auto check = [&](output kind, const std::vector<double>& together, auto alone) {
    const std::size_t width = model.output_width(kind);
    std::vector<double> slow(3 * width);
    reference.numbers(all, 0, 3, kind, slow.data());
    if (!tables_are_right(model.data()))
      slow = together; // whatever it is, it is the same alone
    require(same(together, slow), "the kernel has the reference's bits");
    // The first row again and again: as many as kernels take together.
    std::vector<double> many(72 * width);
    evaluator(model.data(), 72).numbers(rows(values.data(), 72, columns, 0, 1), 0, 72, kind, many.data());
    for (std::size_t i = 0; i < 72; ++i)
      require(same(std::span(many).subspan(i * width, width), std::span(slow).first(width)),
              "a row of many has its own bits");
    std::vector<double> out(width);
    for (std::size_t i = 0; i < 3; ++i) {
      require(alone(row_view(row(i)), out), "a row that fits is predicted");
      require(same(out, std::span(slow).subspan(i * width, width)), "a row alone has the batch's bits");
    }
  };
  check(output::proba, model.predict_proba(all),
        [&](const row_view& r, auto& out) { return one.predict_proba(r, out); });
  check(output::raw, model.predict_raw(all), [&](const row_view& r, auto& out) { return one.predict_raw(r, out); });
  try {
    check(output::predict, model.predict(all), [&](const row_view& r, auto& out) { return one.predict(r, out); });
  } catch (const error& failure) {
    require(failure.code() == errc::wrong_type, "only labels of text are no numbers");
  }
  std::vector<std::uint32_t> ids(model.num_trees());
  const std::vector<std::uint32_t> leaves = model.apply(all);
  for (std::size_t i = 0; i < 3; ++i) {
    require(one.apply(row(i), ids), "a row that fits has leaves");
    require(std::equal(ids.begin(), ids.end(), leaves.begin() + static_cast<std::ptrdiff_t>(i * ids.size())),
            "a row alone has the batch's leaves");
  }
  if (model.labels().size() != 0) {
    const std::vector<std::uint32_t> classes = model.predict_class(all);
    for (std::size_t i = 0; i < classes.size(); ++i) {
      const class_labels labels = model.labels(i % model.num_outputs());
      require(classes[i] < labels.size(), "a class is one of the labels");
      look_at(labels.text(classes[i]));
    }
  }
}

} // namespace

void use_array(const file& from, const std::string& name) {
  const any_array array = from.array(name);
  look_at(array.bytes());
  look_at(std::as_bytes(array.text()));
  ++totals.used;
  if (array.type() == dtype::string) {
    const string_array strings = array.strings();
    for (std::uint64_t i = 0; i < strings.size(); ++i)
      look_at(strings[i]);
  } else if (array.type() == dtype::fixed_bytes) {
    for (std::uint64_t i = 0; i < array.size(); ++i)
      look_at(array.item(i));
  } else {
    use_numbers(array);
  }
}

void use_value(const file& from, const std::string& name) {
  use_node(from.value(name), 0);
  ++totals.used;
}

void use_attributes(const file& from, const std::string& name) {
  const value_view all = from.attributes(name);
  require(all.kind() == value_kind::dict, "attributes are a dict");
  for (const auto& [key, value] : all.entries())
    require(key.as_text().has_value(), "keys of attributes are texts");
  use_node(all, 0);
}

void use_record(const file& from, const std::string& name) {
  const record<user::Config> config(from, name, user::ConfigIdentifier());
  ++totals.used;
  std::size_t steps = 0;
  for (const user::Config* at = &*config; at != nullptr && steps < 1000; at = at->next(), ++steps) {
    if (at->title() != nullptr)
      look_at(std::string_view(at->title()->c_str(), at->title()->size()));
    if (at->parts() != nullptr)
      for (const user::Part* part : *at->parts())
        if (part->name() != nullptr)
          look_at(std::string_view(part->name()->c_str(), part->name()->size()));
    if (at->words() != nullptr)
      for (const auto* word : *at->words())
        look_at(std::string_view(word->c_str(), word->size()));
    if (at->counts() != nullptr)
      look_at({reinterpret_cast<const std::byte*>(at->counts()->Data()), at->counts()->size() * sizeof(std::int64_t)});
  }
}

void use_forest(const file& from, const std::string& name) {
  const forest model = from.forest(name);
  // Rows of more columns than any input can mean anything by: a file may ask for 2^32 of them.
  if (model.num_columns() > 4096)
    return;
  predict<double>(model);
  predict<float>(model);
  predict<std::int64_t>(model);
  ++totals.used;
  for (const std::string_view column : model.column_names())
    look_at(column);
}

} // namespace petrify::fuzz
