// The origin's ids of leaves.
#pragma once

#include "forest/forest_data.hpp"

namespace petrify::inline v0 {

// The origin's id of the leaf that node `leaf` of `tree` is, in which a row with these keys ends.
// Cost: a table look-up; or, where ids follow from the order of nodes, a walk down the tree.
std::uint32_t leaf_id(const forest_data& forest, std::uint32_t tree, const std::uint32_t* keys,
                      std::uint32_t leaf) noexcept;

} // namespace petrify::inline v0
