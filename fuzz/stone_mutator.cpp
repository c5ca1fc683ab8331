// Mutations of petrify files that mean something: fields of the directory, words of nodes, elements, texts.
#include "dice.hpp"
#include "stone_file.hpp"
#include "target.hpp"

#include "forest/node.hpp"
#include "value/value_node.hpp"

#include <algorithm>
#include <cstring>

namespace petrify::fuzz {

namespace {

void change_array(dice& roll, fbs::ArrayT& a) {
  change_one(roll, a.element_type, a.order, a.shape, a.shape, a.item_size);
}

void change_forest(dice& roll, fbs::ForestT& f) {
  change_one(roll, f.library, f.library_version, f.model_class, f.objective, f.task, f.num_columns, f.column_name_ends,
             f.column_name_bytes, f.column_type_ends, f.column_type_bytes, f.step_ops, f.step_columns, f.step_a,
             f.step_b, f.slot_columns, f.slot_kinds, f.slot_missing, f.slot_cut_ends, f.category_rules,
             f.category_known_sets, f.dictionary_columns, f.dictionary_ends, f.dictionary_text_ends,
             f.dictionary_text_bytes, f.num_trees, f.iteration_ends, f.best_iteration, f.layout_kinds,
             f.layout_slot_bits, f.layout_block_trees, f.layout_num_nodes, f.segment_roles, f.segment_layouts,
             f.attribute_name_ends, f.attribute_name_bytes, f.attribute_types, f.leaf_form, f.leaf_type, f.leaf_width,
             f.leaf_ids, f.sum_kind, f.accumulator, f.start, f.epilogue_ops, f.epilogue_parameters, f.epilogue_columns,
             f.num_raw_ops, f.output_widths, f.output_num_classes, f.output_types, f.label_integers, f.label_reals,
             f.label_text_ends, f.label_text_bytes, f.decision, f.cut, f.cut_tie_is_upper, f.golden_type,
             f.layout_note_ends, f.layout_note_bytes);
}

// The u32 words of a segment, as nodes, ends and blocks have them.
void change_word(dice& roll, std::vector<std::byte>& segment) {
  if (segment.size() < 4)
    return;
  const std::size_t at = roll.below(segment.size() / 4) * 4;
  std::uint32_t word;
  std::memcpy(&word, segment.data() + at, sizeof word);
  switch (roll.below(4)) {
  case 0: // another slot
    word = (word & ~0xffu) | static_cast<std::uint32_t>(roll.below(6));
    break;
  case 1: // a child some nodes away
    word = (word & 0xffu) | static_cast<std::uint32_t>(roll.below(24)) << 8;
    break;
  default: change(roll, word);
  }
  std::memcpy(segment.data() + at, &word, sizeof word);
}

// Numbers of 8 bytes: cuts, leaf values, ends, payloads.
void change_long(dice& roll, std::vector<std::byte>& segment) {
  if (segment.size() < 8)
    return;
  const std::size_t at = roll.below(segment.size() / 8) * 8;
  if (roll.once_in(2)) {
    double number;
    std::memcpy(&number, segment.data() + at, sizeof number);
    change(roll, number);
    std::memcpy(segment.data() + at, &number, sizeof number);
  } else {
    std::uint64_t number;
    std::memcpy(&number, segment.data() + at, sizeof number);
    change(roll, number);
    std::memcpy(segment.data() + at, &number, sizeof number);
  }
}

// Pieces of 2 to 16 bytes added, removed, swapped.
void change_length(dice& roll, std::vector<std::byte>& segment) {
  const std::size_t piece = std::size_t{2} << roll.below(4);
  const auto place = [&](std::size_t i) { return segment.begin() + static_cast<std::ptrdiff_t>(i); };
  if (roll.once_in(3)) {
    segment.resize(segment.size() + piece);
  } else if (segment.size() >= piece) {
    const std::size_t at = roll.below(segment.size() / piece) * piece;
    if (roll.once_in(2)) {
      segment.erase(place(at), place(at + piece));
    } else {
      const std::vector<std::byte> copy(place(at), place(at + piece));
      segment.insert(place(roll.below(segment.size() / piece) * piece), copy.begin(), copy.end());
    }
  }
}

void change_segment(dice& roll, std::vector<std::byte>& segment) {
  switch (roll.below(6)) {
  case 0:
  case 1: return change_word(roll, segment);
  case 2: return change_long(roll, segment);
  case 3: return change_length(roll, segment);
  default: {
    const std::size_t size = segment.size();
    segment.resize(size + 16);
    segment.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(segment.data()), size, size + 16));
  }
  }
}

// Nodes as a value's segment has them; where there are none yet, an empty dict.
void change_attributes(dice& roll, fbs::ObjectT& object) {
  if (object.attribute_nodes.empty())
    object.attribute_nodes = {static_cast<std::uint64_t>(value_kind::dict), 0};
  if (roll.once_in(4))
    return change(roll, object.attribute_bytes);
  std::vector<std::byte> nodes(object.attribute_nodes.size() * sizeof(std::uint64_t));
  std::memcpy(nodes.data(), object.attribute_nodes.data(), nodes.size());
  change_segment(roll, nodes);
  object.attribute_nodes.resize(nodes.size() / sizeof(std::uint64_t));
  std::memcpy(object.attribute_nodes.data(), nodes.data(), object.attribute_nodes.size() * sizeof(std::uint64_t));
}

void change_object(dice& roll, fbs::ObjectT& object) {
  const auto description = [&] {
    if (auto* array = object.description.AsArray())
      change_array(roll, *array);
    else if (auto* forest = object.description.AsForest())
      change_forest(roll, *forest);
  };
  switch (roll.below(12)) {
  case 0: return change(roll, object.name);
  case 1: return change(roll, object.first_segment);
  case 2: return change(roll, object.num_segments);
  case 4: return change_attributes(roll, object);
  case 3: return roll.once_in(4) ? change(roll, object.required_features) : description();
  default: return description();
  }
}

void change_directory(dice& roll, stone_file& file) {
  auto& objects = file.directory.objects;
  switch (roll.below(24)) {
  case 0: return change(roll, file.directory.producer);
  case 1: return change(roll, file.directory.large_alignment);
  case 2:
    if (objects.size() > 1)
      std::swap(objects[roll.below(objects.size())], objects[roll.below(objects.size())]);
    return;
  case 3:
    if (!objects.empty())
      objects.erase(objects.begin() + static_cast<std::ptrdiff_t>(roll.below(objects.size())));
    return;
  case 4: file.segments.emplace_back(roll.below(40)); return;
  case 5:
    if (file.segments.size() > 1)
      std::swap(file.segments[roll.below(file.segments.size())], file.segments[roll.below(file.segments.size())]);
    return;
  default:
    if (!objects.empty())
      change_object(roll, *objects[roll.below(objects.size())]);
  }
}

} // namespace

std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t room, std::uint32_t seed) {
  dice roll(seed);
  const std::span<std::byte> bytes(reinterpret_cast<std::byte*>(data), room);
  const std::size_t way = roll.below(32);
  // Bytes as they come: what is in front of the checksums.
  if (way == 0)
    return LLVMFuzzerMutate(data, size, room);
  // Bytes as they come with the checksums of header and directory made right: what FlatBuffers has to refuse.
  if (way < 6) {
    size = LLVMFuzzerMutate(data, size, room);
    seal(bytes.first(size));
    return size;
  }
  auto file = stone_file::take_apart(bytes.first(size));
  if (!file)
    return LLVMFuzzerMutate(data, size, room);
  for (std::size_t steps = 1 + roll.below(3); steps != 0; --steps) {
    if (file->segments.empty() || roll.once_in(2))
      change_directory(roll, *file);
    else
      change_segment(roll, file->segments[roll.below(file->segments.size())]);
  }
  const std::vector<std::byte> made = file->put_together();
  if (made.size() > room)
    return LLVMFuzzerMutate(data, size, room);
  std::copy(made.begin(), made.end(), bytes.begin());
  return made.size();
}

} // namespace petrify::fuzz
