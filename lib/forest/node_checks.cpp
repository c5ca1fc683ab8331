#include "forest/node_checks.hpp"

namespace petrify::inline v0 {

namespace {

// Without branches: whether a node is a leaf is anybody's guess, and a processor's wrong half of the time.
std::uint32_t is_bad(std::uint32_t value, std::uint32_t slot, std::uint32_t offset, std::uint32_t room,
                     std::uint32_t parity, const node_bounds& bounds) noexcept {
  const std::uint32_t is_leaf = (slot | offset) == 0;
  // offset - 1 and slot - 1 are huge where there is none.
  const std::uint32_t bad_split = std::uint32_t(offset - 1 >= room) | ((offset & 1) ^ parity) |
                                  std::uint32_t(slot - 1 >= bounds.last_slot) |
                                  std::uint32_t(value == key_always_right);
  const std::uint32_t bad_leaf = value > bounds.max_payload;
  return (bad_leaf & is_leaf) | (bad_split & (is_leaf ^ 1));
}

bool check8(const node8* nodes, std::uint32_t count, std::uint32_t room, const node_bounds& bounds) noexcept {
  const std::uint32_t slots = (1u << bounds.slot_bits) - 1;
  std::uint32_t bad = 0;
  for (std::uint32_t i = 0; i < count; ++i)
    bad |= is_bad(nodes[i].value, nodes[i].meta & slots, nodes[i].meta >> bounds.slot_bits, room - i, i & 1, bounds);
  return bad == 0;
}

bool check16(const node16* nodes, std::uint32_t count, std::uint32_t room, const node_bounds& bounds) noexcept {
  std::uint32_t bad = 0;
  for (std::uint32_t i = 0; i < count; ++i)
    bad |= is_bad(nodes[i].value, nodes[i].slot, nodes[i].offset, room - i, i & 1, bounds) | nodes[i].op;
  return bad == 0;
}

} // namespace

const node_checker scalar_node_checker = {check8, check16};

const node_checker& node_checker_for([[maybe_unused]] cpu_level level) noexcept {
#if defined(__x86_64__)
  if (level >= cpu_level::avx512)
    return avx512_node_checker;
  if (level >= cpu_level::avx2)
    return avx2_node_checker;
#endif
  return scalar_node_checker;
}

} // namespace petrify::inline v0
