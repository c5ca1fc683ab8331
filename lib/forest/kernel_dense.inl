// The frame of the dense kernels: one row, batches, and what is done with leaves. Included inside a target region, in a
// namespace of its own, behind what knows the vectors of that target:
//
//   cuts_line         a line of cuts: below(key) is how many of them a key is greater than
//   put_ways_for(n)   for n features a function (group, ranks, levels, ways): the ways of a row through 64 trees
//   row_ways          the ways of 64 rows through one tree, a value
//   ways_of_rows(columns, tree, levels)  makes them
//   store(ways, to)   writes them as 64 bytes, aligned to as many
//   leaf_vectors<Levels, Sum>            a tree's leaves: add(ways, sums) adds those of 64 rows
//
// docs/design.md, "Kernels".

// Rows whose bytes lie side by side.
constexpr std::size_t chunk_rows = 64;
// Of memory that vectors are loaded from and stored to.
constexpr std::size_t vector_alignment = 64;

// ---- ranks of keys

inline std::uint8_t rank_of(const std::uint32_t* lines, std::uint32_t num_cuts, std::uint32_t key) noexcept {
  // With fewer than 16 cuts there is one line, behind the first.
  const unsigned line = num_cuts < dense_line ? 0 : cuts_line(lines).below(key);
  return static_cast<std::uint8_t>(line * dense_line + cuts_line(lines + (1 + line) * dense_line).below(key));
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
    const cuts_line cuts(lines + dense_line);
    for (std::size_t i = 0; i < count; ++i)
      rank[i] = static_cast<std::uint8_t>(cuts.below(keys[i * width]));
    return;
  }
  for (std::size_t i = 0; i < count; ++i)
    rank[i] = rank_of(lines, feature.num_cuts, keys[i * width]);
}

// ---- one row

// Gives the leaves of one row to `visit`, tree by tree. While those of a group are added, the next one descends: the
// processor looks far enough ahead to do both.
template <class Visit>
void visit_row(const forest_data& forest, const std::uint32_t* keys, Visit& visit) noexcept {
  const dense_view& dense = forest.dense;
  alignas(vector_alignment) std::uint8_t ranks[max_dense_features];
  const std::size_t num_features = dense.features.size();
  for (std::size_t f = 0; f < num_features; ++f) {
    const dense_feature& feature = dense.features[f];
    const std::uint32_t key = keys[feature.slot];
    ranks[f] = feature.op != 0
                   ? set_rank(forest.category_words.data(), feature, key)
                   : rank_of(dense.cuts.data() + std::size_t{feature.first} * dense_line, feature.num_cuts, key);
  }
  const auto put = put_ways_for(num_features);
  const unsigned levels = dense.levels;
  const std::size_t group_bytes = dense.group_bytes();
  alignas(vector_alignment) std::uint8_t ways[2][dense_group_trees];
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

// Memory of a few times 64 rows on their way through all trees.
struct row_block {
  static constexpr std::size_t max_chunks = 4;
  static constexpr std::size_t column_bytes = std::size_t{16} << 10;
  static constexpr std::size_t max_sums = 8; // of a row, to be kept in columns
  alignas(vector_alignment) std::uint8_t columns[column_bytes];
  // [chunk][sum][64 rows], float or double
  alignas(vector_alignment) std::byte sums[max_chunks * max_sums * chunk_rows * sizeof(double)];

  static std::size_t chunks_of(std::size_t num_features) noexcept {
    return std::min(max_chunks, column_bytes / (num_features * chunk_rows));
  }
};

// Adds the leaves of up to `chunks * 64` rows. Not inlined: single rows do without its 32 KiB of stack.
template <class Add, class Sum>
__attribute__((noinline)) void add_block(const forest_data& forest, const std::uint32_t* keys, std::size_t num_rows,
                                         Sum* sums) noexcept {
  row_block block;
  const dense_view& dense = forest.dense;
  const std::size_t num_features = dense.features.size();
  const std::size_t width = forest.key_stride();
  const std::size_t chunks = (num_rows + chunk_rows - 1) / chunk_rows;
  const std::size_t chunk_columns = num_features * chunk_rows;
  for (std::size_t c = 0; c < chunks; ++c) {
    const std::size_t count = std::min(chunk_rows, num_rows - c * chunk_rows);
    for (std::size_t f = 0; f < num_features; ++f)
      put_ranks(forest, dense.features[f], keys + c * chunk_rows * width, width, count,
                block.columns + c * chunk_columns + f * chunk_rows);
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
    const std::size_t chunks = (num_rows + chunk_rows - 1) / chunk_rows;
    const std::size_t width = forest.sum_width;
    for (std::size_t i = 0; i < chunks * chunk_rows; ++i)
      for (std::size_t k = 0; k < width; ++k)
        columns_[place(i, k)] = i < num_rows ? sums[i * width + k] : Sum{0};
  }
  auto of_tree(std::uint32_t tree, const std::uint32_t* payloads) noexcept {
    alignas(vector_alignment) Sum leaves[std::max(1u << Levels, 16u)] = {};
    for (std::size_t i = 0; i < forest_.dense.tree_ways(); ++i)
      leaves[i] = scalar_value<Sum>(forest_, payloads[i]);
    const leaf_vectors<Levels, Sum> vectors(leaves);
    Sum* const to = columns_ + std::size_t{forest_.target(tree)} * chunk_rows;
    return [ vectors, to, step = forest_.sum_width * chunk_rows ](std::size_t chunk, row_ways ways)
        __attribute__((always_inline)) {
      vectors.add(ways, to + chunk * step);
    };
  }
  void finish() noexcept {
    const std::size_t width = forest_.sum_width;
    for (std::size_t i = 0; i < num_rows_; ++i)
      for (std::size_t k = 0; k < width; ++k)
        sums_[i * width + k] = columns_[place(i, k)];
  }

private:
  std::size_t place(std::size_t row, std::size_t sum) const noexcept {
    return (row / chunk_rows * forest_.sum_width + sum) * chunk_rows + row % chunk_rows;
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
    return [this, tree, payloads](std::size_t chunk, row_ways ways) {
      alignas(vector_alignment) std::uint8_t way[chunk_rows];
      store(ways, way);
      const std::size_t first = chunk * chunk_rows;
      const std::size_t count = std::min(chunk_rows, num_rows_ - first);
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
  const std::size_t block_rows = row_block::chunks_of(forest.dense.features.size()) * chunk_rows;
  while (num_rows >= rows_worth_a_chunk) {
    const std::size_t count = std::min(num_rows, block_rows);
    // Of the last chunk only so many rows are left that they are worth it.
    const std::size_t rest = count % chunk_rows;
    const std::size_t taken = rest != 0 && rest < rows_worth_a_chunk && count > chunk_rows ? count - rest : count;
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
