// sklearn.tree._tree.Tree: one tree's nodes and values.
#pragma once

#include "import/array_import.hpp"
#include "import/pickle.hpp"
#include "import/sklearn.hpp"

#include <petrify/forest_builder.hpp>

#include <span>

namespace petrify::inline v0 {

struct tree_format {
  bool is_classifier;
  bool has_counts;       // classifier's values are weighted counts (before 1.4), not fractions
  bool normalize_leaves; // divide counts by their sum, as the origin's predict_proba does
};

// Adds the tree to `builder`. `widths`: for each output its number of classes, or 1 for a regression.
// Throws: errc::not_importable for a tree that is not as scikit-learn writes them; what forest_builder throws.
void add_sklearn_tree(forest_builder& builder, const pickle::value& tree, std::span<const std::uint32_t> widths,
                      const tree_format& format, read_budget& budget);

} // namespace petrify::inline v0
