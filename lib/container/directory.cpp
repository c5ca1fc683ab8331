#include "container/directory.hpp"

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/opening.hpp"
#include "base/utf8.hpp"

#include "directory_generated.h"

#include <algorithm>
#include <bit>

namespace petrify::inline v0 {

namespace fb = flatbuffers;

namespace {

// FlatBuffers' Verifier knows the bounds of vectors but only 4-byte alignment, and lets many fields share the same
// bytes. This takes vectors out of a verified directory: it checks the alignment, and keeps what is handed out
// together below the directory's size, so that whoever walks it does linear work.
class vector_source {
public:
  vector_source(std::string_view object, std::uint64_t budget) : object_(object), budget_(budget) {}

  // Whose vectors are taken from now on, for messages.
  void enter(std::string_view object) { object_ = object; }

  // T: what the rooms see; Stored: what flatc made of the schema, of the same size.
  template <class T, class Stored>
  std::span<const T> take(const fb::Vector<Stored>* vector, const char* field) {
    static_assert(sizeof(T) == sizeof(Stored));
    if (vector == nullptr)
      return {};
    const auto* data = vector->Data();
    spend(std::uint64_t{vector->size()} * sizeof(T), field);
    if (reinterpret_cast<std::uintptr_t>(data) % alignof(T) != 0)
      fail(errc::malformed, place(), field, " is not aligned to ", alignof(T), " bytes");
    return {reinterpret_cast<const T*>(data), vector->size()};
  }

  PETRIFY_OPENING std::string_view take(const fb::String* string, const char* field) {
    if (string == nullptr)
      return {};
    spend(string->size(), field);
    const std::string_view view(string->c_str(), string->size());
    if (!is_utf8(view))
      fail(errc::malformed, place(), field, " is not valid UTF-8: ", quoted(view));
    return view;
  }

  text_list_description take(const fb::Vector<std::uint32_t>* ends, const fb::Vector<std::uint8_t>* bytes,
                             const char* field) {
    const auto text = take<char>(bytes, field);
    return {take<std::uint32_t>(ends, field), {text.data(), text.size()}};
  }

private:
  std::string place() const { return object_.empty() ? "directory" : text("object ", quoted(object_)); }

  void spend(std::uint64_t size, const char* field) {
    if (size > budget_)
      fail(errc::malformed, place(), field, " claims ", size, " bytes where ", budget_,
           " are left in the directory: vectors share bytes");
    budget_ -= size;
  }

  std::string_view object_;
  std::uint64_t budget_;
};

const fbs::Directory* root_of(const std::byte* bytes) { return fbs::GetDirectory(bytes); }

object_kind kind_of(fbs::Description type) {
  switch (type) {
  case fbs::Description::Array: return object_kind::array;
  case fbs::Description::Forest: return object_kind::forest;
  case fbs::Description::Value: return object_kind::value;
  case fbs::Description::Record: return object_kind::record;
  default: return object_kind::unknown;
  }
}

// Segments and digest table fill the bytes between header and directory, each at the first place its alignment
// allows: so no byte is unexplained and nothing overlaps.
PETRIFY_OPENING void check_places(std::span<const std::uint64_t> offsets, std::span<const std::uint64_t> sizes,
                                  std::uint64_t large_alignment, extent digests, std::uint64_t claimed_digests,
                                  std::uint64_t directory_offset) {
  if (!std::has_single_bit(large_alignment) || large_alignment < large_segment_alignment ||
      large_alignment > max_large_segment_alignment)
    fail(errc::malformed, "directory", "large segments aligned to ", large_alignment, ", expected a power of two from ",
         large_segment_alignment, " to ", max_large_segment_alignment);
  std::uint64_t end = header_bytes;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::uint64_t expected = align_up(end, alignment_of_segment(sizes[i], large_alignment));
    if (offsets[i] != expected || !in_range(expected, sizes[i], directory_offset))
      fail(errc::malformed, text("directory: segment ", i), "bytes ", offsets[i], " + ", sizes[i],
           ", expected it at byte ", expected, " and to end before the directory at ", directory_offset);
    end = offsets[i] + sizes[i];
  }
  const std::uint64_t count = num_digests(sizes);
  const std::uint64_t expected = align_up(end, segment_alignment);
  if (claimed_digests != count || digests.offset != expected || !in_range(expected, digests.size, directory_offset) ||
      align_up(expected + digests.size, segment_alignment) != directory_offset)
    fail(errc::malformed, "directory: digest table", claimed_digests, " digests at byte ", digests.offset,
         ", expected ", count, " at byte ", expected, " and the directory right behind them, not at ",
         directory_offset);
}

PETRIFY_OPENING void check_object(const object_entry& object, std::string_view previous, std::vector<bool>& owned) {
  const std::string_view name = object.name;
  if (name.empty() || name.size() > max_name_bytes)
    fail(errc::malformed, "directory", "object name of ", name.size(), " bytes, expected 1 to ", max_name_bytes);
  if (!is_utf8(name))
    fail(errc::malformed, "directory", "object name ", quoted(name), " is not valid UTF-8");
  if (!previous.empty() && !(previous < name))
    fail(errc::malformed, "directory", "object ", quoted(name), " comes after ", quoted(previous),
         ", expected names in ascending order, each once");
  if (!in_range(object.first_segment, object.num_segments, owned.size()))
    fail(errc::malformed, text("object ", quoted(name)), "segments ", object.first_segment, " + ", object.num_segments,
         " are past the file's ", owned.size());
  for (std::uint32_t i = 0; i < object.num_segments; ++i) {
    if (owned[object.first_segment + i])
      fail(errc::malformed, text("object ", quoted(name)), "segment ", object.first_segment + i,
           " belongs to another object too");
    owned[object.first_segment + i] = true;
  }
}

const fbs::Object& stored_object(const std::byte* bytes, std::size_t index) {
  return *root_of(bytes)->objects()->Get(static_cast<fb::uoffset_t>(index));
}

array_description read_array(const fbs::Array& stored, vector_source& source) {
  return {static_cast<dtype>(stored.element_type()), static_cast<axis_order>(stored.order()),
          source.take<std::uint64_t>(stored.shape(), "shape"), stored.item_size()};
}

forest_description read_forest(const fbs::Forest& f, vector_source& source) {
  forest_description d;
  d.library = source.take(f.library(), "library");
  d.library_version = source.take(f.library_version(), "library_version");
  d.model_class = source.take(f.model_class(), "model_class");
  d.objective = source.take(f.objective(), "objective");
  d.task = static_cast<task_kind>(f.task());

  d.num_columns = f.num_columns();
  d.column_names = source.take(f.column_name_ends(), f.column_name_bytes(), "column_names");
  d.column_types = source.take(f.column_type_ends(), f.column_type_bytes(), "column_types");
  d.step_ops = source.take<step_op>(f.step_ops(), "step_ops");
  d.step_columns = source.take<std::uint32_t>(f.step_columns(), "step_columns");
  d.step_a = source.take<double>(f.step_a(), "step_a");
  d.step_b = source.take<double>(f.step_b(), "step_b");
  d.slot_columns = source.take<std::uint32_t>(f.slot_columns(), "slot_columns");
  d.slot_kinds = source.take<slot_kind>(f.slot_kinds(), "slot_kinds");
  d.slot_missing = source.take<missing_rule>(f.slot_missing(), "slot_missing");
  d.slot_cut_ends = source.take<std::uint64_t>(f.slot_cut_ends(), "slot_cut_ends");

  d.category_rules = source.take<category_rule>(f.category_rules(), "category_rules");
  d.category_known_sets = source.take<std::uint32_t>(f.category_known_sets(), "category_known_sets");
  d.dictionary_columns = source.take<std::uint32_t>(f.dictionary_columns(), "dictionary_columns");
  d.dictionary_ends = source.take<std::uint32_t>(f.dictionary_ends(), "dictionary_ends");
  d.dictionary_texts = source.take(f.dictionary_text_ends(), f.dictionary_text_bytes(), "dictionary_texts");

  d.num_trees = f.num_trees();
  d.iteration_ends = source.take<std::uint32_t>(f.iteration_ends(), "iteration_ends");
  d.best_iteration = f.best_iteration();

  d.layout_kinds = source.take<layout_kind>(f.layout_kinds(), "layout_kinds");
  d.layout_slot_bits = source.take<std::uint8_t>(f.layout_slot_bits(), "layout_slot_bits");
  d.layout_block_trees = source.take<std::uint8_t>(f.layout_block_trees(), "layout_block_trees");
  d.layout_num_nodes = source.take<std::uint64_t>(f.layout_num_nodes(), "layout_num_nodes");
  d.dense_levels = f.dense_levels();
  d.segment_roles = source.take<segment_role>(f.segment_roles(), "segment_roles");
  d.segment_layouts = source.take<std::uint8_t>(f.segment_layouts(), "segment_layouts");
  d.attribute_names = source.take(f.attribute_name_ends(), f.attribute_name_bytes(), "attribute_names");
  d.attribute_types = source.take<dtype>(f.attribute_types(), "attribute_types");

  d.leaves = static_cast<leaf_form>(f.leaf_form());
  d.leaf_type = static_cast<dtype>(f.leaf_type());
  d.leaf_width = f.leaf_width();
  d.leaf_ids = static_cast<leaf_id_rule>(f.leaf_ids());

  d.sum = static_cast<sum_kind>(f.sum_kind());
  d.accumulator = static_cast<dtype>(f.accumulator());
  d.start = source.take<double>(f.start(), "start");

  d.epilogue_ops = source.take<epilogue_op>(f.epilogue_ops(), "epilogue_ops");
  d.epilogue_parameters = source.take<double>(f.epilogue_parameters(), "epilogue_parameters");
  d.epilogue_columns = source.take<std::uint32_t>(f.epilogue_columns(), "epilogue_columns");
  d.num_raw_ops = f.num_raw_ops();

  d.output_widths = source.take<std::uint32_t>(f.output_widths(), "output_widths");
  d.output_num_classes = source.take<std::uint32_t>(f.output_num_classes(), "output_num_classes");
  d.output_types = source.take<dtype>(f.output_types(), "output_types");
  d.label_integers = source.take<std::int64_t>(f.label_integers(), "label_integers");
  d.label_reals = source.take<double>(f.label_reals(), "label_reals");
  d.label_texts = source.take(f.label_text_ends(), f.label_text_bytes(), "label_texts");
  d.decision = static_cast<decision_rule>(f.decision());
  d.cut = f.cut();
  d.cut_tie_is_upper = f.cut_tie_is_upper();
  d.golden_type = static_cast<dtype>(f.golden_type());
  d.layout_notes = source.take(f.layout_note_ends(), f.layout_note_bytes(), "layout_notes");
  return d;
}

attribute_description read_attributes(const fbs::Object& stored, vector_source& source) {
  return {source.take<std::uint64_t>(stored.attribute_nodes(), "attribute_nodes"),
          source.take<std::byte>(stored.attribute_bytes(), "attribute_bytes")};
}

} // namespace

const char* to_string(object_kind kind) noexcept {
  switch (kind) {
  case object_kind::array: return "array";
  case object_kind::forest: return "forest";
  case object_kind::value: return "value";
  case object_kind::record: return "record";
  case object_kind::unknown: break;
  }
  return "unknown";
}

std::uint64_t num_digests(std::span<const std::uint64_t> segment_sizes) noexcept {
  std::uint64_t count = 0;
  for (const std::uint64_t size : segment_sizes)
    count += size / digest_chunk_bytes + (size % digest_chunk_bytes != 0);
  return count;
}

PETRIFY_OPENING directory::directory(std::unique_ptr<std::byte[]> bytes, extent at, const limits& bounds)
    : bytes_(std::move(bytes)), size_(at.size) {
  // An honest object has two tables and takes more than 32 bytes; nothing is nested deeper than four levels.
  const auto max_tables = static_cast<fb::uoffset_t>(16 + size_ / 16);
  fb::Verifier verifier(reinterpret_cast<const std::uint8_t*>(bytes_.get()), size_, 8, max_tables);
  if (!fbs::VerifyDirectoryBuffer(verifier))
    fail(errc::malformed, "directory", "the ", size_, " bytes at ", at.offset,
         " are no valid FlatBuffer with identifier \"", fbs::DirectoryIdentifier(), "\"");
  const fbs::Directory& root = *root_of(bytes_.get());
  vector_source source({}, size_);
  producer_ = source.take(root.producer(), "producer");
  offsets_ = source.take<std::uint64_t>(root.segment_offsets(), "segment_offsets");
  sizes_ = source.take<std::uint64_t>(root.segment_sizes(), "segment_sizes");
  if (offsets_.size() != sizes_.size())
    fail(errc::malformed, "directory", offsets_.size(), " segment offsets and ", sizes_.size(),
         " segment sizes, expected as many of each");
  const auto digests_size = checked_mul(root.num_digests(), sizeof(std::uint64_t));
  digest_table_ = {root.digests_offset(), digests_size.value_or(max_size)};
  digests_checksum_ = root.digests_checksum();
  check_places(offsets_, sizes_, root.large_alignment(), digest_table_, root.num_digests(), at.offset);

  const auto* list = root.objects();
  const std::size_t count = list == nullptr ? 0 : list->size();
  if (count > bounds.max_objects)
    fail(errc::limit_exceeded, "directory", count, " objects, expected at most ", bounds.max_objects);
  objects_.reserve(count);
  std::vector<bool> owned(offsets_.size());
  std::uint64_t num_owned = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const fbs::Object& stored = *list->Get(static_cast<fb::uoffset_t>(i));
    const bool is_known = stored.description() != nullptr && stored.required_features() == 0;
    const object_entry object{source.take(stored.name(), "an object's name"),
                              is_known ? kind_of(stored.description_type()) : object_kind::unknown,
                              stored.first_segment(), stored.num_segments()};
    check_object(object, i == 0 ? std::string_view() : objects_.back().name, owned);
    num_owned += object.num_segments;
    objects_.push_back(object);
    // All descriptions together must fit the directory too, or a small file could make its readers decode the same
    // large description a thousand times.
    source.enter(object.name);
    if (object.kind == object_kind::array)
      read_array(*stored.description_as_Array(), source);
    if (object.kind == object_kind::forest)
      read_forest(*stored.description_as_Forest(), source);
    read_attributes(stored, source);
    source.enter({});
  }
  if (num_owned != owned.size())
    fail(errc::malformed, "directory", "objects own ", num_owned, " segments, expected all ", owned.size());
}

PETRIFY_OPENING std::optional<std::size_t> directory::find(std::string_view name) const noexcept {
  const auto found =
      std::lower_bound(objects_.begin(), objects_.end(), name,
                       [](const object_entry& object, std::string_view key) { return object.name < key; });
  if (found == objects_.end() || found->name != name)
    return std::nullopt;
  return static_cast<std::size_t>(found - objects_.begin());
}

PETRIFY_OPENING array_description directory::describe_array(std::size_t index) const {
  vector_source source(objects_[index].name, size_);
  return read_array(*stored_object(bytes_.get(), index).description_as_Array(), source);
}

forest_description directory::describe_forest(std::size_t index) const {
  vector_source source(objects_[index].name, size_);
  return read_forest(*stored_object(bytes_.get(), index).description_as_Forest(), source);
}

attribute_description directory::describe_attributes(std::size_t index) const {
  vector_source source(objects_[index].name, size_);
  return read_attributes(stored_object(bytes_.get(), index), source);
}

} // namespace petrify::inline v0
