// A forest as predictions use it: its description decoded and checked once, its nodes and tables still in the mapping.
#pragma once

#include "container/description.hpp"
#include "forest/dense.hpp"
#include "forest/epilogue.hpp"
#include "forest/node.hpp"
#include "forest/stored_ids.hpp"

#include <petrify/forest.hpp>

#include <array>
#include <string>
#include <vector>

namespace petrify::inline v0 {

struct slot {
  std::uint32_t column = 0;
  slot_kind kind = slot_kind::zero;
  missing_rule missing = missing_rule::left;
  std::span<const double> cuts; // rank64; listed categories
  category_rule rule = category_rule::none;
  const std::uint32_t* known = nullptr; // set of known categories; null: all are
};

struct step_entry {
  step_op op = step_op::none;
  std::uint32_t column = 0;
  double a = 0;
  double b = 0;
};

struct output_data {
  std::uint32_t sum_begin = 0;
  std::uint32_t sum_width = 0;
  std::uint32_t raw_begin = 0;
  std::uint32_t raw_width = 0;
  std::uint32_t final_begin = 0;
  std::uint32_t final_width = 0;
  std::uint32_t first_label = 0;
  std::uint32_t num_classes = 0;
  dtype type = dtype::none;
};

// The names of a column's categories, in order.
struct category_names {
  std::uint32_t column = 0;
  std::vector<std::string_view> names;
};

struct forest_data {
  // Borrowed from the container: texts and tables.
  std::string_view library;
  std::string_view library_version;
  std::string_view model_class;
  std::string_view objective;
  petrify::task task = petrify::task::regression;

  std::uint32_t num_columns = 0;
  std::vector<std::string_view> column_names;
  std::vector<std::string_view> column_types;
  std::vector<category_names> dictionaries; // ascending by column
  std::vector<step_entry> steps;
  std::vector<slot> slots; // [0] is the zero slot
  std::span<const std::uint32_t> category_words;

  std::uint32_t num_trees = 0;
  std::span<const std::uint32_t> iteration_ends;
  std::int32_t best_iteration = -1;
  layout_kind layout = layout_kind::none;
  std::uint8_t slot_bits = 0;  // n8
  std::uint64_t num_nodes = 0; // unused ones included
  const void* nodes = nullptr;
  std::uint8_t block_shift = 0;                // log2 of the trees in a block of nodes
  std::span<const std::uint32_t> blocks;       // where each begins, in pairs of nodes
  std::span<const std::uint32_t> tree_targets; // empty: all 0
  dense_view dense;
  std::vector<std::string_view> layout_notes; // for people

  leaf_form leaves = leaf_form::none;
  dtype leaf_type = dtype::none;
  std::uint32_t leaf_width = 0;
  std::uint64_t num_leaf_rows = 0;
  const void* leaf_values = nullptr;
  std::span<const std::uint32_t> linear_ends; // linear
  std::span<const std::uint32_t> linear_columns;
  std::span<const double> linear_coefficients;
  leaf_id_rule leaf_ids = leaf_id_rule::none;
  stored_ids stored_leaf_ids; // of nodes, or of pairs of them

  sum_kind sum = sum_kind::sum;
  std::span<const double> tree_weights; // weighted_median
  dtype accumulator = dtype::none;
  std::vector<double> start; // sum_width values
  std::uint32_t sum_width = 0;
  std::uint32_t raw_width = 0;
  std::uint32_t final_width = 0;
  std::vector<epilogue_entry> epilogue;
  std::uint32_t num_raw_ops = 0;

  std::vector<output_data> outputs;
  std::span<const std::int64_t> label_integers;
  std::span<const double> label_reals;
  std::vector<std::string_view> label_texts;
  decision_rule decision = decision_rule::none;
  double cut = 0;
  bool cut_tie_is_upper = false;

  dtype golden_type = dtype::none;
  std::span<const std::byte> golden_rows;
  std::span<const double> golden_raw;
  std::size_t num_golden() const noexcept { return raw_width == 0 ? 0 : golden_raw.size() / raw_width; }

  // Whether kernels add the leaves; else the evaluator does, with the row at hand.
  bool kernel_adds() const noexcept { return sum == sum_kind::sum && leaves != leaf_form::linear; }
  bool is_classifier() const noexcept { return decision != decision_rule::none; }
  // Keys from one row to the next: those of its slots, and room up to the end of a cache line.
  std::size_t key_stride() const noexcept { return (slots.size() + 15) / 16 * 16; }
  std::uint64_t node_bytes() const noexcept {
    return num_nodes * (layout == layout_kind::n16 ? sizeof(node16) : sizeof(node8));
  }
  // Index of the root of tree t.
  std::uint64_t root(std::uint32_t t) const noexcept {
    return 2 * std::uint64_t{blocks[t >> block_shift]} + (t & ((1u << block_shift) - 1));
  }
  // The node behind block k.
  std::uint64_t block_end(std::size_t k) const noexcept {
    return k + 1 < blocks.size() ? 2 * std::uint64_t{blocks[k + 1]} : num_nodes;
  }
  // Entries that stored_leaf_ids has.
  std::uint64_t num_stored_ids() const noexcept {
    return leaf_ids == leaf_id_rule::stored ? num_nodes : leaf_ids == leaf_id_rule::stored_pairs ? num_nodes / 2 : 0;
  }
  // Roots at the begin of block k: one a tree, and one that is not used behind an odd number of them.
  std::uint32_t roots_in_block(std::size_t k) const noexcept {
    const std::uint64_t left = num_trees - (std::uint64_t{k} << block_shift);
    const std::uint64_t trees = left < (1u << block_shift) ? left : 1u << block_shift;
    return static_cast<std::uint32_t>(trees + trees % 2);
  }
  std::uint32_t target(std::uint32_t t) const noexcept { return tree_targets.empty() ? 0 : tree_targets[t]; }
};

// Calls f with the layout (layout8<8>, ... layout16) that data's nodes have.
template <class F>
decltype(auto) with_layout(const forest_data& data, F&& f) {
  if (data.layout == layout_kind::n16)
    return data.category_words.empty() ? f(layout16{}) : f(layout16_sets{});
  switch (data.slot_bits) {
  case 8: return f(layout8<8>{});
  case 12: return f(layout8<12>{});
  default: return f(layout8<16>{});
  }
}

} // namespace petrify::inline v0
