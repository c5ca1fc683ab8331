// In which order a forest's pairs lie.
#pragma once

#include "forest/forest_data.hpp"

namespace petrify::test {

// Siblings that are splits both, of which the right one's pair lies before the left one's.
inline std::size_t num_right_first(const forest_data& forest) {
  std::size_t count = 0;
  with_layout(forest, [&]<class Layout>(Layout) {
    const auto* nodes = static_cast<const typename Layout::node*>(forest.nodes);
    for (std::uint64_t left = 0; left < forest.num_nodes; left += 2) {
      const std::uint32_t offset = Layout::offset(nodes[left + 1]);
      count += offset != 0 && Layout::offset(nodes[left]) > offset + 1;
    }
  });
  return count;
}

} // namespace petrify::test
