#include "forest/dense.hpp"
#include "forest/forest_data.hpp"
#include "forest/leaf_values.hpp"

#include <algorithm>
#include <tuple>

namespace petrify::inline v0 {

namespace {

// A node as the tables see it.
struct dense_split {
  std::uint32_t slot;
  std::uint32_t op;
  std::uint32_t value;

  auto rank() const noexcept { return std::tuple(slot, op, value); }
  friend bool operator<(const dense_split& a, const dense_split& b) noexcept { return a.rank() < b.rank(); }
  friend bool operator==(const dense_split& a, const dense_split& b) noexcept { return a.rank() == b.rank(); }
};

// A node and its place in a complete tree.
struct placed {
  std::uint64_t node;
  std::uint32_t place; // heap order, root 0
  std::uint32_t depth;
};

template <class Layout>
class dense_builder {
public:
  using node = typename Layout::node;

  dense_builder(const forest_data& forest, std::uint32_t levels)
      : forest_(forest), nodes_(static_cast<const node*>(forest.nodes)), levels_(levels) {}

  bool build(std::uint64_t limit_bytes, dense_tables& out) {
    const std::uint32_t longest = longest_walk();
    if (longest == 0)
      return false;
    out.levels = levels_;
    const std::uint64_t bytes = dense_view::num_groups(forest_.num_trees) * out.view().group_bytes() +
                                forest_.num_trees * out.view().tree_ways() * sizeof(std::uint32_t);
    if (bytes > limit_bytes)
      return false;
    collect_splits();
    if (!make_features(out) ||
        bytes + out.features.size() * sizeof(dense_feature) + out.cuts.size() * sizeof(std::uint32_t) > limit_bytes)
      return false;
    fill(out, longest > levels_);
    return true;
  }

  // Splits on the longest walk; any number above the tables' levels stands for all of them.
  std::uint32_t longest_walk() const {
    std::uint32_t longest = 0;
    for (std::uint32_t tree = 0; tree < forest_.num_trees && longest <= levels_; ++tree)
      walk(tree, [&](const placed& at) { longest = std::max(longest, at.depth + (is_split(at) ? 1 : 0)); });
    return longest;
  }

private:
  // Calls visit(node) for a tree's nodes on the tables' levels and the one below.
  template <class Visit>
  void walk(std::uint32_t tree, Visit visit) const {
    placed pending[max_dense_levels + 2];
    std::size_t count = 0;
    pending[count++] = {forest_.root(tree), 0, 0};
    while (count != 0) {
      const placed at = pending[--count];
      visit(at);
      if (at.depth == levels_ || !is_split(at))
        continue;
      const std::uint64_t left = at.node + Layout::offset(nodes_[at.node]);
      pending[count++] = {left + 1, 2 * at.place + 2, at.depth + 1};
      pending[count++] = {left, 2 * at.place + 1, at.depth + 1};
    }
  }

  bool is_split(const placed& at) const noexcept { return Layout::offset(nodes_[at.node]) != 0; }
  // Whether it is a split that the tables have; else ways end there.
  bool is_inner(const placed& at) const noexcept { return at.depth < levels_ && is_split(at); }

  dense_split split_at(std::uint64_t at) const {
    const node& n = nodes_[at];
    return {Layout::slot(n), Layout::op(n), n.value};
  }

  void collect_splits() {
    constexpr std::size_t room = std::size_t{1} << 20;
    for (std::uint32_t tree = 0; tree < forest_.num_trees; ++tree) {
      walk(tree, [&](const placed& at) {
        if (is_inner(at))
          splits_.push_back(split_at(at.node));
      });
      // Now and then, so that memory follows from the distinct cuts.
      if (splits_.size() >= std::max(room, 2 * num_settled_))
        settle();
    }
    settle();
  }

  void settle() {
    std::sort(splits_.begin(), splits_.end());
    splits_.erase(std::unique(splits_.begin(), splits_.end()), splits_.end());
    num_settled_ = splits_.size();
  }

  // One feature for each 255 cuts of a slot, one for each set. False when there are too many.
  bool make_features(dense_tables& out) {
    first_feature_.assign(splits_.size(), 0);
    for (std::size_t begin = 0; begin < splits_.size();) {
      const dense_split& first = splits_[begin];
      std::size_t end = begin + 1;
      if (first.op == 0)
        while (end < splits_.size() && splits_[end].slot == first.slot && splits_[end].op == 0 &&
               end - begin < max_dense_cuts)
          ++end;
      if (out.features.size() == max_dense_features)
        return false;
      const auto number = static_cast<std::uint32_t>(out.features.size());
      for (std::size_t i = begin; i < end; ++i)
        first_feature_[i] = number;
      if (first.op != 0)
        out.features.push_back({first.slot, first.op, first.value, 0});
      else
        add_cuts(out, begin, end);
      begin = end;
    }
    return true;
  }

  void add_cuts(dense_tables& out, std::size_t begin, std::size_t end) {
    const auto num_cuts = static_cast<std::uint32_t>(end - begin);
    const std::size_t first = out.cuts.size();
    out.features.push_back({splits_[begin].slot, 0, static_cast<std::uint32_t>(first / dense_line), num_cuts});
    out.cuts.resize(first + std::size_t{dense_lines(num_cuts)} * dense_line, no_cut);
    for (std::uint32_t i = 0; i < num_cuts; ++i) {
      out.cuts[first + dense_line + i] = splits_[begin + i].value;
      if (i % dense_line == dense_line - 1)
        out.cuts[first + i / dense_line] = splits_[begin + i].value;
    }
  }

  void fill(dense_tables& out, bool is_deeper) const {
    const dense_view sizes = out.view();
    out.nodes.resize(dense_view::num_groups(forest_.num_trees) * sizes.group_bytes());
    for (std::size_t i = 0; i < out.nodes.size(); ++i)
      out.nodes[i] = i / dense_group_trees % 2 == 0 ? 0 : never_right;
    std::vector<std::uint32_t>& ends = is_deeper ? out.exits : out.leaves;
    ends.resize(forest_.num_trees * sizes.tree_ways());
    for (std::uint32_t tree = 0; tree < forest_.num_trees; ++tree) {
      std::uint8_t* const group = out.nodes.data() + tree / dense_group_trees * sizes.group_bytes();
      std::uint32_t* const ways = ends.data() + tree * sizes.tree_ways();
      walk(tree, [&](const placed& at) {
        if (is_inner(at))
          put_split(out, group + std::size_t{at.place} * 2 * dense_group_trees + tree % dense_group_trees, at.node);
        else
          put_end(ways, at, is_deeper ? static_cast<std::uint32_t>(at.node) : nodes_[at.node].value);
      });
    }
  }

  void put_split(const dense_tables& out, std::uint8_t* to, std::uint64_t at) const {
    const dense_split split = split_at(at);
    const auto found = std::lower_bound(splits_.begin(), splits_.end(), split) - splits_.begin();
    const std::uint32_t feature = first_feature_[static_cast<std::size_t>(found)];
    to[0] = static_cast<std::uint8_t>(feature);
    if (split.op != 0) {
      to[dense_group_trees] = 0;
      return;
    }
    const std::uint32_t* cuts = out.cuts.data() + (std::size_t{out.features[feature].first} + 1) * dense_line;
    const std::uint32_t* end = cuts + out.features[feature].num_cuts;
    to[dense_group_trees] = static_cast<std::uint8_t>(std::lower_bound(cuts, end, split.value) - cuts);
  }

  // A leaf above the last level has all ways that would lead through it.
  void put_end(std::uint32_t* ways, const placed& at, std::uint32_t end) const {
    const std::uint32_t place = at.place - ((1u << at.depth) - 1); // from the left, on its level
    const std::uint32_t count = 1u << (levels_ - at.depth);
    std::fill_n(ways + std::size_t{place} * count, count, end);
  }

  const forest_data& forest_;
  const node* nodes_;
  std::uint32_t levels_;
  std::vector<dense_split> splits_; // distinct, ascending
  std::vector<std::uint32_t> first_feature_;
  std::size_t num_settled_ = 0;
};

} // namespace

bool make_dense(const forest_data& forest, std::uint32_t levels, std::uint64_t limit_bytes, dense_tables& out) {
  out = {};
  const bool is_made = forest.kernel_adds() && with_layout(forest, [&]<class Layout>(Layout) {
                         return dense_builder<Layout>(forest, levels).build(limit_bytes, out);
                       });
  if (!is_made)
    out = {};
  return is_made;
}

bool choose_dense(const forest_data& forest, std::uint64_t limit_bytes, dense_tables& out) {
  const std::uint32_t longest = with_layout(
      forest, [&]<class Layout>(Layout) { return dense_builder<Layout>(forest, max_dense_levels).longest_walk(); });
  if (longest <= max_dense_levels)
    return longest != 0 && make_dense(forest, longest, limit_bytes, out);
  for (std::uint32_t levels = max_dense_levels; levels >= min_dense_levels_above_nodes; --levels)
    if (make_dense(forest, levels, limit_bytes, out))
      return true;
  return false;
}

} // namespace petrify::inline v0
