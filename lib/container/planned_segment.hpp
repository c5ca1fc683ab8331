// A segment whose size is known before its bytes are: several threads fill its place in the file.
#pragma once

#include "container/directory.hpp"
#include "mapping/output_file.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace petrify::inline v0 {

// Each byte is written once, by whoever has it. Digests are taken from the bytes as they come; of a chunk that comes
// in pieces, from what the file holds when the last one has been written. Memory: 12 bytes a MiB of the segment, and
// 64 bytes a gap.
class planned_segment {
public:
  // `place` is reserved room of `file`, which must outlive it.
  planned_segment(output_file& file, extent place);

  std::uint64_t size_bytes() const noexcept { return place_.size; }

  // Takes bytes [begin, end), which must lie in the segment, for a write. Returns the first of them that another write
  // has taken; then nothing is taken. Thread safety: any number of threads at once, as for fill.
  std::optional<std::uint64_t> take(std::uint64_t begin, std::uint64_t end);
  // Writes bytes that were taken. Throws: errc::io, std::bad_alloc; the segment has failed then.
  void fill(std::uint64_t begin, std::span<const std::byte> bytes);

  // Whether a fill has thrown: the segment will never be whole.
  bool has_failed() const noexcept { return has_failed_; }
  // The first bytes that nobody has taken; nullopt when the segment is whole. Not while a fill is going on.
  std::optional<extent> first_gap() const;
  // One for each started chunk. The segment must be whole.
  std::span<const std::uint64_t> digests() const noexcept { return digests_; }

private:
  void write_and_digest(std::uint64_t begin, std::span<const std::byte> bytes);
  void digest(std::uint64_t begin, std::span<const std::byte> part);
  std::uint64_t chunk_size(std::uint64_t chunk) const noexcept;

  output_file& file_;
  extent place_;
  std::atomic<bool> has_failed_ = false;
  std::mutex mutex_;
  std::map<std::uint64_t, std::uint64_t> taken_; // ranges that are written or being written: begin to end
  std::vector<std::uint64_t> digests_;
  std::vector<std::uint32_t> written_; // bytes of each chunk that have come in parts
};

} // namespace petrify::inline v0
