#include "forest/slot_groups.hpp"

#if defined(__x86_64__)

#include "base/target_region.hpp"

#include <immintrin.h>

PETRIFY_TARGET_BEGIN("avx2,bmi,bmi2,popcnt")
namespace petrify::inline v0 {
namespace {

// All bits of lane i where bit i of the mask is set.
inline __m256i lanes_of(std::uint32_t mask) noexcept {
  const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(static_cast<int>(mask)), bit), bit);
}

// Eight columns as float32; those whose bit is not set are not read.
inline __m256 load(std::uint32_t mask, const float* values) noexcept {
  return _mm256_maskload_ps(values, lanes_of(mask));
}
inline __m256 load(std::uint32_t mask, const double* values) noexcept {
  const __m256i lanes = lanes_of(mask);
  const __m256i low = _mm256_cvtepi32_epi64(_mm256_castsi256_si128(lanes));
  const __m256i high = _mm256_cvtepi32_epi64(_mm256_extracti128_si256(lanes, 1));
  return _mm256_set_m128(_mm256_cvtpd_ps(_mm256_maskload_pd(values + 4, high)),
                         _mm256_cvtpd_ps(_mm256_maskload_pd(values, low)));
}

inline __m256i chosen(__m256i from, const std::uint32_t* where, __m256 mask) noexcept {
  return _mm256_blendv_epi8(from, _mm256_load_si256(reinterpret_cast<const __m256i*>(where)),
                            _mm256_castps_si256(mask));
}

inline __m256i keys_of(const slot_group& group, std::uint32_t first, __m256 x) noexcept {
  const __m256i sign = _mm256_set1_epi32(static_cast<int>(0x80000000u));
  const __m256i bits = _mm256_castps_si256(x);
  __m256i key = _mm256_xor_si256(bits, _mm256_or_si256(_mm256_srai_epi32(bits, 31), sign));
  key = _mm256_blendv_epi8(key, sign, _mm256_cmpeq_epi32(bits, sign)); // -0 as +0
  if (group.zeros != 0) {
    const __m256 magnitude = _mm256_andnot_ps(_mm256_castsi256_ps(sign), x);
    const __m256 is_zero = _mm256_and_ps(_mm256_cmp_ps(magnitude, _mm256_set1_ps(1e-35f), _CMP_LE_OQ),
                                         _mm256_castsi256_ps(lanes_of(group.zeros >> first)));
    key = chosen(key, group.zero_key + first, is_zero);
  }
  return chosen(key, group.nan_key + first, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}

template <class T>
void encode(std::span<const slot_group> groups, const value_rows<T>& rows, std::uint32_t* keys,
            std::size_t key_stride) noexcept {
  for (const slot_group& group : groups)
    for (std::size_t row = 0; row < rows.count; ++row) {
      T gathered[slot_group::size];
      const T* const from = columns_of(group, rows.row(row), rows.column_stride, gathered);
      std::uint32_t* const to = keys + row * key_stride + group.first_slot;
      const __m256 low = load(group.columns, from);
      const __m256 high = load(group.columns >> 8, from + 8);
      for (std::uint32_t first = 0; first < slot_group::size && (group.slots >> first) != 0; first += 8) {
        const __m256i column = _mm256_load_si256(reinterpret_cast<const __m256i*>(group.column + first));
        const __m256 x = _mm256_blendv_ps(_mm256_permutevar8x32_ps(low, column), _mm256_permutevar8x32_ps(high, column),
                                          _mm256_castsi256_ps(_mm256_cmpgt_epi32(column, _mm256_set1_epi32(7))));
        _mm256_maskstore_epi32(reinterpret_cast<int*>(to + first), lanes_of(group.slots >> first),
                               keys_of(group, first, x));
      }
    }
}

} // namespace
} // namespace petrify::inline v0
PETRIFY_TARGET_END

namespace petrify::inline v0 {

// AVX2 has no conversion of int64.
const group_encoder avx2_group_encoder = {encode<float>, encode<double>, scalar_group_encoder.of_int64};

} // namespace petrify::inline v0

#endif
