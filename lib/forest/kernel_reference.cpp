#include "forest/kernel.hpp"

#include <cstring>

namespace petrify::inline v0 {

namespace {

struct split {
  std::uint32_t value;
  std::uint32_t slot;
  std::uint32_t offset; // 0: a leaf
};

split node_at(const forest_data& forest, std::uint64_t i) noexcept {
  if (forest.layout == layout_kind::n16) {
    const node16& node = static_cast<const node16*>(forest.nodes)[i];
    return {node.value, node.slot, node.offset};
  }
  const node8& node = static_cast<const node8*>(forest.nodes)[i];
  return {node.value, node.meta % (1u << forest.slot_bits), node.meta / (1u << forest.slot_bits)};
}

std::uint64_t leaf_of(const forest_data& forest, std::uint32_t tree, const std::uint32_t* keys) noexcept {
  std::uint64_t i = forest.root(tree);
  for (;;) {
    const split node = node_at(forest, i);
    if (node.offset == 0)
      return i;
    const bool right = keys[node.slot] > node.value;
    i += node.offset + (right ? 1 : 0);
  }
}

template <class Sum>
void add_leaf(const forest_data& forest, std::uint32_t tree, std::uint32_t payload, Sum* sums) noexcept {
  const auto value = [&](std::uint64_t index) {
    return forest.leaf_type == dtype::float32 ? static_cast<Sum>(static_cast<const float*>(forest.leaf_values)[index])
                                              : static_cast<Sum>(static_cast<const double*>(forest.leaf_values)[index]);
  };
  if (forest.leaves == leaf_form::inline_float32)
    sums[forest.target(tree)] += static_cast<Sum>(std::bit_cast<float>(payload));
  else if (forest.leaves == leaf_form::scalar)
    sums[forest.target(tree)] += value(payload);
  else
    for (std::uint32_t k = 0; k < forest.leaf_width; ++k)
      sums[k] += value(std::uint64_t{payload} * forest.leaf_width + k);
}

template <class Sum>
void add(const forest_data& forest, const std::uint32_t* keys, std::size_t num_rows, Sum* sums) noexcept {
  for (std::size_t row = 0; row < num_rows; ++row)
    for (std::uint32_t tree = 0; tree < forest.num_trees; ++tree) {
      const std::uint64_t leaf = leaf_of(forest, tree, keys + row * forest.slots.size());
      add_leaf(forest, tree, node_at(forest, leaf).value, sums + row * forest.raw_width);
    }
}

void find_leaves(const forest_data& forest, const std::uint32_t* keys, std::size_t num_rows,
                 std::uint32_t* leaves) noexcept {
  for (std::size_t row = 0; row < num_rows; ++row)
    for (std::uint32_t tree = 0; tree < forest.num_trees; ++tree)
      leaves[row * forest.num_trees + tree] =
          static_cast<std::uint32_t>(leaf_of(forest, tree, keys + row * forest.slots.size()));
}

} // namespace

const kernel reference_kernel = {"reference", add<float>, add<double>, find_leaves};

} // namespace petrify::inline v0
