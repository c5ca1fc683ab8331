// One model of XGBoost, from its document and what stands around it.
#pragma once

#include "import/json.hpp"
#include "import/sklearn.hpp"

#include <petrify/forest_builder.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace petrify::inline v0 {
namespace xgboost {

inline constexpr std::string_view booster_class = "xgboost.core.Booster";

// What kind of estimator made a Booster; none: not said.
enum class estimator { none, classifier, regressor, ranker };

// What the Python classes around a Booster know beside it.
struct wrapper {
  std::string_view class_name = booster_class;
  estimator kind = estimator::none;
  std::optional<label_list> labels = std::nullopt; // of a classifier
  std::optional<double> missing = std::nullopt;    // counts as missing beside NaN
  std::int64_t parallel_trees = 0;                 // of a forest in each iteration; 0: not said

  bool is_classifier() const noexcept { return kind == estimator::classifier || labels.has_value(); }
  // An estimator that is no classifier gives what the objective makes of the margin, also of an objective of classes.
  bool gives_scores() const noexcept { return kind != estimator::none && !is_classifier(); }
  // Python's predict stops at the best iteration when training stopped early.
  bool stops_at_best() const noexcept { return kind != estimator::none; }
};

// The document of the model itself, which a pickle has beside its configuration.
const json::value& model_in(const json::value& root) noexcept;

// The model as a forest. Of `options` the missing value does not count: it is in `around`.
// Throws: not_importable, invalid_argument (with tree and node), limit_exceeded.
forest_model read_model(const json::value& model, wrapper around, const boosted_options& options,
                        const tree_progress& progress);

} // namespace xgboost
} // namespace petrify::inline v0
