// Walks down the base layout, several side by side: a walk is a chain of dependent loads, in which the processor waits
// for one node before it can ask for the next. A leaf stays where it is, so that all walks of a group take the same
// number of steps and no branch depends on the data (docs/design.md, "Kernels").
#pragma once

#include "forest/forest_data.hpp"

#include <cstddef>
#include <cstdint>

namespace petrify::inline v0 {

// Takes walks from the nodes at[0], ..., at[count - 1] to the leaves they end in, which are then in `at`.
using walk_function = void (*)(const forest_data&, const std::uint32_t* keys, std::uint32_t* at,
                               std::size_t count) noexcept;

struct walker {
  walk_function one_row; // all walks go by the same keys: down the trees of one row
  walk_function rows;    // walk i goes by keys + i * forest.key_stride(): down a tree with many rows
};

// The walker for a forest's layout and key stride.
walker walker_for(const forest_data& forest) noexcept;

} // namespace petrify::inline v0
