// Categories in XGBoost's models: the sets that nodes test, and what the categories are called.
#pragma once

#include "import/json.hpp"
#include "import/xgboost_objective.hpp"

#include <petrify/forest_builder.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace petrify::inline v0 {
namespace xgboost {

// The sets of a tree's nodes: which categories go right at each node that tests some. Borrows the tree.
class tree_categories {
public:
  // Throws: not_importable.
  tree_categories(const json::value& tree, std::uint64_t num_nodes);

  // Throws: not_importable with the node.
  bool tests(std::uint64_t node) const;

  // The members of the set of a node that tests one; once for each node. They are valid until the next call.
  // Throws: not_importable with the node.
  std::span<const std::uint32_t> members(std::uint64_t node);

  // All categories of the words that hold the set, but its members. From 1.6.0 to 1.7.2 a node sent categories beyond
  // these words its default way: where that is right, the set's complement goes left. `words_left` is what the
  // complements of a model may take beside 64 words for each member of its sets.
  // Throws: as members(), and limit_exceeded.
  std::span<const std::uint32_t> others(std::uint64_t node, std::uint64_t& words_left);

private:
  const json::numbers* types_ = nullptr;
  const json::numbers* nodes_ = nullptr;
  const json::numbers* segments_ = nullptr;
  const json::numbers* sizes_ = nullptr;
  const json::numbers* categories_ = nullptr;
  std::int64_t left_ = 0; // categories that no node has taken: each has its own
  std::vector<std::uint32_t> members_;
};

// Since 3.1: the categories of the columns that the model was trained on ("cats"), texts or numbers.
// Throws: not_importable with the column.
std::vector<category_dictionary> category_names(const json::value& cats, std::uint32_t num_columns, const version& by);

} // namespace xgboost
} // namespace petrify::inline v0
