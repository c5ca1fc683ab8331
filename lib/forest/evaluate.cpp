#include "forest/evaluate.hpp"

#include "base/float_mode.hpp"
#include "forest/finish.hpp"
#include "forest/leaf_ids.hpp"
#include "forest/leaf_values.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace petrify::inline v0 {

namespace {

// Label `index` of an output as a number; texts are not one.
double label_number(const forest_data& forest, const output_data& o, std::uint32_t index) noexcept {
  const std::size_t at = o.first_label + index;
  if (o.type == dtype::string)
    return std::numeric_limits<double>::quiet_NaN();
  if (o.type == dtype::float32 || o.type == dtype::float64)
    return forest.label_reals[at];
  if (o.type == dtype::uint64)
    return static_cast<double>(static_cast<std::uint64_t>(forest.label_integers[at]));
  return static_cast<double>(forest.label_integers[at]);
}

} // namespace

std::size_t output_width(const forest_data& forest, output kind) noexcept {
  switch (kind) {
  case output::predict: return forest.is_classifier() ? forest.outputs.size() : forest.final_width;
  case output::proba: return forest.final_width;
  case output::raw: return forest.raw_width;
  case output::leaf: return forest.num_trees;
  }
  return 0;
}

evaluator::evaluator(const forest_data& forest, std::size_t capacity, const kernel& with)
    : forest_(&forest), kernel_(&with), capacity_(capacity), encoder_(forest), keys_(capacity * forest.key_stride()) {
  const std::size_t width = std::max({forest.sum_width, forest.raw_width, forest.final_width});
  if (forest.accumulator == dtype::float32) {
    sums32_.resize(capacity * forest.sum_width);
    final32_.resize(width);
  } else {
    sums64_.resize(capacity * forest.sum_width);
    final64_.resize(width);
  }
  if (with.scratch_bytes != nullptr && forest.kernel_adds())
    scratch_.resize(with.scratch_bytes(forest, capacity) / sizeof(cache_line));
  if (!forest.kernel_adds())
    leaves_.resize(forest.num_trees);
  if (forest.sum == sum_kind::weighted_median)
    weighted_.resize(forest.num_trees);
}

namespace {

// Value of a linear leaf. LightGBM's matrices have no entries of magnitude <= 1e-35f: they count as 0.
double linear_value(const forest_data& forest, std::uint32_t row, const row_encoder& values) noexcept {
  const auto* pair = static_cast<const double*>(forest.leaf_values) + 2 * std::uint64_t{row};
  double out = pair[0];
  for (std::uint32_t i = row == 0 ? 0 : forest.linear_ends[row - 1]; i < forest.linear_ends[row]; ++i) {
    const double x = values.value(forest.linear_columns[i]);
    if (std::isnan(x))
      return pair[1];
    out += forest.linear_coefficients[i] * (std::abs(x) <= static_cast<double>(1e-35f) ? 0.0 : x);
  }
  return out;
}

// The smallest value at which half of the weight is reached; weights add up in order of values, equal ones in order of
// trees. NaN comes last. The first value if half is never reached (weights that are negative or NaN), as numpy's argmax
// of nothing but False gives.
double weighted_median(std::span<weighted_value> trees) noexcept {
  std::sort(trees.begin(), trees.end(), [](const weighted_value& a, const weighted_value& b) {
    if (std::isnan(a.value) != std::isnan(b.value))
      return std::isnan(b.value);
    return a.value < b.value || (!(b.value < a.value) && a.tree < b.tree);
  });
  double total = 0;
  for (const weighted_value& one : trees)
    total += one.weight;
  double sum = 0;
  for (const weighted_value& one : trees) {
    sum += one.weight;
    if (sum >= 0.5 * total)
      return one.value;
  }
  return trees.empty() ? 0 : trees.front().value;
}

} // namespace

template <class Sum>
void evaluator::add_trees_by_leaf(const std::uint32_t* keys, Sum* sums) noexcept {
  const forest_data& forest = *forest_;
  kernel_->find_leaves(forest, keys, 1, leaves_.data());
  for (std::uint32_t t = 0; t < forest.num_trees; ++t) {
    const std::uint32_t payload = payload_of(forest, leaves_[t]);
    if (forest.sum == sum_kind::weighted_median)
      weighted_[t] = {scalar_value<double>(forest, payload), forest.tree_weights[t], t};
    else
      sums[forest.target(t)] += static_cast<Sum>(linear_value(forest, payload, encoder_));
  }
  if (forest.sum == sum_kind::weighted_median)
    sums[0] = static_cast<Sum>(weighted_median(weighted_));
}

template <class Sum>
void evaluator::add_trees(const rows& x, std::size_t first, std::size_t count, Sum* sums) noexcept {
  const std::size_t width = forest_->sum_width;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t k = 0; k < width; ++k)
      sums[i * width + k] = static_cast<Sum>(forest_->start[k]);
  if (!forest_->kernel_adds()) {
    for (std::size_t i = 0; i < count; ++i) {
      encoder_.encode(x, first + i, 1, keys_.data());
      add_trees_by_leaf(keys_.data(), sums + i * width);
    }
    return;
  }
  encoder_.encode(x, first, count, keys_.data());
  std::byte* const scratch = reinterpret_cast<std::byte*>(scratch_.data());
  if constexpr (std::is_same_v<Sum, float>)
    kernel_->add_float32(*forest_, keys_.data(), count, sums, scratch);
  else
    kernel_->add_float64(*forest_, keys_.data(), count, sums, scratch);
}

template <class Sum, class Visit>
void evaluator::for_each_result(const rows& x, std::size_t first, std::size_t count, bool want_final,
                                std::vector<Sum>& sums, std::vector<Sum>& final, Visit visit) noexcept {
  add_trees(x, first, count, sums.data());
  for (std::size_t i = 0; i < count; ++i) {
    Sum* const raw = sums.data() + i * forest_->sum_width;
    apply_raw_ops(*forest_, raw);
    if (want_final) {
      std::copy_n(raw, forest_->raw_width, final.data());
      apply_final_ops(*forest_, final.data());
    }
    visit(i, raw, final.data());
  }
}

// Whether results are sums as they are: there is nothing to do with them.
bool evaluator::gives_sums(output kind) const noexcept {
  const std::size_t num_ops = kind == output::raw ? forest_->num_raw_ops : forest_->epilogue.size();
  return num_ops == 0 && output_width(*forest_, kind) == forest_->sum_width &&
         (kind != output::predict || !forest_->is_classifier());
}

template <class Visit>
void evaluator::for_each_result(const rows& x, std::size_t first, std::size_t count, bool want_final,
                                Visit visit) noexcept {
  if (forest_->accumulator == dtype::float32)
    for_each_result(x, first, count, want_final, sums32_, final32_, visit);
  else
    for_each_result(x, first, count, want_final, sums64_, final64_, visit);
}

void evaluator::numbers(const rows& x, std::size_t first, std::size_t count, output kind, double* out) noexcept {
  const exact_float_mode mode;
  const forest_data& forest = *forest_;
  const std::size_t width = output_width(forest, kind);
  if (gives_sums(kind)) {
    const auto copy = [&](auto& sums) {
      add_trees(x, first, count, sums.data());
      std::copy_n(sums.data(), count * width, out);
    };
    return forest.accumulator == dtype::float32 ? copy(sums32_) : copy(sums64_);
  }
  if (kind == output::predict && forest.is_classifier()) {
    for_each_result(x, first, count, decides_on_final(forest), [&](std::size_t i, const auto* raw, const auto* final) {
      for (std::size_t o = 0; o < width; ++o)
        out[i * width + o] = label_number(forest, forest.outputs[o], decide(forest, forest.outputs[o], raw, final));
    });
    return;
  }
  const bool is_raw = kind == output::raw;
  for_each_result(x, first, count, !is_raw, [&](std::size_t i, const auto* raw, const auto* final) {
    std::copy_n(is_raw ? raw : final, width, out + i * width);
  });
}

void evaluator::classes(const rows& x, std::size_t first, std::size_t count, std::uint32_t* out) noexcept {
  const exact_float_mode mode;
  const forest_data& forest = *forest_;
  const std::size_t width = forest.outputs.size();
  for_each_result(x, first, count, decides_on_final(forest), [&](std::size_t i, const auto* raw, const auto* final) {
    for (std::size_t o = 0; o < width; ++o)
      out[i * width + o] = decide(forest, forest.outputs[o], raw, final);
  });
}

void evaluator::leaves(const rows& x, std::size_t first, std::size_t count, std::uint32_t* out) noexcept {
  const exact_float_mode mode;
  encoder_.encode(x, first, count, keys_.data());
  kernel_->find_leaves(*forest_, keys_.data(), count, out);
  const std::size_t width = forest_->num_trees;
  for (std::size_t i = 0; i < count; ++i)
    for (std::uint32_t t = 0; t < width; ++t)
      out[i * width + t] = leaf_id(*forest_, t, keys_.data() + i * forest_->key_stride(), out[i * width + t]);
}

} // namespace petrify::inline v0
