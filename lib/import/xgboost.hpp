// XGBoost's models: JSON and UBJSON of 1.0 to 3.x, and what pickles of its Python classes hold (docs/importers.md,
// section 4).
#pragma once

#include "import/json.hpp"
#include "import/pickle.hpp"
#include "import/sklearn.hpp"

#include <petrify/forest_builder.hpp>

#include <cstdint>
#include <optional>
#include <span>

namespace petrify::inline v0 {

// Whether a document has XGBoost's "learner".
bool is_xgboost_model(const json::value& root) noexcept;

// The model as a forest; of its boosting iterations the first max_iterations. Cost: one pass over the nodes.
// Throws: errc::not_importable, errc::invalid_argument (with tree and node); errc::unsupported is not used.
forest_model import_xgboost(const json::value& root, std::optional<std::uint32_t> max_iterations,
                            const tree_progress& progress);

// Whether the value is xgboost.core.Booster or one of the classes around it: XGBClassifier, XGBRegressor, ...
bool is_xgboost_object(const pickle::value& object) noexcept;

// The same from a pickle. A classifier brings its labels; a model that stopped early predicts with its best iterations
// unless max_iterations says otherwise, as it does in Python.
forest_model import_xgboost_object(const pickle::value& object, std::optional<std::uint32_t> max_iterations,
                                   read_budget& budget, const tree_progress& progress);

} // namespace petrify::inline v0
