// Kernels: from slots to sums, or to leaves. Which one runs never changes a bit of the result.
#pragma once

#include "forest/forest_data.hpp"

#include <cstddef>
#include <cstdint>

namespace petrify::inline v0 {

// All functions take the keys of `num_rows` rows one after the other, each forest.key_stride() behind the one before,
// and need a forest that passed check_structure.
struct kernel {
  const char* name;
  // Adds every tree's leaf, in order, to the sum_width sums of each row; for forests whose kernel_adds(). Sums are of
  // the accumulator's type and hold the start values before. `scratch` is what scratch_bytes asks for, aligned to 64.
  void (*add_float32)(const forest_data&, const std::uint32_t* keys, std::size_t num_rows, float* sums,
                      std::byte* scratch) noexcept;
  void (*add_float64)(const forest_data&, const std::uint32_t* keys, std::size_t num_rows, double* sums,
                      std::byte* scratch) noexcept;
  // Writes for each row and tree the index of the node it ends in: leaves[row * num_trees + tree].
  void (*find_leaves)(const forest_data&, const std::uint32_t* keys, std::size_t num_rows,
                      std::uint32_t* leaves) noexcept;
  // Bytes that adding up so many rows, or fewer, needs; null: none.
  std::size_t (*scratch_bytes)(const forest_data&, std::size_t num_rows) noexcept = nullptr;
  bool is_dense = false; // looks at the dense layout
};

// One tree after the other, one node after the other: slow and obvious. Every other kernel is tested against it.
extern const kernel reference_kernel;
// 16 walks in flight: down trees with one row, or down a tree with many rows.
extern const kernel interleaved_kernel;

// The fastest kernel for a forest on this CPU; PETRIFY_KERNEL in the environment can hold it back (cpu.hpp).
const kernel& kernel_for(const forest_data& forest) noexcept;

} // namespace petrify::inline v0
