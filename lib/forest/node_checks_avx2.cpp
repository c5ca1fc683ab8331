#include "forest/node_checks.hpp"

#if defined(__x86_64__)

#include "base/target_region.hpp"

#include <immintrin.h>

PETRIFY_TARGET_BEGIN("avx2,bmi,bmi2,popcnt")
namespace petrify::inline v0 {
namespace {

constexpr std::uint32_t lanes = 8;

inline __m256i all(std::uint32_t x) noexcept { return _mm256_set1_epi32(static_cast<int>(x)); }
inline __m256i load(const void* from) noexcept { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
// AVX2 compares no unsigned numbers, but has their minimum.
inline __m256i at_most(__m256i a, __m256i b) noexcept { return _mm256_cmpeq_epi32(_mm256_min_epu32(a, b), a); }

// Eight nodes, a field in each vector; all bits of a lane where the node has no operation.
struct fields {
  __m256i value;
  __m256i slot;
  __m256i offset;
  __m256i compares;
};

// How the nodes of each layout become fields, and where a lane's node stands among them.
struct nodes8 {
  __m256i slots;
  __m128i shift;
  explicit nodes8(const node_bounds& bounds) noexcept
      : slots(all((1u << bounds.slot_bits) - 1)), shift(_mm_cvtsi32_si128(static_cast<int>(bounds.slot_bits))) {}
  static __m256i places() noexcept { return _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7); }
  fields operator()(const node8* nodes) const noexcept {
    const __m256 a = _mm256_castsi256_ps(load(nodes));
    const __m256 b = _mm256_castsi256_ps(load(nodes + 4));
    const __m256i meta = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd));
    return {_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88)), _mm256_and_si256(meta, slots),
            _mm256_srl_epi32(meta, shift), all(~0u)};
  }
};
struct nodes16 {
  explicit nodes16(const node_bounds&) noexcept {}
  static __m256i places() noexcept { return _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7); }
  fields operator()(const node16* nodes) const noexcept {
    const __m256i a = load(nodes);
    const __m256i b = load(nodes + 2);
    const __m256i c = load(nodes + 4);
    const __m256i d = load(nodes + 6);
    const __m256i front_ab = _mm256_unpacklo_epi32(a, b);
    const __m256i front_cd = _mm256_unpacklo_epi32(c, d);
    const __m256i back_ab = _mm256_unpackhi_epi32(a, b);
    const __m256i back_cd = _mm256_unpackhi_epi32(c, d);
    const __m256i op = _mm256_unpackhi_epi64(back_ab, back_cd);
    return {_mm256_unpacklo_epi64(front_ab, front_cd), _mm256_unpackhi_epi64(front_ab, front_cd),
            _mm256_unpacklo_epi64(back_ab, back_cd), _mm256_cmpeq_epi32(op, _mm256_setzero_si256())};
  }
};

template <class Fields, class Node>
bool check(const Node* nodes, std::uint32_t count, std::uint32_t room, const node_bounds& bounds) noexcept {
  const Fields fields_of(bounds);
  const __m256i one = all(1);
  const __m256i parity = _mm256_and_si256(Fields::places(), one);
  const __m256i most_slot = all(bounds.last_slot - 1);
  const __m256i most_value = all(key_always_right - 1);
  const __m256i most_payload = all(bounds.max_payload);
  __m256i most_offset = _mm256_sub_epi32(all(room - 1), Fields::places());
  __m256i sound = all(~0u);
  for (std::uint32_t i = 0; i < count; i += lanes) {
    prefetch_ahead(nodes + i, lanes);
    const fields of = fields_of(nodes + i);
    const __m256i is_leaf = _mm256_cmpeq_epi32(_mm256_or_si256(of.slot, of.offset), _mm256_setzero_si256());
    // 1 less, so that 0 is the greatest.
    const __m256i is_inside = at_most(_mm256_sub_epi32(of.offset, one), most_offset);
    const __m256i is_slot = at_most(_mm256_sub_epi32(of.slot, one), most_slot);
    const __m256i is_pair = _mm256_cmpeq_epi32(_mm256_and_si256(of.offset, one), parity);
    const __m256i is_split = _mm256_and_si256(_mm256_and_si256(is_inside, is_slot), is_pair);
    const __m256i is_value = at_most(of.value, _mm256_blendv_epi8(most_value, most_payload, is_leaf));
    sound = _mm256_and_si256(sound, _mm256_and_si256(_mm256_or_si256(is_leaf, is_split), is_value));
    sound = _mm256_and_si256(sound, of.compares);
    most_offset = _mm256_sub_epi32(most_offset, all(lanes));
  }
  return _mm256_movemask_epi8(sound) == -1;
}

bool check8(const node8* nodes, std::uint32_t count, std::uint32_t room, const node_bounds& bounds) noexcept {
  return check<nodes8>(nodes, count, room, bounds);
}

bool check16(const node16* nodes, std::uint32_t count, std::uint32_t room, const node_bounds& bounds) noexcept {
  return check<nodes16>(nodes, count, room, bounds);
}

} // namespace
} // namespace petrify::inline v0
PETRIFY_TARGET_END

namespace petrify::inline v0 {

const node_checker avx2_node_checker = {check8, check16};

} // namespace petrify::inline v0

#endif
