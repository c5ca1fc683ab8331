// What the importers of boosted models share.
#pragma once

#include <petrify/forest_builder.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace petrify::inline v0 {

// What a caller may say about a model, most of it about a boosted one.
struct boosted_options {
  std::optional<std::uint32_t> max_iterations; // use the first so many
  std::optional<double> missing;               // XGBoost: a value that counts as missing beside NaN
  layout_choice layout = layout_choice::automatic;
};

// Throws: invalid_argument when a missing value is given, for a model that has no use for one.
void refuse_missing(const boosted_options& options);

// How many of a model's iterations are used: those asked for, or all. Throws: not_importable for more than there are.
std::uint32_t iterations_asked_for(std::optional<std::uint32_t> asked, std::uint64_t all);

// A classifier that was trained on a single class has two probabilities all the same: its one label stands for both.
void repeat_lone_label(label_list& labels, std::size_t count);

} // namespace petrify::inline v0
