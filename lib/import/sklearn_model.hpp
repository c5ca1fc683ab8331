// What the readers of scikit-learn's models share: one reader for each family of estimators.
#pragma once

#include "base/fail.hpp"
#include "import/pickle.hpp"
#include "import/sklearn.hpp"
#include "import/sklearn_tree.hpp"

#include <petrify/forest_builder.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::inline v0 {
namespace sklearn {

enum class family { tree, forest, boosting, hist_boosting, isolation, adaboost, bagging };

// Outputs of one model; real ones have a few.
inline constexpr std::uint32_t max_outputs = 65536;

struct model_class {
  std::string_view name;
  sklearn::family family;
  bool is_classifier;
};

// The class of that full name, or null. The module counts: others use the same names with another state.
const model_class* find_class(std::string_view full_name) noexcept;

struct version {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned patch = 0;
  bool at_least(unsigned a, unsigned b, unsigned c = 0) const noexcept {
    return major != a ? major > a : minor != b ? minor > b : patch >= c;
  }
};

// What stands before the model in its pipeline.
struct rows_before {
  std::uint32_t num_columns = 0;         // of a row; 0: no step has said, the model will
  std::vector<std::string> column_names; // of a row
  std::vector<row_step> steps;           // on a row
  std::vector<std::uint32_t> columns;    // column of the row for each feature that the model sees; empty: the same
};

// What a reader is given.
struct source {
  const pickle::value& object;
  const model_class& kind;
  rows_before before;
  std::optional<std::uint32_t> iterations; // of a boosted model: the first so many
  layout_choice layout;
  read_budget& budget;
  const tree_progress& progress;
};

template <class... Pieces>
[[noreturn]] void refuse(const Pieces&... pieces) {
  fail(errc::not_importable, {}, pieces...);
}

pickle::value require_attr(const pickle::value& object, std::string_view name);
// An attribute of the first of these names that the object has.
pickle::value require_attr(const pickle::value& object, std::string_view name, std::string_view former_name);
// A count that scikit-learn keeps as a Python or numpy integer, 1 to 2^31 - 1.
std::uint32_t require_count(const pickle::value& value, std::string_view name);
double require_real(const pickle::value& value, std::string_view name);
// The numbers of an array of floats or integers.
std::vector<double> require_reals(const pickle::value& value, std::string_view name, read_budget& budget);
std::vector<std::uint32_t> require_indices(const pickle::value& value, std::string_view name, std::uint32_t limit,
                                           read_budget& budget);

// _sklearn_version. Throws: not_importable when it is absent, or no version.
version version_of(const pickle::value& object);

// Origin, task, columns and steps of a model. Its features are those of `before` where there are any.
forest_spec describe(const source& from);
// Features that the model sees.
std::uint32_t num_features(const pickle::value& object);
// The column of the row for each of some features of the model.
std::vector<std::uint32_t> columns_of(const rows_before& before, std::vector<std::uint32_t> features);
// The columns for all features; empty when they are the same.
std::span<const std::uint32_t> all_columns_of(const rows_before& before) noexcept;

// The labels of a classifier of one output.
label_list labels_of(const source& from);
void require_tree_class(const pickle::value& estimator, bool is_classifier);
// A member of an ensemble, which must be a single tree of that kind, for rows of so many features and outputs of these
// widths: the origin refuses to predict with others.
pickle::value require_tree(const pickle::value& estimator, bool is_classifier, std::size_t index,
                           std::uint32_t num_features, std::span<const std::uint32_t> widths);
// Runs `read`; its errors name the tree.
template <class Read>
auto in_tree(std::size_t index, Read&& read) {
  try {
    return read();
  } catch (const error& failure) {
    throw failure.where().starts_with("tree ") ? failure : failure.at({}, text("tree ", index));
  }
}
// Adds the tree and names it in errors.
void add_tree(forest_builder& builder, std::size_t index, const pickle::value& tree,
              std::span<const std::uint32_t> widths, const tree_format& format, read_budget& budget);
// estimators_ as a list of at least one.
pickle::value require_estimators(const pickle::value& object);

// The readers. Each throws not_importable, invalid_argument and limit_exceeded, with the tree where one is at fault.
forest_model read_trees(const source& from);
forest_model read_boosting(const source& from);
forest_model read_hist_boosting(const source& from);
forest_model read_isolation(const source& from);
forest_model read_adaboost(const source& from);
forest_model read_bagging(const source& from);

// Whether it is a Pipeline, and its steps before the last one: what they do to a row. Returns the last step.
bool is_pipeline(const pickle::value& object) noexcept;
pickle::value read_pipeline(const pickle::value& pipeline, rows_before& before, read_budget& budget);

} // namespace sklearn
} // namespace petrify::inline v0
