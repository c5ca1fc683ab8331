// Nodes and keys: part of the file format (docs/format.md, "Nodes" and "Keys").
#pragma once

#include <petrify/version.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace petrify::inline v0 {

// Keys that stand for a missing value: they go left, or right, at every node.
inline constexpr std::uint32_t key_always_left = 0;
inline constexpr std::uint32_t key_always_right = 0xffffffff;

// Key of a float32 that is not NaN: keys order as the values do, -0 and +0 share one. Lies strictly between the two
// keys above. Works on bits only, so that flush-to-zero modes do not matter.
constexpr std::uint32_t key_of(float x) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  if (bits == 0x80000000u)
    return 0x80000000u; // -0 as +0
  return (bits >> 31) != 0 ? ~bits : bits | 0x80000000u;
}

// The largest float32 <= t. For any float32 x, (double)x <= t exactly when x <= round_down(t); rounding to nearest
// would misroute values between t and its neighbour. t is not NaN.
inline float round_down(double t) noexcept {
  const auto nearest = static_cast<float>(t);
  return static_cast<double>(nearest) > t ? std::nextafter(nearest, -std::numeric_limits<float>::infinity()) : nearest;
}

// A row goes right at a node when the key of its slot is greater than the node's value.
// `x <= t` on float32 x:
inline std::uint32_t value_of_less_equal(double t) noexcept { return key_of(round_down(t)); }
// `x < t` on float32 x: the same with the next float32 below t, which for t = -inf does not exist but as a key does.
inline std::uint32_t value_of_less(double t) noexcept {
  const float below = round_down(t);
  return static_cast<double>(below) == t ? key_of(below) - 1 : key_of(below);
}

// 8 bytes. Child pairs are adjacent: the left child lies `offset` nodes on, the right one behind it. A leaf has meta 0
// and its payload as value: it reads slot 0, whose key is 0, and so stays where it is.
struct node8 {
  std::uint32_t value;
  std::uint32_t meta; // offset << slot_bits | slot
};
static_assert(sizeof(node8) == 8);

// 16 bytes, for slots or offsets that node8 has no room for, and for category sets.
struct node16 {
  std::uint32_t value;
  std::uint32_t slot;
  std::uint32_t offset;
  std::uint32_t op; // node_op
};
static_assert(sizeof(node16) == 16);

enum class node_op : std::uint32_t {
  compare = 0,       // slot key > value goes right
  members_right = 1, // the slot's category is in the set at category_words[value]
  members_left = 2,
};

// Whether a category is in the set: a count of words and the words.
inline bool is_member(const std::uint32_t* set, std::uint32_t category) noexcept {
  return category / 32 < set[0] && (set[1 + category / 32] >> category % 32 & 1) != 0;
}

// How kernels and checks read a node, whatever its layout. `sets` are the forest's category_words.
template <unsigned SlotBits>
struct layout8 {
  using node = node8;
  static constexpr bool has_sets = false;
  static std::uint32_t slot(const node& n) noexcept { return n.meta & ((1u << SlotBits) - 1); }
  static std::uint32_t offset(const node& n) noexcept { return n.meta >> SlotBits; }
  static std::uint32_t op(const node&) noexcept { return 0; }
  static bool goes_right(const node& n, const std::uint32_t* keys, const std::uint32_t*) noexcept {
    return keys[slot(n)] > n.value;
  }
};

struct layout16 {
  using node = node16;
  static constexpr bool has_sets = false;
  static std::uint32_t slot(const node& n) noexcept { return n.slot; }
  static std::uint32_t offset(const node& n) noexcept { return n.offset; }
  static std::uint32_t op(const node& n) noexcept { return n.op; }
  static bool goes_right(const node& n, const std::uint32_t* keys, const std::uint32_t*) noexcept {
    return keys[n.slot] > n.value;
  }
};

struct layout16_sets : layout16 {
  static constexpr bool has_sets = true;
  static bool goes_right(const node& n, const std::uint32_t* keys, const std::uint32_t* sets) noexcept {
    const std::uint32_t key = keys[n.slot];
    if (n.op == static_cast<std::uint32_t>(node_op::compare))
      return key > n.value;
    if (key == key_always_left || key == key_always_right)
      return key == key_always_right;
    return is_member(sets + n.value, key - 1) == (n.op == static_cast<std::uint32_t>(node_op::members_right));
  }
};

} // namespace petrify::inline v0
