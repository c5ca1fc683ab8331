#include "forest/kernel_dense.hpp"

#if defined(__x86_64__)

#include "base/target_region.hpp"
#include "forest/dense.hpp"
#include "forest/leaf_visitors.hpp"
#include "forest/walk.hpp"

#include <algorithm>
#include <concepts>
#include <immintrin.h>
#include <type_traits>

PETRIFY_TARGET_BEGIN("avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl")
namespace petrify::inline v0 {
namespace dense_avx512 {

// A row's ranks, 64 in each vector, and lookups among them: here in 16 bytes at a time, which every AVX-512 has.
template <unsigned Vectors>
struct ranks_of_trees {
  const std::uint8_t* ranks;
  explicit ranks_of_trees(const std::uint8_t* bytes) noexcept : ranks(bytes) {}

  PETRIFY_INLINE __m512i of(__m512i features) const noexcept {
    const __m512i bias = _mm512_set1_epi8(0x70);
    __m512i found = _mm512_setzero_si512();
#pragma GCC unroll 16
    for (unsigned part = 0; part < 4 * Vectors; ++part) {
      const __m512i sixteen =
          _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(ranks + std::size_t{part} * 16)));
      // A feature of this part becomes 0x70 to 0x7f; all others have the high bit, for which the lookup gives 0.
      const __m512i in_part =
          _mm512_adds_epu8(_mm512_xor_si512(features, _mm512_set1_epi8(static_cast<char>(part * 16))), bias);
      found = _mm512_or_si512(found, _mm512_shuffle_epi8(sixteen, in_part));
    }
    return found;
  }
};

namespace {
#include "forest/kernel_dense_avx512.inl"

#include "forest/kernel_dense.inl"
} // namespace

} // namespace dense_avx512
} // namespace petrify::inline v0
PETRIFY_TARGET_END

namespace petrify::inline v0 {

const kernel dense_avx512_kernel = {"dense avx512",
                                    dense_avx512::add<float>,
                                    dense_avx512::add<double>,
                                    interleaved_kernel.find_leaves,
                                    dense_avx512::scratch_bytes,
                                    true};

} // namespace petrify::inline v0

#endif
