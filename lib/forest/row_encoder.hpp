// From feature values to slots: the keys that nodes compare.
#pragma once

#include "forest/forest_data.hpp"

#include <petrify/rows.hpp>

#include <cstddef>

namespace petrify::inline v0 {

// Writes forest.slots.size() keys for the row whose value of column j is values[j * stride].
// Cost: a conversion a slot, and a binary search for slots of float64 cuts.
template <feature_value T>
void encode_row(const forest_data& forest, const T* values, std::ptrdiff_t stride, std::uint32_t* keys) noexcept;

// The same for row `i` of a matrix of any type.
void encode_row(const forest_data& forest, const rows& x, std::size_t i, std::uint32_t* keys) noexcept;

} // namespace petrify::inline v0
