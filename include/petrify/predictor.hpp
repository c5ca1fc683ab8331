// predictor: predictions for one row at a time, without allocation, lock or system call.
#pragma once

#include <petrify/forest.hpp>

#include <memory>
#include <span>

namespace petrify::inline v0 {

// Owns the scratch memory of one thread; make one for each. Borrows: the file of the forest must outlive it.
//
// Every function is noexcept and either fills `out` and returns true, or, when the row does not have num_columns()
// values or `out` is smaller than the result, returns false and writes nothing. Values of `out` past the result are
// left alone, and `out` may be the row's own memory. A predictor that was moved from may only be assigned or destroyed.
// Exactness, NaN and infinities: as petrify/forest.hpp says.
class predictor {
public:
  // Cost: allocates the scratch memory. Throws: std::bad_alloc.
  explicit predictor(const forest& of);
  predictor(predictor&&) noexcept;
  predictor& operator=(predictor&&) noexcept;
  ~predictor();

  // Values of a regression, or labels of a classifier as numbers: one an output. Text labels give NaN: use
  // predict_class.
  bool predict(const row_view& row, std::span<double> out) noexcept;
  // Class probabilities, output_width(output::proba) of them.
  bool predict_proba(const row_view& row, std::span<double> out) noexcept;
  // Untransformed scores, output_width(output::raw) of them.
  bool predict_raw(const row_view& row, std::span<double> out) noexcept;
  // Index into forest::labels(i) for each output i. Returns false for a regression.
  bool predict_class(const row_view& row, std::span<std::uint32_t> out) noexcept;
  // The origin's leaf id in each tree.
  bool apply(const row_view& row, std::span<std::uint32_t> out) noexcept;

private:
  struct scratch;
  std::unique_ptr<scratch> scratch_;
};

} // namespace petrify::inline v0
