// What the importers of boosted models share.
#pragma once

#include <petrify/forest_builder.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace petrify::inline v0 {

// What a caller may say about a boosted model.
struct boosted_options {
  std::optional<std::uint32_t> max_iterations; // use the first so many
  std::optional<double> missing;               // XGBoost: a value that counts as missing beside NaN
};

// A classifier that was trained on a single class has two probabilities all the same: its one label stands for both.
void repeat_lone_label(label_list& labels, std::size_t count);

} // namespace petrify::inline v0
