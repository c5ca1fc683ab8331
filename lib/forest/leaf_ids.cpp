#include "forest/leaf_ids.hpp"

namespace petrify::inline v0 {

namespace {

// The node behind the pairs of a tree: the first pair of the block's next tree that has one, or the block's end.
template <class Layout>
std::uint64_t end_of_pairs(const forest_data& forest, std::uint32_t tree) noexcept {
  const auto* nodes = static_cast<const typename Layout::node*>(forest.nodes);
  const std::size_t block = tree >> forest.block_shift;
  for (std::uint32_t next = tree + 1; next < forest.num_trees && next >> forest.block_shift == block; ++next)
    if (const std::uint64_t offset = Layout::offset(nodes[forest.root(next)]); offset != 0)
      return forest.root(next) + offset;
  return forest.block_end(block);
}

// In a pre-order walk a left child comes behind its parent, and a right child behind all of its sibling's subtree. How
// large that is follows from where pairs lie: those of a subtree lie together, the two children's one after the other
// in either order, and end where the parent's do.
template <class Layout>
std::uint32_t preorder_id(const forest_data& forest, std::uint32_t tree, const std::uint32_t* keys) noexcept {
  const auto* nodes = static_cast<const typename Layout::node*>(forest.nodes);
  std::uint64_t at = forest.root(tree);
  std::uint64_t end = end_of_pairs<Layout>(forest, tree); // of the pairs below `at`
  std::uint64_t id = 0;
  while (Layout::offset(nodes[at]) != 0) {
    const std::uint64_t left = at + Layout::offset(nodes[at]);
    const std::uint64_t left_begin = left + Layout::offset(nodes[left]);
    const std::uint64_t right_begin = left + 1 + Layout::offset(nodes[left + 1]);
    // A leaf has no pairs.
    const bool left_is_leaf = left_begin == left;
    const bool right_is_behind = right_begin != left + 1 && right_begin > left_begin;
    const std::uint64_t left_end = left_is_leaf ? left_begin : right_is_behind ? right_begin : end;
    if (Layout::goes_right(nodes[at], keys, forest.category_words.data())) {
      id += 2 + (left_end - left_begin);
      if (!left_is_leaf && !right_is_behind)
        end = left_begin;
      at = left + 1;
    } else {
      id += 1;
      end = left_end;
      at = left;
    }
  }
  return static_cast<std::uint32_t>(id);
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
