#include "base/fail.hpp"
#include "forest/dense.hpp"
#include "forest/forest_data.hpp"

#include <algorithm>

namespace petrify::inline v0 {

namespace {

void check_features(const forest_data& forest) {
  const dense_view& dense = forest.dense;
  std::uint64_t line = 0;
  for (std::size_t i = 0; i < dense.features.size(); ++i) {
    const dense_feature& feature = dense.features[i];
    const std::string where = text("dense feature ", i);
    if (feature.slot == 0 || feature.slot >= forest.slots.size())
      fail(errc::malformed, where, "slot ", feature.slot, ", expected 1 to ", forest.slots.size() - 1);
    if (feature.op > static_cast<std::uint32_t>(node_op::members_left))
      fail(errc::unsupported, where, "operation ", feature.op, " is not known to petrify " PETRIFY_VERSION_STRING);
    if (feature.op != 0) {
      const auto words = forest.category_words;
      if (feature.num_cuts != 0 || feature.first >= words.size() ||
          words[feature.first] > words.size() - feature.first - 1)
        fail(errc::malformed, where, "category set at word ", feature.first, " with ", feature.num_cuts,
             " cuts, expected a count and as many words within ", words.size(), ", and no cuts");
      continue;
    }
    if (feature.num_cuts == 0 || feature.num_cuts > max_dense_cuts || feature.first != line ||
        line + dense_lines(feature.num_cuts) > dense.cuts.size() / dense_line)
      fail(errc::malformed, where, feature.num_cuts, " cuts from line ", feature.first, ", expected 1 to ",
           max_dense_cuts, " from line ", line, " within ", dense.cuts.size() / dense_line, " lines");
    line += dense_lines(feature.num_cuts);
    // A search reads the line of every 16th cut first and trusts what it says.
    const std::uint32_t* const every_16th = dense.cuts.data() + std::size_t{feature.first} * dense_line;
    const std::uint32_t* const cuts = every_16th + dense_line;
    const std::uint32_t room = (dense_lines(feature.num_cuts) - 1) * dense_line;
    for (std::uint32_t k = 0; k < room; ++k)
      if (k < feature.num_cuts ? cuts[k] == no_cut || (k != 0 && cuts[k] <= cuts[k - 1]) : cuts[k] != no_cut)
        fail(errc::malformed, where, "cut ", k, " is ", cuts[k], ", expected ", feature.num_cuts,
             " cuts in ascending order and 4294967295 behind them");
    for (std::uint32_t k = 0; k < dense_line; ++k) {
      const std::uint32_t at = k * dense_line + dense_line - 1;
      const std::uint32_t expected = at < feature.num_cuts ? cuts[at] : no_cut;
      if (every_16th[k] != expected)
        fail(errc::malformed, where, "entry ", k, " of its first line is ", every_16th[k], ", expected ", expected);
    }
  }
  if (line * dense_line != dense.cuts.size())
    fail(errc::malformed, "dense cuts", dense.cuts.size(), " of them, expected ", line * dense_line);
}

} // namespace

void check_dense(const forest_data& forest) {
  const dense_view& dense = forest.dense;
  if (dense.levels == 0)
    return;
  check_features(forest);
  // Of a group's bytes every other 64 are features.
  const auto num_features = static_cast<std::uint32_t>(dense.features.size());
  for (std::size_t row = 0; row < dense.nodes.size(); row += std::size_t{2} * dense_group_trees) {
    // A loop that compilers make vectors of, as they do not of max_element.
    std::uint8_t most = 0;
    for (const std::uint8_t feature : dense.nodes.subspan(row, dense_group_trees))
      most = std::max(most, feature);
    if (most >= num_features)
      fail(errc::malformed, text("dense group ", row / dense.group_bytes()), "feature ", unsigned{most},
           ", expected less than ", num_features);
  }
  const std::uint64_t limit =
      forest.leaves == leaf_form::inline_float32 ? std::uint64_t{1} << 32 : forest.num_leaf_rows;
  if (limit > 0xffffffffu)
    return;
  for (std::size_t i = 0; i < dense.leaves.size(); ++i)
    if (dense.leaves[i] >= limit)
      fail(errc::malformed, text("dense leaf ", i % dense.tree_ways(), " of tree ", i / dense.tree_ways()), "payload ",
           dense.leaves[i], ", expected less than ", limit);
  for (std::size_t i = 0; i < dense.exits.size(); ++i)
    if (dense.exits[i] >= forest.num_nodes)
      fail(errc::malformed, text("dense exit ", i % dense.tree_ways(), " of tree ", i / dense.tree_ways()), "node ",
           dense.exits[i], ", expected less than ", forest.num_nodes);
}

void check_dense_equals_base(const forest_data& forest) {
  const dense_view& dense = forest.dense;
  if (dense.levels == 0)
    return;
  dense_tables expected;
  if (!make_dense(forest, dense.levels, ~std::uint64_t{0}, expected))
    fail(errc::malformed, "dense layout", "is there, but these trees have none");
  const auto differs = [](const char* what) {
    fail(errc::malformed, "dense layout", what, " differ from what the nodes of the base layout say");
  };
  const dense_view want = expected.view();
  const auto same_feature = [](const dense_feature& a, const dense_feature& b) {
    return a.slot == b.slot && a.op == b.op && a.first == b.first && a.num_cuts == b.num_cuts;
  };
  if (!std::equal(want.features.begin(), want.features.end(), dense.features.begin(), dense.features.end(),
                  same_feature) ||
      !std::equal(want.cuts.begin(), want.cuts.end(), dense.cuts.begin(), dense.cuts.end()))
    differs("features and cuts");
  if (!std::equal(want.nodes.begin(), want.nodes.end(), dense.nodes.begin(), dense.nodes.end()))
    differs("nodes");
  if (!std::equal(want.leaves.begin(), want.leaves.end(), dense.leaves.begin(), dense.leaves.end()))
    differs("leaves");
  if (!std::equal(want.exits.begin(), want.exits.end(), dense.exits.begin(), dense.exits.end()))
    differs("exits");
}

} // namespace petrify::inline v0
