// Forests of the shapes that people train, with random splits: made through forest_builder, as importers do.
#pragma once

#include <petrify/petrify.hpp>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace bench {

// Adds trees with random splits and leaves to a builder; always the same ones.
class random_trees {
public:
  struct rule {
    petrify::comparison test = petrify::comparison::less_equal;
    std::uint32_t num_cuts = 0; // thresholds of a column, as histograms leave them; 0: each its own
    bool has_missing = false;   // missing values go left in some nodes and right in others; else left in all
  };

  random_trees(std::uint32_t num_columns, rule splits) : column_(0, num_columns - 1), splits_(splits) {}

  // One tree that splits everywhere down to `full_depth`, then with a chance of `grow`, and ends at `max_depth`.
  // leaf_values(random) gives the values of a leaf.
  template <class LeafValues>
  void add(petrify::forest_builder& builder, int full_depth, int max_depth, double grow, LeafValues leaf_values) {
    std::vector<planned_node> nodes(1);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const int depth = nodes[i].depth;
      if (depth < max_depth && (depth < full_depth || unit_(random_) < grow))
        split(nodes, i);
    }
    give(builder, nodes, leaf_values);
  }

  // One tree that grows leaf by leaf, any of those there are, until it has num_leaves.
  template <class LeafValues>
  void add_leaf_wise(petrify::forest_builder& builder, std::uint32_t num_leaves, LeafValues leaf_values) {
    std::vector<planned_node> nodes(1);
    std::vector<std::size_t> leaves{0};
    while (leaves.size() < num_leaves) {
      std::size_t& grown = leaves[random_() % leaves.size()];
      split(nodes, grown);
      grown = nodes.size() - 2;
      leaves.push_back(nodes.size() - 1);
    }
    give(builder, nodes, leaf_values);
  }

private:
  struct planned_node {
    int depth = 0;
    std::uint32_t left = 0; // 0: a leaf
  };

  static void split(std::vector<planned_node>& nodes, std::size_t i) {
    const int depth = nodes[i].depth + 1;
    nodes[i].left = static_cast<std::uint32_t>(nodes.size());
    nodes.push_back({depth});
    nodes.push_back({depth});
  }

  template <class LeafValues>
  void give(petrify::forest_builder& builder, const std::vector<planned_node>& nodes, LeafValues leaf_values) {
    builder.begin_tree(static_cast<std::uint32_t>(nodes.size()));
    for (std::uint32_t i = 0; i < nodes.size(); ++i) {
      const std::uint32_t left = nodes[i].left;
      if (left == 0)
        builder.leaf(i, leaf_values(random_));
      else
        builder.split(i, column_(random_), splits_.test, threshold(), missing(), left, left + 1);
    }
    builder.end_tree();
  }

  double threshold() {
    const double any = unit_(random_);
    return splits_.num_cuts == 0 ? any : std::floor(any * splits_.num_cuts) / splits_.num_cuts;
  }
  petrify::missing missing() {
    return splits_.has_missing && unit_(random_) < 0.5 ? petrify::missing::right : petrify::missing::left;
  }

  std::mt19937 random_{1};
  std::uniform_int_distribution<std::uint32_t> column_;
  std::uniform_real_distribution<double> unit_{0.0, 1.0};
  rule splits_;
};

// One leaf value between -0.5 and 0.5.
inline std::vector<double> random_leaf(std::mt19937& random) {
  return {static_cast<double>(random()) / 4294967296.0 - 0.5};
}

// A regression over 30 columns, with no trees as yet. Numbers, leaves and sums are of `type`.
inline petrify::forest_spec sample_regression(petrify::dtype type) {
  petrify::forest_spec spec;
  spec.library = "synthetic";
  spec.task = petrify::task::regression;
  spec.num_columns = 30;
  spec.leaf_type = type;
  spec.accumulator = type;
  petrify::output_spec number;
  number.value_type = type;
  spec.outputs = {number};
  return spec;
}

// Full trees of depth 6 of up to 255 cuts a column, float32 leaves and sums: what XGBoost's regression makes.
inline petrify::forest_model make_xgboost_like(int num_trees, bool has_missing) {
  petrify::forest_spec spec = sample_regression(petrify::dtype::float32);
  spec.start = {0.5};
  petrify::forest_builder builder(spec);
  random_trees trees(spec.num_columns, {petrify::comparison::less, 255, has_missing});
  for (int t = 0; t < num_trees; ++t)
    trees.add(builder, 6, 6, 0.0, random_leaf);
  return builder.build();
}

// 100 trees of 31 leaves that grow leaf by leaf, up to 255 cuts a column, compared in float64: LightGBM's.
inline petrify::forest_model make_lightgbm_like() {
  petrify::forest_spec spec = sample_regression(petrify::dtype::float64);
  spec.comparisons = petrify::compare_as::float64;
  petrify::forest_builder builder(spec);
  random_trees trees(spec.num_columns, {petrify::comparison::less_equal, 255, false});
  for (int t = 0; t < 100; ++t)
    trees.add_leaf_wise(builder, 31, random_leaf);
  return builder.build();
}

// 100 trees of depth 8 over 64 columns, 10 classes, about 120 leaves a tree, three quarters of them pure: what
// scikit-learn's RandomForestClassifier(max_depth=8) makes of its digits.
inline petrify::forest_model make_digits_like() {
  constexpr std::uint32_t num_classes = 10;
  petrify::forest_spec spec;
  spec.library = "synthetic";
  spec.task = petrify::task::classification;
  spec.num_columns = 64;
  spec.vector_leaves = true;
  spec.decision = petrify::decision::argmax_raw;
  petrify::output_spec classes;
  classes.width = num_classes;
  classes.labels.type = petrify::dtype::int64;
  for (std::int64_t label = 0; label < num_classes; ++label)
    classes.labels.integers.push_back(label);
  spec.outputs = {classes};
  spec.epilogue = {{petrify::epilogue_step::operation::divide, 100.0}};
  spec.num_raw_steps = 1;
  petrify::forest_builder builder(spec);
  random_trees trees(spec.num_columns, {});
  for (int t = 0; t < 100; ++t)
    trees.add(builder, 3, 8, 0.82, [](std::mt19937& random) {
      std::vector<double> values(num_classes);
      if (random() % 4 != 0) {
        values[random() % num_classes] = 1;
        return values;
      }
      double total = 0;
      for (double& value : values)
        total += value = static_cast<double>(random() % 8);
      for (double& value : values)
        value = total == 0 ? 0.1 : value / total;
      return values;
    });
  return builder.build();
}

// 100 trees of depth 16 and 60,000 nodes, a forest of about 50 MB: RandomForestRegressor's on many rows.
inline petrify::forest_model make_deep() {
  petrify::forest_spec spec = sample_regression(petrify::dtype::float64);
  spec.epilogue = {{petrify::epilogue_step::operation::divide, 100.0}};
  spec.num_raw_steps = 1;
  petrify::forest_builder builder(spec);
  random_trees trees(spec.num_columns, {});
  for (int t = 0; t < 100; ++t)
    trees.add(builder, 12, 16, 0.75, random_leaf);
  return builder.build();
}

} // namespace bench
