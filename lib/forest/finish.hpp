// From sums to what the origin returns: epilogue and decision.
#pragma once

#include "forest/forest_data.hpp"

namespace petrify::inline v0 {

// Applies the operations of the raw score to the sum_width sums of one row, in the accumulator's type.
template <class Sum>
void apply_raw_ops(const forest_data& forest, Sum* sums) noexcept;

// Applies the rest. `columns` holds raw_width values and has room for final_width.
template <class Sum>
void apply_final_ops(const forest_data& forest, Sum* columns) noexcept;

// Class index of output `o`. Pointers are to the row's raw score and final columns.
template <class Sum>
std::uint32_t decide(const forest_data& forest, const output_data& o, const Sum* raw, const Sum* final) noexcept;

// Whether the decision looks at the final columns, or at the raw score alone.
bool decides_on_final(const forest_data& forest) noexcept;

} // namespace petrify::inline v0
