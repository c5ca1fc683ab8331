// The pass over nodes and tables after which a prediction needs no checks.
#pragma once

#include "forest/forest_data.hpp"
#include "forest/node_checks.hpp"

#include <petrify/error.hpp>

#include <vector>

namespace petrify::inline v0 {

// Proves that no prediction reads outside the nodes, slots and leaf tables, and that each walk ends: offsets only point
// forward and stay inside the block of trees they start in. Cost: one linear pass, about as fast as memory is read.
// Throws: errc::malformed or unsupported with tree and node, without path.
void check_structure(const forest_data& forest, const node_checker& with = node_checker_for(usable_cpu_level()));

// What check_structure leaves open, for verify: that each node has exactly one parent, unused nodes are zero, and leaf
// ids follow from the order where the forest says so. Needs a forest that passed check_structure. Cost: linear; 1 bit
// of memory for every two nodes of a block, and the depth of a tree. Throws: errc::malformed for the first fault.
void check_every_node(const forest_data& forest);

} // namespace petrify::inline v0
