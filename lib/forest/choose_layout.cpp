#include "forest/choose_layout.hpp"

#include "base/fail.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace petrify::inline v0 {

namespace {

// Slot bits of the n8 layout that has room for that many slots; 0 when none has.
unsigned n8_slot_bits(std::size_t num_slots) {
  for (const unsigned bits : {8u, 12u, 16u})
    if (num_slots <= (std::size_t{1} << bits))
      return bits;
  return 0;
}

// Upper bound of the offsets when blocks have that many trees. From the block's last root to its first pair it is the
// pairs of all other trees; inside a tree an offset is shorter than the tree.
std::uint64_t longest_offset(std::span<const std::uint64_t> sizes, std::size_t block_trees) {
  std::uint64_t longest = 0;
  for (std::size_t first = 0; first < sizes.size(); first += block_trees) {
    const auto block = sizes.subspan(first, std::min(block_trees, sizes.size() - first));
    longest = std::max(longest, std::accumulate(block.begin(), block.end(), std::uint64_t{0}));
  }
  return longest;
}

// Large blocks put the roots of many trees side by side and need fewer begins; small ones keep offsets short, so that
// forests of large trees over many columns still fit 8-byte nodes. Returns why they do not fit; empty where they do.
std::string try_n8(std::span<const std::uint64_t> sizes, forest_model::content& model) {
  if (!model.category_words.empty())
    return "nodes test sets of categories";
  const std::size_t num_slots = model.slot_columns.size();
  const unsigned bits = n8_slot_bits(num_slots);
  if (bits == 0)
    return text(num_slots, " slots, more than 16 bits can name");
  std::uint64_t longest = 0;
  for (const std::uint8_t block_trees : {std::uint8_t{8}, std::uint8_t{4}, std::uint8_t{2}}) {
    longest = longest_offset(sizes, block_trees);
    if (longest >= std::uint64_t{1} << (32 - bits))
      continue;
    model.block_trees = block_trees;
    model.slot_bits = static_cast<std::uint8_t>(bits);
    return {};
  }
  return text("offsets of up to ", longest, " nodes, which do not fit beside ", bits, " bits for ", num_slots,
              " slots");
}

std::string why_no_tables(const forest_data& view, const forest_model::content& model) {
  if (model.spec.linear_leaves)
    return "leaves are linear";
  if (model.spec.combine != combine::sum)
    return "a median needs each tree's value";
  if (model.longest_walk == 0)
    return "no tree has a split";
  const std::uint32_t levels =
      model.longest_walk <= max_dense_levels ? model.longest_walk : min_dense_levels_above_nodes;
  dense_tables unlimited;
  if (!make_dense(view, levels, std::numeric_limits<std::uint64_t>::max(), unlimited))
    return text("nodes on ", levels, levels == 1 ? " level" : " levels", " need more than ", max_dense_features,
                " features");
  const dense_view tables = unlimited.view();
  const std::uint64_t bytes = tables.features.size_bytes() + tables.cuts.size_bytes() + tables.nodes.size_bytes() +
                              tables.leaves.size_bytes() + tables.exits.size_bytes();
  return text("tables of ", levels, levels == 1 ? " level" : " levels", " would take ", bytes,
              " bytes, more than the nodes' ", model.node_bytes());
}

} // namespace

const char* to_string(layout_choice choice) noexcept {
  switch (choice) {
  case layout_choice::automatic: return "auto";
  case layout_choice::nodes: return "nodes";
  case layout_choice::n8: return "n8";
  case layout_choice::n16: return "n16";
  case layout_choice::dense: return "dense";
  }
  return "unknown";
}

void choose_nodes(std::span<const std::uint64_t> sizes, forest_model::content& model) {
  const layout_choice asked = model.spec.layout;
  const std::string why_not = asked == layout_choice::n16 ? "as asked for" : try_n8(sizes, model);
  if (why_not.empty()) {
    model.layout_notes.push_back(text("n8: ", unsigned{model.slot_bits}, " bits for ", model.slot_columns.size(),
                                      " slots, offsets below 2^", 32 - model.slot_bits));
    return;
  }
  if (asked == layout_choice::n8)
    fail(errc::invalid_argument, "layout n8", why_not, ", expected another layout");
  model.is_n16 = true;
  model.block_trees = 8;
  model.layout_notes.push_back(text("n16: ", why_not));
}

void choose_tables(const forest_data& view, forest_model::content& model) {
  const layout_choice asked = model.spec.layout;
  const bool is_required = asked == layout_choice::dense;
  if (!is_required && asked != layout_choice::automatic) {
    model.layout_notes.push_back("no dense layout: not asked for");
    return;
  }
  // Beside nodes of n bytes the tables take n more at most.
  const std::uint64_t limit = is_required ? std::numeric_limits<std::uint64_t>::max() : model.node_bytes();
  if (choose_dense(view, limit, model.dense)) {
    model.layout_notes.push_back(text("dense: ", model.dense.levels, " of ", model.longest_walk,
                                      model.longest_walk == 1 ? " level, " : " levels, ", model.dense.features.size(),
                                      model.dense.features.size() == 1 ? " feature" : " features"));
    return;
  }
  const std::string why_not = why_no_tables(view, model);
  if (is_required)
    fail(errc::invalid_argument, "layout dense", why_not, ", expected another layout");
  model.layout_notes.push_back("no dense layout: " + why_not);
}

} // namespace petrify::inline v0
