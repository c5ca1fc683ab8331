#include <petrify/forest.hpp>

#include "base/fail.hpp"
#include "base/real_text.hpp"
#include "forest/batch_plan.hpp"
#include "forest/evaluate.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <numeric>

namespace petrify::inline v0 {

namespace {

// Rows that are walked together, so that a tree's nodes are in the cache for all but the first of them; few enough for
// their keys and sums to stay there too, however wide a forest is. Trees that are no small part of the cache are worth
// more rows: these come back from further away, but one after the other.
std::size_t tile_rows_of(const forest_data& forest) {
  constexpr std::uint64_t small_forest_bytes = std::uint64_t{1} << 20;
  const bool is_small = forest.node_bytes() <= small_forest_bytes;
  const std::size_t most_rows = is_small ? 512 : 16384;
  const std::size_t most_bytes = std::size_t{is_small ? 1u : 4u} << 20;
  const std::size_t row_bytes = forest.key_stride() * sizeof(std::uint32_t) + forest.sum_width * sizeof(double);
  return std::clamp<std::size_t>(most_bytes / row_bytes, 1, most_rows);
}

void require_shape(const forest_data& forest, const rows& x, std::size_t room, std::size_t width) {
  if (x.num_columns() != forest.num_columns)
    fail(errc::invalid_argument, "rows", x.num_columns(), " columns, expected ", forest.num_columns);
  if (room / width < x.num_rows())
    fail(errc::invalid_argument, "out", "room for ", room, " values, expected ", width, " for each of ", x.num_rows(),
         " rows");
}

// Calls work(evaluator, first, count) for tiles that cover all rows.
template <class Work>
void for_each_tile(const forest_data& forest, std::size_t num_rows, executor& on, const Work& work) {
  const batch_plan plan = plan_batch(forest, num_rows, tile_rows_of(forest), on.concurrency());
  // All that can throw comes before the first task starts.
  std::vector<evaluator> evaluators;
  evaluators.reserve(plan.num_tasks);
  for (std::size_t i = 0; i < plan.num_tasks; ++i)
    evaluators.emplace_back(forest, plan.tile_rows);
  // Tiles are taken one by one, so that a thread that comes late, or not at all, holds back nobody.
  std::atomic<std::size_t> next{0};
  const auto take_tiles = [&](std::size_t i) {
    for (std::size_t first = next.fetch_add(plan.tile_rows); first < num_rows; first = next.fetch_add(plan.tile_rows))
      work(evaluators[i], first, std::min(plan.tile_rows, num_rows - first));
  };
  if (plan.num_tasks == 1)
    take_tiles(0);
  else
    on.run(plan.num_tasks, take_tiles);
}

void numbers(const forest_data& forest, const rows& x, output kind, std::span<double> out, executor& on) {
  const std::size_t width = output_width(forest, kind);
  require_shape(forest, x, out.size(), width);
  for_each_tile(forest, x.num_rows(), on, [&](evaluator& with, std::size_t first, std::size_t count) {
    with.numbers(x, first, count, kind, out.data() + first * width);
  });
}

} // namespace

const char* to_string(task kind) noexcept {
  switch (kind) {
  case task::classification: return "classification";
  case task::regression: return "regression";
  case task::ranking: return "ranking";
  case task::anomaly: return "anomaly detection";
  }
  return "unknown";
}

std::int64_t class_labels::as_int(std::size_t i) const noexcept { return data_->label_integers[first_ + i]; }

double class_labels::as_real(std::size_t i) const noexcept {
  return data_->label_reals.empty() ? 0.0 : data_->label_reals[first_ + i];
}

std::string_view class_labels::as_text(std::size_t i) const noexcept {
  return data_->label_texts.empty() ? std::string_view() : data_->label_texts[first_ + i];
}

std::string class_labels::text(std::size_t i) const {
  switch (type_) {
  case dtype::string: return std::string(as_text(i));
  case dtype::bool8: return as_int(i) != 0 ? "True" : "False";
  case dtype::uint64: return v0::text(static_cast<std::uint64_t>(as_int(i)));
  case dtype::float32: return real_text(static_cast<float>(as_real(i)));
  case dtype::float64: return real_text(as_real(i));
  default: return v0::text(as_int(i));
  }
}

task forest::task() const noexcept { return data_->task; }
std::string_view forest::library() const noexcept { return data_->library; }
std::string_view forest::library_version() const noexcept { return data_->library_version; }
std::string_view forest::model_class() const noexcept { return data_->model_class; }
std::string_view forest::objective() const noexcept { return data_->objective; }
std::size_t forest::num_columns() const noexcept { return data_->num_columns; }
std::vector<std::string_view> forest::column_names() const { return data_->column_names; }
std::vector<std::string_view> forest::column_types() const { return data_->column_types; }
std::size_t forest::num_iterations() const noexcept { return data_->iteration_ends.size(); }
std::optional<std::uint32_t> forest::best_iteration() const noexcept {
  return data_->best_iteration < 0 ? std::nullopt : std::optional(static_cast<std::uint32_t>(data_->best_iteration));
}
std::size_t forest::num_golden_rows() const noexcept { return data_->num_golden(); }

std::vector<std::size_t> forest::bind(std::span<const std::string_view> names) const {
  const auto& columns = data_->column_names;
  if (columns.empty()) {
    if (names.size() != data_->num_columns)
      fail(errc::invalid_argument, "columns", names.size(), ", expected ", data_->num_columns);
    std::vector<std::size_t> in_order(names.size());
    std::iota(in_order.begin(), in_order.end(), std::size_t{0});
    return in_order;
  }
  std::map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!places.emplace(names[i], i).second)
      fail(errc::invalid_argument, text("column ", quoted(names[i], 64)), "is there twice, expected once");
  std::vector<std::size_t> out;
  for (const std::string_view column : columns) {
    const auto found = places.find(column);
    if (found == places.end())
      fail(errc::invalid_argument, text("column ", quoted(column, 64)), "is missing");
    out.push_back(found->second);
  }
  if (names.size() > columns.size())
    for (const auto& [name, place] : places)
      if (std::find(columns.begin(), columns.end(), name) == columns.end())
        fail(errc::invalid_argument, text("column ", quoted(name, 64)), "is not one of the model's ", columns.size());
  return out;
}

std::vector<std::string_view> forest::category_names(std::size_t column) const {
  for (const auto& one : data_->dictionaries)
    if (one.column == column)
      return one.names;
  return {};
}

double forest::encode(std::size_t column, std::string_view category) const noexcept {
  for (const auto& one : data_->dictionaries)
    if (one.column == column)
      for (std::size_t i = 0; i < one.names.size(); ++i)
        if (one.names[i] == category)
          return static_cast<double>(i);
  return std::numeric_limits<double>::quiet_NaN();
}

std::size_t forest::num_trees() const noexcept { return data_->num_trees; }
std::size_t forest::num_outputs() const noexcept { return data_->outputs.size(); }

dtype forest::score_type() const noexcept { return data_->accumulator; }

dtype forest::value_type(std::size_t i) const noexcept {
  return i < data_->outputs.size() && data_->outputs[i].num_classes == 0 ? data_->outputs[i].type : dtype::none;
}

class_labels forest::labels(std::size_t i) const noexcept {
  class_labels out;
  if (i >= data_->outputs.size() || data_->outputs[i].num_classes == 0)
    return out;
  const output_data& o = data_->outputs[i];
  out.data_ = data_;
  out.first_ = o.first_label;
  out.num_ = o.num_classes;
  out.type_ = o.type;
  return out;
}

std::string_view forest::layout() const noexcept { return data_->layout == layout_kind::n8 ? "n8" : "n16"; }

std::vector<std::string_view> forest::layout_notes() const { return data_->layout_notes; }

std::uint32_t forest::dense_levels() const noexcept { return data_->dense.levels; }

std::uint64_t forest::dense_bytes() const noexcept {
  const dense_view& dense = data_->dense;
  return dense.features.size_bytes() + dense.cuts.size_bytes() + dense.nodes.size_bytes() + dense.leaves.size_bytes() +
         dense.exits.size_bytes();
}

std::string_view forest::kernel() const noexcept { return kernel_for(*data_).name; }

// An odd number of trees leaves one root unused.
std::uint64_t forest::num_nodes() const noexcept { return data_->num_nodes - data_->num_trees % 2; }

std::uint64_t forest::node_bytes() const noexcept { return data_->node_bytes() + data_->blocks.size_bytes(); }

std::uint64_t forest::leaf_bytes() const noexcept {
  return data_->num_leaf_rows * data_->leaf_width * size_bytes(data_->leaf_type) + data_->stored_leaf_ids.size_bytes();
}

std::uint64_t forest::num_leaf_rows() const noexcept { return data_->num_leaf_rows; }

std::size_t forest::output_width(output kind) const noexcept { return v0::output_width(*data_, kind); }

std::vector<std::uint64_t> forest::output_shape(output kind, std::uint64_t num_rows) const {
  const std::size_t width = output_width(kind);
  // scikit-learn's apply() is (n, trees) for ensembles even of one tree; probabilities of one class are (n, 1).
  const bool is_matrix = width != 1 || (kind == output::proba && data_->is_classifier()) ||
                         (kind == output::raw && data_->is_classifier() && data_->outputs[0].num_classes == 1);
  if (!is_matrix)
    return {num_rows};
  return {num_rows, width};
}

void forest::predict(const rows& x, std::span<double> out, executor& on) const {
  for (const output_data& o : data_->outputs)
    if (o.type == dtype::string)
      fail(errc::wrong_type, "predict", "class labels are texts, expected numbers: use predict_class and labels");
  numbers(*data_, x, output::predict, out, on);
}

void forest::predict_proba(const rows& x, std::span<double> out, executor& on) const {
  numbers(*data_, x, output::proba, out, on);
}

void forest::predict_raw(const rows& x, std::span<double> out, executor& on) const {
  numbers(*data_, x, output::raw, out, on);
}

void forest::predict_class(const rows& x, std::span<std::uint32_t> out, executor& on) const {
  if (!data_->is_classifier())
    fail(errc::wrong_type, "predict_class", "the forest is a ", to_string(data_->task), ", expected a classifier");
  const std::size_t width = data_->outputs.size();
  require_shape(*data_, x, out.size(), width);
  for_each_tile(*data_, x.num_rows(), on, [&](evaluator& with, std::size_t first, std::size_t count) {
    with.classes(x, first, count, out.data() + first * width);
  });
}

void forest::apply(const rows& x, std::span<std::uint32_t> out, executor& on) const {
  const std::size_t width = data_->num_trees;
  if (width == 0)
    return;
  require_shape(*data_, x, out.size(), width);
  for_each_tile(*data_, x.num_rows(), on, [&](evaluator& with, std::size_t first, std::size_t count) {
    with.leaves(x, first, count, out.data() + first * width);
  });
}

std::vector<double> forest::predict(const rows& x, executor& on) const {
  std::vector<double> out(x.num_rows() * output_width(output::predict));
  predict(x, out, on);
  return out;
}

std::vector<double> forest::predict_proba(const rows& x, executor& on) const {
  std::vector<double> out(x.num_rows() * output_width(output::proba));
  predict_proba(x, out, on);
  return out;
}

std::vector<double> forest::predict_raw(const rows& x, executor& on) const {
  std::vector<double> out(x.num_rows() * output_width(output::raw));
  predict_raw(x, out, on);
  return out;
}

std::vector<std::uint32_t> forest::predict_class(const rows& x, executor& on) const {
  std::vector<std::uint32_t> out(x.num_rows() * data_->outputs.size());
  predict_class(x, out, on);
  return out;
}

std::vector<std::uint32_t> forest::apply(const rows& x, executor& on) const {
  std::vector<std::uint32_t> out(x.num_rows() * data_->num_trees);
  apply(x, out, on);
  return out;
}

} // namespace petrify::inline v0
