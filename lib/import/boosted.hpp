// What the importers of boosted models share.
#pragma once

#include <petrify/version.hpp>

#include <cstdint>
#include <optional>

namespace petrify::inline v0 {

// What a caller may say about a boosted model.
struct boosted_options {
  std::optional<std::uint32_t> max_iterations; // use the first so many
  std::optional<double> missing;               // XGBoost: a value that counts as missing beside NaN
};

} // namespace petrify::inline v0
