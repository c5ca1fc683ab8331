// Rows that are made from thresholds reach both sides of them.
#include "support/random_forest.hpp"
#include "support/support.hpp"

#include "forest/probe_rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace petrify;
using namespace petrify::test;

namespace {

// Whether some rows go left and some go right in every tree, each of which is one split.
void check_both_sides(const naive_forest& stumps) {
  const forest_model model = stumps.build();
  const forest f = model.view();
  constexpr std::size_t num_rows = 2000;
  const std::vector<double> values = probe_rows(f, num_rows);
  REQUIRE(values.size() == num_rows * f.num_columns());
  CHECK(std::memcmp(values.data(), probe_rows(f, num_rows).data(), values.size() * sizeof(double)) == 0);
  const std::vector<std::uint32_t> leaves = f.apply(rows(values.data(), num_rows, f.num_columns()));
  std::size_t one_sided = 0;
  for (std::size_t t = 0; t < f.num_trees(); ++t) {
    if (stumps.trees[t].nodes.size() == 1)
      continue;
    std::size_t left = 0;
    for (std::size_t i = 0; i < num_rows; ++i)
      left += leaves[i * f.num_trees() + t] == 1 ? 1 : 0;
    one_sided += left == 0 || left == num_rows ? 1 : 0;
  }
  CHECK(one_sided == 0);
}

const forest_shape stumps{.num_trees = 200, .max_splits = 1, .max_depth = 1, .num_cuts = 50};

} // namespace

TEST_CASE("ProbeRowsReachBothSidesOfEveryThreshold") {
  std::mt19937_64 random(71);
  for (const compare_as comparisons : {compare_as::float32, compare_as::float64})
    for (const bool has_steps : {false, true}) {
      forest_spec spec = regression(1, false, dtype::float64, dtype::float64);
      spec.comparisons = comparisons;
      if (has_steps)
        spec.steps = {{row_step::operation::subtract, row_step::every_column, 0.5, 0},
                      {row_step::operation::divide, 2, 4, 0}};
      check_both_sides(random_forest(spec, stumps, random));
    }
}

TEST_CASE("ProbeRowsHaveCategoriesInsideAndOutsideOfSets") {
  naive_forest one{regression(1, false, dtype::float64, dtype::float64), {}};
  one.spec.num_columns = 2;
  one.spec.categories = {{1, categories_as::xgboost, {}, {}}};
  naive_node split;
  split.is_leaf = false;
  split.is_set = true;
  split.column = 1;
  split.members = {3, 40};
  split.left = 1;
  split.right = 2;
  naive_node leaf;
  leaf.values = {1};
  one.trees = {naive_tree{{split, leaf, leaf}, 0}};
  check_both_sides(one);
}

TEST_CASE("ProbeRowsHaveMissingValuesWhereTheyGoBothWays") {
  std::mt19937_64 random(72);
  const naive_forest naive = random_forest(regression(1, false, dtype::float64, dtype::float64), stumps, random);
  const forest_model model = naive.build();
  const std::vector<double> values = probe_rows(model.view(), 500);
  CHECK(std::any_of(values.begin(), values.end(), [](double x) { return std::isnan(x); }));
}
