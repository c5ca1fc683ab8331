// The directory of a file: FlatBuffers in, plain structs out, and back. Nothing else in petrify sees FlatBuffers.
#pragma once

#include "container/description.hpp"

#include <petrify/limits.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::inline v0 {

enum class object_kind : std::uint8_t { unknown, array, forest, value, record };
const char* to_string(object_kind kind) noexcept;

struct object_entry {
  std::string_view name;
  object_kind kind = object_kind::unknown;
  std::uint32_t first_segment = 0;
  std::uint32_t num_segments = 0;
};

// A place in the file.
struct extent {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// A checked directory in private memory.
//
// Checked when it is made: FlatBuffers' own rules, the alignment of every vector this class hands out, names, order
// and ownership of segments, and that segments, digest table and directory fill the file without a hole or overlap.
// What an object's description says is checked by its own room. Cost: linear in the directory's size for any input.
class directory {
public:
  // `bytes` are at least 8-byte aligned and are kept. `at` is their place in the file.
  // Throws: errc::malformed, errc::limit_exceeded.
  directory(std::unique_ptr<std::byte[]> bytes, extent at, const limits& bounds);

  std::string_view producer() const noexcept { return producer_; }

  std::size_t num_segments() const noexcept { return offsets_.size(); }
  extent segment(std::size_t index) const noexcept { return {offsets_[index], sizes_[index]}; }
  extent digest_table() const noexcept { return digest_table_; }
  std::uint64_t digests_checksum() const noexcept { return digests_checksum_; }

  // Ascending by name.
  const std::vector<object_entry>& objects() const noexcept { return objects_; }
  // Cost: binary search.
  std::optional<std::size_t> find(std::string_view name) const noexcept;

  // The description of object `index`, which must be of that kind. Texts and spans borrow from this directory.
  // Throws: errc::malformed when the vectors together claim more bytes than the directory has, or are misaligned.
  array_description describe_array(std::size_t index) const;
  forest_description describe_forest(std::size_t index) const;
  // What is said beside the description of object `index`, whatever its kind.
  attribute_description describe_attributes(std::size_t index) const;

private:
  std::unique_ptr<std::byte[]> bytes_;
  std::uint64_t size_ = 0;
  std::string_view producer_;
  std::span<const std::uint64_t> offsets_;
  std::span<const std::uint64_t> sizes_;
  extent digest_table_;
  std::uint64_t digests_checksum_ = 0;
  std::vector<object_entry> objects_;
};

// Number of digests that segments of these sizes have.
std::uint64_t num_digests(std::span<const std::uint64_t> segment_sizes) noexcept;

// Builds the bytes of a directory. Objects may come in any order.
class directory_builder {
public:
  directory_builder();
  ~directory_builder();

  void add_array(std::string_view name, std::uint32_t first_segment, const array_description& description);
  void add_forest(std::string_view name, std::uint32_t first_segment, const forest_description& description);
  void add_value(std::string_view name, std::uint32_t first_segment);
  void add_record(std::string_view name, std::uint32_t first_segment);
  // Attributes of an object that is or will be added; they are copied, and written if there are any. Throws:
  // errc::invalid_argument where the name has attributes already; errc::limit_exceeded for a directory beyond 64 MiB.
  void set_attributes(std::string_view name, const attribute_description& attributes);

  // Objects own consecutive segments, the last one up to the end. Throws: errc::limit_exceeded beyond 64 MiB.
  std::vector<std::byte> finish(std::span<const extent> segments, extent digest_table, std::uint64_t digests_checksum);

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace petrify::inline v0
