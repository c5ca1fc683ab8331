// Predictions for a few rows at a time on scratch memory: what predictor and the batch functions share.
#pragma once

#include "forest/kernel.hpp"
#include "forest/row_encoder.hpp"

#include <petrify/rows.hpp>

#include <cstddef>
#include <memory>
#include <vector>

namespace petrify::inline v0 {

// Numbers that one row gives; leaf: ids. (predict: one an output.)
std::size_t output_width(const forest_data& forest, output kind) noexcept;

// What a tree gives for a row, and how much it counts in the median.
struct weighted_value {
  double value;
  double weight;
  std::uint32_t tree;
};

// Memory that is aligned to 64 bytes.
struct alignas(64) cache_line {
  std::byte bytes[64];
};

// Scratch memory for up to `capacity` rows. No function allocates, locks or calls the system.
// Thread safety: one thread at a time.
class evaluator {
public:
  evaluator(const forest_data& forest, std::size_t capacity) : evaluator(forest, capacity, kernel_for(forest)) {}
  evaluator(const forest_data& forest, std::size_t capacity, const kernel& with);

  const forest_data& forest() const noexcept { return *forest_; }
  std::size_t capacity() const noexcept { return capacity_; }

  // Rows [first, first + count) of x, count <= capacity; x has forest.num_columns columns.
  // numbers: predict, proba or raw, output_width a row.
  void numbers(const rows& x, std::size_t first, std::size_t count, output kind, double* out) noexcept;
  void classes(const rows& x, std::size_t first, std::size_t count, std::uint32_t* out) noexcept;
  void leaves(const rows& x, std::size_t first, std::size_t count, std::uint32_t* out) noexcept;

private:
  bool gives_sums(output kind) const noexcept;
  // Starts at forest.start and adds the trees of all rows that are encoded.
  template <class Sum>
  void add_trees(const rows& x, std::size_t first, std::size_t count, Sum* sums) noexcept;
  // What linear leaves and medians need: the leaves of one row, looked at one by one.
  template <class Sum>
  void add_trees_by_leaf(const std::uint32_t* keys, Sum* sums) noexcept;
  // Calls visit(row, raw, final) for each row; `final` is only made when wanted.
  template <class Sum, class Visit>
  void for_each_result(const rows& x, std::size_t first, std::size_t count, bool want_final, std::vector<Sum>& sums,
                       std::vector<Sum>& final, Visit visit) noexcept;
  template <class Visit>
  void for_each_result(const rows& x, std::size_t first, std::size_t count, bool want_final, Visit visit) noexcept;

  const forest_data* forest_;
  const kernel* kernel_;
  std::size_t capacity_;
  row_encoder encoder_;
  std::vector<std::uint32_t> keys_;
  std::vector<cache_line> scratch_;      // the kernel's
  std::vector<std::uint32_t> leaves_;    // of one row; only where kernels do not add
  std::vector<weighted_value> weighted_; // of each tree; weighted_median
  // Only those of the accumulator's type have room.
  std::vector<float> sums32_;
  std::vector<float> final32_;
  std::vector<double> sums64_;
  std::vector<double> final64_;
};

} // namespace petrify::inline v0
