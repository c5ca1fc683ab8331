// Which layouts a forest gets, and what is said of it.
#pragma once

#include "forest/model_content.hpp"

namespace petrify::inline v0 {

// Sets slot_bits, block_trees and is_n16 as docs/format.md says, or as asked for, and adds a note. `sizes`: nodes of
// each tree, and of a root that is never used behind an odd number of them. Throws: invalid_argument for n8 where it
// does not fit.
void choose_nodes(std::span<const std::uint64_t> sizes, forest_model::content& model);

// Makes the dense tables beside the nodes that `view` is of, or none, and adds a note. Throws: invalid_argument where
// tables are asked for that cannot be.
void choose_tables(const forest_data& view, forest_model::content& model);

} // namespace petrify::inline v0
