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

PETRIFY_TARGET_BEGIN("avx2,bmi,bmi2,popcnt")
namespace petrify::inline v0 {
namespace dense_avx2 {
namespace {

// As with AVX-512 (kernel_dense_avx512.inl), but with 32 bytes to a vector: one row takes 32 trees at once, and 64 rows
// are two halves. Masks are vectors, 255 where a tree or a row goes left: what AVX2 can compare unsigned bytes for is
// "not greater".
#include "forest/kernel_dense_common.inl"

constexpr std::size_t vector_bytes = 32;
// Half a group in one row: the processor looks far enough ahead to add 32 leaves while the next 32 trees descend.
constexpr std::uint32_t trees_at_once = 32;
constexpr std::size_t rows_worth_a_chunk = 48; // measured
constexpr std::size_t node_bytes = std::size_t{2} * dense_group_trees;
using v32 = __m256i;

PETRIFY_INLINE v32 load(const void* from) noexcept { return _mm256_loadu_si256(static_cast<const v32*>(from)); }
PETRIFY_INLINE void put(std::uint8_t* to, v32 bytes) noexcept { _mm256_store_si256(reinterpret_cast<v32*>(to), bytes); }

// ---- ranks of keys

// Comparisons are signed here, so the sign bit of both sides is turned round.
class cuts_line {
public:
  explicit PETRIFY_INLINE cuts_line(const std::uint32_t* line) noexcept
      : low_(_mm256_xor_si256(load(line), signs())), high_(_mm256_xor_si256(load(line + 8), signs())) {}
  PETRIFY_INLINE unsigned below(std::uint32_t key) const noexcept {
    const v32 all = _mm256_xor_si256(_mm256_set1_epi32(static_cast<int>(key)), signs());
    const v32 is_below = _mm256_packs_epi32(_mm256_cmpgt_epi32(all, low_), _mm256_cmpgt_epi32(all, high_));
    // Two bytes for each cut.
    return static_cast<unsigned>(__builtin_popcount(static_cast<unsigned>(_mm256_movemask_epi8(is_below)))) / 2;
  }

private:
  static PETRIFY_INLINE v32 signs() noexcept { return _mm256_set1_epi32(static_cast<int>(0x80000000u)); }
  v32 low_;
  v32 high_;
};

// For a feature of more than one line of cuts; `first` is the line before them.
PETRIFY_INLINE std::uint8_t rank_of(const cuts_line& first, const std::uint32_t* lines, std::uint32_t key) noexcept {
  const unsigned line = first.below(key);
  return static_cast<std::uint8_t>(line * dense_line +
                                   cuts_line(lines + (std::size_t{1} + line) * dense_line).below(key));
}

inline std::uint8_t rank_of(const std::uint32_t* lines, std::uint32_t num_cuts, std::uint32_t key) noexcept {
  if (num_cuts < dense_line)
    return static_cast<std::uint8_t>(cuts_line(lines + dense_line).below(key));
  return rank_of(cuts_line(lines), lines, key);
}

// Ranks of a feature, rank[0], rank[1], ...
void put_ranks(const forest_data& forest, const dense_feature& feature, const std::uint32_t* keys, std::size_t count,
               std::uint8_t* rank) noexcept {
  const std::size_t stride = forest.key_stride();
  keys += feature.slot;
  if (feature.op != 0) {
    for (std::size_t i = 0; i < count; ++i)
      rank[i] = set_rank(forest.category_words.data(), feature, keys[i * stride]);
    return;
  }
  const std::uint32_t* const lines = forest.dense.cuts.data() + std::size_t{feature.first} * dense_line;
  if (feature.num_cuts < dense_line) {
    const cuts_line cuts(lines + dense_line);
    for (std::size_t i = 0; i < count; ++i)
      rank[i] = static_cast<std::uint8_t>(cuts.below(keys[i * stride]));
    return;
  }
  const cuts_line first(lines);
  for (std::size_t i = 0; i < count; ++i)
    rank[i] = rank_of(first, lines, keys[i * stride]);
}

void put_ranks(const forest_data& forest, const std::uint32_t* keys, std::size_t count, std::uint8_t* ranks) noexcept {
  for (const dense_feature& feature : forest.dense.features) {
    put_ranks(forest, feature, keys, count, ranks);
    ranks += chunk_rows;
  }
}

// ---- one row

// Lookups among a row's ranks, of which there are at most 16 * Parts: in 16 bytes at a time; higher bits choose.
template <unsigned Parts>
struct ranks_of_trees {
  const std::uint8_t* ranks;

  PETRIFY_INLINE v32 of(v32 features) const noexcept {
    // The shuffle gives 0 where bit 7 of a feature is set.
    if constexpr (Parts > 8)
      return _mm256_or_si256(among<0, 8>(features),
                             among<8, 8>(_mm256_xor_si256(features, _mm256_set1_epi8(static_cast<char>(0x80)))));
    else
      return among<0, 8>(features);
  }

  template <unsigned First, unsigned Count>
  PETRIFY_INLINE v32 among(v32 features) const noexcept {
    if constexpr (Count == 1) {
      const auto* const sixteen = reinterpret_cast<const __m128i*>(ranks + std::size_t{First} * 16);
      return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128(sixteen)), features);
    } else if constexpr (First + Count / 2 >= Parts) {
      return among<First, Count / 2>(features);
    } else {
      // The bit that chooses among halves becomes bit 7, the one that the blend looks at.
      constexpr int to_bit_7 = Count == 2 ? 3 : Count == 4 ? 2 : 1;
      return _mm256_blendv_epi8(among<First, Count / 2>(features), among<First + Count / 2, Count / 2>(features),
                                _mm256_slli_epi16(features, to_bit_7));
    }
  }
};

// The bytes of level `Level` that the masks of the levels above lead to; `from` is the level's first node.
template <unsigned Level, unsigned Depth, unsigned Node>
PETRIFY_INLINE v32 chosen(const std::uint8_t* from, const v32* left) noexcept {
  if constexpr (Depth == 0) {
    return load(from + Node * node_bytes);
  } else {
    // The oldest decision is worth half of the level.
    constexpr unsigned step = 1u << (Level - Depth);
    const v32 on_left = chosen<Level, Depth - 1, Node>(from, left);
    const v32 on_right = chosen<Level, Depth - 1, Node + step>(from, left);
    return _mm256_blendv_epi8(on_right, on_left, left[Depth - 1]);
  }
}

// The lefts of ways with one more decision.
PETRIFY_INLINE v32 longer(v32 lefts, v32 left) noexcept { return _mm256_sub_epi8(_mm256_add_epi8(lefts, lefts), left); }

// Takes 32 trees down from `Level` on; `lefts` has a bit for each decision so far, the first one highest, 1 for left.
template <unsigned Level, class Ranks>
PETRIFY_INLINE v32 descend(const std::uint8_t* group, const Ranks& ranks, unsigned levels, v32* left,
                           v32 lefts) noexcept {
  const std::uint8_t* const level = group + ((1u << Level) - 1) * node_bytes;
  const v32 features = chosen<Level, Level, 0>(level, left);
  const v32 cuts = chosen<Level, Level, 0>(level + dense_group_trees, left);
  left[Level] = _mm256_cmpeq_epi8(_mm256_max_epu8(ranks.of(features), cuts), cuts);
  lefts = longer(lefts, left[Level]);
  if constexpr (Level + 1 < max_dense_levels)
    if (Level + 1 < levels)
      return descend<Level + 1>(group, ranks, levels, left, lefts);
  return lefts;
}

PETRIFY_INLINE v32 ways_of(v32 lefts, unsigned levels) noexcept {
  return _mm256_xor_si256(lefts, _mm256_set1_epi8(static_cast<char>((1u << levels) - 1)));
}

// Writes the ways of 32 trees. Not inlined: it is the same for all leaves.
template <unsigned Parts>
__attribute__((noinline)) void put_ways(const std::uint8_t* nodes, const std::uint8_t* ranks, unsigned levels,
                                        std::uint8_t* ways) noexcept {
  v32 left[max_dense_levels];
  const v32 lefts = descend<0>(nodes, ranks_of_trees<Parts>{ranks}, levels, left, _mm256_setzero_si256());
  put(ways, ways_of(lefts, levels));
}

inline auto put_ways_for(std::size_t num_features) noexcept {
  return num_features <= 32    ? put_ways<2>
         : num_features <= 64  ? put_ways<4>
         : num_features <= 128 ? put_ways<8>
                               : put_ways<16>;
}

// ---- batches

struct row_ways {
  v32 half[2];
};
PETRIFY_INLINE void store(const row_ways& ways, std::uint8_t* to) noexcept {
  put(to, ways.half[0]);
  put(to + vector_bytes, ways.half[1]);
}

// How far the ranks of 32 rows are above the cut of the node they are at; 0: they go left.
template <unsigned Level, unsigned Depth, unsigned Node>
PETRIFY_INLINE v32 excess(const std::uint8_t* columns, const std::uint8_t* level, const v32* left) noexcept {
  if constexpr (Depth == 0) {
    const std::uint8_t* const node = level + Node * node_bytes;
    return _mm256_subs_epu8(load(columns + std::size_t{node[0]} * dense_group_trees),
                            _mm256_set1_epi8(static_cast<char>(node[dense_group_trees])));
  } else {
    constexpr unsigned step = 1u << (Level - Depth);
    const v32 on_left = excess<Level, Depth - 1, Node>(columns, level, left);
    const v32 on_right = excess<Level, Depth - 1, Node + step>(columns, level, left);
    return _mm256_blendv_epi8(on_right, on_left, left[Depth - 1]);
  }
}

template <unsigned Level>
PETRIFY_INLINE v32 descend_rows(const std::uint8_t* columns, const std::uint8_t* tree, unsigned levels, v32* left,
                                v32 lefts) noexcept {
  const v32 above = excess<Level, Level, 0>(columns, tree + ((1u << Level) - 1) * node_bytes, left);
  left[Level] = _mm256_cmpeq_epi8(above, _mm256_setzero_si256());
  lefts = longer(lefts, left[Level]);
  if constexpr (Level + 1 < max_dense_levels)
    if (Level + 1 < levels)
      return descend_rows<Level + 1>(columns, tree, levels, left, lefts);
  return lefts;
}

// The ways of 64 rows through a tree. Not inlined: it is the same for all leaves. One half after the other: both at
// once need more vectors than there are registers.
constexpr unsigned chunks_at_once = 1;
template <unsigned Chunks>
__attribute__((noinline)) void put_ways_of_rows(const std::uint8_t* columns, std::size_t, const std::uint8_t* tree,
                                                unsigned levels, row_ways* to) noexcept {
  static_assert(Chunks == 1);
  for (std::size_t i = 0; i < 2; ++i) {
    v32 left[max_dense_levels];
    const v32 lefts = descend_rows<0>(columns + i * vector_bytes, tree, levels, left, _mm256_setzero_si256());
    to->half[i] = ways_of(lefts, levels);
  }
}

// A tree's leaves in the sums' type.
template <unsigned Levels, class Sum>
struct leaf_vectors;

// Looked up in vectors, 8 rows at a time.
template <unsigned Levels>
struct leaf_vectors<Levels, float> {
  static constexpr std::size_t lanes = 8;
  static constexpr unsigned count = 1u << (Levels - 3);
  __m256 values[count];

  explicit PETRIFY_INLINE leaf_vectors(const float* leaves) noexcept {
    for (unsigned i = 0; i < count; ++i)
      values[i] = _mm256_loadu_ps(leaves + i * lanes);
  }
  template <unsigned First, unsigned Count>
  PETRIFY_INLINE __m256 among(v32 way) const noexcept {
    if constexpr (Count == 1) {
      return _mm256_permutevar8x32_ps(values[First], way);
    } else {
      // The bit that chooses among halves becomes the sign.
      constexpr int to_sign = Count == 2 ? 28 : Count == 4 ? 27 : 26;
      return _mm256_blendv_ps(among<First, Count / 2>(way), among<First + Count / 2, Count / 2>(way),
                              _mm256_castsi256_ps(_mm256_slli_epi32(way, to_sign)));
    }
  }
  // Adds the leaves of 64 rows to their sums.
  PETRIFY_INLINE void add(const row_ways& ways, float* sums) const noexcept {
    alignas(row_ways) std::uint8_t way[dense_group_trees];
    store(ways, way);
    for (std::size_t i = 0; i < dense_group_trees; i += lanes) {
      const v32 eight = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(way + i)));
      _mm256_store_ps(sums + i, _mm256_add_ps(_mm256_load_ps(sums + i), among<0, count>(eight)));
    }
  }
};

// AVX2 has no lookup of float64 by variable lanes, and loads one by one are faster than a gather.
template <unsigned Levels>
struct leaf_vectors<Levels, double> {
  static constexpr unsigned count = 1u << Levels;
  double values[count];

  explicit PETRIFY_INLINE leaf_vectors(const double* leaves) noexcept { std::copy_n(leaves, count, values); }
  PETRIFY_INLINE void add(const row_ways& ways, double* sums) const noexcept {
    alignas(row_ways) std::uint8_t way[dense_group_trees];
    store(ways, way);
    for (unsigned i = 0; i < dense_group_trees; i += 4) {
      const __m128d low = _mm_loadh_pd(_mm_load_sd(values + way[i]), values + way[i + 1]);
      const __m128d high = _mm_loadh_pd(_mm_load_sd(values + way[i + 2]), values + way[i + 3]);
      _mm256_store_pd(sums + i, _mm256_add_pd(_mm256_load_pd(sums + i), _mm256_set_m128d(high, low)));
    }
  }
};

// ---- leaves that are vectors

// add_vector with the sums of a row in registers: 4 * Vectors doubles at most.
template <class Leaf, unsigned Vectors>
class add_vector_in_registers {
public:
  PETRIFY_INLINE add_vector_in_registers(const forest_data& forest, double* sums) noexcept
      : values_(static_cast<const Leaf*>(forest.leaf_values)), width_(forest.leaf_width), to_(sums) {
    const __m256i count = _mm256_set1_epi64x(static_cast<long long>(width_));
    for (unsigned i = 0; i < Vectors; ++i) {
      const __m256i first = _mm256_set1_epi64x(4 * static_cast<long long>(i));
      lanes_[i] = _mm256_cmpgt_epi64(count, _mm256_add_epi64(first, _mm256_setr_epi64x(0, 1, 2, 3)));
      sums_[i] = _mm256_maskload_pd(sums + std::size_t{i} * 4, lanes_[i]);
    }
  }
  PETRIFY_INLINE void operator()(std::uint32_t, std::uint32_t payload) noexcept {
    const Leaf* const from = values_ + std::size_t{payload} * width_;
    for (unsigned i = 0; i < Vectors; ++i)
      sums_[i] = _mm256_add_pd(sums_[i], doubles(lanes_[i], from + std::size_t{i} * 4));
  }
  PETRIFY_INLINE void finish() noexcept {
    for (unsigned i = 0; i < Vectors; ++i)
      _mm256_maskstore_pd(to_ + std::size_t{i} * 4, lanes_[i], sums_[i]);
  }

private:
  static PETRIFY_INLINE __m256d doubles(__m256i lanes, const double* from) noexcept {
    return _mm256_maskload_pd(from, lanes);
  }
  static PETRIFY_INLINE __m256d doubles(__m256i lanes, const float* from) noexcept {
    const __m256i evens = _mm256_permutevar8x32_epi32(lanes, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
    return _mm256_cvtps_pd(_mm_maskload_ps(from, _mm256_castsi256_si128(evens)));
  }

  const Leaf* values_;
  std::size_t width_;
  double* to_;
  __m256i lanes_[Vectors];
  __m256d sums_[Vectors];
};

// Calls f(pointer to nothing of the type) for the visitor of leaves that are `width` values each.
template <class Leaf, class F>
void with_vector_visitor(std::size_t width, F&& f) noexcept {
  if (width <= 4)
    return f(static_cast<const add_vector_in_registers<Leaf, 1>*>(nullptr));
  if (width <= 8)
    return f(static_cast<const add_vector_in_registers<Leaf, 2>*>(nullptr));
  if (width <= 16)
    return f(static_cast<const add_vector_in_registers<Leaf, 4>*>(nullptr));
  f(static_cast<const add_vector<Leaf, double>*>(nullptr));
}

#include "forest/kernel_dense.inl"

} // namespace
} // namespace dense_avx2
} // namespace petrify::inline v0
PETRIFY_TARGET_END

namespace petrify::inline v0 {

const kernel dense_avx2_kernel = {"dense avx2",
                                  dense_avx2::add<float>,
                                  dense_avx2::add<double>,
                                  interleaved_kernel.find_leaves,
                                  dense_avx2::scratch_bytes,
                                  true};

} // namespace petrify::inline v0

#endif
