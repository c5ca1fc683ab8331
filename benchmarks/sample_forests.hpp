// Forests of the shapes that people train, with random splits: made through forest_builder, as importers do.
#pragma once

#include <petrify/petrify.hpp>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace bench {

// Adds trees with random splits and leaves to a builder; always the same ones.
class random_trees {
public:
  explicit random_trees(std::uint32_t num_columns) : column_(0, num_columns - 1) {}

  // One tree that splits everywhere down to `full_depth`, then with a chance of `grow`, and ends at `max_depth`.
  // leaf_values(random) gives the values of a leaf.
  template <class LeafValues>
  void add(petrify::forest_builder& builder, int full_depth, int max_depth, double grow, petrify::comparison test,
           LeafValues leaf_values) {
    struct planned_node {
      int depth;
      std::uint32_t left = 0; // 0: a leaf
    };
    std::vector<planned_node> nodes{{0}};
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const int depth = nodes[i].depth;
      if (depth == max_depth || (depth >= full_depth && unit_(random_) >= grow))
        continue;
      nodes[i].left = static_cast<std::uint32_t>(nodes.size());
      nodes.push_back({depth + 1});
      nodes.push_back({depth + 1});
    }
    builder.begin_tree(static_cast<std::uint32_t>(nodes.size()));
    for (std::uint32_t i = 0; i < nodes.size(); ++i) {
      const std::uint32_t left = nodes[i].left;
      if (left == 0)
        builder.leaf(i, leaf_values(random_));
      else
        builder.split(i, column_(random_), test, unit_(random_),
                      unit_(random_) < 0.5 ? petrify::missing::left : petrify::missing::right, left, left + 1);
    }
    builder.end_tree();
  }

private:
  std::mt19937 random_{1};
  std::uniform_int_distribution<std::uint32_t> column_;
  std::uniform_real_distribution<double> unit_{0.0, 1.0};
};

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
  random_trees trees(spec.num_columns);
  for (int t = 0; t < 100; ++t)
    trees.add(builder, 3, 8, 0.82, petrify::comparison::less_equal, [](std::mt19937& random) {
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

// 100 full trees of depth 6 over 30 columns, float32 leaves and sums: what XGBoost's regression makes.
inline petrify::forest_model make_boosted_like() {
  petrify::forest_spec spec;
  spec.library = "synthetic";
  spec.task = petrify::task::regression;
  spec.num_columns = 30;
  spec.leaf_type = petrify::dtype::float32;
  spec.accumulator = petrify::dtype::float32;
  spec.start = {0.5};
  petrify::output_spec number;
  number.value_type = petrify::dtype::float32;
  spec.outputs = {number};
  petrify::forest_builder builder(spec);
  random_trees trees(spec.num_columns);
  for (int t = 0; t < 100; ++t)
    trees.add(builder, 6, 6, 0.0, petrify::comparison::less, [](std::mt19937& random) {
      return std::vector<double>{static_cast<double>(random()) / 4294967296.0 - 0.5};
    });
  return builder.build();
}

} // namespace bench
