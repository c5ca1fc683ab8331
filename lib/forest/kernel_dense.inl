// The frame of the dense kernels: one row, batches, and what is done with leaves. Included inside a target region, in a
// namespace of its own, behind what knows the vectors of that target:
//
//   rank_of(lines, num_cuts, key)        the rank of a feature of cuts
//   put_ranks(forest, keys, count, ranks)  those of up to 64 rows: a column of 64 for each feature
//   trees_at_once     trees that one row goes down at once: 64, or half of them
//   put_ways_for(n)   for n features a function (nodes, ranks, levels, ways): the ways of a row through so many trees
//   row_ways          the ways of 64 rows through one tree, a value
//   put_ways_of_rows<Chunks>(columns, chunk_columns, tree, levels, ways)  for 1 or chunks_at_once chunks of rows
//   store(ways, to)   writes them as 64 bytes, aligned to as many
//   leaf_vectors<Levels, Sum>            a tree's leaves: add(ways, sums) adds those of 64 rows
//   with_vector_visitor<Leaf>(width, f)  calls f for the visitor of a row's leaves that are vectors, sums being doubles
//   rows_worth_a_chunk                   from so many rows on 64 at once cost less than they do one by one
//
// docs/design.md, "Kernels".

// ---- where ways lead to

// To leaves: the trees have no more levels than the tables.
struct to_leaves {
  explicit to_leaves(const forest_data& forest) noexcept : dense_(forest.dense) {}

  // Calls visit(tree + j, payload) for one row's ways through `count` trees.
  template <class Visit>
  void visit_trees(std::uint32_t tree, const std::uint8_t* ways, std::uint32_t count, const std::uint32_t*,
                   Visit& visit) const noexcept {
    const std::uint32_t* leaves = dense_.leaves.data() + (std::size_t{tree} << dense_.levels);
    for (std::uint32_t j = 0; j < count; ++j, leaves += std::size_t{1} << dense_.levels)
      visit(tree + j, leaves[ways[j]]);
  }

  // Calls visit(i, payload) for the ways of `count` rows through a tree.
  template <class Visit>
  void visit_rows(std::uint32_t tree, const std::uint8_t* ways, std::size_t count, const std::uint32_t*,
                  Visit visit) const noexcept {
    const std::uint32_t* const leaves = dense_.leaves.data() + (std::size_t{tree} << dense_.levels);
    for (std::size_t i = 0; i < count; ++i)
      visit(i, leaves[ways[i]]);
  }

private:
  const dense_view& dense_;
};

// To nodes of the base layout, where walks go on.
struct to_exits {
  explicit to_exits(const forest_data& forest) noexcept
      : forest_(forest), walk_(walker_for(forest)), payload_of_(forest) {}

  template <class Visit>
  void visit_trees(std::uint32_t tree, const std::uint8_t* ways, std::uint32_t count, const std::uint32_t* keys,
                   Visit& visit) const noexcept {
    std::uint32_t at[dense_group_trees];
    const std::uint32_t levels = forest_.dense.levels;
    const std::uint32_t* exits = forest_.dense.exits.data() + (std::size_t{tree} << levels);
    for (std::uint32_t j = 0; j < count; ++j, exits += std::size_t{1} << levels)
      at[j] = exits[ways[j]];
    walk_.one_row(forest_, keys, at, count);
    for (std::uint32_t j = 0; j < count; ++j)
      visit(tree + j, payload_of_[at[j]]);
  }

  template <class Visit>
  void visit_rows(std::uint32_t tree, const std::uint8_t* ways, std::size_t count, const std::uint32_t* keys,
                  Visit visit) const noexcept {
    std::uint32_t at[chunk_rows];
    const std::uint32_t* const exits = forest_.dense.exits.data() + (std::size_t{tree} << forest_.dense.levels);
    for (std::size_t i = 0; i < count; ++i)
      at[i] = exits[ways[i]];
    walk_.rows(forest_, keys, at, count);
    for (std::size_t i = 0; i < count; ++i)
      visit(i, payload_of_[at[i]]);
  }

private:
  const forest_data& forest_;
  walker walk_;
  payloads payload_of_;
};

// ---- one row

// Gives the leaves of one row to `visit`, tree by tree. While those of a group are added, the next one descends: the
// processor looks far enough ahead to do both.
template <class Ends, class Visit>
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
  const Ends ends(forest);
  const auto put = put_ways_for(num_features);
  const unsigned levels = dense.levels;
  const auto put_from = [&](std::uint32_t tree, std::uint8_t* ways) {
    put(dense.nodes.data() + tree / dense_group_trees * dense.group_bytes() + tree % dense_group_trees, ranks, levels,
        ways);
  };
  alignas(vector_alignment) std::uint8_t ways[2][trees_at_once];
  put_from(0, ways[0]);
  unsigned turn = 0;
  for (std::uint32_t tree = 0; tree < forest.num_trees; tree += trees_at_once, turn ^= 1) {
    const std::uint32_t left = forest.num_trees - tree;
    if (left > trees_at_once)
      put_from(tree + trees_at_once, ways[turn ^ 1]);
    ends.visit_trees(tree, ways[turn], std::min(left, trees_at_once), keys, visit);
  }
}

// ---- batches

constexpr std::size_t chunks_of(std::size_t num_rows) noexcept { return (num_rows + chunk_rows - 1) / chunk_rows; }

// Sums of a row that are kept in columns, at most.
constexpr std::size_t max_column_sums = 8;

// Whether sums lie in columns meanwhile: those of scalar leaves that tables lead to.
inline bool has_column_sums(const forest_data& forest) noexcept {
  return forest.leaves != leaf_form::vector && forest.sum_width <= max_column_sums && forest.dense.exits.empty();
}

// Ranks of all rows' features, then the sums of those with column sums.
std::size_t scratch_bytes(const forest_data& forest, std::size_t num_rows) noexcept {
  if (num_rows < rows_worth_a_chunk)
    return 0;
  const std::size_t sums = has_column_sums(forest) ? forest.sum_width * sizeof(double) : 0;
  return chunks_of(num_rows) * chunk_rows * (forest.dense.features.size() + sums);
}

// The rows of a batch, with their ranks in scratch memory: columns of 64 for each chunk and feature.
template <class Sum>
struct row_block {
  const forest_data& forest;
  const std::uint32_t* keys;
  std::size_t num_rows;
  Sum* sums;
  std::byte* scratch;

  std::size_t chunk_columns() const noexcept { return forest.dense.features.size() * chunk_rows; }
  std::uint8_t* columns(std::size_t chunk) const noexcept {
    return reinterpret_cast<std::uint8_t*>(scratch) + chunk * chunk_columns();
  }
  Sum* column_sums() const noexcept { return reinterpret_cast<Sum*>(columns(chunks_of(num_rows))); }
  std::size_t rows_in(std::size_t chunk) const noexcept { return std::min(chunk_rows, num_rows - chunk * chunk_rows); }
  const std::uint32_t* keys_of(std::size_t chunk) const noexcept {
    return keys + chunk * chunk_rows * forest.key_stride();
  }
};

template <class Add, class Sum>
void add_block(const row_block<Sum>& block) noexcept {
  const forest_data& forest = block.forest;
  const dense_view& dense = forest.dense;
  const std::size_t chunks = chunks_of(block.num_rows);
  for (std::size_t c = 0; c < chunks; ++c)
    put_ranks(forest, block.keys_of(c), block.rows_in(c), block.columns(c));
  Add add(block);
  for (std::uint32_t tree = 0; tree < forest.num_trees; ++tree) {
    const std::uint8_t* const nodes =
        dense.nodes.data() + tree / dense_group_trees * dense.group_bytes() + tree % dense_group_trees;
    const auto tree_adds = add.of_tree(tree);
    std::size_t c = 0;
    const auto in_lots_of = [&]<unsigned Chunks>(std::integral_constant<unsigned, Chunks>) {
      for (; c + Chunks <= chunks; c += Chunks) {
        row_ways ways[Chunks];
        put_ways_of_rows<Chunks>(block.columns(c), block.chunk_columns(), nodes, dense.levels, ways);
        for (unsigned i = 0; i < Chunks; ++i)
          tree_adds(c + i, ways[i]);
      }
    };
    in_lots_of(std::integral_constant<unsigned, chunks_at_once>());
    in_lots_of(std::integral_constant<unsigned, 1>());
  }
  add.finish();
}

// Scalar leaves of forests with few sums: sums lie in columns meanwhile. Trees of up to `Levels` levels.
template <unsigned Levels, class Sum>
class add_in_columns {
public:
  explicit add_in_columns(const row_block<Sum>& block) noexcept : block_(block), columns_(block.column_sums()) {
    const std::size_t width = block.forest.sum_width;
    for (std::size_t i = 0; i < chunks_of(block.num_rows) * chunk_rows; ++i)
      for (std::size_t k = 0; k < width; ++k)
        columns_[place(i, k)] = i < block.num_rows ? block.sums[i * width + k] : Sum{0};
  }
  auto of_tree(std::uint32_t tree) noexcept {
    const forest_data& forest = block_.forest;
    const std::uint32_t* const payloads = forest.dense.leaves.data() + (std::size_t{tree} << forest.dense.levels);
    alignas(vector_alignment) Sum leaves[std::max(1u << Levels, 16u)] = {};
    for (std::size_t i = 0; i < forest.dense.tree_ways(); ++i)
      leaves[i] = scalar_value<Sum>(forest, payloads[i]);
    const leaf_vectors<Levels, Sum> vectors(leaves);
    Sum* const to = columns_ + std::size_t{forest.target(tree)} * chunk_rows;
    return [ vectors, to, step = forest.sum_width * chunk_rows ](std::size_t chunk, row_ways ways)
        __attribute__((always_inline)) {
      vectors.add(ways, to + chunk * step);
    };
  }
  void finish() noexcept {
    const std::size_t width = block_.forest.sum_width;
    for (std::size_t i = 0; i < block_.num_rows; ++i)
      for (std::size_t k = 0; k < width; ++k)
        block_.sums[i * width + k] = columns_[place(i, k)];
  }

private:
  std::size_t place(std::size_t row, std::size_t sum) const noexcept {
    return (row / chunk_rows * block_.forest.sum_width + sum) * chunk_rows + row % chunk_rows;
  }
  const row_block<Sum>& block_;
  Sum* columns_;
};

// Any leaves, row by row.
template <class Ends, class Visitor, class Sum>
class add_by_row {
public:
  explicit add_by_row(const row_block<Sum>& block) noexcept : block_(block), ends_(block.forest) {}
  auto of_tree(std::uint32_t tree) noexcept {
    return [this, tree](std::size_t chunk, row_ways ways) {
      alignas(vector_alignment) std::uint8_t way[chunk_rows];
      store(ways, way);
      const forest_data& forest = block_.forest;
      Sum* const sums = block_.sums + chunk * chunk_rows * forest.sum_width;
      ends_.visit_rows(tree, way, block_.rows_in(chunk), block_.keys_of(chunk),
                       [&](std::size_t i, std::uint32_t payload) {
                         Visitor visit(forest, sums + i * forest.sum_width);
                         visit(tree, payload);
                         visit.finish();
                       });
    };
  }
  void finish() noexcept {}

private:
  const row_block<Sum>& block_;
  Ends ends_;
};

// ---- all together

// Calls f(pointer to nothing of the type) for what does as Visitor does, but for one row after the other: sums stay in
// registers for as many trees as there are.
template <class Visitor, class F>
void with_row_visitor(const forest_data&, F&& f) noexcept {
  f(static_cast<const Visitor*>(nullptr));
}
template <std::same_as<add_vector<float, double>> Visitor, class F>
void with_row_visitor(const forest_data& forest, F&& f) noexcept {
  with_vector_visitor<float>(forest.leaf_width, f);
}
template <std::same_as<add_vector<double, double>> Visitor, class F>
void with_row_visitor(const forest_data& forest, F&& f) noexcept {
  with_vector_visitor<double>(forest.leaf_width, f);
}

template <class Ends, class Visitor, class AddBlock, class Sum>
void add_rows(const row_block<Sum>& all) noexcept {
  const std::size_t rest = all.num_rows % chunk_rows;
  const std::size_t in_chunks = rest < rows_worth_a_chunk ? all.num_rows - rest : all.num_rows;
  if (in_chunks != 0)
    add_block<AddBlock>(row_block<Sum>{all.forest, all.keys, in_chunks, all.sums, all.scratch});
  with_row_visitor<Visitor>(all.forest, [&]<class RowVisitor>(const RowVisitor*) {
    for (std::size_t row = in_chunks; row < all.num_rows; ++row) {
      RowVisitor visit(all.forest, all.sums + row * all.forest.sum_width);
      visit_row<Ends>(all.forest, all.keys + row * all.forest.key_stride(), visit);
      visit.finish();
    }
  });
}

template <class Sum>
void add(const forest_data& forest, const std::uint32_t* keys, std::size_t num_rows, Sum* sums,
         std::byte* scratch) noexcept {
  const row_block<Sum> all = {forest, keys, num_rows, sums, scratch};
  with_visitor<Sum>(forest, [&]<class Visitor>(const Visitor*) {
    if (!forest.dense.exits.empty())
      return add_rows<to_exits, Visitor, add_by_row<to_exits, Visitor, Sum>>(all);
    if (!has_column_sums(forest))
      return add_rows<to_leaves, Visitor, add_by_row<to_leaves, Visitor, Sum>>(all);
    switch (forest.dense.levels) {
    case 1:
    case 2:
    case 3: return add_rows<to_leaves, Visitor, add_in_columns<3, Sum>>(all);
    case 4: return add_rows<to_leaves, Visitor, add_in_columns<4, Sum>>(all);
    case 5: return add_rows<to_leaves, Visitor, add_in_columns<5, Sum>>(all);
    default: return add_rows<to_leaves, Visitor, add_in_columns<6, Sum>>(all);
    }
  });
}
