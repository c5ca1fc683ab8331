// XGBoost's models: JSON and UBJSON of 1.0 to 3.x, and what pickles of its Python classes hold (docs/importers.md,
// section 4).
#pragma once

#include "import/boosted.hpp"
#include "import/json.hpp"
#include "import/pickle.hpp"
#include "import/sklearn.hpp"

#include <petrify/forest_builder.hpp>

namespace petrify::inline v0 {

// Whether a document has XGBoost's "learner".
bool is_xgboost_model(const json::value& root) noexcept;

// The model as a forest. Cost: one pass over the nodes.
// Throws: errc::not_importable, errc::invalid_argument (with tree and node).
forest_model import_xgboost(const json::value& root, const boosted_options& options, const tree_progress& progress);

// Whether the value is xgboost.core.Booster or one of the classes around it: XGBClassifier, XGBRegressor, ...
bool is_xgboost_object(const pickle::value& object) noexcept;

// The same from a pickle. A classifier brings its labels, an estimator its missing value; one that stopped early
// predicts with its best iterations, as it does in Python, unless the options say otherwise.
forest_model import_xgboost_object(const pickle::value& object, const boosted_options& options, read_budget& budget,
                                   const tree_progress& progress);

} // namespace petrify::inline v0
