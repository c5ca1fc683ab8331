#include "forest/row_encoder.hpp"

#include "forest/cpu.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace petrify::inline v0 {

namespace {

// LightGBM's kZeroThreshold: the float literal, widened.
constexpr double zero_threshold = 1e-35f;

// The key that a missing value gets under the rule, or whether the value must be compared after all.
struct missing_result {
  bool decided;
  std::uint32_t key;
};

template <class T>
missing_result missing_key(T x, missing_rule rule) noexcept {
  const bool is_nan = std::isnan(x);
  switch (rule) {
  case missing_rule::left: return {is_nan, key_always_left};
  case missing_rule::right: return {is_nan, key_always_right};
  case missing_rule::as_zero: return {false, 0};
  case missing_rule::zero_left: return {is_nan || std::abs(static_cast<double>(x)) <= zero_threshold, key_always_left};
  case missing_rule::zero_right:
    return {is_nan || std::abs(static_cast<double>(x)) <= zero_threshold, key_always_right};
  }
  return {is_nan, key_always_right};
}

// How many cuts are less than x, which is not NaN. Without branches, since which way each half goes is anybody's guess;
// of a conditional operator gcc makes one (a row of 28 columns and 100 trees: 1070 ns instead of 320).
std::uint32_t cuts_below(double x, std::span<const double> cuts) noexcept {
  const double* from = cuts.data();
  for (std::size_t left = cuts.size(); left != 0; left -= left - left / 2) {
    const std::size_t half = left - left / 2;
    from += half & (std::size_t{0} - static_cast<std::size_t>(from[half - 1] < x));
  }
  return static_cast<std::uint32_t>(from - cuts.data());
}

// Keys of float64 columns start at 1: 0 and 0xffffffff stand for missing values.
std::uint32_t rank_key(double x, std::span<const double> cuts) noexcept { return 1 + cuts_below(x, cuts); }

// The key of a category: 1 + its number, where the value stands for one.
std::uint32_t category_key(double x, const slot& to) noexcept {
  const std::uint32_t missing = to.missing == missing_rule::left ? key_always_left : key_always_right;
  const auto known = [&](std::uint32_t category) {
    return to.known == nullptr || is_member(to.known, category) ? category + 1 : missing;
  };
  switch (to.rule) {
  case category_rule::xgboost:
  case category_rule::xgboost_strict:
    x = static_cast<double>(static_cast<float>(x));
    if (std::isnan(x))
      return missing;
    if (x < 0 || x >= 16777216.0)
      return to.rule == category_rule::xgboost ? key_always_left : missing;
    return static_cast<std::uint32_t>(x) + 1;
  case category_rule::lightgbm:
    return x > -1 && x < 2147483648.0 ? static_cast<std::uint32_t>(x) + 1 : key_always_right;
  case category_rule::hist_gradient_boosting:
  case category_rule::hist_gradient_boosting_wrapped:
    if (std::isnan(x) || (x < 0 && to.rule == category_rule::hist_gradient_boosting))
      return missing;
    // The origin casts a double to uint8, which on x86-64 goes through int32 and gives 0 for what that cannot hold.
    if (!(x > -2147483649.0 && x < 2147483648.0))
      return known(0);
    return known(static_cast<std::uint32_t>(static_cast<std::int32_t>(x)) % 256);
  case category_rule::listed: {
    const auto found = std::lower_bound(to.cuts.begin(), to.cuts.end(), x);
    if (found == to.cuts.end() || *found != x)
      return missing;
    return known(static_cast<std::uint32_t>(found - to.cuts.begin()));
  }
  case category_rule::none: break;
  }
  return missing;
}

// One step, computed in float64 and rounded to the row's type.
template <class T>
T step_of(T value, const step_entry& step, bool is_integer) noexcept {
  const auto x = static_cast<double>(value);
  const auto is_same = [&] { return x == step.a || (std::isnan(x) && std::isnan(step.a)); };
  switch (step.op) {
  case step_op::subtract: return static_cast<T>(x - step.a);
  case step_op::divide: return static_cast<T>(x / step.a);
  case step_op::subtract_typed: return static_cast<T>(x - static_cast<double>(static_cast<T>(step.a)));
  case step_op::divide_typed: return static_cast<T>(x / static_cast<double>(static_cast<T>(step.a)));
  case step_op::multiply: return static_cast<T>(x * step.a);
  case step_op::add: return static_cast<T>(x + step.a);
  case step_op::clip: return static_cast<T>(x < step.a ? step.a : x > step.b ? step.b : x);
  case step_op::replace: return is_same() ? static_cast<T>(step.b) : value;
  case step_op::replace_typed: return is_same() ? static_cast<T>(is_integer ? std::trunc(step.b) : step.b) : value;
  case step_op::missing:
    return static_cast<float>(x) == static_cast<float>(step.a) ? std::numeric_limits<T>::quiet_NaN() : value;
  case step_op::narrow_integers: // when the row was converted
  case step_op::none: break;
  }
  return value;
}

template <class T, class Source>
void apply_steps(const forest_data& forest, const Source* values, std::ptrdiff_t stride, T* out) noexcept {
  constexpr bool is_integer = std::is_integral_v<Source>;
  const bool narrows = is_integer && forest.steps[0].op == step_op::narrow_integers;
  for (std::size_t j = 0; j < forest.num_columns; ++j) {
    const Source value = values[static_cast<std::ptrdiff_t>(j) * stride];
    out[j] = narrows ? static_cast<T>(static_cast<float>(value)) : static_cast<T>(value);
  }
  for (const step_entry& step : forest.steps) {
    if (step.column != all_columns) {
      out[step.column] = step_of(out[step.column], step, is_integer);
      continue;
    }
    for (std::size_t j = 0; j < forest.num_columns; ++j)
      out[j] = step_of(out[j], step, is_integer);
  }
}

} // namespace

row_encoder::row_encoder(const forest_data& forest)
    : forest_(&forest), groups_(group_slots(forest.slots)), group_encoder_(&group_encoder_for(usable_cpu_level())) {
  for (std::uint32_t s = 1; s < forest.slots.size(); ++s)
    if (forest.slots[s].kind != slot_kind::float32)
      other_slots_.push_back(s);
  if (forest.steps.empty())
    return;
  changes_floats_ = forest.steps.size() > 1 || forest.steps[0].op != step_op::narrow_integers;
  changed32_.resize(forest.num_columns);
  changed64_.resize(forest.num_columns);
}

template <feature_value T>
void row_encoder::encode(const value_rows<T>& from, std::uint32_t* keys) noexcept {
  const forest_data& forest = *forest_;
  const std::size_t key_stride = forest.key_stride();
  last_ = from.row(from.count - 1);
  last_stride_ = from.column_stride;
  if constexpr (std::is_same_v<T, float>)
    group_encoder_->of_float(groups_, from, keys, key_stride);
  else if constexpr (std::is_same_v<T, double>)
    group_encoder_->of_double(groups_, from, keys, key_stride);
  else
    group_encoder_->of_int64(groups_, from, keys, key_stride);
  for (std::size_t i = 0; i < from.count; ++i, keys += key_stride) {
    keys[0] = 0;
    for (const std::uint32_t s : other_slots_) {
      const slot& to = forest.slots[s];
      const auto x = static_cast<double>(from.row(i)[static_cast<std::ptrdiff_t>(to.column) * from.column_stride]);
      if (to.kind == slot_kind::rank64) {
        const missing_result known = missing_key(x, to.missing);
        keys[s] = known.decided ? known.key : rank_key(std::isnan(x) ? 0.0 : x, to.cuts);
      } else {
        keys[s] = category_key(x, to);
      }
    }
  }
}

void row_encoder::encode(const rows& x, std::size_t first, std::size_t count, std::uint32_t* keys) noexcept {
  // Groups of slots are made one after the other: of few enough rows that these stay in the first cache.
  constexpr std::size_t rows_at_once = 64;
  const auto run = [&]<class T>(const T* data) {
    const auto row = [&](std::size_t i) { return data + static_cast<std::ptrdiff_t>(first + i) * x.row_stride(); };
    const std::size_t key_stride = forest_->key_stride();
    last_type_ = x.type();
    if (forest_->steps.empty() || (!std::is_integral_v<T> && !changes_floats_)) {
      for (std::size_t i = 0; i < count; i += rows_at_once)
        encode(value_rows<T>{row(i), x.row_stride(), x.column_stride(), std::min(rows_at_once, count - i)},
               keys + i * key_stride);
      return;
    }
    for (std::size_t i = 0; i < count; ++i, keys += key_stride) {
      if constexpr (std::is_same_v<T, float>) {
        apply_steps(*forest_, row(i), x.column_stride(), changed32_.data());
        encode(value_rows<float>{changed32_.data(), 0, 1, 1}, keys);
      } else {
        apply_steps(*forest_, row(i), x.column_stride(), changed64_.data());
        last_type_ = feature_type::float64;
        encode(value_rows<double>{changed64_.data(), 0, 1, 1}, keys);
      }
    }
  };
  switch (x.type()) {
  case feature_type::float32: return run(static_cast<const float*>(x.data()));
  case feature_type::float64: return run(static_cast<const double*>(x.data()));
  case feature_type::int64: return run(static_cast<const std::int64_t*>(x.data()));
  }
}

double row_encoder::value(std::uint32_t column) const noexcept {
  const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(column) * last_stride_;
  switch (last_type_) {
  case feature_type::float32: return static_cast<double>(static_cast<const float*>(last_)[at]);
  case feature_type::float64: return static_cast<const double*>(last_)[at];
  case feature_type::int64: return static_cast<double>(static_cast<const std::int64_t*>(last_)[at]);
  }
  return 0;
}

} // namespace petrify::inline v0
