// What a forest_model holds: the tables as they go into the file.
#pragma once

#include "container/description.hpp"
#include "forest/dense.hpp"
#include "forest/epilogue.hpp"
#include "forest/leaf_table.hpp"
#include "forest/model_view.hpp"
#include "forest/node.hpp"

#include <petrify/forest_builder.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace petrify::inline v0 {

struct forest_model::content {
  forest_spec spec;
  std::uint32_t num_trees = 0;
  std::uint64_t num_used_nodes = 0;
  bool ids_are_preorder = true; // every node's number is its place in a pre-order walk of its tree
  bool ids_are_pairs = true;    // a leaf's number follows that of a sibling left of it; that of a root is 0

  std::vector<std::uint32_t> slot_columns;
  std::vector<slot_kind> slot_kinds;
  std::vector<missing_rule> slot_missing;
  std::vector<std::uint64_t> slot_cut_ends; // empty without cuts
  std::vector<double> cuts;
  std::vector<category_rule> category_rules; // empty without slots of categories
  std::vector<std::uint32_t> category_known_sets;
  std::vector<std::uint32_t> category_words;

  // Exactly one of the two is used.
  std::uint8_t slot_bits = 0; // n8
  std::vector<node8> nodes8;
  std::vector<node16> nodes16;
  bool is_n16 = false;
  dense_tables dense;                        // levels 0: none
  std::uint8_t block_trees = 0;              // trees in a block of nodes
  std::uint32_t longest_walk = 0;            // splits on it
  std::vector<std::string> layout_notes;     // which layouts there are, and why
  std::vector<std::uint32_t> blocks;         // where each begins, in pairs of nodes
  std::vector<std::byte> stored_leaf_ids;    // empty: pre-order
  std::vector<std::uint32_t> tree_targets;   // empty: all 0
  std::vector<double> tree_weights;          // of a weighted median
  std::vector<std::uint32_t> iteration_ends; // empty: the origin has none
  std::optional<leaf_table> leaves;          // absent: inline
  std::vector<std::uint32_t> linear_ends;    // linear leaves: a row of `leaves` each
  std::vector<std::uint32_t> linear_columns;
  std::vector<double> linear_coefficients;
  std::vector<column_counts> output_columns; // what the epilogue makes of each output

  dtype golden_type = dtype::none;
  std::vector<std::byte> golden_rows;
  std::vector<double> golden_raw;

  // How predictions see it. Made when everything else is; it borrows from it.
  std::unique_ptr<model_view> view;

  leaf_form leaves_are() const noexcept {
    return !leaves              ? leaf_form::inline_float32
           : spec.vector_leaves ? leaf_form::vector
           : spec.linear_leaves ? leaf_form::linear
                                : leaf_form::scalar;
  }
  leaf_id_rule leaf_ids_are() const noexcept {
    return ids_are_preorder ? leaf_id_rule::preorder
           : ids_are_pairs  ? leaf_id_rule::stored_pairs
                            : leaf_id_rule::stored;
  }
  std::uint32_t leaf_width() const noexcept {
    return spec.vector_leaves ? static_cast<std::uint32_t>(spec.start.size()) : spec.linear_leaves ? 2 : 1;
  }
  std::uint64_t num_nodes() const noexcept { return is_n16 ? nodes16.size() : nodes8.size(); }
  std::uint64_t node_bytes() const noexcept { return num_nodes() * (is_n16 ? sizeof(node16) : sizeof(node8)); }
};

// The model's view. It borrows from the model, which must stay where it is.
std::unique_ptr<model_view> view_of(const forest_model::content& model);

} // namespace petrify::inline v0
