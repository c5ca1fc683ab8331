// LightGBM's text models, versions 2 to 4, and what pickles of its Python classes hold (docs/importers.md, section 5).
#pragma once

#include "import/boosted.hpp"
#include "import/pickle.hpp"
#include "import/sklearn.hpp"

#include <petrify/forest_builder.hpp>

#include <cstddef>
#include <span>

namespace petrify::inline v0 {

// Whether the bytes start like a model file: "tree" on a line of its own. Cost: looks at 6 bytes.
bool is_lightgbm_text(std::span<const std::byte> bytes) noexcept;

// The model as a forest. Cost: one pass. Memory: what the builder needs, and one tree.
// Throws: errc::not_importable, errc::invalid_argument, with line, tree and node.
forest_model import_lightgbm(std::span<const std::byte> text, const boosted_options& options,
                             const tree_progress& progress);

// Whether the value is lightgbm.basic.Booster or one of the classes around it: LGBMClassifier, LGBMRegressor, ...
bool is_lightgbm_object(const pickle::value& object) noexcept;

// The same from a pickle. A classifier brings its labels; a model that stopped early predicts with its best iterations,
// as it does in Python, unless the options say otherwise.
forest_model import_lightgbm_object(const pickle::value& object, const boosted_options& options, read_budget& budget,
                                    const tree_progress& progress);

} // namespace petrify::inline v0
