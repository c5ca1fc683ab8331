#include "forest/node_checks.hpp"

#if defined(__x86_64__)

#include "base/target_region.hpp"

#include <immintrin.h>

PETRIFY_TARGET_BEGIN("avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl")
namespace petrify::inline v0 {
namespace {

constexpr std::uint32_t lanes = 16;

inline __m512i all(std::uint32_t x) noexcept { return _mm512_set1_epi32(static_cast<int>(x)); }
inline __m512i load(const void* from) noexcept { return _mm512_loadu_si512(from); }

// Sixteen nodes, a field in each vector; where the node has no operation.
struct fields {
  __m512i value;
  __m512i slot;
  __m512i offset;
  __m512i either; // 0 where slot and offset are
  __mmask16 compares;
};

// How the nodes of each layout become fields, and where a lane's node stands among them.
struct nodes8 {
  __m512i slots;
  __m128i shift;
  explicit nodes8(const node_bounds& bounds) noexcept
      : slots(all((1u << bounds.slot_bits) - 1)), shift(_mm_cvtsi32_si128(static_cast<int>(bounds.slot_bits))) {}
  static __m512i places() noexcept { return _mm512_setr_epi32(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15); }
  fields operator()(const node8* nodes) const noexcept {
    const __m512 a = _mm512_castsi512_ps(load(nodes));
    const __m512 b = _mm512_castsi512_ps(load(nodes + 8));
    const __m512i meta = _mm512_castps_si512(_mm512_shuffle_ps(a, b, 0xdd));
    return {_mm512_castps_si512(_mm512_shuffle_ps(a, b, 0x88)), _mm512_and_si512(meta, slots),
            _mm512_srl_epi32(meta, shift), meta, 0xffff};
  }
};
struct nodes16 {
  explicit nodes16(const node_bounds&) noexcept {}
  static __m512i places() noexcept { return _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15); }
  fields operator()(const node16* nodes) const noexcept {
    const __m512i a = load(nodes);
    const __m512i b = load(nodes + 4);
    const __m512i c = load(nodes + 8);
    const __m512i d = load(nodes + 12);
    const __m512i front_ab = _mm512_unpacklo_epi32(a, b);
    const __m512i front_cd = _mm512_unpacklo_epi32(c, d);
    const __m512i back_ab = _mm512_unpackhi_epi32(a, b);
    const __m512i back_cd = _mm512_unpackhi_epi32(c, d);
    const __m512i op = _mm512_unpackhi_epi64(back_ab, back_cd);
    const __m512i slot = _mm512_unpackhi_epi64(front_ab, front_cd);
    const __m512i offset = _mm512_unpacklo_epi64(back_ab, back_cd);
    return {_mm512_unpacklo_epi64(front_ab, front_cd), slot, offset, _mm512_or_si512(slot, offset),
            _mm512_testn_epi32_mask(op, op)};
  }
};

template <class Fields, class Node>
bool check(const Node* nodes, std::uint32_t count, std::uint32_t room, const node_bounds& bounds) noexcept {
  const Fields fields_of(bounds);
  const __m512i one = all(1);
  const __m512i is_odd = _mm512_and_si512(Fields::places(), one);
  const __m512i slots = all(bounds.last_slot);
  const __m512i most_value = all(key_always_right - 1);
  const __m512i most_payload = all(bounds.max_payload);
  // A split at an even place has an offset of 2, 4, ... up to what is left, one at an odd place 1, 3, ...: with its
  // least one taken away and rotated by a bit it is 0, 1, ... and what is not allowed is huge.
  const __m512i least = _mm512_sub_epi32(all(2), is_odd);
  __m512i pairs = _mm512_sub_epi32(all(room), Fields::places());
  pairs = _mm512_srli_epi32(_mm512_add_epi32(pairs, is_odd), 1);
  __mmask16 sound = 0xffff;
  for (std::uint32_t i = 0; i < count; i += lanes) {
    prefetch_ahead(nodes + i, lanes);
    const fields of = fields_of(nodes + i);
    const __mmask16 is_leaf = _mm512_testn_epi32_mask(of.either, of.either);
    const __m512i pair = _mm512_ror_epi32(_mm512_sub_epi32(of.offset, least), 1);
    __mmask16 is_split = _mm512_cmplt_epu32_mask(pair, pairs);
    is_split = _mm512_mask_cmplt_epu32_mask(is_split, _mm512_sub_epi32(of.slot, one), slots);
    const __m512i most = _mm512_mask_mov_epi32(most_value, is_leaf, most_payload);
    const __mmask16 is_value = _mm512_mask_cmple_epu32_mask(of.compares, of.value, most);
    sound = static_cast<__mmask16>(sound & is_value & (is_leaf | is_split));
    pairs = _mm512_sub_epi32(pairs, all(lanes / 2));
  }
  return sound == 0xffff;
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

const node_checker avx512_node_checker = {check8, check16};

} // namespace petrify::inline v0

#endif
