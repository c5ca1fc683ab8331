// Lays checked trees out as nodes: slots, keys, positions.
#pragma once

#include "forest/model_content.hpp"
#include "forest/source_tree.hpp"

namespace petrify::inline v0 {

// Fills slots, cuts, nodes, blocks, stored_leaf_ids, tree_targets and longest_walk of `model` from `trees`, which it
// empties one by one. Cost: linear in the nodes, and a sort of the thresholds of float64 columns.
void lay_out(std::vector<source_tree>& trees, forest_model::content& model);

} // namespace petrify::inline v0
