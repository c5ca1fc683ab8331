#include <petrify/predictor.hpp>

#include "forest/evaluate.hpp"

namespace petrify::inline v0 {

struct predictor::scratch {
  evaluator work;

  // The row as a matrix of one, or nothing when sizes do not fit.
  bool fits(const row_view& row, std::size_t room, std::size_t needed) const noexcept {
    return row.size() == work.forest().num_columns && room >= needed;
  }
  bool numbers(const row_view& row, output kind, std::span<double> out) noexcept {
    if (!fits(row, out.size(), output_width(work.forest(), kind)))
      return false;
    work.numbers(row, 0, 1, kind, out.data());
    return true;
  }
};

predictor::predictor(const forest& of) : scratch_(new scratch{evaluator(of.data(), 1)}) {}
predictor::predictor(predictor&&) noexcept = default;
predictor& predictor::operator=(predictor&&) noexcept = default;
predictor::~predictor() = default;

bool predictor::predict(const row_view& row, std::span<double> out) noexcept {
  return scratch_->numbers(row, output::predict, out);
}

bool predictor::predict_proba(const row_view& row, std::span<double> out) noexcept {
  return scratch_->numbers(row, output::proba, out);
}

bool predictor::predict_raw(const row_view& row, std::span<double> out) noexcept {
  return scratch_->numbers(row, output::raw, out);
}

bool predictor::predict_class(const row_view& row, std::span<std::uint32_t> out) noexcept {
  const forest_data& forest = scratch_->work.forest();
  if (!forest.is_classifier() || !scratch_->fits(row, out.size(), forest.outputs.size()))
    return false;
  scratch_->work.classes(row, 0, 1, out.data());
  return true;
}

bool predictor::apply(const row_view& row, std::span<std::uint32_t> out) noexcept {
  if (!scratch_->fits(row, out.size(), scratch_->work.forest().num_trees))
    return false;
  scratch_->work.leaves(row, 0, 1, out.data());
  return true;
}

} // namespace petrify::inline v0
