// The dense kernels for AVX-512, included inside a target region, in a namespace of its own, by one file for each kind
// of byte lookup: `ranks_of_trees<Vectors>`, which those files define.
//
// One row: a level's features of 64 trees are one vector, so a lookup in the row's ranks and one comparison take a step
// in 64 trees; which of a level's nodes a tree is at is chosen by blends with the masks of the levels above.
//
// A batch turns it round: a feature's ranks of 64 rows are one vector, and all nodes of a tree are looked at.
// docs/design.md, "Kernels".

constexpr std::size_t vector_bytes = 64;
using v64 = __m512i;

#define PETRIFY_INLINE inline __attribute__((always_inline))

PETRIFY_INLINE v64 load(const void* from) noexcept { return _mm512_loadu_si512(from); }

// ---- ranks of keys

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

// Ranks of `count` rows' keys, rank[0], rank[1], ...
void put_ranks(const forest_data& forest, const dense_feature& feature, const std::uint32_t* keys, std::size_t width,
               std::size_t count, std::uint8_t* rank) noexcept {
  keys += feature.slot;
  if (feature.op != 0) {
    for (std::size_t i = 0; i < count; ++i)
      rank[i] = set_rank(forest.category_words.data(), feature, keys[i * width]);
    return;
  }
  const std::uint32_t* const lines = forest.dense.cuts.data() + std::size_t{feature.first} * dense_line;
  if (feature.num_cuts < dense_line) {
    const v64 cuts = load(lines + dense_line);
    for (std::size_t i = 0; i < count; ++i)
      rank[i] = static_cast<std::uint8_t>(__builtin_popcount(
          _mm512_cmplt_epu32_mask(cuts, _mm512_set1_epi32(static_cast<int>(keys[i * width])))));
    return;
  }
  for (std::size_t i = 0; i < count; ++i)
    rank[i] = rank_of(lines, feature.num_cuts, keys[i * width]);
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
  _mm512_store_si512(ways,
                     descend<0>(group, ranks_of_trees<Vectors>(ranks), levels, right, _mm512_setzero_si512()));
}

// Gives the leaves of one row to `visit`, tree by tree. While those of a group are added, the next one descends: the
// processor looks far enough ahead to do both.
template <class Visit>
void visit_row(const forest_data& forest, const std::uint32_t* keys, Visit& visit) noexcept {
  const dense_view& dense = forest.dense;
  alignas(vector_bytes) std::uint8_t ranks[max_dense_features];
  const std::size_t num_features = dense.features.size();
  for (std::size_t f = 0; f < num_features; ++f) {
    const dense_feature& feature = dense.features[f];
    const std::uint32_t key = keys[feature.slot];
    ranks[f] =
        feature.op != 0
            ? set_rank(forest.category_words.data(), feature, key)
            : rank_of(dense.cuts.data() + std::size_t{feature.first} * dense_line, feature.num_cuts, key);
  }
  const auto put = num_features <= 64 ? put_ways<1> : num_features <= 128 ? put_ways<2> : put_ways<4>;
  const unsigned levels = dense.levels;
  const std::size_t group_bytes = dense.group_bytes();
  alignas(vector_bytes) std::uint8_t ways[2][dense_group_trees];
  const std::uint8_t* group = dense.nodes.data();
  const std::uint32_t* leaves = dense.leaves.data();
  put(group, ranks, levels, ways[0]);
  unsigned turn = 0;
  for (std::uint32_t tree = 0; tree < forest.num_trees; tree += dense_group_trees, turn ^= 1) {
    const std::uint32_t left = forest.num_trees - tree;
    if (left > dense_group_trees)
      put(group += group_bytes, ranks, levels, ways[turn ^ 1]);
    const std::uint32_t end = std::min(left, dense_group_trees);
    for (std::uint32_t j = 0; j < end; ++j, leaves += std::size_t{1} << levels)
      visit(tree + j, leaves[ways[turn][j]]);
  }
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

// The ways of 64 rows through a tree. Not inlined: it is the same for all leaves.
__attribute__((noinline)) v64 ways_of_rows(const std::uint8_t* columns, const std::uint8_t* tree,
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
  PETRIFY_INLINE void add(v64 ways, float* sums) const noexcept {
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
  PETRIFY_INLINE void add(v64 ways, double* sums) const noexcept {
    alignas(vector_bytes) std::uint8_t way[vector_bytes];
    _mm512_store_si512(way, ways);
    for (unsigned i = 0; i < 8; ++i) {
      const v64 eight = _mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(way + i * lanes)));
      _mm512_store_pd(sums + i * lanes, _mm512_add_pd(_mm512_load_pd(sums + i * lanes), among<0, count>(eight)));
    }
  }
};

// Memory of a few times 64 rows on their way through all trees.
struct row_block {
  static constexpr std::size_t max_chunks = 4;
  static constexpr std::size_t column_bytes = std::size_t{16} << 10;
  static constexpr std::size_t max_sums = 8; // of a row, to be kept in columns
  alignas(vector_bytes) std::uint8_t columns[column_bytes];
  // [chunk][sum][64 rows], float or double
  alignas(vector_bytes) std::byte sums[max_chunks * max_sums * vector_bytes * sizeof(double)];

  static std::size_t chunks_of(std::size_t num_features) noexcept {
    return std::min(max_chunks, column_bytes / (num_features * vector_bytes));
  }
};

// Adds the leaves of up to `chunks * 64` rows. Not inlined: single rows do without its 32 KiB of stack.
template <class Add, class Sum>
__attribute__((noinline)) void add_block(const forest_data& forest, const std::uint32_t* keys, std::size_t num_rows, Sum* sums) noexcept {
  row_block block;
  const dense_view& dense = forest.dense;
  const std::size_t num_features = dense.features.size();
  const std::size_t width = forest.key_stride();
  const std::size_t chunks = (num_rows + vector_bytes - 1) / vector_bytes;
  const std::size_t chunk_columns = num_features * vector_bytes;
  for (std::size_t c = 0; c < chunks; ++c) {
    const std::size_t count = std::min(vector_bytes, num_rows - c * vector_bytes);
    for (std::size_t f = 0; f < num_features; ++f)
      put_ranks(forest, dense.features[f], keys + c * vector_bytes * width, width, count,
                block.columns + c * chunk_columns + f * vector_bytes);
  }
  Add add(forest, block, sums, num_rows);
  for (std::uint32_t tree = 0; tree < forest.num_trees; ++tree) {
    const std::uint8_t* const nodes =
        dense.nodes.data() + tree / dense_group_trees * dense.group_bytes() + tree % dense_group_trees;
    const auto tree_adds = add.of_tree(tree, dense.leaves.data() + (std::size_t{tree} << dense.levels));
    for (std::size_t c = 0; c < chunks; ++c)
      tree_adds(c, ways_of_rows(block.columns + c * chunk_columns, nodes, dense.levels));
  }
  add.finish();
}

// Scalar leaves of forests with few sums: sums lie in columns meanwhile. Trees of up to `Levels` levels.
template <unsigned Levels, class Sum>
class add_in_columns {
public:
  add_in_columns(const forest_data& forest, row_block& block, Sum* sums, std::size_t num_rows) noexcept
      : forest_(forest), columns_(reinterpret_cast<Sum*>(block.sums)), sums_(sums), num_rows_(num_rows) {
    const std::size_t chunks = (num_rows + vector_bytes - 1) / vector_bytes;
    const std::size_t width = forest.sum_width;
    for (std::size_t i = 0; i < chunks * vector_bytes; ++i)
      for (std::size_t k = 0; k < width; ++k)
        columns_[place(i, k)] = i < num_rows ? sums[i * width + k] : Sum{0};
  }
  auto of_tree(std::uint32_t tree, const std::uint32_t* payloads) noexcept {
    alignas(vector_bytes) Sum leaves[std::max(1u << Levels, 16u)] = {};
    for (std::size_t i = 0; i < forest_.dense.tree_ways(); ++i)
      leaves[i] = scalar_value<Sum>(forest_, payloads[i]);
    const leaf_vectors<Levels, Sum> vectors(leaves);
    Sum* const to = columns_ + std::size_t{forest_.target(tree)} * vector_bytes;
    return [vectors, to, step = forest_.sum_width * vector_bytes](std::size_t chunk, v64 ways)
        __attribute__((always_inline)) { vectors.add(ways, to + chunk * step); };
  }
  void finish() noexcept {
    const std::size_t width = forest_.sum_width;
    for (std::size_t i = 0; i < num_rows_; ++i)
      for (std::size_t k = 0; k < width; ++k)
        sums_[i * width + k] = columns_[place(i, k)];
  }

private:
  std::size_t place(std::size_t row, std::size_t sum) const noexcept {
    return (row / vector_bytes * forest_.sum_width + sum) * vector_bytes + row % vector_bytes;
  }
  const forest_data& forest_;
  Sum* columns_;
  Sum* sums_;
  std::size_t num_rows_;
};

// Any leaves, row by row.
template <class Visitor, class Sum>
class add_by_row {
public:
  add_by_row(const forest_data& forest, row_block&, Sum* sums, std::size_t num_rows) noexcept
      : forest_(forest), sums_(sums), num_rows_(num_rows) {}
  auto of_tree(std::uint32_t tree, const std::uint32_t* payloads) noexcept {
    return [this, tree, payloads](std::size_t chunk, v64 ways) {
      alignas(vector_bytes) std::uint8_t way[vector_bytes];
      _mm512_store_si512(way, ways);
      const std::size_t first = chunk * vector_bytes;
      const std::size_t count = std::min(vector_bytes, num_rows_ - first);
      for (std::size_t i = 0; i < count; ++i) {
        Visitor visit(forest_, sums_ + (first + i) * forest_.sum_width);
        visit(tree, payloads[way[i]]);
        visit.finish();
      }
    };
  }
  void finish() noexcept {}

private:
  const forest_data& forest_;
  Sum* sums_;
  std::size_t num_rows_;
};

// ---- all together

// From this many rows on a chunk of 64 costs less than its rows one by one.
constexpr std::size_t rows_worth_a_chunk = 24;

template <class Visitor, class AddBlock, class Sum>
void add_rows(const forest_data& forest, const std::uint32_t* keys, std::size_t num_rows, Sum* sums) noexcept {
  const std::size_t width = forest.key_stride();
  const std::size_t block_rows = row_block::chunks_of(forest.dense.features.size()) * vector_bytes;
  while (num_rows >= rows_worth_a_chunk) {
    const std::size_t count = std::min(num_rows, block_rows);
    // Of the last chunk only so many rows are left that they are worth it.
    const std::size_t rest = count % vector_bytes;
    const std::size_t taken = rest != 0 && rest < rows_worth_a_chunk && count > vector_bytes ? count - rest : count;
    add_block<AddBlock>(forest, keys, taken, sums);
    keys += taken * width;
    sums += taken * forest.sum_width;
    num_rows -= taken;
  }
  for (; num_rows != 0; --num_rows, keys += width, sums += forest.sum_width) {
    Visitor visit(forest, sums);
    visit_row(forest, keys, visit);
    visit.finish();
  }
}

template <class Sum>
void add(const forest_data& forest, const std::uint32_t* keys, std::size_t num_rows, Sum* sums) noexcept {
  with_visitor<Sum>(forest, [&]<class Visitor>(const Visitor*) {
    if (forest.leaves == leaf_form::vector || forest.sum_width > row_block::max_sums)
      return add_rows<Visitor, add_by_row<Visitor, Sum>>(forest, keys, num_rows, sums);
    switch (forest.dense.levels) {
    case 1:
    case 2:
    case 3: return add_rows<Visitor, add_in_columns<3, Sum>>(forest, keys, num_rows, sums);
    case 4: return add_rows<Visitor, add_in_columns<4, Sum>>(forest, keys, num_rows, sums);
    case 5: return add_rows<Visitor, add_in_columns<5, Sum>>(forest, keys, num_rows, sums);
    default: return add_rows<Visitor, add_in_columns<6, Sum>>(forest, keys, num_rows, sums);
    }
  });
}

#undef PETRIFY_INLINE
