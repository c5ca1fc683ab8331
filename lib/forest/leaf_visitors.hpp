// What kernels do with the leaves of one row, tree after tree: visit(tree, payload) adds, finish() ends the row.
#pragma once

#include "forest/leaf_values.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace petrify::inline v0 {

// Payloads of scalar leaves as values.
struct inline_leaves {
  explicit inline_leaves(const forest_data&) noexcept {}
  float operator()(std::uint32_t payload) const noexcept { return std::bit_cast<float>(payload); }
};
template <class Leaf>
struct table_leaves {
  const Leaf* values;
  explicit table_leaves(const forest_data& forest) noexcept : values(static_cast<const Leaf*>(forest.leaf_values)) {}
  Leaf operator()(std::uint32_t payload) const noexcept { return values[payload]; }
};

// The one sum of a forest, in a register.
template <class Leaves, class Sum>
struct add_to_one_sum {
  Leaves leaves;
  Sum* to;
  Sum sum;
  add_to_one_sum(const forest_data& forest, Sum* sums) noexcept : leaves(forest), to(sums), sum(*sums) {}
  void operator()(std::uint32_t, std::uint32_t payload) noexcept { sum += static_cast<Sum>(leaves(payload)); }
  void finish() noexcept { *to = sum; }
};

// Each tree's own sum.
template <class Leaves, class Sum>
struct add_to_targets {
  Leaves leaves;
  const std::uint32_t* targets;
  Sum* sums;
  add_to_targets(const forest_data& forest, Sum* to) noexcept
      : leaves(forest), targets(forest.tree_targets.data()), sums(to) {}
  void operator()(std::uint32_t tree, std::uint32_t payload) noexcept {
    sums[targets[tree]] += static_cast<Sum>(leaves(payload));
  }
  void finish() noexcept {}
};

// A value for every sum.
template <class Leaf, class Sum>
struct add_vector {
  const Leaf* values;
  std::size_t width;
  Sum* sums;
  add_vector(const forest_data& forest, Sum* to) noexcept
      : values(static_cast<const Leaf*>(forest.leaf_values)), width(forest.leaf_width), sums(to) {}
  void operator()(std::uint32_t, std::uint32_t payload) noexcept {
    const Leaf* from = values + std::size_t{payload} * width;
    for (std::size_t k = 0; k < width; ++k)
      sums[k] += static_cast<Sum>(from[k]);
  }
  void finish() noexcept {}
};

// Calls f(pointer to nothing of the visitor's type) for the forest's kind of leaves.
template <class Sum, class F>
void with_visitor(const forest_data& forest, F&& f) noexcept {
  const auto scalar = [&]<class Leaves>(const Leaves*) {
    if (forest.tree_targets.empty())
      f(static_cast<const add_to_one_sum<Leaves, Sum>*>(nullptr));
    else
      f(static_cast<const add_to_targets<Leaves, Sum>*>(nullptr));
  };
  const auto table = [&]<class Leaf>(const Leaf*) {
    if (forest.leaves == leaf_form::vector)
      f(static_cast<const add_vector<Leaf, Sum>*>(nullptr));
    else
      scalar(static_cast<const table_leaves<Leaf>*>(nullptr));
  };
  if (forest.leaves == leaf_form::inline_float32)
    scalar(static_cast<const inline_leaves*>(nullptr));
  else if (forest.leaf_type == dtype::float32)
    table(static_cast<const float*>(nullptr));
  else if constexpr (std::is_same_v<Sum, double>)
    table(static_cast<const double*>(nullptr));
}

} // namespace petrify::inline v0
