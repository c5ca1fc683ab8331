// What the dense kernels for AVX-512 know of vectors (kernel_dense.inl is their frame); by one file for each kind of
// byte lookup: `ranks_of_trees<Vectors>`, which those files define.
//
// One row: a level's features of 64 trees are one vector, so a lookup in the row's ranks and one comparison take a step
// in 64 trees; which of a level's nodes a tree is at is chosen by blends with the masks of the levels above.
//
// A batch turns it round: a feature's ranks of 64 rows are one vector, and all nodes of a tree are looked at.

constexpr std::size_t vector_bytes = 64;
constexpr std::uint32_t trees_at_once = dense_group_trees;
constexpr std::size_t rows_worth_a_chunk = 24; // measured
using v64 = __m512i;

PETRIFY_INLINE v64 load(const void* from) noexcept { return _mm512_loadu_si512(from); }

// ---- ranks of keys

class cuts_line {
public:
  explicit PETRIFY_INLINE cuts_line(const std::uint32_t* line) noexcept : cuts_(load(line)) {}
  PETRIFY_INLINE unsigned below(std::uint32_t key) const noexcept {
    const v64 all = _mm512_set1_epi32(static_cast<int>(key));
    return static_cast<unsigned>(__builtin_popcount(_mm512_cmplt_epu32_mask(cuts_, all)));
  }

private:
  v64 cuts_;
};

// ---- ways through the tables

// The ways with one more decision.
PETRIFY_INLINE v64 longer(v64 way, __mmask64 right) noexcept {
  way = _mm512_add_epi8(way, way);
  return _mm512_mask_add_epi8(way, right, way, _mm512_set1_epi8(1));
}

// ---- one row

// The bytes of level `Level` that the masks of the levels above lead to; `from` is the level's first node.
template <unsigned Level, unsigned Depth, unsigned Node>
PETRIFY_INLINE v64 chosen(const std::uint8_t* from, const __mmask64* right) noexcept {
  if constexpr (Depth == 0) {
    return load(from + Node * 2 * vector_bytes);
  } else {
    // The oldest decision is worth half of the level.
    constexpr unsigned step = 1u << (Level - Depth);
    const v64 on_left = chosen<Level, Depth - 1, Node>(from, right);
    const v64 on_right = chosen<Level, Depth - 1, Node + step>(from, right);
    return _mm512_mask_blend_epi8(right[Depth - 1], on_left, on_right);
  }
}

// Takes 64 trees down from `Level` on; `way` holds the decisions so far, the first one highest.
template <unsigned Level, class Ranks>
PETRIFY_INLINE v64 descend(const std::uint8_t* group, const Ranks& ranks, unsigned levels, __mmask64* right,
                           v64 way) noexcept {
  const std::uint8_t* const level = group + ((1u << Level) - 1) * 2 * vector_bytes;
  const v64 features = chosen<Level, Level, 0>(level, right);
  const v64 cuts = chosen<Level, Level, 0>(level + vector_bytes, right);
  right[Level] = _mm512_cmpgt_epu8_mask(ranks.of(features), cuts);
  way = longer(way, right[Level]);
  if constexpr (Level + 1 < max_dense_levels)
    if (Level + 1 < levels)
      return descend<Level + 1>(group, ranks, levels, right, way);
  return way;
}

// Writes the ways of a group's 64 trees. Not inlined: it is the same for all leaves.
template <unsigned Vectors>
__attribute__((noinline)) void put_ways(const std::uint8_t* group, const std::uint8_t* ranks, unsigned levels,
                                        std::uint8_t* ways) noexcept {
  __mmask64 right[max_dense_levels];
  _mm512_store_si512(ways, descend<0>(group, ranks_of_trees<Vectors>(ranks), levels, right, _mm512_setzero_si512()));
}

inline auto put_ways_for(std::size_t num_features) noexcept {
  return num_features <= 64 ? put_ways<1> : num_features <= 128 ? put_ways<2> : put_ways<4>;
}

// ---- batches

// How far the ranks of 64 rows are above the cut of the node they are at; 0: they go left.
template <unsigned Level, unsigned Depth, unsigned Node>
PETRIFY_INLINE v64 excess(const std::uint8_t* columns, const std::uint8_t* level, const __mmask64* right) noexcept {
  if constexpr (Depth == 0) {
    const std::uint8_t* const node = level + Node * 2 * vector_bytes;
    return _mm512_subs_epu8(_mm512_load_si512(columns + std::size_t{node[0]} * vector_bytes),
                            _mm512_set1_epi8(static_cast<char>(node[vector_bytes])));
  } else {
    constexpr unsigned step = 1u << (Level - Depth);
    const v64 on_left = excess<Level, Depth - 1, Node>(columns, level, right);
    const v64 on_right = excess<Level, Depth - 1, Node + step>(columns, level, right);
    return _mm512_mask_blend_epi8(right[Depth - 1], on_left, on_right);
  }
}

template <unsigned Level>
PETRIFY_INLINE v64 descend_rows(const std::uint8_t* columns, const std::uint8_t* tree, unsigned levels,
                                __mmask64* right, v64 way) noexcept {
  const v64 above = excess<Level, Level, 0>(columns, tree + ((1u << Level) - 1) * 2 * vector_bytes, right);
  right[Level] = _mm512_test_epi8_mask(above, above);
  way = longer(way, right[Level]);
  if constexpr (Level + 1 < max_dense_levels)
    if (Level + 1 < levels)
      return descend_rows<Level + 1>(columns, tree, levels, right, way);
  return way;
}

using row_ways = v64;
PETRIFY_INLINE void store(row_ways ways, std::uint8_t* to) noexcept { _mm512_store_si512(to, ways); }

// The ways of 64 rows through a tree. Not inlined: it is the same for all leaves.
__attribute__((noinline)) row_ways ways_of_rows(const std::uint8_t* columns, const std::uint8_t* tree,
                                                unsigned levels) noexcept {
  __mmask64 right[max_dense_levels];
  return descend_rows<0>(columns, tree, levels, right, _mm512_setzero_si512());
}

// A tree's leaves in the sums' type, looked up in vectors.
template <unsigned Levels, class Sum>
struct leaf_vectors;

template <unsigned Levels>
struct leaf_vectors<Levels, float> {
  static constexpr unsigned lanes = 16;
  static constexpr unsigned count = Levels <= 4 ? 1 : 1u << (Levels - 4);
  __m512 values[count];

  explicit PETRIFY_INLINE leaf_vectors(const float* leaves) noexcept {
    for (unsigned i = 0; i < count; ++i)
      values[i] = _mm512_loadu_ps(leaves + i * lanes);
  }
  PETRIFY_INLINE __m512 of(__m128i ways) const noexcept {
    const v64 way = _mm512_cvtepu8_epi32(ways);
    if constexpr (count == 1)
      return _mm512_permutexvar_ps(way, values[0]);
    else if constexpr (count == 2)
      return _mm512_permutex2var_ps(values[0], way, values[1]);
    else
      return _mm512_mask_blend_ps(_mm512_test_epi32_mask(way, _mm512_set1_epi32(32)),
                                  _mm512_permutex2var_ps(values[0], way, values[1]),
                                  _mm512_permutex2var_ps(values[2], way, values[3]));
  }
  // Adds the leaves of 64 rows to their sums.
  PETRIFY_INLINE void add(row_ways ways, float* sums) const noexcept {
    const __m128i part[4] = {_mm512_castsi512_si128(ways), _mm512_extracti32x4_epi32(ways, 1),
                             _mm512_extracti32x4_epi32(ways, 2), _mm512_extracti32x4_epi32(ways, 3)};
    for (unsigned i = 0; i < 4; ++i)
      _mm512_store_ps(sums + i * lanes, _mm512_add_ps(_mm512_load_ps(sums + i * lanes), of(part[i])));
  }
};

template <unsigned Levels>
struct leaf_vectors<Levels, double> {
  static constexpr unsigned lanes = 8;
  static constexpr unsigned count = Levels <= 3 ? 1 : 1u << (Levels - 3);
  __m512d values[count];

  explicit PETRIFY_INLINE leaf_vectors(const double* leaves) noexcept {
    for (unsigned i = 0; i < count; ++i)
      values[i] = _mm512_loadu_pd(leaves + i * lanes);
  }
  template <unsigned First, unsigned Count>
  PETRIFY_INLINE __m512d among(v64 way) const noexcept {
    if constexpr (Count == 1)
      return _mm512_permutexvar_pd(way, values[First]);
    else if constexpr (Count == 2)
      return _mm512_permutex2var_pd(values[First], way, values[First + 1]);
    else
      return _mm512_mask_blend_pd(_mm512_test_epi64_mask(way, _mm512_set1_epi64(Count / 2 * lanes)),
                                  among<First, Count / 2>(way), among<First + Count / 2, Count / 2>(way));
  }
  PETRIFY_INLINE void add(row_ways ways, double* sums) const noexcept {
    alignas(vector_bytes) std::uint8_t way[vector_bytes];
    _mm512_store_si512(way, ways);
    for (unsigned i = 0; i < 8; ++i) {
      const v64 eight = _mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(way + i * lanes)));
      _mm512_store_pd(sums + i * lanes, _mm512_add_pd(_mm512_load_pd(sums + i * lanes), among<0, count>(eight)));
    }
  }
};

// ---- leaves that are vectors

// add_vector with the sums of a row in registers: 8 * Vectors doubles at most.
template <class Leaf, unsigned Vectors>
class add_vector_in_registers {
public:
  PETRIFY_INLINE add_vector_in_registers(const forest_data& forest, double* sums) noexcept
      : values_(static_cast<const Leaf*>(forest.leaf_values)), width_(forest.leaf_width), to_(sums) {
    for (unsigned i = 0; i < Vectors; ++i) {
      lanes_[i] = static_cast<__mmask8>(_bzhi_u32(0xff, width_ > i * 8 ? static_cast<unsigned>(width_ - i * 8) : 0));
      sums_[i] = _mm512_maskz_loadu_pd(lanes_[i], sums + std::size_t{i} * 8);
    }
  }
  PETRIFY_INLINE void operator()(std::uint32_t, std::uint32_t payload) noexcept {
    const Leaf* const from = values_ + std::size_t{payload} * width_;
    for (unsigned i = 0; i < Vectors; ++i)
      sums_[i] = _mm512_add_pd(sums_[i], doubles(lanes_[i], from + std::size_t{i} * 8));
  }
  PETRIFY_INLINE void finish() noexcept {
    for (unsigned i = 0; i < Vectors; ++i)
      _mm512_mask_storeu_pd(to_ + std::size_t{i} * 8, lanes_[i], sums_[i]);
  }

private:
  static PETRIFY_INLINE __m512d doubles(__mmask8 lanes, const double* from) noexcept {
    return _mm512_maskz_loadu_pd(lanes, from);
  }
  static PETRIFY_INLINE __m512d doubles(__mmask8 lanes, const float* from) noexcept {
    return _mm512_cvtps_pd(_mm256_maskz_loadu_ps(lanes, from));
  }

  const Leaf* values_;
  std::size_t width_;
  double* to_;
  __mmask8 lanes_[Vectors];
  __m512d sums_[Vectors];
};

// Calls f(pointer to nothing of the type) for the visitor of leaves that are `width` values each.
template <class Leaf, class F>
void with_vector_visitor(std::size_t width, F&& f) noexcept {
  if (width <= 8)
    return f(static_cast<const add_vector_in_registers<Leaf, 1>*>(nullptr));
  if (width <= 16)
    return f(static_cast<const add_vector_in_registers<Leaf, 2>*>(nullptr));
  f(static_cast<const add_vector<Leaf, double>*>(nullptr));
}
