// From a container's description of a forest to forest_data, with every value checked.
#pragma once

#include "container/container.hpp"
#include "forest/forest_data.hpp"

#include <memory>

namespace petrify::inline v0 {

// Decodes object `index`, which must be a forest, and checks everything but the nodes and tables
// (forest/structure.hpp). Cost: linear in the description. Throws: errc::malformed; errc::unsupported for parts that
// this version does not know.
std::unique_ptr<forest_data> read_forest(const container& from, std::size_t index);

} // namespace petrify::inline v0
