// The base layout, walked by many trees or many rows at a time.
#include "forest/kernel.hpp"
#include "forest/leaf_visitors.hpp"
#include "forest/walk.hpp"

#include <algorithm>

namespace petrify::inline v0 {

namespace {

// Walks that are started together: their cursors take a few cache lines.
constexpr std::size_t lot = 64;

// Calls visit(tree, leaves, count) for the leaves of trees tree, tree + 1, ... of one row.
template <class Visit>
void for_each_lot_of_trees(const forest_data& forest, const walker& with, const std::uint32_t* keys,
                           Visit visit) noexcept {
  std::uint32_t at[lot];
  for (std::uint32_t first = 0; first < forest.num_trees; first += lot) {
    const std::uint32_t count = std::min<std::uint32_t>(lot, forest.num_trees - first);
    for (std::uint32_t j = 0; j < count; ++j)
      at[j] = static_cast<std::uint32_t>(forest.root(first + j));
    with.one_row(forest, keys, at, count);
    visit(first, at, count);
  }
}

// Calls visit(tree, row, leaves, count) for the leaves of rows row, row + 1, ...: one tree after the other for all
// rows. A tree's nodes stay in the cache, and each row's sums are still added in the order of trees.
template <class Visit>
void for_each_lot_of_rows(const forest_data& forest, const walker& with, const std::uint32_t* keys,
                          std::size_t num_rows, Visit visit) noexcept {
  std::uint32_t at[lot];
  for (std::uint32_t tree = 0; tree < forest.num_trees; ++tree)
    for (std::size_t first = 0; first < num_rows; first += lot) {
      const std::size_t count = std::min(lot, num_rows - first);
      std::fill_n(at, count, static_cast<std::uint32_t>(forest.root(tree)));
      with.rows(forest, keys + first * forest.key_stride(), at, count);
      visit(tree, first, at, count);
    }
}

// Fewer rows than this are faster one by one: walks of one row down many trees wait side by side, a few rows cannot.
constexpr std::size_t rows_worth_a_lot = 8;

template <class Visitor, class Sum>
void add_rows(const forest_data& forest, const std::uint32_t* keys, std::size_t num_rows, Sum* sums) noexcept {
  const payloads payload_of(forest);
  const walker with = walker_for(forest);
  if (num_rows < rows_worth_a_lot) {
    for (std::size_t row = 0; row < num_rows; ++row) {
      Visitor visit(forest, sums + row * forest.sum_width);
      for_each_lot_of_trees(forest, with, keys + row * forest.key_stride(),
                            [&](std::uint32_t tree, const std::uint32_t* leaves, std::uint32_t count) {
                              for (std::uint32_t j = 0; j < count; ++j)
                                visit(tree + j, payload_of[leaves[j]]);
                            });
      visit.finish();
    }
    return;
  }
  for_each_lot_of_rows(forest, with, keys, num_rows,
                       [&](std::uint32_t tree, std::size_t row, const std::uint32_t* leaves, std::size_t count) {
                         for (std::size_t i = 0; i < count; ++i) {
                           Visitor visit(forest, sums + (row + i) * forest.sum_width);
                           visit(tree, payload_of[leaves[i]]);
                           visit.finish();
                         }
                       });
}

template <class Sum>
void add(const forest_data& forest, const std::uint32_t* keys, std::size_t num_rows, Sum* sums, std::byte*) noexcept {
  with_visitor<Sum>(forest, [&]<class Visitor>(const Visitor*) { add_rows<Visitor>(forest, keys, num_rows, sums); });
}

void find_leaves(const forest_data& forest, const std::uint32_t* keys, std::size_t num_rows,
                 std::uint32_t* out) noexcept {
  const walker with = walker_for(forest);
  if (num_rows < rows_worth_a_lot) {
    for (std::size_t row = 0; row < num_rows; ++row)
      for_each_lot_of_trees(forest, with, keys + row * forest.key_stride(),
                            [&](std::uint32_t tree, const std::uint32_t* leaves, std::uint32_t count) {
                              std::copy_n(leaves, count, out + row * forest.num_trees + tree);
                            });
    return;
  }
  for_each_lot_of_rows(forest, with, keys, num_rows,
                       [&](std::uint32_t tree, std::size_t row, const std::uint32_t* leaves, std::size_t count) {
                         for (std::size_t i = 0; i < count; ++i)
                           out[(row + i) * forest.num_trees + tree] = leaves[i];
                       });
}

} // namespace

const kernel interleaved_kernel = {"interleaved", add<float>, add<double>, find_leaves};

} // namespace petrify::inline v0
