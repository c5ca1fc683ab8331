#include "forest/leaf_ids.hpp"

namespace petrify::inline v0 {

namespace {

// In a pre-order walk, let r splits and l leaves come before node v. Each split seen opens one more branch than it
// closes and each leaf closes one, so 1 + r - l branches are open: v itself and one for each ancestor that has v on
// its left. With L such ancestors, l = r - L, and v's number is r + l = 2 r - L.
//
// r follows from where pairs lie: a tree's splits have their children's pairs in pre-order, so the split whose
// children are the tree's k-th pair has r = k.
template <class Layout>
std::uint32_t preorder_id(const forest_data& forest, std::uint32_t tree, const std::uint32_t* keys) noexcept {
  const auto* nodes = static_cast<const typename Layout::node*>(forest.nodes);
  const std::uint64_t root = forest.root(tree);
  const std::uint64_t first_pair = root + Layout::offset(nodes[root]);
  const auto splits_before = [&](std::uint64_t split) {
    return (split + Layout::offset(nodes[split]) - first_pair) / 2;
  };

  std::uint64_t at = root;
  std::uint64_t parent = root;
  std::uint64_t left_turns = 0;
  bool went_right = false;
  while (Layout::offset(nodes[at]) != 0) {
    parent = at;
    went_right = Layout::goes_right(nodes[at], keys, forest.category_words.data());
    left_turns += went_right ? 0 : 1;
    at += Layout::offset(nodes[at]) + (went_right ? 1 : 0);
  }
  if (at == root)
    return 0;
  std::uint64_t before = splits_before(parent) + 1;
  if (went_right) {
    // The left sibling's splits come before too: up to the last one, in pre-order, below the sibling.
    std::uint64_t last = parent + Layout::offset(nodes[parent]);
    while (Layout::offset(nodes[last]) != 0) {
      before = splits_before(last) + 1;
      const std::uint64_t left = last + Layout::offset(nodes[last]);
      last = Layout::offset(nodes[left + 1]) != 0 ? left + 1 : left;
    }
  }
  return static_cast<std::uint32_t>(2 * before - left_turns);
}

} // namespace

std::uint32_t leaf_id(const forest_data& forest, std::uint32_t tree, const std::uint32_t* keys,
                      std::uint32_t leaf) noexcept {
  if (forest.leaf_ids == leaf_id_rule::stored)
    return forest.stored_leaf_ids[leaf];
  if (forest.leaf_ids == leaf_id_rule::stored_pairs)
    return leaf == forest.root(tree) ? 0 : forest.stored_leaf_ids[leaf / 2] + leaf % 2;
  return with_layout(forest, [&]<class Layout>(Layout) { return preorder_id<Layout>(forest, tree, keys); });
}

} // namespace petrify::inline v0
