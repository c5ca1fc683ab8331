#include "corrupt/hostile_directory.hpp"

#include "base/checked.hpp"
#include "base/checksum.hpp"
#include "container/format.hpp"
#include "container/header.hpp"

#include "config_generated.h"
#include "directory_generated.h"

#include <algorithm>
#include <random>
#include <string>

namespace petrify::test {

namespace {

namespace fb = flatbuffers;
using names = std::vector<std::string>;
using objects = std::vector<fb::Offset<fbs::Object>>;

// The file around a directory, without segments.
std::vector<std::byte> file_with(std::span<const std::byte> directory, std::uint64_t directory_offset = header_bytes) {
  header fields;
  fields.directory_offset = directory_offset;
  fields.directory_size = directory.size();
  fields.file_size = directory_offset + directory.size();
  fields.directory_checksum = checksum(directory);
  const auto start = encode(fields);
  std::vector<std::byte> out(fields.file_size);
  std::copy(start.begin(), start.end(), out.begin());
  std::copy(directory.begin(), directory.end(), out.begin() + static_cast<std::ptrdiff_t>(directory_offset));
  return out;
}

std::span<const std::byte> bytes_of(const fb::FlatBufferBuilder& b) {
  return {reinterpret_cast<const std::byte*>(b.GetBufferPointer()), b.GetSize()};
}

constexpr std::uint64_t no_bytes_checksum = 0x2d06800538d394c2u;

// Finishes a directory of these objects without segments.
std::vector<std::byte> finish(fb::FlatBufferBuilder& b, const objects& list) {
  const auto vector = b.CreateVector(list);
  fbs::FinishDirectoryBuffer(b, fbs::CreateDirectory(b, 0, 0, 0, 4096, header_bytes, 0, no_bytes_checksum, vector));
  return file_with(bytes_of(b));
}

// Ascending names of the least length.
std::string name_of(std::size_t i) {
  std::string out(4, ' ');
  for (std::size_t k = 4; k-- > 0; i /= 64)
    out[k] = static_cast<char>('0' + i % 64);
  return out;
}

std::vector<std::byte> many_objects(std::size_t size) {
  fb::FlatBufferBuilder b;
  objects list;
  for (std::size_t i = 0; b.GetSize() + 4 * list.size() + 64 < size; ++i)
    list.push_back(
        fbs::CreateObject(b, b.CreateString(name_of(i)), fbs::Description::Value, fbs::CreateValue(b).Union()));
  return finish(b, list);
}

std::vector<std::byte> one_value_for_all(std::size_t size) {
  fb::FlatBufferBuilder b;
  objects list;
  const auto shared = fbs::CreateValue(b).Union();
  for (std::size_t i = 0; b.GetSize() + 4 * list.size() + 64 < size; ++i)
    list.push_back(fbs::CreateObject(b, b.CreateString(name_of(i)), fbs::Description::Value, shared));
  return finish(b, list);
}

// All objects are one table.
std::vector<std::byte> one_object_many_times(std::size_t size) {
  fb::FlatBufferBuilder b;
  const auto shared = fbs::CreateObject(b, b.CreateString("a"), fbs::Description::Value, fbs::CreateValue(b).Union());
  return finish(b, objects(size / 4, shared));
}

// A forest in which every vector and text is there, each of `length` elements.
fb::Offset<fbs::Forest> full_forest(fb::FlatBufferBuilder& b, std::size_t length) {
  const auto words = b.CreateString(std::string(length, 'x'));
  const auto bytes = b.CreateVector(std::vector<std::uint8_t>(length));
  const auto ints = b.CreateVector(std::vector<std::uint32_t>(length));
  const auto longs = b.CreateVector(std::vector<std::uint64_t>(length));
  const auto signeds = b.CreateVector(std::vector<std::int64_t>(length));
  const auto reals = b.CreateVector(std::vector<double>(length));
  const auto as = [&]<class T>(T) { return fb::Offset<fb::Vector<T>>(bytes.o); };
  fbs::ForestBuilder f(b);
  f.add_library(words);
  f.add_library_version(words);
  f.add_model_class(words);
  f.add_objective(words);
  f.add_column_name_ends(ints);
  f.add_column_name_bytes(bytes);
  f.add_step_ops(as(fbs::StepOp()));
  f.add_slot_columns(ints);
  f.add_slot_kinds(as(fbs::SlotKind()));
  f.add_slot_missing(as(fbs::MissingRule()));
  f.add_slot_cut_ends(longs);
  f.add_category_rules(as(fbs::CategoryRule()));
  f.add_category_known_sets(ints);
  f.add_dictionary_columns(ints);
  f.add_dictionary_ends(ints);
  f.add_dictionary_text_ends(ints);
  f.add_dictionary_text_bytes(bytes);
  f.add_column_type_ends(ints);
  f.add_column_type_bytes(bytes);
  f.add_step_columns(ints);
  f.add_step_a(reals);
  f.add_step_b(reals);
  f.add_iteration_ends(ints);
  f.add_layout_kinds(as(fbs::LayoutKind()));
  f.add_layout_slot_bits(bytes);
  f.add_layout_block_trees(bytes);
  f.add_layout_num_nodes(longs);
  f.add_segment_roles(as(fbs::SegmentRole()));
  f.add_segment_layouts(bytes);
  f.add_attribute_name_ends(ints);
  f.add_attribute_name_bytes(bytes);
  f.add_attribute_types(as(fbs::ElementType()));
  f.add_start(reals);
  f.add_epilogue_ops(as(fbs::EpilogueOp()));
  f.add_epilogue_parameters(reals);
  f.add_epilogue_columns(ints);
  f.add_output_widths(ints);
  f.add_output_num_classes(ints);
  f.add_output_types(as(fbs::ElementType()));
  f.add_label_integers(signeds);
  f.add_label_reals(reals);
  f.add_label_text_ends(ints);
  f.add_label_text_bytes(bytes);
  return f.Finish();
}

// A forest without trees, of as many outputs as there is room for, with an operation of the epilogue on each.
std::vector<std::byte> operation_on_each_output(std::size_t size) {
  fb::FlatBufferBuilder b;
  const std::size_t count = size / 32;
  const auto one = [&](auto value) { return b.CreateVector(std::vector{value}); };
  const auto of_each = [&](auto value) { return b.CreateVector(std::vector(count, value)); };
  const auto column = one(std::uint32_t{0});
  const auto slot_kind = one(fbs::SlotKind::zero);
  const auto missing = one(fbs::MissingRule::left);
  const auto layout = one(fbs::LayoutKind::n8);
  const auto slot_bits = one(std::uint8_t{8});
  const auto block_trees = one(std::uint8_t{8});
  const auto num_nodes = one(std::uint64_t{0});
  const auto start = of_each(0.0);
  const auto parameters = of_each(0.0);
  const auto ops = of_each(fbs::EpilogueOp::add);
  const auto columns = of_each(std::uint32_t{0});
  const auto widths = of_each(std::uint32_t{1});
  const auto num_classes = of_each(std::uint32_t{0});
  const auto types = of_each(fbs::ElementType::float64);
  fbs::ForestBuilder f(b);
  f.add_task(fbs::Task::regression);
  f.add_num_columns(1);
  f.add_slot_columns(column);
  f.add_slot_kinds(slot_kind);
  f.add_slot_missing(missing);
  f.add_layout_kinds(layout);
  f.add_layout_slot_bits(slot_bits);
  f.add_layout_block_trees(block_trees);
  f.add_layout_num_nodes(num_nodes);
  f.add_start(start);
  f.add_epilogue_ops(ops);
  f.add_epilogue_parameters(parameters);
  f.add_epilogue_columns(columns);
  f.add_output_widths(widths);
  f.add_output_num_classes(num_classes);
  f.add_output_types(types);
  const auto forest = f.Finish().Union();
  return finish(b, {fbs::CreateObject(b, b.CreateString("a"), fbs::Description::Forest, forest)});
}

// All objects have the same description, whose fields all are the same few vectors.
std::vector<std::byte> one_forest_for_all(std::size_t size) {
  fb::FlatBufferBuilder b;
  const auto shared = full_forest(b, size / 64).Union();
  objects list;
  for (std::size_t i = 0; b.GetSize() + 4 * list.size() + 64 < size; ++i)
    list.push_back(fbs::CreateObject(b, b.CreateString(name_of(i)), fbs::Description::Forest, shared));
  return finish(b, list);
}

// The same with empty vectors: within the budget, so every description is decoded.
std::vector<std::byte> one_empty_forest_for_all(std::size_t size) {
  fb::FlatBufferBuilder b;
  const auto shared = full_forest(b, 0).Union();
  objects list;
  for (std::size_t i = 0; b.GetSize() + 4 * list.size() + 64 < size; ++i)
    list.push_back(fbs::CreateObject(b, b.CreateString(name_of(i)), fbs::Description::Forest, shared));
  return finish(b, list);
}

std::vector<std::byte> many_forests(std::size_t size) {
  fb::FlatBufferBuilder b;
  objects list;
  for (std::size_t i = 0; b.GetSize() + 4 * list.size() + 500 < size; ++i) {
    const auto forest = full_forest(b, 0).Union();
    list.push_back(fbs::CreateObject(b, b.CreateString(name_of(i)), fbs::Description::Forest, forest));
  }
  return finish(b, list);
}

// Names of the greatest length that differ in their last bytes only, of letters that the check of UTF-8 takes one by
// one.
std::vector<std::byte> long_names(std::size_t size) {
  fb::FlatBufferBuilder b;
  objects list;
  const auto shared = fbs::CreateValue(b).Union();
  std::string start;
  while (start.size() < 1020)
    start += "\xc3\xbc";
  for (std::size_t i = 0; b.GetSize() + 4 * list.size() + 1200 < size; ++i)
    list.push_back(fbs::CreateObject(b, b.CreateString(start + name_of(i)), fbs::Description::Value, shared));
  return finish(b, list);
}

std::vector<std::byte> one_name_for_all(std::size_t size) {
  fb::FlatBufferBuilder b;
  objects list;
  const auto shared = fbs::CreateValue(b).Union();
  const auto name = b.CreateString(std::string(1024, 'a'));
  while (b.GetSize() + 4 * list.size() + 64 < size)
    list.push_back(fbs::CreateObject(b, name, fbs::Description::Value, shared));
  return finish(b, list);
}

// Segments of no bytes, all at one place, owned by `num_owners` objects.
std::vector<std::byte> empty_segments(std::size_t size, std::size_t num_owners) {
  fb::FlatBufferBuilder b;
  const std::size_t count = size / 16 > 100 ? size / 16 - 20 - 3 * num_owners : 1;
  const auto offsets = b.CreateVector(std::vector<std::uint64_t>(count, header_bytes));
  const auto sizes = b.CreateVector(std::vector<std::uint64_t>(count, 0));
  objects list;
  const auto shared = fbs::CreateValue(b).Union();
  for (std::size_t i = 0; i < num_owners; ++i) {
    const std::size_t first = count * i / num_owners;
    const std::size_t last = count * (i + 1) / num_owners;
    list.push_back(fbs::CreateObject(b, b.CreateString(name_of(i)), fbs::Description::Value, shared,
                                     static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last - first)));
  }
  const auto vector = b.CreateVector(list);
  fbs::FinishDirectoryBuffer(
      b, fbs::CreateDirectory(b, 0, offsets, sizes, 4096, header_bytes, 0, no_bytes_checksum, vector));
  return file_with(bytes_of(b));
}

std::vector<std::byte> empty_segments_of_one(std::size_t size) { return empty_segments(size, 1); }
std::vector<std::byte> empty_segments_of_many(std::size_t size) { return empty_segments(size, size / 256 + 1); }

// Every object says that it owns all segments.
std::vector<std::byte> everybody_owns_all(std::size_t size) {
  fb::FlatBufferBuilder b;
  const std::size_t count = size / 64;
  const auto offsets = b.CreateVector(std::vector<std::uint64_t>(count, header_bytes));
  const auto sizes = b.CreateVector(std::vector<std::uint64_t>(count, 0));
  objects list;
  const auto shared = fbs::CreateValue(b).Union();
  for (std::size_t i = 0; b.GetSize() + 4 * list.size() + 64 < size; ++i)
    list.push_back(fbs::CreateObject(b, b.CreateString(name_of(i)), fbs::Description::Value, shared, 0,
                                     static_cast<std::uint32_t>(count)));
  const auto vector = b.CreateVector(list);
  fbs::FinishDirectoryBuffer(
      b, fbs::CreateDirectory(b, 0, offsets, sizes, 4096, header_bytes, 0, no_bytes_checksum, vector));
  return file_with(bytes_of(b));
}

// Segments that say they have 2^62 bytes and more, with digests to match.
std::vector<std::byte> giant_segments(std::size_t size) {
  fb::FlatBufferBuilder b;
  const std::size_t count = size / 16;
  const auto offsets = b.CreateVector(std::vector<std::uint64_t>(count, header_bytes));
  const auto sizes = b.CreateVector(std::vector<std::uint64_t>(count, ~std::uint64_t{0} - 5));
  const auto vector = b.CreateVector(objects());
  fbs::FinishDirectoryBuffer(
      b, fbs::CreateDirectory(b, 0, offsets, sizes, 4096, header_bytes, ~std::uint64_t{0}, no_bytes_checksum, vector));
  return file_with(bytes_of(b));
}

// Descriptions of a kind that is not known, which point anywhere.
std::vector<std::byte> unknown_kinds(std::size_t size) {
  fb::FlatBufferBuilder b;
  objects list;
  const auto shared = fbs::CreateValue(b).Union();
  for (std::size_t i = 0; b.GetSize() + 4 * list.size() + 64 < size; ++i)
    list.push_back(fbs::CreateObject(b, b.CreateString(name_of(i)), static_cast<fbs::Description>(200), shared));
  return finish(b, list);
}

// One array whose shape fills the directory, shared by all objects.
std::vector<std::byte> one_shape_for_all(std::size_t size) {
  fb::FlatBufferBuilder b;
  const auto shape = b.CreateVector(std::vector<std::uint64_t>(size / 16, 1));
  objects list;
  for (std::size_t i = 0; b.GetSize() + 4 * list.size() + 64 < size; ++i)
    list.push_back(
        fbs::CreateObject(b, b.CreateString(name_of(i)), fbs::Description::Array,
                          fbs::CreateArray(b, fbs::ElementType::int8, fbs::Order::row_major, shape).Union()));
  return finish(b, list);
}

// Attributes that fill the directory, shared by all objects.
std::vector<std::byte> one_attribute_for_all(std::size_t size) {
  fb::FlatBufferBuilder b;
  const auto nodes = b.CreateVector(std::vector<std::uint64_t>(size / 16, 1));
  objects list;
  const auto value = fbs::CreateValue(b).Union();
  for (std::size_t i = 0; b.GetSize() + 4 * list.size() + 64 < size; ++i)
    list.push_back(fbs::CreateObject(b, b.CreateString(name_of(i)), fbs::Description::Value, value, 0, 0, 0, nodes));
  return finish(b, list);
}

// A long text of letters that are checked one by one.
std::vector<std::byte> long_producer(std::size_t size) {
  fb::FlatBufferBuilder b;
  std::string text;
  while (text.size() + 128 < size)
    text += "\xf0\x9f\x8c\xb3";
  const auto producer = b.CreateString(text);
  const auto vector = b.CreateVector(objects());
  fbs::FinishDirectoryBuffer(b,
                             fbs::CreateDirectory(b, producer, 0, 0, 4096, header_bytes, 0, no_bytes_checksum, vector));
  return file_with(bytes_of(b));
}

// The buffer that keeps FlatBuffers' Verifier busy under a schema of nested vectors, as a directory.
std::vector<std::byte> killer_of_another_schema(std::size_t size) { return file_with(verifier_killer(size)); }

std::vector<std::byte> noise(std::size_t size) {
  std::mt19937_64 random(size);
  std::vector<std::byte> bytes(size);
  for (std::byte& b : bytes)
    b = static_cast<std::byte>(random());
  return file_with(bytes);
}

} // namespace

std::vector<std::byte> verifier_killer(std::size_t size) {
  fb::FlatBufferBuilder b;
  const auto word = b.CreateString("x");
  const auto words = b.CreateVector(std::vector<fb::Offset<fb::String>>(size / 8, word));
  std::vector<fb::Offset<user::Config>> children;
  while (b.GetSize() + 4 * children.size() + 64 < size) {
    user::ConfigBuilder child(b);
    child.add_words(words);
    children.push_back(child.Finish());
  }
  const auto vector = b.CreateVector(children);
  user::ConfigBuilder root(b);
  root.add_children(vector);
  // The directory's own identifier, so that only what is behind it is refused.
  b.Finish(root.Finish(), fbs::DirectoryIdentifier());
  const auto bytes = bytes_of(b);
  return {bytes.begin(), bytes.end()};
}

const std::vector<hostile_case>& hostile_cases() {
  static const std::vector<hostile_case> all = {
      {"many objects", many_objects},
      {"one value for all objects", one_value_for_all},
      {"one object many times", one_object_many_times},
      {"one forest for all objects", one_forest_for_all},
      {"one empty forest for all objects", one_empty_forest_for_all},
      {"many forests", many_forests},
      {"an operation on each output", operation_on_each_output},
      {"long names", long_names},
      {"one name for all objects", one_name_for_all},
      {"empty segments of one object", empty_segments_of_one},
      {"empty segments of many objects", empty_segments_of_many},
      {"everybody owns all segments", everybody_owns_all},
      {"giant segments", giant_segments},
      {"unknown kinds", unknown_kinds},
      {"one shape for all arrays", one_shape_for_all},
      {"one attribute for all objects", one_attribute_for_all},
      {"long producer", long_producer},
      {"killer of another schema", killer_of_another_schema},
      {"noise", noise},
  };
  return all;
}

} // namespace petrify::test
