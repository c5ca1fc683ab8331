// Rows for a measurement without data: made from what the nodes compare with.
#pragma once

#include <petrify/forest.hpp>

#include <cstddef>
#include <vector>

namespace petrify::inline v0 {

// num_rows rows, row-major, num_columns() values each. Every value is drawn from those where a node of its column
// changes its mind: a threshold, the next number above it, categories inside and outside of the sets, and NaN and 0
// where the forest treats missing values in different ways. A step before the trees that scales or shifts is undone.
// Of forests with more than a few million nodes, a sample is looked at. The same forest always gives the same rows.
// float64, which holds what the origin's float32 columns have exactly.
std::vector<double> probe_rows(const forest& of, std::size_t num_rows);

} // namespace petrify::inline v0
