// What the dense kernels for AVX-512 know of vectors (kernel_dense.inl is their frame); by one file for each kind of
// byte lookup: `ranks_of_trees<Vectors>`, which those files define.
//
// One row: a level's features of 64 trees are one vector, so a lookup in the row's ranks and one comparison take a step
// in 64 trees; which of a level's nodes a tree is at is chosen by blends with the masks of the levels above.
//
// A batch turns it round: a feature's ranks of 64 rows are one vector, and all nodes of a tree are looked at.

#include "forest/kernel_dense_common.inl"

constexpr std::size_t vector_bytes = 64;
constexpr std::uint32_t trees_at_once = dense_group_trees;
constexpr std::size_t rows_worth_a_chunk = 24; // measured
using v64 = __m512i;

PETRIFY_INLINE v64 load(const void* from) noexcept { return _mm512_loadu_si512(from); }

// ---- ranks of one row

// How many cuts of a line a key is greater than.
PETRIFY_INLINE unsigned cuts_below(v64 key, const std::uint32_t* line) noexcept {
  return static_cast<unsigned>(__builtin_popcount(_mm512_cmplt_epu32_mask(load(line), key)));
}

PETRIFY_INLINE std::uint8_t rank_of(const std::uint32_t* lines, std::uint32_t num_cuts, std::uint32_t key) noexcept {
  const v64 all = _mm512_set1_epi32(static_cast<int>(key));
  // With fewer than 16 cuts there is one line, behind the first.
  const unsigned line = num_cuts < dense_line ? 0 : cuts_below(all, lines);
  return static_cast<std::uint8_t>(line * dense_line + cuts_below(all, lines + (1 + line) * dense_line));
}

// ---- ranks of many rows

constexpr unsigned row_lanes = dense_line;

// Turns 16 rows of 16 numbers into columns.
PETRIFY_INLINE void transpose(v64 (&rows)[row_lanes]) noexcept {
  v64 pairs[row_lanes];
  for (unsigned i = 0; i < row_lanes; i += 2) {
    pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  v64 fours[row_lanes]; // of every 128 bits of four rows a column
  for (unsigned i = 0; i < row_lanes; i += 4)
    for (unsigned k = 0; k < 2; ++k) {
      fours[i + 2 * k] = _mm512_unpacklo_epi64(pairs[i + k], pairs[i + k + 2]);
      fours[i + 2 * k + 1] = _mm512_unpackhi_epi64(pairs[i + k], pairs[i + k + 2]);
    }
  for (unsigned k = 0; k < 4; ++k) {
    const v64 low02 = _mm512_shuffle_i32x4(fours[k], fours[4 + k], 0x88);
    const v64 low13 = _mm512_shuffle_i32x4(fours[k], fours[4 + k], 0xdd);
    const v64 high02 = _mm512_shuffle_i32x4(fours[8 + k], fours[12 + k], 0x88);
    const v64 high13 = _mm512_shuffle_i32x4(fours[8 + k], fours[12 + k], 0xdd);
    rows[k] = _mm512_shuffle_i32x4(low02, high02, 0x88);
    rows[8 + k] = _mm512_shuffle_i32x4(low02, high02, 0xdd);
    rows[4 + k] = _mm512_shuffle_i32x4(low13, high13, 0x88);
    rows[12 + k] = _mm512_shuffle_i32x4(low13, high13, 0xdd);
  }
}

// The keys of 64 rows in 16 slots, in columns. The last row stands for those that a chunk is short of.
struct key_columns {
  alignas(vector_bytes) std::uint32_t of_slot[row_lanes][chunk_rows];

  void fill(const std::uint32_t* keys, std::size_t stride, std::size_t count) noexcept {
    for (std::size_t first = 0; first < chunk_rows; first += row_lanes) {
      v64 rows[row_lanes];
      for (unsigned i = 0; i < row_lanes; ++i)
        rows[i] = load(keys + std::min(first + i, count - 1) * stride);
      transpose(rows);
      for (unsigned i = 0; i < row_lanes; ++i)
        _mm512_store_si512(of_slot[i] + first, rows[i]);
    }
  }
};

PETRIFY_INLINE v64 looked_up(v64 table, v64 at) noexcept { return _mm512_permutexvar_epi32(at, table); }
PETRIFY_INLINE v64 numbers(unsigned x) noexcept { return _mm512_set1_epi32(static_cast<int>(x)); }

// How many of a line's cuts, of which the last one is never counted, each of 16 keys is greater than.
PETRIFY_INLINE v64 cuts_below(v64 keys, v64 line) noexcept {
  v64 out = _mm512_setzero_si512();
  for (unsigned step = row_lanes / 2; step != 0; step /= 2) {
    const v64 cut = looked_up(line, _mm512_add_epi32(out, numbers(step - 1)));
    out = _mm512_mask_add_epi32(out, _mm512_cmplt_epu32_mask(cut, keys), out, numbers(step));
  }
  return out;
}

// A feature's lines of cuts for 16 keys that are looked up together.
class cut_lines {
public:
  explicit PETRIFY_INLINE cut_lines(const std::uint32_t* lines, std::uint32_t num_cuts) noexcept : first_(load(lines)) {
    for (unsigned i = 0; i < row_lanes; ++i)
      place_[i] = i <= num_cuts / dense_line ? load(lines + (1 + i) * dense_line) : numbers(no_cut);
    transpose(place_);
  }

  PETRIFY_INLINE v64 ranks_of(v64 keys) const noexcept {
    const v64 line = cuts_below(keys, first_);
    // A binary search in line `line`: place_[k] has entry k of every line. The line's last cut is not below the key,
    // or the line would be another one.
    const __mmask16 m8 = _mm512_cmplt_epu32_mask(looked_up(place_[7], line), keys);
    const __mmask16 m4 = _mm512_cmplt_epu32_mask(of_two(m8, 3, 11, line), keys);
    const __mmask16 m2 = _mm512_cmplt_epu32_mask(of_four(m8, m4, 1, line), keys);
    const v64 low = of_four(m4, m2, 0, line, 2);
    const v64 high = of_four(m4, m2, 8, line, 2);
    const __mmask16 m1 = _mm512_cmplt_epu32_mask(_mm512_mask_blend_epi32(m8, low, high), keys);
    v64 rank = _mm512_slli_epi32(line, 4);
    rank = _mm512_mask_add_epi32(rank, m8, rank, numbers(8));
    rank = _mm512_mask_add_epi32(rank, m4, rank, numbers(4));
    rank = _mm512_mask_add_epi32(rank, m2, rank, numbers(2));
    return _mm512_mask_add_epi32(rank, m1, rank, numbers(1));
  }

private:
  // Entry `right` of each key's line where the mask says so, else entry `left`.
  PETRIFY_INLINE v64 of_two(__mmask16 is_right, unsigned left, unsigned right, v64 line) const noexcept {
    return _mm512_mask_permutexvar_epi32(looked_up(place_[left], line), is_right, line, place_[right]);
  }
  // Entry first + 2 * step * m + step * n, m and n being bits of the two masks.
  PETRIFY_INLINE v64 of_four(__mmask16 m, __mmask16 n, unsigned first, v64 line, unsigned step = 4) const noexcept {
    return _mm512_mask_blend_epi32(m, of_two(n, first, first + step, line),
                                   of_two(n, first + 2 * step, first + 3 * step, line));
  }

  v64 first_;
  v64 place_[row_lanes];
};

PETRIFY_INLINE void store_ranks(v64 ranks, std::uint8_t* to) noexcept {
  _mm_store_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(ranks));
}

void put_ranks(const forest_data& forest, const std::uint32_t* keys, std::size_t count, std::uint8_t* ranks) noexcept {
  key_columns columns;
  std::size_t has_slots = ~std::size_t{0}; // of which 16 slots they are
  for (const dense_feature& feature : forest.dense.features) {
    if (feature.slot / row_lanes != has_slots) {
      has_slots = feature.slot / row_lanes;
      columns.fill(keys + has_slots * row_lanes, forest.key_stride(), count);
    }
    const std::uint32_t* const of_rows = columns.of_slot[feature.slot % row_lanes];
    const std::uint32_t* const lines = forest.dense.cuts.data() + std::size_t{feature.first} * dense_line;
    if (feature.op != 0) {
      for (std::size_t i = 0; i < chunk_rows; ++i)
        ranks[i] = set_rank(forest.category_words.data(), feature, of_rows[i]);
    } else if (feature.num_cuts < dense_line) {
      const v64 line = load(lines + dense_line);
      for (std::size_t i = 0; i < chunk_rows; i += row_lanes)
        store_ranks(cuts_below(load(of_rows + i), line), ranks + i);
    } else {
      const cut_lines cuts(lines, feature.num_cuts);
      for (std::size_t i = 0; i < chunk_rows; i += row_lanes)
        store_ranks(cuts.ranks_of(load(of_rows + i)), ranks + i);
    }
    ranks += chunk_rows;
  }
}

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

using row_ways = v64;
PETRIFY_INLINE void store(row_ways ways, std::uint8_t* to) noexcept { _mm512_store_si512(to, ways); }

// Chunks that a tree's nodes are looked at for together: each feature and cut is read once for two.
constexpr unsigned chunks_at_once = 2;
template <unsigned Chunks>
struct chunk_ways {
  row_ways of[Chunks];
};

// Whether rows go right, on each level so far.
template <unsigned Chunks>
struct decisions {
  __mmask64 right[Chunks][max_dense_levels];
};

// How far the ranks of 64 rows are above the cut of the node they are at; 0: they go left. columns: where those of the
// first chunk begin, and how far the next one's are.
template <unsigned Level, unsigned Depth, unsigned Node, unsigned Chunks>
PETRIFY_INLINE chunk_ways<Chunks> excess(const std::uint8_t* columns, std::size_t chunk_columns,
                                         const std::uint8_t* level, const decisions<Chunks>& by) noexcept {
  chunk_ways<Chunks> out;
  if constexpr (Depth == 0) {
    const std::uint8_t* const node = level + Node * 2 * vector_bytes;
    const std::uint8_t* const column = columns + std::size_t{node[0]} * vector_bytes;
    const v64 cut = _mm512_set1_epi8(static_cast<char>(node[vector_bytes]));
    for (unsigned c = 0; c < Chunks; ++c)
      out.of[c] = _mm512_subs_epu8(_mm512_load_si512(column + c * chunk_columns), cut);
  } else {
    constexpr unsigned step = 1u << (Level - Depth);
    const auto on_left = excess<Level, Depth - 1, Node>(columns, chunk_columns, level, by);
    const auto on_right = excess<Level, Depth - 1, Node + step>(columns, chunk_columns, level, by);
    for (unsigned c = 0; c < Chunks; ++c)
      out.of[c] = _mm512_mask_blend_epi8(by.right[c][Depth - 1], on_left.of[c], on_right.of[c]);
  }
  return out;
}

template <unsigned Level, unsigned Chunks>
PETRIFY_INLINE chunk_ways<Chunks> descend_rows(const std::uint8_t* columns, std::size_t chunk_columns,
                                               const std::uint8_t* tree, unsigned levels, decisions<Chunks>& by,
                                               chunk_ways<Chunks> ways) noexcept {
  const auto above = excess<Level, Level, 0>(columns, chunk_columns, tree + ((1u << Level) - 1) * 2 * vector_bytes, by);
  for (unsigned c = 0; c < Chunks; ++c) {
    by.right[c][Level] = _mm512_test_epi8_mask(above.of[c], above.of[c]);
    ways.of[c] = longer(ways.of[c], by.right[c][Level]);
  }
  if constexpr (Level + 1 < max_dense_levels)
    if (Level + 1 < levels)
      return descend_rows<Level + 1>(columns, chunk_columns, tree, levels, by, ways);
  return ways;
}

// The ways of 64 rows, or twice as many, through a tree. Not inlined: it is the same for all leaves. Not returned: gcc
// 12 clears the upper parts of registers in which it returns a struct of vectors.
template <unsigned Chunks>
__attribute__((noinline)) void put_ways_of_rows(const std::uint8_t* columns, std::size_t chunk_columns,
                                                const std::uint8_t* tree, unsigned levels, row_ways* to) noexcept {
  decisions<Chunks> by;
  const auto ways = descend_rows<0>(columns, chunk_columns, tree, levels, by, chunk_ways<Chunks>{});
  for (unsigned c = 0; c < Chunks; ++c)
    to[c] = ways.of[c];
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
