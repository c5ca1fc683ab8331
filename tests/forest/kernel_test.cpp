// Every kernel, and every way in, against a naive walk in floating point.
#include "support/pair_order.hpp"
#include "support/random_forest.hpp"
#include "support/support.hpp"

#include "forest/evaluate.hpp"

#include <petrify/file.hpp>
#include <petrify/forest.hpp>
#include <petrify/predictor.hpp>
#include <petrify/thread_pool.hpp>
#include <petrify/writer.hpp>

#include <cstring>

using namespace petrify;
using namespace petrify::test;

namespace {

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

template <class T>
void check_rows(const naive_forest& naive, const forest& mapped, std::mt19937_64& random) {
  constexpr std::size_t num_rows = 37; // not a multiple of the rows in flight
  const std::vector<T> x = awkward_rows<T>(naive, num_rows, random);
  const std::size_t columns = naive.spec.num_columns;
  const std::size_t width = naive.width();
  const rows matrix(x.data(), num_rows, columns);

  const std::vector<double> batch = mapped.predict_raw(matrix);
  const std::vector<std::uint32_t> leaves = mapped.apply(matrix);
  evaluator reference(mapped.data(), num_rows, reference_kernel);
  std::vector<double> slow(num_rows * width);
  std::vector<std::uint32_t> slow_leaves(num_rows * mapped.num_trees());
  reference.numbers(matrix, 0, num_rows, output::raw, slow.data());
  reference.leaves(matrix, 0, num_rows, slow_leaves.data());
  predictor single(mapped);
  std::vector<double> one(width);
  std::vector<std::uint32_t> one_leaf(mapped.num_trees());

  // A column-major copy with a gap between columns.
  std::vector<T> strided(columns * (num_rows + 3));
  for (std::size_t i = 0; i < num_rows; ++i)
    for (std::size_t j = 0; j < columns; ++j)
      strided[j * (num_rows + 3) + i] = x[i * columns + j];
  const rows column_major(strided.data(), num_rows, columns, 1, static_cast<std::ptrdiff_t>(num_rows + 3));
  static thread_pool pool(3);
  const std::vector<double> from_strided = mapped.predict_raw(column_major, pool);

  std::size_t differences = 0;
  for (std::size_t i = 0; i < num_rows; ++i) {
    const T* row = x.data() + i * columns;
    const std::vector<double> expected = naive.sums(row);
    REQUIRE(single.predict_raw(std::span<const T>(row, columns), one));
    REQUIRE(single.apply(std::span<const T>(row, columns), one_leaf));
    for (std::size_t k = 0; k < width; ++k)
      differences += !same_bits(expected[k], batch[i * width + k]) || !same_bits(expected[k], slow[i * width + k]) ||
                     !same_bits(expected[k], one[k]) || !same_bits(expected[k], from_strided[i * width + k]);
    for (std::size_t t = 0; t < naive.trees.size(); ++t) {
      const std::uint32_t leaf = naive.leaf_of(naive.trees[t], row);
      differences += leaf != leaves[i * naive.trees.size() + t] || leaf != slow_leaves[i * naive.trees.size() + t] ||
                     leaf != one_leaf[t];
    }
  }
  CHECK(differences == 0);
}

void check_forest(const naive_forest& naive, std::mt19937_64& random, const char* layout = nullptr) {
  const temp_dir dir;
  writer out(dir.path("forest.stone"));
  out.add("model", naive.build());
  out.commit();
  const file from = file::open(dir.path("forest.stone"));
  const forest mapped = from.forest("model");
  for (const error& fault : from.verify())
    FAIL_CHECK(fault.what());
  REQUIRE(mapped.num_trees() == naive.trees.size());
  if (layout != nullptr)
    CHECK(mapped.layout() == layout);
  check_rows<float>(naive, mapped, random);
  check_rows<double>(naive, mapped, random);
  check_rows<std::int64_t>(naive, mapped, random);
}

} // namespace

TEST_CASE("KernelsAgreeWithANaiveWalkOnRaggedForests") {
  std::mt19937_64 random(1);
  for (const bool vector_leaves : {false, true})
    for (const compare_as comparisons : {compare_as::float32, compare_as::float64})
      for (const auto& [leaf, accumulator] :
           {std::pair{dtype::float64, dtype::float64}, std::pair{dtype::float32, dtype::float32},
            std::pair{dtype::float32, dtype::float64}})
        for (int repeat = 0; repeat < 6; ++repeat) {
          forest_spec spec = regression(1 + random() % 4, vector_leaves, leaf, accumulator);
          spec.comparisons = comparisons;
          if (repeat % 2 == 0)
            for (std::size_t k = 0; k < spec.outputs.size(); ++k)
              spec.start.push_back(k % 2 == 0 ? -0.0 : 0.5);
          forest_shape shape;
          shape.num_trees = static_cast<std::uint32_t>(random() % 40);
          shape.max_splits = static_cast<std::uint32_t>(random() % 100);
          shape.numbers = static_cast<numbering>(random() % 3);
          shape.covers = random() % 2 == 0;
          CAPTURE(repeat);
          check_forest(random_forest(spec, shape, random), random);
        }
}

TEST_CASE("KernelsAgreeOnSingleLeaves") {
  std::mt19937_64 random(2);
  forest_shape shape;
  shape.max_splits = 0;
  for (const std::uint32_t num_trees : {0u, 1u, 2u, 15u, 16u, 17u, 33u}) {
    shape.num_trees = num_trees;
    check_forest(random_forest(regression(1, false, dtype::float64, dtype::float64), shape, random), random);
  }
}

TEST_CASE("KernelsAgreeOnARightOnlyChainOfTenThousand") {
  std::mt19937_64 random(3);
  forest_shape shape;
  shape.num_trees = 3;
  shape.max_splits = 10000;
  shape.chain = true;
  check_forest(random_forest(regression(1, false, dtype::float64, dtype::float64), shape, random), random, "n8");
  shape.numbers = numbering::random;
  check_forest(random_forest(regression(2, true, dtype::float64, dtype::float64), shape, random), random, "n8");
}

TEST_CASE("KernelsAgreeOn65535Features") {
  std::mt19937_64 random(4);
  forest_shape shape;
  shape.num_columns = 65535;
  shape.num_trees = 12;
  shape.max_splits = 300;
  check_forest(random_forest(regression(3, true, dtype::float64, dtype::float64), shape, random), random, "n8");

  // All 65,535 columns in use with one missing rule each: exactly the slots that 16 bits can name.
  naive_forest wide{regression(1, false, dtype::float64, dtype::float64), {}};
  wide.spec.num_columns = 65535;
  for (std::uint32_t first = 0; first < 65535; first += 4369) {
    naive_tree tree;
    for (std::uint32_t j = 0; j < 4369; ++j) {
      naive_node split;
      split.is_leaf = false;
      split.column = first + j;
      split.threshold = awkward_value(random);
      split.left = 2 * j + 1;
      split.right = 2 * j + 2;
      naive_node leaf;
      leaf.values = {static_cast<double>(j) * 0.1};
      tree.nodes.push_back(split);
      tree.nodes.push_back(leaf);
    }
    naive_node last;
    last.values = {1e-3};
    tree.nodes.push_back(last);
    wide.trees.push_back(tree);
  }
  check_forest(wide, random, "n8");
  // One more slot, and nodes of 8 bytes have no room for its name.
  naive_tree stump;
  stump.nodes.resize(3);
  stump.nodes[0].is_leaf = false;
  stump.nodes[0].nan_goes = missing::right;
  stump.nodes[0].left = 1;
  stump.nodes[0].right = 2;
  stump.nodes[1].values = {0.25};
  stump.nodes[2].values = {0.75};
  wide.trees.push_back(stump);
  check_forest(wide, random, "n16");
  forest_shape both;
  both.num_columns = 40000;
  both.num_trees = 8;
  both.max_splits = 60000;
  check_forest(random_forest(regression(1, false, dtype::float64, dtype::float64), both, random), random, "n16");
}

TEST_CASE("SlotBitsFollowTheNumberOfSlots") {
  std::mt19937_64 random(5);
  for (const std::uint32_t columns : {127u, 128u, 300u, 2047u, 3000u}) {
    forest_shape shape;
    shape.num_columns = columns;
    shape.num_trees = 16;
    shape.max_splits = 4000;
    check_forest(random_forest(regression(1, false, dtype::float32, dtype::float32), shape, random), random, "n8");
  }
}

TEST_CASE("CategorySetsFollowTheRuleOfTheirOrigin") {
  std::mt19937_64 random(41);
  const std::optional<std::vector<std::uint32_t>> some{{0, 1, 2, 5, 7, 31, 32, 44, 255}};
  const std::vector<double> listed{-3.5, -0.0, 1, 2, 31, 32, 256, 1e9};
  for (const compare_as type : {compare_as::float32, compare_as::float64})
    for (int round = 0; round < 8; ++round) {
      forest_spec spec = regression(1, false, dtype::float64, dtype::float64);
      spec.comparisons = type;
      spec.categories = {{0, categories_as::xgboost, {}, {}},
                         {1, categories_as::xgboost_strict, {}, {}},
                         {2, categories_as::lightgbm, {}, {}},
                         {3, categories_as::hist_gradient_boosting, {}, some},
                         {4, categories_as::hist_gradient_boosting_wrapped, {}, some},
                         {5, categories_as::listed, listed, {}},
                         {6, categories_as::listed, listed, {{0, 2, 3, 7}}}};
      const naive_forest naive =
          random_forest(spec, {.num_columns = 9, .numbers = static_cast<numbering>(round % 3)}, random);
      check_forest(naive, random, "n16");
    }
}

TEST_CASE("LeafIdsDoNotDependOnTheOrderOfSubtrees") {
  std::mt19937_64 random(46);
  std::size_t count = 0;
  for (int round = 0; round < 40; ++round) {
    const forest_shape shape{.num_trees = static_cast<std::uint32_t>(1 + random() % 20),
                             .max_splits = static_cast<std::uint32_t>(1 + random() % 40),
                             .covers = true};
    const naive_forest naive = random_forest(regression(1, false, dtype::float64, dtype::float64), shape, random);
    check_forest(naive, random);
    const forest_model model = naive.build();
    const forest_data& data = model.view().data();
    CHECK(data.leaf_ids == leaf_id_rule::preorder);
    count += num_right_first(data);
  }
  CHECK(count > 100);
}

TEST_CASE("LeafIdsTakeAsManyBytesAsTheLargestNeeds") {
  std::mt19937_64 random(45);
  const auto check = [&](const naive_forest& naive, leaf_id_rule rule, std::uint64_t bytes) {
    check_forest(naive, random);
    const forest_model model = naive.build();
    const forest_data& data = model.view().data();
    CHECK(data.leaf_ids == rule);
    CHECK(data.stored_leaf_ids.size_bytes() == bytes);
  };
  // A chain of n splits has pairs 1 and 2, 3 and 4, ..., 2n - 1 and 2n. Nodes with the unused root are 2n + 2.
  for (const auto& [num_splits, pair_bytes, node_bytes] : {std::array{127u, 1u, 1u},
                                                           {128u, 1u, 2u},
                                                           {129u, 2u, 2u},
                                                           {32767u, 2u, 2u},
                                                           {32768u, 2u, 4u},
                                                           {32769u, 4u, 4u}}) {
    CAPTURE(num_splits);
    const forest_shape shape{.num_trees = 1, .max_splits = num_splits, .chain = true, .numbers = numbering::pairs};
    naive_forest naive = random_forest(regression(1, false, dtype::float32, dtype::float32), shape, random);
    // Growing to the right this is pre-order; growing to the left it is not.
    check(naive, leaf_id_rule::preorder, 0);
    std::vector<naive_node>& nodes = naive.trees[0].nodes;
    for (std::size_t i = 1; i < nodes.size(); i += 2)
      std::swap(nodes[i], nodes[i + 1]);
    check(naive, leaf_id_rule::stored_pairs, std::uint64_t{num_splits + 1} * pair_bytes);
    // The last two leaves change places: their ids do not ascend any more.
    naive_node& last = nodes[nodes.size() - 4];
    REQUIRE((!last.is_leaf && last.right == nodes.size() - 1));
    std::swap(last.left, last.right);
    check(naive, leaf_id_rule::stored, std::uint64_t{2 * num_splits + 2} * node_bytes);
  }
}

TEST_CASE("ALeafWithoutParentKeepsItsId") {
  const auto ids_of = [](std::uint32_t root) {
    forest_builder builder(regression(1, false, dtype::float32, dtype::float32));
    for (int t = 0; t < 2; ++t) {
      builder.begin_tree(root + 1, 0, root);
      for (std::uint32_t i = 0; i < root; ++i)
        builder.unused(i);
      builder.leaf(root, std::vector<double>{1});
      builder.end_tree();
    }
    const forest_model model = builder.build();
    return model.view().apply(rows(static_cast<const float*>(nullptr), 1, 0));
  };
  CHECK(ids_of(0) == std::vector<std::uint32_t>{0, 0});
  CHECK(ids_of(3) == std::vector<std::uint32_t>{3, 3});
}

TEST_CASE("EveryMissingRuleIsFollowed") {
  std::mt19937_64 random(42);
  for (const compare_as type : {compare_as::float32, compare_as::float64})
    for (int round = 0; round < 8; ++round) {
      forest_spec spec = regression(1, false, dtype::float64, dtype::float64);
      spec.comparisons = type;
      check_forest(random_forest(spec, {.all_missing_rules = true}, random), random, "n8");
    }
}

TEST_CASE("LinearLeavesAddTheirTermsInOrder") {
  std::mt19937_64 random(43);
  for (int round = 0; round < 8; ++round) {
    forest_spec spec = regression(round % 2 == 0 ? 1 : 3, false, dtype::float64, dtype::float64);
    spec.comparisons = compare_as::float64;
    spec.linear_leaves = true;
    check_forest(random_forest(spec, {.numbers = static_cast<numbering>(round % 3)}, random), random, "n8");
  }
}

TEST_CASE("TheWeightedMedianIsTheFirstValueWithHalfOfTheWeight") {
  std::mt19937_64 random(44);
  for (int round = 0; round < 8; ++round) {
    forest_spec spec = regression(1, false, round % 2 == 0 ? dtype::float64 : dtype::float32, dtype::float64);
    spec.combine = combine::weighted_median;
    check_forest(random_forest(spec, {.num_trees = static_cast<std::uint32_t>(1 + 9 * round)}, random), random, "n8");
  }
}

TEST_CASE("ThresholdsAtInfinityRouteAsTheComparisonSays") {
  const double infinity = std::numeric_limits<double>::infinity();
  std::mt19937_64 random(6);
  for (const compare_as comparisons : {compare_as::float32, compare_as::float64})
    for (const comparison test : {comparison::less_equal, comparison::less})
      for (const missing goes : {missing::left, missing::right})
        for (const double threshold : {-infinity, infinity, 3.5e38, -3.5e38, 0.0, -0.0, 1e-46, -1e-46}) {
          naive_forest stump{regression(1, false, dtype::float64, dtype::float64), {}};
          stump.spec.comparisons = comparisons;
          stump.spec.num_columns = 1;
          naive_node split;
          split.is_leaf = false;
          split.threshold = threshold;
          split.test = test;
          split.nan_goes = goes;
          split.left = 1;
          split.right = 2;
          naive_node left;
          left.values = {1};
          naive_node right;
          right.values = {2};
          stump.trees = {naive_tree{{split, left, right}, 0}};
          check_forest(stump, random);
        }
}
