#include "forest/layout_builder.hpp"

#include "base/fail.hpp"
#include "forest/category_sets.hpp"
#include "forest/choose_layout.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

namespace petrify::inline v0 {

namespace {

// The slots of a forest: one for each (column, missing rule, numbers or categories) that some node uses, in that order.
// Memory: the combinations that occur, however many columns there are.
class slot_map {
public:
  slot_map(const std::vector<source_tree>& trees, forest_model::content& model) {
    std::unordered_set<std::uint64_t> used;
    bool any_category = false;
    for (const source_tree& tree : trees)
      for (const source_node& node : tree.nodes)
        if (node.is_split()) {
          used.insert(key_of_slot(node));
          any_category |= node.tests_set();
        }
    slots_.assign(used.begin(), used.end());
    std::sort(slots_.begin(), slots_.end());
    // A table by key answers faster than a search, where it is not much larger than what is searched for.
    if (!slots_.empty() && slots_.back() < 64 * slots_.size() + 4096) {
      table_.resize(slots_.back() + 1);
      for (std::size_t s = 0; s < slots_.size(); ++s)
        table_[slots_[s]] = static_cast<std::uint32_t>(s + 1);
    }

    const slot_kind numbers = model.spec.comparisons == compare_as::float32 ? slot_kind::float32 : slot_kind::rank64;
    model.slot_columns = {0};
    model.slot_kinds = {slot_kind::zero};
    model.slot_missing = {missing_rule::left};
    for (const std::uint64_t one : slots_) {
      model.slot_columns.push_back(static_cast<std::uint32_t>(one >> 4));
      model.slot_missing.push_back(static_cast<missing_rule>(one >> 1 & 7));
      model.slot_kinds.push_back((one & 1) != 0 ? slot_kind::category : numbers);
    }
    if (any_category)
      add_rules(model);
  }

  // Slot 0 is the zero slot.
  std::uint32_t of(const source_node& split) const {
    if (!table_.empty())
      return table_[key_of_slot(split)];
    const auto found = std::lower_bound(slots_.begin(), slots_.end(), key_of_slot(split));
    return 1 + static_cast<std::uint32_t>(found - slots_.begin());
  }

private:
  static std::uint64_t key_of_slot(const source_node& split) {
    return std::uint64_t{split.column_or_payload} << 4 | static_cast<std::uint64_t>(split.nan_goes) << 1 |
           (split.tests_set() ? 1 : 0);
  }

  static void add_rules(forest_model::content& model) {
    std::unordered_map<std::uint32_t, const category_column*> by_column;
    for (const category_column& column : model.spec.categories)
      by_column.emplace(column.column, &column);
    category_sets sets;
    std::unordered_map<std::uint32_t, std::uint32_t> known_sets; // column -> begin
    for (std::size_t s = 0; s < model.slot_kinds.size(); ++s) {
      const bool is_category = model.slot_kinds[s] == slot_kind::category;
      const category_column* const column = is_category ? by_column.at(model.slot_columns[s]) : nullptr;
      model.category_rules.push_back(is_category ? static_cast<category_rule>(column->rule) : category_rule::none);
      std::uint32_t known = no_known_set;
      if (is_category && column->known) {
        const auto [at, is_new] = known_sets.emplace(column->column, 0);
        if (is_new)
          at->second = sets.intern(*column->known, model.category_words);
        known = at->second;
      }
      model.category_known_sets.push_back(known);
    }
  }

  std::vector<std::uint64_t> slots_;
  std::vector<std::uint32_t> table_; // slot of each key; empty where keys are too far apart
};

// `x < t` on doubles is `x <= the double below t`.
double cut_of(const source_node& split) {
  const double cut = split.test == comparison::less
                         ? std::nextafter(split.threshold, -std::numeric_limits<double>::infinity())
                         : split.threshold;
  return cut + 0.0; // -0 and +0 are one cut: +0
}

bool never_left(const source_node& split) {
  return split.test == comparison::less && split.threshold == -std::numeric_limits<double>::infinity();
}

// Distinct cuts, sorted.
class cut_list {
public:
  void add(double cut) {
    if (cuts_.size() >= room_)
      settle();
    cuts_.push_back(cut);
  }
  std::vector<double> take() {
    settle();
    return std::move(cuts_);
  }

private:
  // Now and then, so that the list stays as long as there are distinct cuts: trained on bins, a thousand splits share
  // one.
  void settle() {
    std::sort(cuts_.begin(), cuts_.end());
    cuts_.erase(std::unique(cuts_.begin(), cuts_.end()), cuts_.end());
    room_ = std::max<std::size_t>(1024, 4 * cuts_.size());
  }
  std::vector<double> cuts_;
  std::size_t room_ = 1024;
};

// The sorted cuts of each rank64 slot.
std::vector<std::vector<double>> collect_cuts(const std::vector<source_tree>& trees, const slot_map& slots,
                                              std::size_t num_slots) {
  std::vector<cut_list> lists(num_slots);
  for (const source_tree& tree : trees)
    for (const source_node& node : tree.nodes)
      if (node.kind == source_node::state::split && !never_left(node))
        lists[slots.of(node)].add(cut_of(node));
  std::vector<std::vector<double>> cuts;
  cuts.reserve(num_slots);
  for (cut_list& list : lists)
    cuts.push_back(list.take());
  return cuts;
}

class value_map {
public:
  value_map(const std::vector<source_tree>& trees, const slot_map& slots, forest_model::content& model)
      : ranks_(model.spec.comparisons == compare_as::float64) {
    if (ranks_)
      cuts_ = collect_cuts(trees, slots, model.slot_columns.size());
    cuts_.resize(model.slot_columns.size());
    for (std::size_t s = 0; s < model.category_rules.size(); ++s)
      if (model.category_rules[s] == category_rule::listed)
        cuts_[s] = values_of(model.spec.categories, model.slot_columns[s]);
    for (const auto& list : cuts_) {
      model.cuts.insert(model.cuts.end(), list.begin(), list.end());
      model.slot_cut_ends.push_back(model.cuts.size());
    }
    if (model.cuts.empty())
      model.slot_cut_ends.clear();
  }

  // The node's value: a key greater than it goes right; of a set, where it begins.
  std::uint32_t of(const source_node& split, std::uint32_t slot) const {
    if (split.tests_set())
      return static_cast<std::uint32_t>(split.threshold);
    if (!ranks_)
      return split.test == comparison::less ? value_of_less(split.threshold) : value_of_less_equal(split.threshold);
    if (never_left(split))
      return 0; // below every key but that of a missing value that goes left
    const auto& list = cuts_[slot];
    return 1 + static_cast<std::uint32_t>(std::lower_bound(list.begin(), list.end(), cut_of(split)) - list.begin());
  }

private:
  static std::vector<double> values_of(const std::vector<category_column>& columns, std::uint32_t column) {
    const auto found = std::find_if(columns.begin(), columns.end(), [&](const auto& c) { return c.column == column; });
    return found->values;
  }

  bool ranks_;
  std::vector<std::vector<double>> cuts_;
};

// Where each node of a tree goes: the root to its place at the block's begin, then the tree's pairs in the pre-order of
// their parents, with the nearer child first. `longest_walk` grows to the splits on the longest walk.
struct placed_node {
  std::uint32_t source;
  std::uint32_t at;     // from the block's begin
  std::uint32_t offset; // to the left child; 0 for a leaf
};

std::vector<placed_node> place(const source_tree& tree, std::uint32_t root_at, std::uint32_t first_pair,
                               std::uint32_t& longest_walk) {
  std::vector<placed_node> out;
  out.reserve(tree.num_used);
  struct pending_node {
    std::uint32_t source;
    std::uint32_t at;
    std::uint32_t depth;
  };
  std::vector<pending_node> pending{{tree.root, root_at, 0}};
  std::uint32_t next_pair = first_pair;
  while (!pending.empty()) {
    const auto [source, at, depth] = pending.back();
    pending.pop_back();
    const source_node& node = tree.nodes[source];
    if (node.kind == source_node::state::leaf) {
      out.push_back({source, at, 0});
      longest_walk = std::max(longest_walk, depth);
      continue;
    }
    out.push_back({source, at, next_pair - at});
    pending.push_back({node.right, next_pair + 1, depth + 1});
    pending.push_back({node.left, next_pair, depth + 1});
    if (node.right_is_near)
      std::swap(pending.back(), pending[pending.size() - 2]);
    next_pair += 2;
  }
  return out;
}

// Nodes of each tree, and of a root that is never used behind an odd number of them.
std::vector<std::uint64_t> padded_sizes(const std::vector<source_tree>& trees) {
  std::vector<std::uint64_t> sizes;
  sizes.reserve(trees.size() + 1);
  for (const source_tree& tree : trees)
    sizes.push_back(tree.num_used);
  if (sizes.size() % 2 != 0)
    sizes.push_back(1);
  return sizes;
}

node_op op_of(const source_node& node) {
  return node.kind == source_node::state::members_right  ? node_op::members_right
         : node.kind == source_node::state::members_left ? node_op::members_left
                                                         : node_op::compare;
}

void store(forest_model::content& model, std::uint64_t at, std::uint32_t value, std::uint32_t slot,
           std::uint32_t offset, node_op op) {
  if (model.is_n16)
    model.nodes16[at] = {value, slot, offset, static_cast<std::uint32_t>(op)};
  else
    model.nodes8[at] = {value, offset << model.slot_bits | slot};
}

} // namespace

void lay_out(std::vector<source_tree>& trees, forest_model::content& model) {
  const slot_map slots(trees, model);
  const value_map values(trees, slots, model);
  const std::vector<std::uint64_t> sizes = padded_sizes(trees);
  const std::uint64_t total = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
  if (total > 0xffffffffu)
    fail(errc::limit_exceeded, "forest", total, " nodes, expected fewer than 2^32");

  choose_nodes(sizes, model);
  if (model.is_n16)
    model.nodes16.resize(total);
  else
    model.nodes8.resize(total);
  // Of nodes, or of pairs of them; only where they are stored.
  std::vector<std::uint32_t> ids;
  const leaf_id_rule id_rule = model.leaf_ids_are();
  if (id_rule != leaf_id_rule::preorder)
    ids.resize(id_rule == leaf_id_rule::stored ? total : total / 2);
  model.num_trees = static_cast<std::uint32_t>(trees.size());
  const bool has_targets = std::any_of(trees.begin(), trees.end(), [](const auto& tree) { return tree.target != 0; });

  std::uint64_t begin = 0;     // of the block
  std::uint32_t num_roots = 0; // at the begin of the block
  std::uint32_t next_pair = 0; // from the block's begin
  for (std::size_t t = 0; t < trees.size(); ++t) {
    const auto root = static_cast<std::uint32_t>(t % model.block_trees);
    if (root == 0) {
      begin += next_pair;
      model.blocks.push_back(static_cast<std::uint32_t>(begin / 2));
      num_roots = static_cast<std::uint32_t>(std::min<std::size_t>(model.block_trees, sizes.size() - t));
      next_pair = num_roots;
    }
    for (const placed_node& placed : place(trees[t], root, next_pair, model.longest_walk)) {
      const source_node& node = trees[t].nodes[placed.source];
      const bool is_leaf = node.kind == source_node::state::leaf;
      const std::uint32_t slot = is_leaf ? 0 : slots.of(node);
      store(model, begin + placed.at, is_leaf ? node.column_or_payload : values.of(node, slot), slot, placed.offset,
            op_of(node));
      const std::uint64_t at = begin + placed.at;
      if (is_leaf && id_rule == leaf_id_rule::stored)
        ids[at] = placed.source;
      if (is_leaf && id_rule == leaf_id_rule::stored_pairs && placed.at >= num_roots)
        ids[at / 2] = placed.source - static_cast<std::uint32_t>(at % 2);
    }
    next_pair += static_cast<std::uint32_t>(sizes[t] - 1);
    if (has_targets)
      model.tree_targets.push_back(trees[t].target);
    model.num_used_nodes += trees[t].num_used;
    trees[t].nodes = {};
  }
  model.stored_leaf_ids = pack_ids(ids);
}

} // namespace petrify::inline v0
