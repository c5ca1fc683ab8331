#include "forest/slot_groups.hpp"

#if defined(__x86_64__)

#include "base/target_region.hpp"

#include <immintrin.h>

PETRIFY_TARGET_BEGIN("avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl")
namespace petrify::inline v0 {
namespace {

// The columns of a group as float32; what lies past the row's end is not read.
inline __m512 load(const slot_group& group, const float* values) noexcept {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>(group.columns), values);
}
inline __m512 joined(__m256 low, __m256 high) noexcept {
  return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
}
inline __m512 load(const slot_group& group, const double* values) noexcept {
  return joined(_mm512_cvtpd_ps(_mm512_maskz_loadu_pd(static_cast<__mmask8>(group.columns), values)),
                _mm512_cvtpd_ps(_mm512_maskz_loadu_pd(static_cast<__mmask8>(group.columns >> 8), values + 8)));
}
inline __m512 load(const slot_group& group, const std::int64_t* values) noexcept {
  return joined(_mm512_cvtepi64_ps(_mm512_maskz_loadu_epi64(static_cast<__mmask8>(group.columns), values)),
                _mm512_cvtepi64_ps(_mm512_maskz_loadu_epi64(static_cast<__mmask8>(group.columns >> 8), values + 8)));
}

inline __m512i keys_of(const slot_group& group, __m512 x) noexcept {
  const __m512i sign = _mm512_set1_epi32(static_cast<int>(0x80000000u));
  const __m512i bits = _mm512_castps_si512(x);
  __m512i key = _mm512_xor_si512(bits, _mm512_or_si512(_mm512_srai_epi32(bits, 31), sign));
  key = _mm512_mask_mov_epi32(key, _mm512_cmpeq_epi32_mask(bits, sign), sign); // -0 as +0
  if (group.zeros != 0) {
    const __mmask16 is_zero = _mm512_mask_cmp_ps_mask(static_cast<__mmask16>(group.zeros), _mm512_abs_ps(x),
                                                      _mm512_set1_ps(1e-35f), _CMP_LE_OQ);
    key = _mm512_mask_loadu_epi32(key, is_zero, group.zero_key);
  }
  return _mm512_mask_loadu_epi32(key, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), group.nan_key);
}

template <class T>
void encode(std::span<const slot_group> groups, const value_rows<T>& rows, std::uint32_t* keys,
            std::size_t key_stride) noexcept {
  for (const slot_group& group : groups) {
    const __m512i column = _mm512_load_si512(group.column);
    for (std::size_t row = 0; row < rows.count; ++row) {
      T gathered[slot_group::size];
      const T* const columns = columns_of(group, rows.row(row), rows.column_stride, gathered);
      const __m512 x = _mm512_permutexvar_ps(column, load(group, columns));
      _mm512_mask_storeu_epi32(keys + row * key_stride + group.first_slot, static_cast<__mmask16>(group.slots),
                               keys_of(group, x));
    }
  }
}

} // namespace
} // namespace petrify::inline v0
PETRIFY_TARGET_END

namespace petrify::inline v0 {

const group_encoder avx512_group_encoder = {encode<float>, encode<double>, encode<std::int64_t>};

} // namespace petrify::inline v0

#endif
