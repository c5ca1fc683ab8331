// A walk down a tree is a chain of dependent loads: the processor waits for one node before it can ask for the next.
// So several walks go side by side, trees for a single row and rows for a batch. A leaf stays where it is, so that all
// walks of a group take the same number of steps and no branch depends on the data (docs/design.md, "Kernels").
#include "forest/kernel.hpp"
#include "forest/leaf_visitors.hpp"

#include <algorithm>

namespace petrify::inline v0 {

namespace {

constexpr std::uint32_t trees_in_flight = 16;
constexpr std::size_t rows_in_flight = 8;
// Steps between two looks at whether all walks have ended.
constexpr int steps_per_check = 4;

template <class Layout>
using cursor = const typename Layout::node*;

// One step down; returns 0 when the cursor was at a leaf, where it stays.
template <class Layout>
inline std::uint32_t step(cursor<Layout>& at, const std::uint32_t* keys, const std::uint32_t* sets) noexcept {
  const typename Layout::node& node = *at;
  const std::uint32_t offset = Layout::offset(node);
  at += std::uint64_t{offset} + (Layout::goes_right(node, keys, sets) ? 1 : 0);
  return offset;
}

// Takes `Width` cursors to their leaves. keys_of(j): the keys that cursor j walks by.
template <class Layout, std::size_t Width, class KeysOf>
inline void walk(cursor<Layout> (&at)[Width], const std::uint32_t* sets, KeysOf keys_of) noexcept {
  for (;;) {
    for (int s = 1; s < steps_per_check; ++s)
      for (std::size_t j = 0; j < Width; ++j)
        step<Layout>(at[j], keys_of(j), sets);
    std::uint32_t moved = 0;
    for (std::size_t j = 0; j < Width; ++j)
      moved |= step<Layout>(at[j], keys_of(j), sets);
    if (moved == 0)
      return;
  }
}

// What is done with a leaf: it is added, or its node's index is kept for find_leaves.
template <class Visitor, class Sum>
struct add_leaf {
  const forest_data& forest;
  Sum* sums;
  void operator()(std::size_t row, std::uint32_t tree, std::uint32_t payload, std::uint64_t) const noexcept {
    Visitor visit(forest, sums + row * forest.sum_width);
    visit(tree, payload);
    visit.finish();
  }
};

struct keep_leaf {
  const forest_data& forest;
  std::uint32_t* leaves;
  void operator()(std::size_t row, std::uint32_t tree, std::uint32_t, std::uint64_t node) const noexcept {
    leaves[row * forest.num_trees + tree] = static_cast<std::uint32_t>(node);
  }
};

template <class Layout, class Visit>
void walk_row(const forest_data& forest, const std::uint32_t* keys, std::size_t row, Visit visit) noexcept {
  const auto* nodes = static_cast<cursor<Layout>>(forest.nodes);
  for (std::uint32_t first = 0; first < forest.num_trees; first += trees_in_flight) {
    const std::uint32_t count = std::min(trees_in_flight, forest.num_trees - first);
    cursor<Layout> at[trees_in_flight];
    // The last group is filled up with walks down its last tree, whose leaves are not used.
    for (std::uint32_t j = 0; j < trees_in_flight; ++j)
      at[j] = nodes + forest.root(first + std::min(j, count - 1));
    walk<Layout>(at, forest.category_words.data(), [keys](std::size_t) { return keys; });
    for (std::uint32_t j = 0; j < count; ++j)
      visit(row, first + j, at[j]->value, static_cast<std::uint64_t>(at[j] - nodes));
  }
}

// One tree after the other for all rows: a tree's nodes stay in the cache, and each row's sums are still added in the
// order of trees.
template <class Layout, class Visit>
void walk_rows(const forest_data& forest, const std::uint32_t* keys, std::size_t num_rows, Visit visit) noexcept {
  const auto* nodes = static_cast<cursor<Layout>>(forest.nodes);
  const std::size_t width = forest.slots.size();
  const std::size_t grouped = num_rows / rows_in_flight * rows_in_flight;
  for (std::uint32_t tree = 0; tree < forest.num_trees; ++tree) {
    cursor<Layout> root = nodes + forest.root(tree);
    for (std::size_t first = 0; first < grouped; first += rows_in_flight) {
      cursor<Layout> at[rows_in_flight];
      std::fill(std::begin(at), std::end(at), root);
      const std::uint32_t* group = keys + first * width;
      walk<Layout>(at, forest.category_words.data(), [group, width](std::size_t j) { return group + j * width; });
      for (std::size_t j = 0; j < rows_in_flight; ++j)
        visit(first + j, tree, at[j]->value, static_cast<std::uint64_t>(at[j] - nodes));
    }
  }
  for (std::size_t row = grouped; row < num_rows; ++row)
    walk_row<Layout>(forest, keys + row * width, row, visit);
}

template <class Visit>
void for_each_leaf(const forest_data& forest, const std::uint32_t* keys, std::size_t num_rows, Visit visit) noexcept {
  with_layout(forest, [&]<class Layout>(Layout) { walk_rows<Layout>(forest, keys, num_rows, visit); });
}

template <class Sum>
void add(const forest_data& forest, const std::uint32_t* keys, std::size_t num_rows, Sum* sums) noexcept {
  with_visitor<Sum>(forest, [&]<class Visitor>(const Visitor*) {
    for_each_leaf(forest, keys, num_rows, add_leaf<Visitor, Sum>{forest, sums});
  });
}

void find_leaves(const forest_data& forest, const std::uint32_t* keys, std::size_t num_rows,
                 std::uint32_t* leaves) noexcept {
  for_each_leaf(forest, keys, num_rows, keep_leaf{forest, leaves});
}

} // namespace

const kernel interleaved_kernel = {"interleaved", add<float>, add<double>, find_leaves};

} // namespace petrify::inline v0
