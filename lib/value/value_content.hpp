// What a value_builder holds.
#pragma once

#include "value/value_node.hpp"

#include <petrify/value.hpp>

#include <vector>

namespace petrify::inline v0 {

struct value_builder::state {
  struct open_value {
    std::size_t node;
    std::uint64_t values; // in it so far; of a dict keys and values
  };

  std::vector<value_node> nodes;
  std::vector<std::byte> bytes;
  std::vector<open_value> open;

  void append(value_kind kind, std::uint32_t size, std::uint64_t payload);
  void append_bytes(value_kind kind, std::span<const std::byte> own);
  void begin(value_kind kind);
};

} // namespace petrify::inline v0
