// How a value lies in its segments (docs/format.md, "Values").
#pragma once

#include <petrify/value.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace petrify::inline v0 {

// One value, in pre-order: what is in a list or dict follows it. Part of the file format.
struct value_node {
  std::uint32_t kind;    // value_kind
  std::uint32_t size;    // bytes of a text, bytes or big integer; elements of a list; entries of a dict; else 0
  std::uint64_t payload; // the boolean, integer or real; where the bytes begin; nodes inside a list or dict; else 0
};
static_assert(sizeof(value_node) == 16);

// A big integer has more bytes than an int64.
inline constexpr std::uint32_t min_big_integer_bytes = 9;

// The two segments of a value.
struct value_table {
  std::span<const value_node> nodes;
  std::span<const std::byte> bytes;
};

constexpr bool has_bytes(value_kind kind) noexcept {
  return kind == value_kind::text || kind == value_kind::bytes || kind == value_kind::big_integer;
}
constexpr bool has_values(value_kind kind) noexcept { return kind == value_kind::list || kind == value_kind::dict; }

// Checks everything a value_view relies on, and that no byte is unexplained. Cost: one pass over nodes and bytes.
// Throws: errc::malformed, errc::unsupported for a kind that is not known; both with the node.
void check_values(const value_table& table);

} // namespace petrify::inline v0
