#include "forest/slot_groups.hpp"

#include <cmath>

namespace petrify::inline v0 {

namespace {

// LightGBM's kZeroThreshold.
constexpr float zero_threshold = 1e-35f;

template <class T>
void encode(std::span<const slot_group> groups, const value_rows<T>& from, std::uint32_t* keys,
            std::size_t key_stride) noexcept {
  for (std::size_t row = 0; row < from.count; ++row, keys += key_stride)
    for (const slot_group& group : groups)
      for (std::uint32_t i = 0; i < slot_group::size && (group.slots >> i) != 0; ++i) {
        const std::ptrdiff_t column = group.first_column + group.column[i];
        // int64 goes to float32 directly: through double it would be rounded twice.
        const auto x = static_cast<float>(from.row(row)[column * from.column_stride]);
        const bool is_zero = (group.zeros >> i & 1) != 0 && std::abs(x) <= zero_threshold;
        keys[group.first_slot + i] = std::isnan(x) ? group.nan_key[i] : is_zero ? group.zero_key[i] : key_of(x);
      }
}

void add_slot(slot_group& to, const slot& one) {
  const auto i = static_cast<std::uint32_t>(__builtin_popcount(to.slots));
  to.slots |= 1u << i;
  to.column[i] = one.column - to.first_column;
  to.columns |= 1u << to.column[i];
  switch (one.missing) {
  case missing_rule::left: to.nan_key[i] = key_always_left; return;
  case missing_rule::right: to.nan_key[i] = key_always_right; return;
  case missing_rule::as_zero: to.nan_key[i] = key_of(0.0f); return;
  case missing_rule::zero_left:
  case missing_rule::zero_right:
    to.nan_key[i] = one.missing == missing_rule::zero_left ? key_always_left : key_always_right;
    to.zero_key[i] = to.nan_key[i];
    to.zeros |= 1u << i;
    return;
  }
}

} // namespace

std::vector<slot_group> group_slots(std::span<const slot> slots) {
  std::vector<slot_group> out;
  bool open = false;
  for (std::uint32_t s = 0; s < slots.size(); ++s) {
    if (slots[s].kind != slot_kind::float32) {
      open = false;
      continue;
    }
    if (!open || out.back().slots == 0xffffu || slots[s].column - out.back().first_column >= slot_group::size) {
      out.emplace_back();
      out.back().first_slot = s;
      out.back().first_column = slots[s].column;
      open = true;
    }
    add_slot(out.back(), slots[s]);
  }
  return out;
}

const group_encoder scalar_group_encoder = {encode<float>, encode<double>, encode<std::int64_t>};

const group_encoder& group_encoder_for([[maybe_unused]] cpu_level level) noexcept {
#if defined(__x86_64__)
  if (level >= cpu_level::avx512)
    return avx512_group_encoder;
  if (level >= cpu_level::avx2)
    return avx2_group_encoder;
#endif
  return scalar_group_encoder;
}

} // namespace petrify::inline v0
