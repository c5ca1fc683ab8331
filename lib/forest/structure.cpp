#include "forest/structure.hpp"

#include "base/fail.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace petrify::inline v0 {

namespace {

// What a payload must stay below; inline payloads are any bits.
std::uint64_t payload_limit(const forest_data& forest) {
  return forest.leaves == leaf_form::inline_float32 ? std::uint64_t{1} << 32 : forest.num_leaf_rows;
}

// The nodes that some trees share: their roots first, then the pairs of each.
struct block {
  std::uint64_t begin;
  std::uint64_t end;
};

block block_of(const forest_data& forest, std::size_t k) {
  return {2 * std::uint64_t{forest.blocks[k]}, forest.block_end(k)};
}

// Which tree a node of block k belongs to: its own for a root, else the last tree whose pairs start before it.
template <class Layout>
std::string place_of(const forest_data& forest, std::size_t k, std::uint64_t node) {
  const auto* nodes = static_cast<const typename Layout::node*>(forest.nodes);
  const std::uint64_t begin = block_of(forest, k).begin;
  const std::uint32_t roots = forest.roots_in_block(k);
  std::uint64_t tree = node - begin;
  if (tree >= roots) {
    tree = 0;
    for (std::uint32_t r = 0; r < roots; ++r)
      if (const std::uint64_t offset = Layout::offset(nodes[begin + r]); offset != 0 && begin + r + offset <= node)
        tree = r;
  }
  return text("tree ", (std::uint64_t{k} << forest.block_shift) + tree, " node ", node);
}

// The last operation that a layout's nodes may have.
template <class Layout>
constexpr std::uint32_t most_op() noexcept {
  return Layout::has_sets ? static_cast<std::uint32_t>(node_op::members_left) : 0;
}

// Whether a whole category set begins at that word.
bool set_fits(const forest_data& forest, std::uint64_t begin) noexcept {
  const auto words = forest.category_words;
  return begin < words.size() && words[begin] <= words.size() - begin - 1;
}

// The fault of one node; called where the fast loop found that there is one.
template <class Layout>
void refuse_node(const forest_data& forest, std::size_t k, std::uint64_t i) {
  const auto& node = static_cast<const typename Layout::node*>(forest.nodes)[i];
  const block in = block_of(forest, k);
  const std::uint64_t offset = Layout::offset(node);
  const std::uint32_t slot = Layout::slot(node);
  const std::string where = place_of<Layout>(forest, k, i);
  if (Layout::op(node) > most_op<Layout>())
    fail(errc::unsupported, where, "operation ", Layout::op(node), " is not known to petrify " PETRIFY_VERSION_STRING);
  if (Layout::op(node) != 0 && offset == 0)
    fail(errc::malformed, where, "operation ", Layout::op(node), " at a leaf, expected 0");
  if (Layout::op(node) != 0 && !set_fits(forest, node.value))
    fail(errc::malformed, where, "category set at word ", node.value, ", expected a count and as many words within ",
         forest.category_words.size());
  if (offset == 0 && slot != 0)
    fail(errc::malformed, where, "tests slot ", slot, " but has no children, expected slot 0 for a leaf");
  if (offset == 0)
    fail(errc::malformed, where, "leaf payload ", node.value, ", expected less than ", payload_limit(forest));
  if (slot == 0)
    fail(errc::malformed, where, "is a split on slot 0, expected a slot of a column");
  if (node.value == key_always_right && Layout::op(node) == 0)
    fail(errc::malformed, where, "compares with 4294967295, which no key is greater than, expected less");
  if (slot >= forest.slots.size())
    fail(errc::malformed, where, "tests slot ", slot, ", expected less than ", forest.slots.size());
  if (i + offset + 1 >= in.end)
    fail(errc::malformed, where, "right child ", i + offset + 1, " is past the block's nodes ", in.begin, " to ",
         in.end);
  fail(errc::malformed, where, "left child ", i + offset, ", expected an even node, where pairs start");
}

// Whether a node of a block breaks one of the rules N2 to N6. `j` counts from the block's begin.
template <class Layout>
bool is_wrong(const forest_data& forest, const typename Layout::node& node, std::uint64_t j, std::uint64_t size,
              std::uint64_t limit) noexcept {
  const std::uint64_t offset = Layout::offset(node);
  const std::uint32_t slot = Layout::slot(node);
  const std::uint32_t op = Layout::op(node);
  if (op > most_op<Layout>())
    return true;
  if constexpr (Layout::has_sets)
    if (op != 0 && (offset == 0 || !set_fits(forest, node.value)))
      return true;
  if (offset == 0)
    return slot != 0 || node.value >= limit;
  return j + offset + 1 >= size || (offset + j) % 2 != 0 || slot >= forest.slots.size() || slot == 0 ||
         (node.value == key_always_right && op == 0);
}

// Nodes that a block's fast check looks at before it says what it saw: so few that a second look finds them in the
// cache, and that a category set among them costs the others little.
constexpr std::uint64_t chunk_nodes = 256;
static_assert(chunk_nodes % checked_nodes == 0);

template <class Layout>
void check_block(const forest_data& forest, std::size_t k, const node_checker& with) {
  const auto* nodes = static_cast<const typename Layout::node*>(forest.nodes);
  const block in = block_of(forest, k);
  const std::uint64_t size = in.end - in.begin;
  const std::uint64_t limit = payload_limit(forest);
  // A limit of 2^32 accepts every payload.
  const node_bounds bounds{forest.slot_bits, static_cast<std::uint32_t>(forest.slots.size() - 1),
                           static_cast<std::uint32_t>(limit - 1)};
  // The fast check needs a slot and a payload that are allowed, and leaves the last nodes to the exact one.
  const bool is_usual = limit != 0 && forest.slots.size() > 1 && size > 2;
  const std::uint64_t many = is_usual ? (size - 2) / checked_nodes * checked_nodes : 0;
  const auto is_sound = [&](std::uint64_t begin, std::uint64_t count) {
    const auto room = static_cast<std::uint32_t>(size - 2 - begin);
    if constexpr (std::is_same_v<typename Layout::node, node8>)
      return with.n8(nodes + in.begin + begin, static_cast<std::uint32_t>(count), room, bounds);
    else
      return with.n16(nodes + in.begin + begin, static_cast<std::uint32_t>(count), room, bounds);
  };
  for (std::uint64_t begin = 0, count; begin < size; begin += count) {
    const bool is_many = begin < many;
    count = std::min(chunk_nodes, (is_many ? many : size) - begin);
    if (is_many && is_sound(begin, count))
      continue;
    for (std::uint64_t j = begin; j < begin + count; ++j)
      if (is_wrong<Layout>(forest, nodes[in.begin + j], j, size, limit))
        refuse_node<Layout>(forest, k, in.begin + j);
  }
}

void check_tables(const forest_data& forest) {
  std::uint64_t expected = 0;
  for (std::size_t k = 0; k < forest.blocks.size(); ++k) {
    const std::uint64_t begin = 2 * std::uint64_t{forest.blocks[k]};
    const std::uint32_t roots = forest.roots_in_block(k);
    if ((k == 0 && begin != 0) || begin < expected || begin + roots > forest.num_nodes)
      fail(errc::malformed, text("block ", k), "begins at node ", begin, ", expected ",
           k == 0 ? "0" : text("at least ", expected), " and room for ", roots, " roots in ", forest.num_nodes,
           " nodes");
    expected = begin + roots;
  }
  if (forest.blocks.empty() && forest.num_nodes != 0)
    fail(errc::malformed, {}, forest.num_nodes, " nodes, but no tree");
  for (std::size_t t = 0; t < forest.tree_targets.size(); ++t)
    if (forest.tree_targets[t] >= forest.sum_width)
      fail(errc::malformed, text("tree ", t), "target ", forest.tree_targets[t], ", expected less than ",
           forest.sum_width);
  for (std::size_t i = 0; i < forest.linear_ends.size(); ++i) {
    const std::uint32_t begin = i == 0 ? 0 : forest.linear_ends[i - 1];
    if (forest.linear_ends[i] < begin || forest.linear_ends[i] > forest.linear_columns.size())
      fail(errc::malformed, text("linear leaf ", i), "terms end at ", forest.linear_ends[i], ", expected ", begin,
           " to ", forest.linear_columns.size());
  }
  for (std::size_t i = 0; i < forest.linear_columns.size(); ++i)
    if (forest.linear_columns[i] >= forest.num_columns)
      fail(errc::malformed, text("linear term ", i), "column ", forest.linear_columns[i], ", expected less than ",
           forest.num_columns);
  for (std::size_t s = 0; s < forest.slots.size(); ++s) {
    const auto cuts = forest.slots[s].cuts;
    for (std::size_t i = 0; i < cuts.size(); ++i)
      if (std::isnan(cuts[i]) || (i != 0 && !(cuts[i - 1] < cuts[i])))
        fail(errc::malformed, text("slot ", s), "cut ", i, " is ", cuts[i], ", expected cuts in ascending order");
  }
}

// Checks that nodes with a category set test a slot of categories, and only they do.
template <class Layout>
void check_slot_kinds(const forest_data& forest, std::size_t k, block in) {
  const auto* nodes = static_cast<const typename Layout::node*>(forest.nodes);
  for (std::uint64_t i = in.begin; i < in.end; ++i) {
    if (Layout::offset(nodes[i]) == 0)
      continue;
    const std::uint32_t slot = Layout::slot(nodes[i]);
    const bool is_category = forest.slots[slot].kind == slot_kind::category;
    if (is_category != (Layout::op(nodes[i]) != 0))
      fail(errc::malformed, place_of<Layout>(forest, k, i), "operation ", Layout::op(nodes[i]), " on slot ", slot,
           is_category ? " of categories, expected a set" : " of numbers, expected a comparison");
  }
}

// Checks that each pair of a block but the roots has exactly one parent. With offsets that only point forward that
// makes the block as many trees as it has roots.
template <class Layout>
void check_parents(const forest_data& forest, std::size_t k, block in) {
  const auto* nodes = static_cast<const typename Layout::node*>(forest.nodes);
  std::vector<bool> has_parent((in.end - in.begin) / 2);
  std::fill_n(has_parent.begin(), forest.roots_in_block(k) / 2, true);
  for (std::uint64_t i = in.begin; i < in.end; ++i) {
    const std::uint64_t offset = Layout::offset(nodes[i]);
    if (offset == 0)
      continue;
    const std::size_t pair = (i + offset - in.begin) / 2;
    if (has_parent[pair])
      fail(errc::malformed, place_of<Layout>(forest, k, i), "left child ", i + offset, " has another parent too");
    has_parent[pair] = true;
  }
  for (std::size_t pair = 0; pair < has_parent.size(); ++pair)
    if (!has_parent[pair])
      fail(errc::malformed, place_of<Layout>(forest, k, in.begin + 2 * pair), "has no parent, expected one");
}

// Walks one tree in pre-order, of two children the one first whose pair lies nearer, and checks that its pairs come in
// that order, from `next_pair` on. Returns the pair behind the tree's last one.
template <class Layout>
std::uint64_t check_tree_order(const forest_data& forest, std::uint32_t t, std::uint64_t next_pair) {
  const auto* nodes = static_cast<const typename Layout::node*>(forest.nodes);
  std::vector<std::uint64_t> pending{forest.root(t)};
  while (!pending.empty()) {
    const std::uint64_t i = pending.back();
    pending.pop_back();
    const std::uint64_t offset = Layout::offset(nodes[i]);
    if (offset == 0)
      continue;
    if (i + offset != next_pair)
      fail(errc::malformed, text("tree ", t, " node ", i), "left child ", i + offset, ", expected ", next_pair,
           ": leaf ids follow from the order, so pairs lie in pre-order");
    next_pair += 2;
    const std::uint64_t left = i + offset;
    const std::uint64_t left_pair = left + Layout::offset(nodes[left]);
    const std::uint64_t right_pair = left + 1 + Layout::offset(nodes[left + 1]);
    pending.push_back(left_pair < right_pair ? left + 1 : left);
    pending.push_back(left_pair < right_pair ? left : left + 1);
  }
  return next_pair;
}

} // namespace

void check_structure(const forest_data& forest, const node_checker& with) {
  check_tables(forest);
  with_layout(forest, [&]<class Layout>(Layout) {
    for (std::size_t k = 0; k < forest.blocks.size(); ++k)
      check_block<Layout>(forest, k, with);
  });
  check_dense(forest);
}

void check_every_node(const forest_data& forest) {
  with_layout(forest, [&]<class Layout>(Layout) {
    const auto* nodes = static_cast<const typename Layout::node*>(forest.nodes);
    std::uint32_t tree = 0;
    for (std::size_t k = 0; k < forest.blocks.size(); ++k) {
      const block in = block_of(forest, k);
      check_parents<Layout>(forest, k, in);
      check_slot_kinds<Layout>(forest, k, in);
      const std::uint32_t roots = forest.roots_in_block(k);
      std::uint64_t next_pair = in.begin + roots;
      for (std::uint32_t r = 0; r < roots; ++r) {
        const auto& root = nodes[in.begin + r];
        if (tree == forest.num_trees) {
          if (Layout::offset(root) != 0 || root.value != 0)
            fail(errc::malformed, text("node ", in.begin + r), "is not zero, expected the unused root to be");
        } else {
          if (forest.leaf_ids == leaf_id_rule::preorder)
            next_pair = check_tree_order<Layout>(forest, tree, next_pair);
          ++tree;
        }
      }
    }
  });
  check_dense_equals_base(forest);
}

} // namespace petrify::inline v0
