#include "forest/row_encoder.hpp"

#include <algorithm>
#include <cmath>

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

// Keys of float64 columns start at 1: 0 and 0xffffffff stand for missing values.
std::uint32_t rank_key(double x, std::span<const double> cuts) noexcept {
  return 1 + static_cast<std::uint32_t>(std::lower_bound(cuts.begin(), cuts.end(), x) - cuts.begin());
}

} // namespace

template <feature_value T>
void encode_row(const forest_data& forest, const T* values, std::ptrdiff_t stride, std::uint32_t* keys) noexcept {
  keys[0] = 0;
  for (std::size_t s = 1; s < forest.slots.size(); ++s) {
    const slot& to = forest.slots[s];
    const T value = values[static_cast<std::ptrdiff_t>(to.column) * stride];
    if (to.kind == slot_kind::float32) {
      // int64 goes to float32 directly: through double it would be rounded twice.
      const auto x = static_cast<float>(value);
      const missing_result known = missing_key(x, to.missing);
      keys[s] = known.decided ? known.key : key_of(std::isnan(x) ? 0.0f : x);
    } else {
      const auto x = static_cast<double>(value);
      const missing_result known = missing_key(x, to.missing);
      keys[s] = known.decided ? known.key : rank_key(std::isnan(x) ? 0.0 : x, to.cuts);
    }
  }
}

template void encode_row(const forest_data&, const float*, std::ptrdiff_t, std::uint32_t*) noexcept;
template void encode_row(const forest_data&, const double*, std::ptrdiff_t, std::uint32_t*) noexcept;
template void encode_row(const forest_data&, const std::int64_t*, std::ptrdiff_t, std::uint32_t*) noexcept;

void encode_row(const forest_data& forest, const rows& x, std::size_t i, std::uint32_t* keys) noexcept {
  const auto encode = [&]<class T>(const T* data) {
    encode_row(forest, data + static_cast<std::ptrdiff_t>(i) * x.row_stride(), x.column_stride(), keys);
  };
  switch (x.type()) {
  case feature_type::float32: return encode(static_cast<const float*>(x.data()));
  case feature_type::float64: return encode(static_cast<const double*>(x.data()));
  case feature_type::int64: return encode(static_cast<const std::int64_t*>(x.data()));
  }
}

} // namespace petrify::inline v0
