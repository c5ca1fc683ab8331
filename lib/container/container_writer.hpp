// Writes a petrify file front to back: segments as they come, the directory last.
#pragma once

#include "base/checksum.hpp"
#include "container/directory.hpp"
#include "container/planned_segment.hpp"
#include "mapping/output_file.hpp"

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace petrify::inline v0 {

// For each object: begin_object, its segments (begin_segment, append..., end_segment), end_object. Then commit.
// Large pieces are digested on a second thread while they are written. Memory does not grow with the segments. An
// exception leaves the writer unusable; the target is untouched.
class container_writer {
public:
  // Throws: what output_file throws.
  explicit container_writer(std::string path);

  // Throws: errc::invalid_argument for a name that is empty, too long, no UTF-8 or taken, and after an object that
  // failed half-way.
  void begin_object(std::string_view name);
  void begin_segment();
  // Throws: errc::io; errc::invalid_argument after an append that failed half-way.
  void append(std::span<const std::byte> bytes);
  void end_segment();
  // begin, append, end.
  void add_segment(std::span<const std::byte> bytes);
  // A segment of that size, to be filled until commit() by whoever; it lives as long as the writer. Instead of begin,
  // append, end. Throws: errc::io; errc::limit_exceeded beyond 1 PiB.
  planned_segment& plan_segment(std::uint64_t size_bytes);
  void end_object(const array_description& description);
  void end_object(const forest_description& description);
  void end_object(const value_description& description);
  void end_object(const record_description& description);

  // Says of an object that was added what directory_builder::set_attributes keeps. Throws: the same;
  // errc::invalid_argument for a name that no object has.
  void set_attributes(std::string_view name, const attribute_description& attributes);

  // Digest table, directory, header; then durable and renamed. Planned segments must be whole.
  // Throws: errc::io, errc::limit_exceeded.
  void commit(durability wanted = durability::synced);
  // The same without the last step: the file is complete, and is given back for whoever puts it in its place.
  output_file& finish();

  const std::string& path() const noexcept { return file_.target(); }
  // Called with the bytes of the current segment that are written, at least once for every 4 MiB.
  void on_progress(std::function<void(std::uint64_t)> progress) { progress_ = std::move(progress); }

private:
  [[noreturn]] void refuse_broken() const;
  void require_whole_objects() const;
  void pad_to(std::uint64_t alignment);
  void emit(std::span<const std::byte> bytes);
  void write(std::span<const std::byte> bytes);
  void digest(std::span<const std::byte> bytes);

  output_file file_;
  std::function<void(std::uint64_t)> progress_;
  directory_builder directory_;
  std::set<std::string> names_; // no hash table: names may come from a hostile file
  std::string name_;
  bool in_object_ = false;
  bool broken_ = false; // an append of the object failed half-way
  std::uint32_t first_segment_ = 0;
  std::vector<extent> segments_;
  std::vector<std::uint64_t> digests_;
  struct planned {
    std::size_t first_digest;
    std::unique_ptr<planned_segment> segment;
  };
  std::vector<planned> planned_;
  checksum_stream digest_;
  std::uint64_t in_chunk_ = 0;
  // The start of a segment waits here until its size decides its alignment.
  std::vector<std::byte> head_;
  bool placed_ = false;
};

} // namespace petrify::inline v0
