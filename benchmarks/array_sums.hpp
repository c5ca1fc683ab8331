// Sums over float32 elements in float64: one function for all contenders, wherever their memory comes from. Elements
// of the sample are integers below 2^24, so that the order of additions changes no bit.
#pragma once

#include <cstddef>
#include <span>

namespace bench {

// Of all elements, with as many accumulators as memory needs to be the limit.
double sum_of(std::span<const float> values) noexcept;
// Of columns 0 to 3 of all rows. row_floats: at least 4.
double sum_of_four_columns(std::span<const float> values, std::size_t row_floats) noexcept;

} // namespace bench
