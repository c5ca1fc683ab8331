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

PETRIFY_TARGET_BEGIN("avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")
namespace petrify::inline v0 {
namespace dense_avx512vbmi {

// A row's ranks, 64 in each vector, and lookups among them: 64 or 128 bytes at once.
template <unsigned Vectors>
struct ranks_of_trees {
  __m512i ranks[Vectors];
  explicit ranks_of_trees(const std::uint8_t* bytes) noexcept {
    for (unsigned i = 0; i < Vectors; ++i)
      ranks[i] = _mm512_load_si512(bytes + std::size_t{64} * i);
  }

  PETRIFY_INLINE __m512i of(__m512i features) const noexcept {
    if constexpr (Vectors == 1)
      return _mm512_permutexvar_epi8(features, ranks[0]);
    else if constexpr (Vectors == 2)
      return _mm512_permutex2var_epi8(ranks[0], features, ranks[1]);
    else
      return _mm512_mask_blend_epi8(_mm512_movepi8_mask(features),
                                    _mm512_permutex2var_epi8(ranks[0], features, ranks[1]),
                                    _mm512_permutex2var_epi8(ranks[2], features, ranks[3]));
  }
};

namespace {
#include "forest/kernel_dense_avx512.inl"

#include "forest/kernel_dense.inl"
} // namespace

} // namespace dense_avx512vbmi
} // namespace petrify::inline v0
PETRIFY_TARGET_END

namespace petrify::inline v0 {

const kernel dense_avx512vbmi_kernel = {"dense avx512vbmi",
                                        dense_avx512vbmi::add<float>,
                                        dense_avx512vbmi::add<double>,
                                        interleaved_kernel.find_leaves,
                                        dense_avx512vbmi::scratch_bytes,
                                        true};

} // namespace petrify::inline v0

#endif
