// The dense layout: when it is made, what it holds, and its kernels against the reference, bit for bit.
#include "support/random_forest.hpp"
#include "support/support.hpp"

#include "forest/evaluate.hpp"
#include "forest/kernel_dense.hpp"
#include "forest/structure.hpp"

#include <petrify/forest_builder.hpp>

#include <cstring>

using namespace petrify;
using namespace petrify::test;

namespace {

std::vector<double> raw_by(const kernel& with, const forest_data& forest, const rows& x) {
  evaluator by(forest, x.num_rows(), with);
  std::vector<double> out(x.num_rows() * forest.raw_width);
  by.numbers(x, 0, x.num_rows(), output::raw, out.data());
  return out;
}

// Values whose bits differ.
std::size_t differences(const std::vector<double>& a, const std::vector<double>& b) {
  std::size_t out = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    out += std::bit_cast<std::uint64_t>(a[i]) != std::bit_cast<std::uint64_t>(b[i]);
  return out;
}

// All dense kernels of this CPU agree with the reference on batches of all sizes that are cut differently.
template <class T>
void check_kernels(const naive_forest& naive, const forest_data& forest, std::mt19937_64& random) {
  constexpr std::size_t num_rows = 333;
  const std::size_t columns = naive.spec.num_columns;
  const std::vector<T> x = awkward_rows<T>(naive, num_rows, random);
  const std::vector<double> expected = raw_by(reference_kernel, forest, rows(x.data(), num_rows, columns));
  const std::size_t width = forest.raw_width;
  for (const kernel* by : dense_kernels()) {
    CAPTURE(by->name);
    // Around the numbers of rows that are worth a chunk of 64, and around 64, alone and behind a chunk.
    for (const std::size_t batch :
         {std::size_t{1}, std::size_t{2}, std::size_t{23}, std::size_t{24}, std::size_t{47}, std::size_t{48},
          std::size_t{63}, std::size_t{64}, std::size_t{65}, std::size_t{88}, std::size_t{112}, num_rows}) {
      CAPTURE(batch);
      const std::vector<double> got = raw_by(*by, forest, rows(x.data(), batch, columns));
      CHECK(differences(got, {expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(batch * width)}) == 0);
    }
  }
}

// Builds the forest and checks its dense layout; returns its levels.
std::uint32_t check_dense_forest(const naive_forest& naive, std::mt19937_64& random) {
  const forest_model model = naive.build();
  const forest_data& forest = model.view().data();
  check_structure(forest);
  check_every_node(forest);
  if (!has_dense_kernels(forest))
    return 0;
  check_kernels<float>(naive, forest, random);
  check_kernels<double>(naive, forest, random);
  check_kernels<std::int64_t>(naive, forest, random);
  return forest.dense.levels;
}

} // namespace

TEST_CASE("DenseKernelsEqualTheReferenceAtEveryDepth") {
  std::mt19937_64 random(61);
  for (std::uint32_t depth = 1; depth <= 6; ++depth) {
    std::size_t num_dense = 0;
    for (const auto& [leaf, accumulator] :
         {std::pair{dtype::float64, dtype::float64}, std::pair{dtype::float32, dtype::float32},
          std::pair{dtype::float32, dtype::float64}})
      for (const std::size_t width : {1, 3, 9})
        for (const bool vector_leaves : {false, true})
          for (const std::uint32_t trees : {1u, 63u, 64u, 65u, 130u}) {
            forest_shape shape;
            shape.num_columns = 1 + static_cast<std::uint32_t>(random() % 20);
            shape.num_trees = trees;
            shape.max_splits = 400;
            shape.max_depth = depth;
            shape.num_cuts = 200;
            CAPTURE(depth);
            CAPTURE(trees);
            const naive_forest naive =
                random_forest(regression(width, vector_leaves, leaf, accumulator), shape, random);
            // Tables that would be larger than the nodes are not made.
            const std::uint32_t levels = check_dense_forest(naive, random);
            CHECK((levels == depth || levels == 0));
            num_dense += levels != 0;
          }
    CHECK(num_dense > 5);
  }
}

TEST_CASE("DenseFeaturesAreAsManyAsCutsAndMissingRulesNeed") {
  std::mt19937_64 random(62);
  std::size_t num_dense = 0;
  std::size_t most_features = 0;
  for (const std::uint32_t cuts : {1u, 14u, 15u, 16u, 17u, 254u, 255u, 256u, 700u, 3000u})
    for (const std::uint32_t columns : {1u, 7u, 33u, 64u, 120u, 250u, 300u}) {
      forest_shape shape;
      shape.num_columns = columns;
      shape.num_trees = 300;
      shape.max_splits = 200;
      shape.max_depth = 6;
      shape.num_cuts = cuts;
      shape.all_missing_rules = columns == 7;
      CAPTURE(cuts);
      CAPTURE(columns);
      forest_spec spec = regression(1, false, dtype::float32, dtype::float32);
      if (columns == 33)
        spec.comparisons = compare_as::float64;
      const naive_forest naive = random_forest(spec, shape, random);
      num_dense += check_dense_forest(naive, random) != 0;
      const forest_model model = naive.build();
      most_features = std::max(most_features, model.view().data().dense.features.size());
    }
  CHECK(num_dense > 40);
  CHECK(most_features > 128);
  CHECK(most_features <= max_dense_features);
}

TEST_CASE("WalksGoOnBelowTheDenseLevels") {
  std::mt19937_64 random(64);
  std::size_t num_deeper = 0;
  std::size_t num_by_levels[max_dense_levels + 1] = {};
  for (const auto& [leaf, accumulator] :
       {std::pair{dtype::float64, dtype::float64}, std::pair{dtype::float32, dtype::float32}})
    for (const std::size_t width : {1, 3, 20})
      for (const bool vector_leaves : {false, true})
        for (const std::uint32_t trees : {1u, 64u, 90u})
          for (const std::uint32_t columns : {5u, 40u, 300u}) {
            forest_shape shape;
            shape.num_columns = columns; // 300: slots of 12 bits, and keys at a stride that has no walk of its own
            shape.num_trees = trees;
            shape.max_splits = 150 * columns % 700;
            shape.num_cuts = 100;
            shape.all_missing_rules = columns == 5;
            CAPTURE(width);
            CAPTURE(vector_leaves);
            CAPTURE(trees);
            CAPTURE(columns);
            const naive_forest naive =
                random_forest(regression(width, vector_leaves, leaf, accumulator), shape, random);
            const std::uint32_t levels = check_dense_forest(naive, random);
            ++num_by_levels[levels];
            const forest_model model = naive.build();
            num_deeper += !model.view().data().dense.exits.empty();
          }
  CHECK(num_deeper > 20);
  CHECK(num_by_levels[6] > 5);
  CHECK(num_by_levels[3] + num_by_levels[4] + num_by_levels[5] > 5);
}

TEST_CASE("DenseKernelsFollowSetsOfCategories") {
  std::mt19937_64 random(63);
  std::size_t num_dense = 0;
  const std::optional<std::vector<std::uint32_t>> some{{0, 1, 2, 5, 7, 31, 32, 44, 255}};
  for (int round = 0; round < 12; ++round) {
    forest_spec spec = regression(1, false, dtype::float64, dtype::float64);
    spec.categories = {{0, categories_as::xgboost, {}, {}},
                       {1, categories_as::lightgbm, {}, {}},
                       {2, categories_as::hist_gradient_boosting, {}, some}};
    forest_shape shape;
    shape.num_columns = 12;
    shape.num_trees = 20;
    shape.max_depth = 5;
    shape.max_splits = 60;
    num_dense += check_dense_forest(random_forest(spec, shape, random), random) != 0;
  }
  CHECK(num_dense > 6);
}
