// sklearn.tree._tree.Tree: one tree's nodes and values.
#pragma once

#include "import/array_import.hpp"
#include "import/pickle.hpp"
#include "import/sklearn.hpp"

#include <petrify/forest_builder.hpp>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace petrify::inline v0 {

// What a leaf's contribution may depend on beside the tree's values.
struct leaf_facts {
  std::uint32_t depth = 0;      // nodes on the path from the root, both counted; only with needs_depth
  std::int64_t num_samples = 0; // training rows in it; only with needs_depth
  std::uint32_t node = 0;
};

struct tree_format {
  bool is_classifier = false;
  bool has_counts = false;       // classifier's values are weighted counts (before 1.4), not fractions
  bool normalize_leaves = false; // divide counts by their sum, as the origin's predict_proba does
  bool ignores_missing = false;  // NaN goes right whatever the tree says
  bool needs_depth = false;
  std::uint32_t num_features = 0;         // that the tree was grown on
  std::span<const std::uint32_t> columns; // column of the row for each of the tree's features; empty: the same
  std::uint32_t target = 0;
  double weight = 0;
  // What a leaf adds, made from its values; absent: the values. The result need only live until the next call.
  std::function<std::span<const double>(std::span<const double> values, const leaf_facts& facts)> leaf;
};

namespace sklearn {
// What a value is, for messages: its number, "list of 3 elements", "none".
std::string what_is(const pickle::value& value);
// A count for each output, as an integer (of one output), a list or an array.
// Throws: not_importable when they are others than expected.
void require_counts(const pickle::value& value, std::string_view name, std::span<const std::uint32_t> expected);
} // namespace sklearn

// Adds the tree to `builder`. `widths`: for each output its number of classes, or 1 for a regression.
// Throws: errc::not_importable for a tree that is not as scikit-learn writes them; what forest_builder throws.
void add_sklearn_tree(forest_builder& builder, const pickle::value& tree, std::span<const std::uint32_t> widths,
                      const tree_format& format, read_budget& budget);

} // namespace petrify::inline v0
