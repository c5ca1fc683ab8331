// What the directory says of an object, as plain structs: the other rooms read and write these and never see
// FlatBuffers. The fields are those of schemas/directory.fbs, which says what each one means.
#pragma once

#include "container/format.hpp"

#include <petrify/dtype.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace petrify::inline v0 {

// When read from a file: spans and texts borrow from the container, and no value has been checked but the alignment
// and bounds of the vectors. When written: they borrow from the caller for the time of the call.
struct array_description {
  dtype element_type = dtype::none;
  axis_order order = axis_order::row_major;
  std::span<const std::uint64_t> shape;
  std::uint32_t item_size = 0;
};

// What there is to say of these is in their segments.
struct value_description {};
struct record_description {};

// What is said of an object beside its description: a value (docs/format.md, 6.3), or nothing.
struct attribute_description {
  std::span<const std::uint64_t> nodes; // two numbers a node
  std::span<const std::byte> bytes;
};

// A list of texts: text i is bytes [ends[i-1], ends[i]).
struct text_list_description {
  std::span<const std::uint32_t> ends;
  std::string_view bytes;
};

struct forest_description {
  std::string_view library;
  std::string_view library_version;
  std::string_view model_class;
  std::string_view objective;
  task_kind task = task_kind::none;

  std::uint32_t num_columns = 0;
  text_list_description column_names;
  text_list_description column_types;
  std::span<const step_op> step_ops;
  std::span<const std::uint32_t> step_columns;
  std::span<const double> step_a;
  std::span<const double> step_b;

  std::span<const std::uint32_t> slot_columns;
  std::span<const slot_kind> slot_kinds;
  std::span<const missing_rule> slot_missing;
  std::span<const std::uint64_t> slot_cut_ends;

  std::span<const category_rule> category_rules;
  std::span<const std::uint32_t> category_known_sets;
  std::span<const std::uint32_t> dictionary_columns;
  std::span<const std::uint32_t> dictionary_ends;
  text_list_description dictionary_texts;

  std::uint32_t num_trees = 0;
  std::span<const std::uint32_t> iteration_ends;
  std::int32_t best_iteration = -1;

  std::span<const layout_kind> layout_kinds;
  std::span<const std::uint8_t> layout_slot_bits;
  std::span<const std::uint8_t> layout_block_trees;
  std::span<const std::uint64_t> layout_num_nodes;
  std::uint8_t dense_levels = 0;

  std::span<const segment_role> segment_roles;
  std::span<const std::uint8_t> segment_layouts;
  text_list_description attribute_names;
  std::span<const dtype> attribute_types;

  leaf_form leaves = leaf_form::none;
  dtype leaf_type = dtype::none;
  std::uint32_t leaf_width = 0;
  leaf_id_rule leaf_ids = leaf_id_rule::none;

  sum_kind sum = sum_kind::none;
  dtype accumulator = dtype::none;
  std::span<const double> start;

  std::span<const epilogue_op> epilogue_ops;
  std::span<const double> epilogue_parameters;
  std::span<const std::uint32_t> epilogue_columns;
  std::uint32_t num_raw_ops = 0;

  std::span<const std::uint32_t> output_widths;
  std::span<const std::uint32_t> output_num_classes;
  std::span<const dtype> output_types;
  std::span<const std::int64_t> label_integers;
  std::span<const double> label_reals;
  text_list_description label_texts;
  decision_rule decision = decision_rule::none;
  double cut = 0;
  bool cut_tie_is_upper = false;

  dtype golden_type = dtype::none;
  text_list_description layout_notes;
};

} // namespace petrify::inline v0
