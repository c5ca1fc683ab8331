// Random forests with a second, naive form beside the builder's, to compare every kernel with.
#pragma once

#include <petrify/forest_builder.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace petrify::test {

struct naive_node {
  bool is_leaf = true;
  std::uint32_t column = 0;
  comparison test = comparison::less_equal;
  double threshold = 0;
  missing nan_goes = missing::left;
  std::uint32_t left = 0;
  std::uint32_t right = 0;
  std::vector<double> values; // of a leaf; of a linear one the constant and the fallback
  bool is_set = false;
  std::vector<std::uint32_t> members; // of a set
  bool members_go_right = false;
  std::vector<std::uint32_t> term_columns; // of a linear leaf
  std::vector<double> coefficients;
  double cover = 0; // given to the builder unless it is 0
};

struct naive_tree {
  std::vector<naive_node> nodes;
  std::uint32_t target = 0;
  double weight = 0;
};

// A forest in the plainest form: nodes as the origin numbers them, compared in floating point.
struct naive_forest {
  forest_spec spec;
  std::vector<naive_tree> trees;

  forest_model build() const {
    forest_builder builder(spec);
    for (const naive_tree& tree : trees) {
      builder.begin_tree(static_cast<std::uint32_t>(tree.nodes.size()), tree.target, 0, tree.weight);
      for (std::uint32_t i = 0; i < tree.nodes.size(); ++i) {
        const naive_node& n = tree.nodes[i];
        if (n.cover != 0)
          builder.cover(i, n.cover);
        if (n.is_leaf && spec.linear_leaves)
          builder.linear_leaf(i, n.values[0], n.values[1], n.term_columns, n.coefficients);
        else if (n.is_leaf)
          builder.leaf(i, n.values);
        else if (n.is_set)
          builder.split_set(i, n.column, n.members, n.members_go_right, n.nan_goes, n.left, n.right);
        else
          builder.split(i, n.column, n.test, n.threshold, n.nan_goes, n.left, n.right);
      }
      builder.end_tree();
    }
    return builder.build();
  }

  // Whether a row goes left at a set, as the origin of the column's categories has it.
  bool goes_left_at_set(const naive_node& n, double x) const {
    const category_column* column = nullptr;
    for (const category_column& c : spec.categories)
      if (c.column == n.column)
        column = &c;
    const bool missing_left = n.nan_goes == missing::left;
    const auto is_in = [](const std::vector<std::uint32_t>& list, double value) {
      return std::any_of(list.begin(), list.end(), [=](std::uint32_t c) { return static_cast<double>(c) == value; });
    };
    const auto side = [&](double category) {
      if (column->known && !is_in(*column->known, category))
        return missing_left;
      return is_in(n.members, category) != n.members_go_right;
    };
    const double f = static_cast<double>(static_cast<float>(x));
    switch (column->rule) {
    case categories_as::xgboost:
    case categories_as::xgboost_strict:
      if (std::isnan(f))
        return missing_left;
      if (f < 0 || f >= 16777216)
        return column->rule == categories_as::xgboost || missing_left;
      return side(std::trunc(f));
    case categories_as::lightgbm:
      if (std::isnan(x) || std::trunc(x) < 0 || x >= 2147483648.0)
        return false;
      return side(std::trunc(x));
    case categories_as::hist_gradient_boosting:
    case categories_as::hist_gradient_boosting_wrapped: {
      if (std::isnan(x) || (x < 0 && column->rule == categories_as::hist_gradient_boosting))
        return missing_left;
      const double whole = std::trunc(x);
      if (!(whole >= -2147483648.0 && whole <= 2147483647.0))
        return side(0);
      const double rest = std::fmod(whole, 256);
      return side(rest < 0 ? rest + 256 : rest);
    }
    case categories_as::listed:
      for (std::size_t i = 0; i < column->values.size(); ++i)
        if (column->values[i] == x)
          return side(static_cast<double>(i));
      return missing_left;
    }
    return false;
  }

  // Node in which a row ends. Compared as the origin does: float32 values against double thresholds, or doubles.
  template <class T>
  std::uint32_t leaf_of(const naive_tree& tree, const T* row) const {
    constexpr double zero = 1e-35f;
    std::uint32_t i = 0;
    while (!tree.nodes[i].is_leaf) {
      const naive_node& n = tree.nodes[i];
      if (n.is_set) {
        i = goes_left_at_set(n, static_cast<double>(row[n.column])) ? n.left : n.right;
        continue;
      }
      const double x = spec.comparisons == compare_as::float32 ? static_cast<double>(static_cast<float>(row[n.column]))
                                                               : static_cast<double>(row[n.column]);
      const double compared = std::isnan(x) && n.nan_goes == missing::as_zero ? 0 : x;
      bool left = n.test == comparison::less ? compared < n.threshold : compared <= n.threshold;
      if (std::isnan(x) && n.nan_goes != missing::as_zero)
        left = n.nan_goes == missing::left || n.nan_goes == missing::zero_left;
      if (std::abs(x) <= zero && (n.nan_goes == missing::zero_left || n.nan_goes == missing::zero_right))
        left = n.nan_goes == missing::zero_left;
      i = left ? n.left : n.right;
    }
    return i;
  }

  // What a linear leaf gives: values of magnitude <= 1e-35f count as 0.
  template <class T>
  static double linear_value(const naive_node& n, const T* row) {
    double out = n.values[0];
    for (std::size_t k = 0; k < n.coefficients.size(); ++k) {
      const double x = static_cast<double>(row[n.term_columns[k]]);
      if (std::isnan(x))
        return n.values[1];
      out += n.coefficients[k] * (std::abs(x) <= static_cast<double>(1e-35f) ? 0.0 : x);
    }
    return out;
  }

  // The value at which half of the trees' weight is reached.
  template <class T>
  double weighted_median(const T* row) const {
    struct vote {
      double value;
      double weight;
      std::size_t tree;
    };
    std::vector<vote> all;
    double total = 0;
    for (const naive_tree& tree : trees) {
      const double value = tree.nodes[leaf_of(tree, row)].values[0];
      all.push_back({spec.leaf_type == dtype::float32 ? static_cast<double>(static_cast<float>(value)) : value,
                     tree.weight, all.size()});
      total += tree.weight;
    }
    std::sort(all.begin(), all.end(), [](const vote& a, const vote& b) {
      return a.value < b.value || (a.value == b.value && a.tree < b.tree);
    });
    double sum = 0;
    for (const auto& one : all)
      if ((sum += one.weight) >= 0.5 * total)
        return one.value;
    return 0;
  }

  // Sums before the epilogue, in the accumulator's type, as double.
  template <class T>
  std::vector<double> sums(const T* row) const {
    std::vector<double> out(spec.start.empty() ? width() : 0, 0.0);
    out.insert(out.end(), spec.start.begin(), spec.start.end());
    if (spec.combine == combine::weighted_median)
      return {weighted_median(row)};
    for (const naive_tree& tree : trees) {
      if (spec.linear_leaves) {
        out[tree.target] += linear_value(tree.nodes[leaf_of(tree, row)], row);
        continue;
      }
      const std::vector<double>& values = tree.nodes[leaf_of(tree, row)].values;
      for (std::size_t k = 0; k < values.size(); ++k) {
        double& sum = out[spec.vector_leaves ? k : tree.target];
        const double value =
            spec.leaf_type == dtype::float32 ? static_cast<double>(static_cast<float>(values[k])) : values[k];
        sum = spec.accumulator == dtype::float32
                  ? static_cast<double>(static_cast<float>(sum) + static_cast<float>(value))
                  : sum + value;
      }
    }
    return out;
  }

  std::size_t width() const {
    std::size_t out = 0;
    for (const output_spec& o : spec.outputs)
      out += o.width;
    return out;
  }
};

// Values that are hard to compare: zeros of both signs, denormals, infinities, neighbours, values no float32 has.
inline double awkward_value(std::mt19937_64& random) {
  static const double special[] = {0.0,
                                   -0.0,
                                   1.0,
                                   -1.0,
                                   0.1,
                                   1e-45,
                                   -1e-45,
                                   1e-310,
                                   -1e-310,
                                   1.17549e-38,
                                   3.4028234663852886e38,
                                   -3.4028234663852886e38,
                                   1e300,
                                   -1e300,
                                   std::numeric_limits<double>::infinity(),
                                   -std::numeric_limits<double>::infinity(),
                                   0.5,
                                   0.1f,
                                   16777217.0,
                                   1e-35f};
  if (random() % 3 == 0)
    return special[random() % std::size(special)];
  if (random() % 2 == 0)
    return static_cast<double>(static_cast<float>(std::normal_distribution<double>()(random)));
  return std::normal_distribution<double>()(random);
}

// A regression without trees yet, of that many sums.
inline forest_spec regression(std::size_t width, bool vector_leaves, dtype leaf, dtype accumulator) {
  forest_spec spec;
  spec.outputs.resize(width);
  spec.vector_leaves = vector_leaves;
  spec.leaf_type = leaf;
  spec.accumulator = accumulator;
  return spec;
}

// How an origin numbers its nodes.
enum class numbering {
  preorder,
  pairs, // the two children of a split have numbers that follow each other
  random,
};

struct forest_shape {
  std::uint32_t num_columns = 5;
  std::uint32_t num_trees = 20;
  std::uint32_t max_splits = 60; // of a tree; the number is random, 0 gives single leaves
  bool chain = false;            // right-only: every left child is a leaf
  std::uint32_t max_depth = 0;   // splits on a way down; 0: any number
  std::uint32_t num_cuts = 0;    // distinct thresholds of a column; 0: any number
  numbering numbers = numbering::preorder;
  bool covers = false; // of most nodes, at random
  bool all_missing_rules = false;
};

// Fills `spec`'s trees. Columns, thresholds and leaf values are drawn from `random`.
inline naive_forest random_forest(forest_spec spec, const forest_shape& shape, std::mt19937_64& random) {
  naive_forest out{std::move(spec), {}};
  out.spec.num_columns = shape.num_columns;
  for (std::uint32_t t = 0; t < shape.num_trees; ++t) {
    const auto num_splits =
        static_cast<std::uint32_t>(shape.chain ? shape.max_splits : random() % (shape.max_splits + 1));
    // Grow by splitting leaves: a random one, or the last for a chain.
    std::vector<naive_node> nodes(1);
    std::vector<std::uint32_t> leaves{0};
    std::vector<std::uint32_t> depths{0}; // of nodes
    std::vector<std::uint32_t> finished;  // leaves that may not be split
    for (std::uint32_t s = 0; s < num_splits; ++s) {
      if (leaves.empty())
        break;
      const std::size_t pick = shape.chain ? leaves.size() - 1 : random() % leaves.size();
      const std::uint32_t at = leaves[pick];
      leaves.erase(leaves.begin() + static_cast<std::ptrdiff_t>(pick));
      if (shape.max_depth != 0 && depths[at] == shape.max_depth) {
        finished.push_back(at);
        continue;
      }
      const auto first = static_cast<std::uint32_t>(nodes.size());
      nodes.resize(first + 2);
      depths.resize(first + 2, depths[at] + 1);
      naive_node& n = nodes[at];
      n.is_leaf = false;
      n.column = static_cast<std::uint32_t>(random() % shape.num_columns);
      n.test = random() % 2 == 0 ? comparison::less_equal : comparison::less;
      n.threshold = shape.num_cuts == 0
                        ? awkward_value(random)
                        : std::ldexp(static_cast<double>(random() % shape.num_cuts) - 0.3 * shape.num_cuts, -5);
      n.nan_goes = static_cast<missing>(random() % (shape.all_missing_rules ? 5 : 2));
      for (const category_column& c : out.spec.categories)
        if (c.column == n.column && random() % 4 != 0) {
          n.is_set = true;
          n.nan_goes = random() % 2 == 0 ? missing::left : missing::right;
          n.members_go_right = random() % 2 == 0;
          for (std::size_t count = random() % 12; count > 0; --count)
            n.members.push_back(random() % 8 == 0 ? 1000 : static_cast<std::uint32_t>(random() % 40));
        }
      n.left = first;
      n.right = first + 1;
      leaves.push_back(first);
      leaves.push_back(first + 1);
    }
    leaves.insert(leaves.end(), finished.begin(), finished.end());
    const std::size_t width = out.spec.vector_leaves ? out.width() : out.spec.linear_leaves ? 2 : 1;
    if (out.spec.linear_leaves)
      for (const std::uint32_t leaf : leaves)
        for (std::size_t count = random() % 4; count > 0; --count) {
          nodes[leaf].term_columns.push_back(static_cast<std::uint32_t>(random() % shape.num_columns));
          nodes[leaf].coefficients.push_back(awkward_value(random) < 0 ? -0.1 : 3.5);
        }
    for (const std::uint32_t leaf : leaves)
      for (std::size_t k = 0; k < width; ++k)
        // Few distinct values, so that leaf tables share rows, and some that only differ in sign of zero.
        nodes[leaf].values.push_back(random() % 4 == 0 ? awkward_value(random) * 1e-3
                                                       : std::ldexp(1.0, -static_cast<int>(random() % 8)));
    for (naive_node& n : nodes)
      for (double& x : n.values)
        if (!std::isfinite(static_cast<float>(x)))
          x = -0.0;
    if (shape.covers)
      for (naive_node& n : nodes)
        n.cover = static_cast<double>(random() % 4);
    // Renumber.
    std::vector<std::uint32_t> order;
    if (shape.numbers == numbering::preorder) {
      std::vector<std::uint32_t> pending{0};
      while (!pending.empty()) {
        const std::uint32_t i = pending.back();
        pending.pop_back();
        order.push_back(i);
        if (!nodes[i].is_leaf) {
          pending.push_back(nodes[i].right);
          pending.push_back(nodes[i].left);
        }
      }
    } else {
      for (std::uint32_t i = 0; i < nodes.size(); ++i)
        order.push_back(i);
      if (shape.numbers == numbering::random)
        std::shuffle(order.begin() + 1, order.end(), random);
    }
    std::vector<std::uint32_t> number(nodes.size());
    for (std::uint32_t i = 0; i < order.size(); ++i)
      number[order[i]] = i;
    naive_tree tree;
    tree.nodes.resize(nodes.size());
    for (std::uint32_t i = 0; i < nodes.size(); ++i) {
      naive_node n = nodes[i];
      n.left = number[n.left];
      n.right = number[n.right];
      tree.nodes[number[i]] = std::move(n);
    }
    tree.weight = 0.1 + static_cast<double>(random() % 7);
    if (!out.spec.vector_leaves)
      tree.target = static_cast<std::uint32_t>(random() % out.width());
    out.trees.push_back(std::move(tree));
  }
  return out;
}

// Rows that hit thresholds and their neighbours, NaN, infinities, zeros, denormals.
template <class T>
std::vector<T> awkward_rows(const naive_forest& forest, std::size_t num_rows, std::mt19937_64& random) {
  std::vector<double> thresholds;
  for (const naive_tree& tree : forest.trees)
    for (const naive_node& n : tree.nodes)
      if (!n.is_leaf && thresholds.size() < 4096)
        thresholds.push_back(n.threshold);
  std::vector<T> out(num_rows * forest.spec.num_columns);
  for (T& x : out) {
    const auto choice = random() % 8;
    double value = awkward_value(random);
    if (choice == 5 && !forest.spec.categories.empty()) {
      static const double codes[] = {0,    1,   2,          3,          31,           32,   33,  39,   1000,
                                     1256, 255, 256,        257,        300.7,        -1,   2.5, -0.5, -0.0,
                                     2e7,  1e9, 2147483647, 2147483648, -2147483648., 1e20, 5,   7,    -300};
      value = codes[random() % std::size(codes)];
    }
    if (!thresholds.empty() && choice < 5) {
      value = thresholds[random() % thresholds.size()];
      const auto narrow = static_cast<float>(value);
      const double infinity = std::numeric_limits<double>::infinity();
      if (choice == 1)
        value = static_cast<double>(std::nextafter(narrow, static_cast<float>(infinity)));
      if (choice == 2)
        value = static_cast<double>(std::nextafter(narrow, static_cast<float>(-infinity)));
      if (choice == 3)
        value = std::nextafter(value, infinity);
      if (choice == 4)
        value = std::nextafter(value, -infinity);
    }
    if (choice == 7)
      value = std::numeric_limits<double>::quiet_NaN();
    if constexpr (std::is_integral_v<T>)
      x = std::isfinite(value) && std::abs(value) < 9e18 ? static_cast<T>(value) : static_cast<T>(random());
    else
      x = static_cast<T>(value);
  }
  return out;
}

} // namespace petrify::test
