#include "container/directory.hpp"

#include "base/fail.hpp"

#include "directory_generated.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

namespace petrify::inline v0 {

namespace fb = flatbuffers;

// The plain enums of format.hpp and dtype.hpp stand for the generated ones by value.
#define PETRIFY_SAME(plain, stored) static_assert(static_cast<int>(plain) == static_cast<int>(fbs::stored))
PETRIFY_SAME(dtype::bool8, ElementType::bool8);
PETRIFY_SAME(dtype::uint64, ElementType::uint64);
PETRIFY_SAME(dtype::float16, ElementType::float16);
PETRIFY_SAME(dtype::float64, ElementType::float64);
PETRIFY_SAME(dtype::complex128, ElementType::complex128);
PETRIFY_SAME(dtype::string, ElementType::MAX);
PETRIFY_SAME(axis_order::column_major, Order::MAX);
PETRIFY_SAME(task_kind::anomaly, Task::MAX);
PETRIFY_SAME(slot_kind::rank64, SlotKind::rank64);
PETRIFY_SAME(slot_kind::category, SlotKind::MAX);
PETRIFY_SAME(missing_rule::right, MissingRule::right);
PETRIFY_SAME(missing_rule::zero_right, MissingRule::MAX);
PETRIFY_SAME(layout_kind::n16, LayoutKind::n16);
PETRIFY_SAME(layout_kind::dense, LayoutKind::MAX);
PETRIFY_SAME(segment_role::leaf_ids, SegmentRole::leaf_ids);
PETRIFY_SAME(segment_role::dense_nodes, SegmentRole::dense_nodes);
PETRIFY_SAME(segment_role::linear_coefficients, SegmentRole::linear_coefficients);
PETRIFY_SAME(segment_role::golden_raw, SegmentRole::MAX);
PETRIFY_SAME(step_op::missing, StepOp::missing);
PETRIFY_SAME(step_op::divide_typed, StepOp::divide_typed);
PETRIFY_SAME(step_op::replace_typed, StepOp::replace_typed);
PETRIFY_SAME(step_op::narrow_integers, StepOp::MAX);
PETRIFY_SAME(category_rule::hist_gradient_boosting_wrapped, CategoryRule::MAX);
PETRIFY_SAME(leaf_form::vector, LeafForm::vector);
PETRIFY_SAME(leaf_form::linear, LeafForm::MAX);
PETRIFY_SAME(sum_kind::weighted_median, SumKind::MAX);
PETRIFY_SAME(epilogue_op::softmax, EpilogueOp::softmax);
PETRIFY_SAME(epilogue_op::isolation_score, EpilogueOp::isolation_score);
PETRIFY_SAME(epilogue_op::mirror, EpilogueOp::mirror);
PETRIFY_SAME(epilogue_op::softplus_gaps, EpilogueOp::softplus_gaps);
PETRIFY_SAME(epilogue_op::softmax_numpy, EpilogueOp::MAX);
PETRIFY_SAME(decision_rule::cut_final, Decision::MAX);
PETRIFY_SAME(leaf_id_rule::stored, LeafIds::stored);
PETRIFY_SAME(leaf_id_rule::stored_pairs, LeafIds::MAX);
#undef PETRIFY_SAME

namespace {

// An absent vector and an empty one mean the same: the absent one is written, so that equal content gives equal bytes.
template <class Stored, class T>
fb::Offset<fb::Vector<Stored>> put(fb::FlatBufferBuilder& builder, std::span<const T> values) {
  static_assert(sizeof(Stored) == sizeof(T));
  if (values.empty())
    return 0;
  if constexpr (std::is_enum_v<T>)
    return builder.CreateVector(reinterpret_cast<const Stored*>(values.data()), values.size());
  else
    return builder.CreateVector<Stored>(values.data(), values.size());
}

fb::Offset<fb::String> put(fb::FlatBufferBuilder& builder, std::string_view text) {
  return text.empty() ? fb::Offset<fb::String>(0) : builder.CreateString(text.data(), text.size());
}

fb::Offset<fb::Vector<std::uint8_t>> put_bytes(fb::FlatBufferBuilder& builder, std::string_view text) {
  return put<std::uint8_t>(builder, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

} // namespace

struct directory_builder::state {
  fb::FlatBufferBuilder builder;
  struct entry {
    std::string name;
    std::uint32_t first_segment;
    fbs::Description type;
    fb::Offset<void> description;
  };
  std::vector<entry> objects;
  // By the names of their objects, so that the order in which they were set leaves no trace.
  struct attributes {
    std::vector<std::uint64_t> nodes;
    std::vector<std::byte> bytes;
  };
  std::map<std::string, attributes, std::less<>> attributes_of;
  std::uint64_t attribute_bytes = 0;

  std::uint64_t name_bytes = 0; // of all objects

  void add(std::string_view name, std::uint32_t first_segment, fbs::Description type, fb::Offset<void> description) {
    objects.push_back({std::string(name), first_segment, type, description});
    name_bytes += name.size();
    require_room();
  }

  // Checked after each object, long before FlatBuffers' own limit of 2 GiB, with what finish() is sure to add.
  void require_room(std::uint64_t more = 0) const {
    const std::uint64_t segments = objects.empty() ? 0 : objects.back().first_segment;
    require_size(builder.GetSize() + attribute_bytes + name_bytes + 2 * sizeof(std::uint64_t) * segments + more);
  }
  static void require_size(std::uint64_t size) {
    if (size > max_directory_size)
      fail(errc::limit_exceeded, "directory", size, " bytes, expected at most ", max_directory_size,
           ": use fewer or shorter names, or smaller attributes");
  }
};

directory_builder::directory_builder() : state_(std::make_unique<state>()) {}
directory_builder::~directory_builder() = default;

void directory_builder::add_array(std::string_view name, std::uint32_t first_segment, const array_description& d) {
  auto& b = state_->builder;
  const auto shape = put<std::uint64_t>(b, d.shape);
  fbs::ArrayBuilder array(b);
  array.add_element_type(static_cast<fbs::ElementType>(d.element_type));
  array.add_order(static_cast<fbs::Order>(d.order));
  array.add_shape(shape);
  array.add_item_size(d.item_size);
  state_->add(name, first_segment, fbs::Description::Array, array.Finish().Union());
}

void directory_builder::add_forest(std::string_view name, std::uint32_t first_segment, const forest_description& d) {
  auto& b = state_->builder;
  // FlatBuffers wants everything a table refers to written before the table.
  const auto library = put(b, d.library);
  const auto library_version = put(b, d.library_version);
  const auto model_class = put(b, d.model_class);
  const auto objective = put(b, d.objective);
  const auto column_name_ends = put<std::uint32_t>(b, d.column_names.ends);
  const auto column_name_bytes = put_bytes(b, d.column_names.bytes);
  const auto slot_columns = put<std::uint32_t>(b, d.slot_columns);
  const auto slot_kinds = put<fbs::SlotKind>(b, d.slot_kinds);
  const auto slot_missing = put<fbs::MissingRule>(b, d.slot_missing);
  const auto slot_cut_ends = put<std::uint64_t>(b, d.slot_cut_ends);
  const auto iteration_ends = put<std::uint32_t>(b, d.iteration_ends);
  const auto layout_kinds = put<fbs::LayoutKind>(b, d.layout_kinds);
  const auto layout_slot_bits = put<std::uint8_t>(b, d.layout_slot_bits);
  const auto layout_block_trees = put<std::uint8_t>(b, d.layout_block_trees);
  const auto layout_num_nodes = put<std::uint64_t>(b, d.layout_num_nodes);
  const auto segment_roles = put<fbs::SegmentRole>(b, d.segment_roles);
  const auto segment_layouts = put<std::uint8_t>(b, d.segment_layouts);
  const auto attribute_name_ends = put<std::uint32_t>(b, d.attribute_names.ends);
  const auto attribute_name_bytes = put_bytes(b, d.attribute_names.bytes);
  const auto column_type_ends = put<std::uint32_t>(b, d.column_types.ends);
  const auto column_type_bytes = put_bytes(b, d.column_types.bytes);
  const auto step_ops = put<fbs::StepOp>(b, d.step_ops);
  const auto step_columns = put<std::uint32_t>(b, d.step_columns);
  const auto step_a = put<double>(b, d.step_a);
  const auto step_b = put<double>(b, d.step_b);
  const auto category_rules = put<fbs::CategoryRule>(b, d.category_rules);
  const auto category_known_sets = put<std::uint32_t>(b, d.category_known_sets);
  const auto dictionary_columns = put<std::uint32_t>(b, d.dictionary_columns);
  const auto dictionary_ends = put<std::uint32_t>(b, d.dictionary_ends);
  const auto dictionary_text_ends = put<std::uint32_t>(b, d.dictionary_texts.ends);
  const auto dictionary_text_bytes = put_bytes(b, d.dictionary_texts.bytes);
  const auto attribute_types = put<fbs::ElementType>(b, d.attribute_types);
  const auto start = put<double>(b, d.start);
  const auto epilogue_ops = put<fbs::EpilogueOp>(b, d.epilogue_ops);
  const auto epilogue_parameters = put<double>(b, d.epilogue_parameters);
  const auto epilogue_columns = put<std::uint32_t>(b, d.epilogue_columns);
  const auto output_widths = put<std::uint32_t>(b, d.output_widths);
  const auto output_num_classes = put<std::uint32_t>(b, d.output_num_classes);
  const auto output_types = put<fbs::ElementType>(b, d.output_types);
  const auto label_integers = put<std::int64_t>(b, d.label_integers);
  const auto label_reals = put<double>(b, d.label_reals);
  const auto label_text_ends = put<std::uint32_t>(b, d.label_texts.ends);
  const auto label_text_bytes = put_bytes(b, d.label_texts.bytes);
  const auto layout_note_ends = put<std::uint32_t>(b, d.layout_notes.ends);
  const auto layout_note_bytes = put_bytes(b, d.layout_notes.bytes);

  fbs::ForestBuilder f(b);
  f.add_library(library);
  f.add_library_version(library_version);
  f.add_model_class(model_class);
  f.add_objective(objective);
  f.add_task(static_cast<fbs::Task>(d.task));
  f.add_num_columns(d.num_columns);
  f.add_column_name_ends(column_name_ends);
  f.add_column_name_bytes(column_name_bytes);
  f.add_column_type_ends(column_type_ends);
  f.add_column_type_bytes(column_type_bytes);
  f.add_step_ops(step_ops);
  f.add_step_columns(step_columns);
  f.add_step_a(step_a);
  f.add_step_b(step_b);
  f.add_slot_columns(slot_columns);
  f.add_slot_kinds(slot_kinds);
  f.add_slot_missing(slot_missing);
  f.add_slot_cut_ends(slot_cut_ends);
  f.add_category_rules(category_rules);
  f.add_category_known_sets(category_known_sets);
  f.add_dictionary_columns(dictionary_columns);
  f.add_dictionary_ends(dictionary_ends);
  f.add_dictionary_text_ends(dictionary_text_ends);
  f.add_dictionary_text_bytes(dictionary_text_bytes);
  f.add_num_trees(d.num_trees);
  f.add_iteration_ends(iteration_ends);
  f.add_best_iteration(d.best_iteration);
  f.add_layout_kinds(layout_kinds);
  f.add_layout_slot_bits(layout_slot_bits);
  f.add_layout_block_trees(layout_block_trees);
  f.add_layout_num_nodes(layout_num_nodes);
  f.add_dense_levels(d.dense_levels);
  f.add_segment_roles(segment_roles);
  f.add_segment_layouts(segment_layouts);
  f.add_attribute_name_ends(attribute_name_ends);
  f.add_attribute_name_bytes(attribute_name_bytes);
  f.add_attribute_types(attribute_types);
  f.add_leaf_form(static_cast<fbs::LeafForm>(d.leaves));
  f.add_leaf_type(static_cast<fbs::ElementType>(d.leaf_type));
  f.add_leaf_width(d.leaf_width);
  f.add_leaf_ids(static_cast<fbs::LeafIds>(d.leaf_ids));
  f.add_sum_kind(static_cast<fbs::SumKind>(d.sum));
  f.add_accumulator(static_cast<fbs::ElementType>(d.accumulator));
  f.add_start(start);
  f.add_epilogue_ops(epilogue_ops);
  f.add_epilogue_parameters(epilogue_parameters);
  f.add_epilogue_columns(epilogue_columns);
  f.add_num_raw_ops(d.num_raw_ops);
  f.add_output_widths(output_widths);
  f.add_output_num_classes(output_num_classes);
  f.add_output_types(output_types);
  f.add_label_integers(label_integers);
  f.add_label_reals(label_reals);
  f.add_label_text_ends(label_text_ends);
  f.add_label_text_bytes(label_text_bytes);
  f.add_decision(static_cast<fbs::Decision>(d.decision));
  f.add_cut(d.cut);
  f.add_cut_tie_is_upper(d.cut_tie_is_upper);
  f.add_golden_type(static_cast<fbs::ElementType>(d.golden_type));
  f.add_layout_note_ends(layout_note_ends);
  f.add_layout_note_bytes(layout_note_bytes);
  state_->add(name, first_segment, fbs::Description::Forest, f.Finish().Union());
}

void directory_builder::add_value(std::string_view name, std::uint32_t first_segment) {
  const auto value = fbs::CreateValue(state_->builder).Union();
  state_->add(name, first_segment, fbs::Description::Value, value);
}

void directory_builder::add_record(std::string_view name, std::uint32_t first_segment) {
  const auto record = fbs::CreateRecord(state_->builder).Union();
  state_->add(name, first_segment, fbs::Description::Record, record);
}

void directory_builder::set_attributes(std::string_view name, const attribute_description& d) {
  auto& all = state_->attributes_of;
  if (all.find(name) != all.end())
    fail(errc::invalid_argument, {}, "has attributes already, expected them to be set once");
  const std::uint64_t size = d.nodes.size_bytes() + d.bytes.size();
  state_->require_room(size);
  all.emplace(name, state::attributes{{d.nodes.begin(), d.nodes.end()}, {d.bytes.begin(), d.bytes.end()}});
  state_->attribute_bytes += size;
}

std::vector<std::byte> directory_builder::finish(std::span<const extent> segments, extent digest_table,
                                                 std::uint64_t digests_checksum) {
  auto& b = state_->builder;
  auto& objects = state_->objects;
  const auto num_segments = static_cast<std::uint32_t>(segments.size());
  std::vector<std::uint32_t> counts(objects.size());
  for (std::size_t i = 0; i < objects.size(); ++i)
    counts[i] = (i + 1 < objects.size() ? objects[i + 1].first_segment : num_segments) - objects[i].first_segment;

  std::vector<std::size_t> by_name(objects.size());
  for (std::size_t i = 0; i < by_name.size(); ++i)
    by_name[i] = i;
  std::sort(by_name.begin(), by_name.end(),
            [&](std::size_t a, std::size_t c) { return objects[a].name < objects[c].name; });
  std::vector<fb::Offset<fbs::Object>> tables;
  tables.reserve(objects.size());
  for (const std::size_t i : by_name) {
    fb::Offset<fb::Vector<std::uint64_t>> attribute_nodes = 0;
    fb::Offset<fb::Vector<std::uint8_t>> attribute_bytes = 0;
    if (const auto found = state_->attributes_of.find(objects[i].name); found != state_->attributes_of.end()) {
      attribute_nodes = put<std::uint64_t>(b, std::span(std::as_const(found->second.nodes)));
      attribute_bytes = put<std::uint8_t>(b, std::span(std::as_const(found->second.bytes)));
    }
    tables.push_back(fbs::CreateObject(b, b.CreateString(objects[i].name), objects[i].type, objects[i].description,
                                       objects[i].first_segment, counts[i], 0, attribute_nodes, attribute_bytes));
  }

  std::vector<std::uint64_t> offsets;
  std::vector<std::uint64_t> sizes;
  for (const extent& segment : segments) {
    offsets.push_back(segment.offset);
    sizes.push_back(segment.size);
  }
  const auto producer = b.CreateString("petrify " PETRIFY_VERSION_STRING);
  const auto offsets_vector = put<std::uint64_t>(b, std::span<const std::uint64_t>(offsets));
  const auto sizes_vector = put<std::uint64_t>(b, std::span<const std::uint64_t>(sizes));
  const auto objects_vector = b.CreateVector(tables);
  fbs::FinishDirectoryBuffer(b, fbs::CreateDirectory(b, producer, offsets_vector, sizes_vector, large_segment_alignment,
                                                     digest_table.offset, digest_table.size / sizeof(std::uint64_t),
                                                     digests_checksum, objects_vector));
  state::require_size(b.GetSize());
  const auto* bytes = reinterpret_cast<const std::byte*>(b.GetBufferPointer());
  return {bytes, bytes + b.GetSize()};
}

} // namespace petrify::inline v0
