// Trees as the builder takes them in, before they are laid out.
#pragma once

#include <petrify/forest_builder.hpp>

#include <cstdint>
#include <vector>

namespace petrify::inline v0 {

// A node under its origin's number. 24 bytes.
struct source_node {
  enum class state : std::uint8_t { unset, unused, leaf, split, members_right, members_left };

  double threshold = 0; // of a set of categories: where it begins in the model's category_words
  std::uint32_t left = 0;
  std::uint32_t right = 0;
  std::uint32_t column_or_payload = 0; // split: column; leaf: payload
  state kind = state::unset;
  comparison test = comparison::less_equal;
  missing nan_goes = missing::left;
  bool right_is_near = false; // the right child's subtree is laid before the left one's

  bool tests_set() const noexcept { return kind == state::members_right || kind == state::members_left; }
  bool is_split() const noexcept { return kind == state::split || tests_set(); }
};
static_assert(sizeof(source_node) == 24);

struct source_tree {
  std::vector<source_node> nodes;
  std::uint32_t target = 0;
  std::uint32_t root = 0;
  std::uint32_t num_used = 0; // nodes that are not unused
};

} // namespace petrify::inline v0
