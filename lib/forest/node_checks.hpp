// What check_structure demands of a node, for many nodes at once and as fast as memory gives them.
#pragma once

#include "forest/cpu.hpp"
#include "forest/node.hpp"

#include <cstddef>
#include <cstdint>

namespace petrify::inline v0 {

// Nodes are checked in groups of this many, which begin at even nodes.
inline constexpr std::uint32_t checked_nodes = 16;

// What is the same for all nodes of a forest.
struct node_bounds {
  std::uint32_t slot_bits;   // n8
  std::uint32_t last_slot;   // at least 1
  std::uint32_t max_payload; // of a leaf
};

// Whether `count` nodes, whole groups of them, are leaves and comparisons that keep rules N2 to N6 of docs/format.md.
// False says that some node breaks one or has a category set: which it is, only a look at each node can tell. The first
// node's offset may be at most `room`, that of each next one less by 1; room >= count, so that no node is the last but
// one of its block, or the last.
template <class Node>
using check_nodes = bool (*)(const Node* nodes, std::uint32_t count, std::uint32_t room,
                             const node_bounds& bounds) noexcept;
struct node_checker {
  check_nodes<node8> n8;
  check_nodes<node16> n16;
};
// Asks for what lies two pages behind `count` nodes: a processor's own reading ahead stops at the end of each page. To
// ask for memory that is not there does nothing.
template <class Node>
void prefetch_ahead(const Node* nodes, std::uint32_t count) noexcept {
  const auto* ahead = reinterpret_cast<const char*>(nodes) + 8192;
  for (std::size_t line = 0; line < count * sizeof(Node); line += 64)
    __builtin_prefetch(ahead + line);
}

// Plain C++; what the other ones are tested against.
extern const node_checker scalar_node_checker;
#if defined(__x86_64__)
extern const node_checker avx2_node_checker;
extern const node_checker avx512_node_checker;
#endif

// The fastest one of a CPU.
const node_checker& node_checker_for(cpu_level level) noexcept;

} // namespace petrify::inline v0
