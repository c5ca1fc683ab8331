// What a leaf's payload stands for.
#pragma once

#include "forest/forest_data.hpp"

#include <bit>
#include <cstddef>

namespace petrify::inline v0 {

// Payload of the node at an index.
inline std::uint32_t payload_of(const forest_data& forest, std::uint64_t node) noexcept {
  return forest.layout == layout_kind::n16 ? static_cast<const node16*>(forest.nodes)[node].value
                                           : static_cast<const node8*>(forest.nodes)[node].value;
}

// Payloads by the index of a leaf: nodes of all layouts begin with their value.
class payloads {
public:
  explicit payloads(const forest_data& forest) noexcept
      : words_(static_cast<const std::uint32_t*>(forest.nodes)), shift_(forest.layout == layout_kind::n16 ? 2 : 1) {}
  std::uint32_t operator[](std::uint32_t leaf) const noexcept { return words_[std::uint64_t{leaf} << shift_]; }

private:
  const std::uint32_t* words_;
  unsigned shift_;
};
static_assert(offsetof(node8, value) == 0 && offsetof(node16, value) == 0);

// Value `index` of leaf_values.
template <class Sum>
Sum table_value(const forest_data& forest, std::uint64_t index) noexcept {
  return forest.leaf_type == dtype::float32 ? static_cast<Sum>(static_cast<const float*>(forest.leaf_values)[index])
                                            : static_cast<Sum>(static_cast<const double*>(forest.leaf_values)[index]);
}

// Value of an inline or scalar leaf.
template <class Sum>
Sum scalar_value(const forest_data& forest, std::uint32_t payload) noexcept {
  return forest.leaves == leaf_form::inline_float32 ? static_cast<Sum>(std::bit_cast<float>(payload))
                                                    : table_value<Sum>(forest, payload);
}

} // namespace petrify::inline v0
