// The dense layout: the upper levels of all trees as tables of bytes, beside the base layout (docs/format.md, "Dense
// layout"). Each tree is padded to a complete one, so that one instruction takes a step in 64 trees, or in 64 rows.
#pragma once

#include "forest/node.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace petrify::inline v0 {

struct forest_data;

// Levels of splits that tables have, at most. Where trees are deeper, walks go on in the base layout.
inline constexpr std::uint32_t max_dense_levels = 6;
// Levels above a base layout that walks go on in, at least: fewer cost more than they save.
inline constexpr std::uint32_t min_dense_levels_above_nodes = 3;
// Trees whose bytes lie side by side.
inline constexpr std::uint32_t dense_group_trees = 64;
// A feature's number, and a rank, are bytes.
inline constexpr std::uint32_t max_dense_features = 256;
inline constexpr std::uint32_t max_dense_cuts = 255;
// Cuts in a line, and the value behind a feature's last cut, which no key is greater than.
inline constexpr std::uint32_t dense_line = 16;
inline constexpr std::uint32_t no_cut = 0xffffffff;
// A node of the padding: no rank is greater.
inline constexpr std::uint8_t never_right = 255;

// What a byte of a row stands for. Of a comparison: how many of the feature's cuts the slot's key is greater than. A
// slot of more than 255 cuts has several features, of 255 cuts each. Of a set: 1 where the slot's category goes right.
struct dense_feature {
  std::uint32_t slot;
  std::uint32_t op;       // node_op
  std::uint32_t first;    // comparison: first line of its cuts; set: where it begins in category_words
  std::uint32_t num_cuts; // set: 0
};
static_assert(sizeof(dense_feature) == 16);

// Lines of a feature: one of every 16th cut, then the cuts with at least one no_cut behind them.
constexpr std::uint32_t dense_lines(std::uint32_t num_cuts) noexcept { return 2 + num_cuts / dense_line; }

struct dense_view {
  std::uint32_t levels = 0; // 0: the forest has no dense layout
  std::span<const dense_feature> features;
  std::span<const std::uint32_t> cuts;
  // For each group of 64 trees and each of 2^levels - 1 places in heap order: 64 features, then 64 ranks; a row whose
  // rank is greater goes right.
  std::span<const std::uint8_t> nodes;
  // For each tree and each of 2^levels ways through it, left to right: the payload of the leaf; or, in a forest with
  // longer walks, the node at which they go on.
  std::span<const std::uint32_t> leaves;
  std::span<const std::uint32_t> exits;

  // Groups, bytes of a group's nodes, ways through a tree.
  static std::size_t num_groups(std::size_t num_trees) noexcept {
    return (num_trees + dense_group_trees - 1) / dense_group_trees;
  }
  std::size_t group_bytes() const noexcept { return ((std::size_t{1} << levels) - 1) * 2 * dense_group_trees; }
  std::size_t tree_ways() const noexcept { return std::size_t{1} << levels; }
};

// The tables as a model owns them.
struct dense_tables {
  std::uint32_t levels = 0;
  std::vector<dense_feature> features;
  std::vector<std::uint32_t> cuts;
  std::vector<std::uint8_t> nodes;
  std::vector<std::uint32_t> leaves; // or exits: one of them is empty
  std::vector<std::uint32_t> exits;

  dense_view view() const noexcept { return {levels, features, cuts, nodes, leaves, exits}; }
};

// The rank of a feature that is a set.
inline std::uint8_t set_rank(const std::uint32_t* category_words, const dense_feature& feature,
                             std::uint32_t key) noexcept {
  const node16 split = {feature.first, 0, 0, feature.op};
  return layout16_sets::goes_right(split, &key, category_words) ? 1 : 0;
}

// Makes tables of 1 to 6 levels from the base layout, which must have passed check_structure. False, and no tables,
// where leaves are not just added, no tree has a split, features are more than 256, or the tables would take more than
// `limit_bytes`. Cost: linear in the nodes of these levels, and a sort of their cuts.
bool make_dense(const forest_data& forest, std::uint32_t levels, std::uint64_t limit_bytes, dense_tables& out);

// Makes the tables that a writer puts beside the base layout: of as many levels as fit into `limit_bytes`, and no more
// than there are. False, and no tables, where there are none.
bool choose_dense(const forest_data& forest, std::uint64_t limit_bytes, dense_tables& out);

// Checks that no prediction reads outside the forest's tables. Throws: errc::malformed.
void check_dense(const forest_data& forest);
// Checks that the tables say what the base layout says.
void check_dense_equals_base(const forest_data& forest);

} // namespace petrify::inline v0
