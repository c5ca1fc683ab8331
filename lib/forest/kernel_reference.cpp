#include "forest/kernel.hpp"
#include "forest/leaf_values.hpp"

namespace petrify::inline v0 {

namespace {

std::uint64_t leaf_of(const forest_data& forest, std::uint32_t tree, const std::uint32_t* keys) noexcept {
  return with_layout(forest, [&]<class Layout>(Layout) {
    const auto* nodes = static_cast<const typename Layout::node*>(forest.nodes);
    std::uint64_t i = forest.root(tree);
    while (Layout::offset(nodes[i]) != 0)
      i += Layout::offset(nodes[i]) + (Layout::goes_right(nodes[i], keys, forest.category_words.data()) ? 1 : 0);
    return i;
  });
}

template <class Sum>
void add_leaf(const forest_data& forest, std::uint32_t tree, std::uint32_t payload, Sum* sums) noexcept {
  if (forest.leaves != leaf_form::vector)
    sums[forest.target(tree)] += scalar_value<Sum>(forest, payload);
  else
    for (std::uint32_t k = 0; k < forest.leaf_width; ++k)
      sums[k] += table_value<Sum>(forest, std::uint64_t{payload} * forest.leaf_width + k);
}

template <class Sum>
void add(const forest_data& forest, const std::uint32_t* keys, std::size_t num_rows, Sum* sums, std::byte*) noexcept {
  for (std::size_t row = 0; row < num_rows; ++row)
    for (std::uint32_t tree = 0; tree < forest.num_trees; ++tree) {
      const std::uint64_t leaf = leaf_of(forest, tree, keys + row * forest.key_stride());
      add_leaf(forest, tree, payload_of(forest, leaf), sums + row * forest.sum_width);
    }
}

void find_leaves(const forest_data& forest, const std::uint32_t* keys, std::size_t num_rows,
                 std::uint32_t* leaves) noexcept {
  for (std::size_t row = 0; row < num_rows; ++row)
    for (std::uint32_t tree = 0; tree < forest.num_trees; ++tree)
      leaves[row * forest.num_trees + tree] =
          static_cast<std::uint32_t>(leaf_of(forest, tree, keys + row * forest.key_stride()));
}

} // namespace

const kernel reference_kernel = {"reference", add<float>, add<double>, find_leaves};

} // namespace petrify::inline v0
