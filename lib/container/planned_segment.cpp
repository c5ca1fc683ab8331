#include "container/planned_segment.hpp"

#include "base/checksum.hpp"
#include "container/format.hpp"

#include <algorithm>
#include <iterator>
#include <memory>

namespace petrify::inline v0 {

namespace {

// Writes end at multiples of this in the file, so that the page cache gets large pages; and the digests find in the
// processor's cache what has just been written.
constexpr std::uint64_t piece_bytes = std::uint64_t{4} << 20;

} // namespace

planned_segment::planned_segment(output_file& file, extent place)
    : file_(file), place_(place), digests_((place.size + digest_chunk_bytes - 1) / digest_chunk_bytes),
      written_(digests_.size()) {}

std::uint64_t planned_segment::chunk_size(std::uint64_t chunk) const noexcept {
  return std::min(digest_chunk_bytes, place_.size - chunk * digest_chunk_bytes);
}

std::optional<std::uint64_t> planned_segment::take(std::uint64_t begin, std::uint64_t end) {
  if (begin == end)
    return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto after = taken_.lower_bound(begin);
  const auto before = after == taken_.begin() ? taken_.end() : std::prev(after);
  if (before != taken_.end() && before->second > begin)
    return begin;
  if (after != taken_.end() && after->first < end)
    return after->first;
  // Ranges that touch become one.
  const bool joins_after = after != taken_.end() && after->first == end;
  const std::uint64_t new_end = joins_after ? after->second : end;
  if (before != taken_.end() && before->second == begin)
    before->second = new_end;
  else
    taken_.emplace_hint(after, begin, new_end);
  if (joins_after)
    taken_.erase(after);
  return std::nullopt;
}

void planned_segment::fill(std::uint64_t begin, std::span<const std::byte> bytes) {
  try {
    write_and_digest(begin, bytes);
  } catch (...) {
    has_failed_ = true; // what is taken is not all there
    throw;
  }
}

void planned_segment::write_and_digest(std::uint64_t begin, std::span<const std::byte> bytes) {
  std::uint64_t digested = 0;
  for (std::uint64_t done = 0; done < bytes.size();) {
    const std::uint64_t at = place_.offset + begin + done;
    const std::uint64_t length = std::min<std::uint64_t>(bytes.size() - done, piece_bytes - at % piece_bytes);
    file_.write_reserved(at, bytes.subspan(done, length));
    done += length;
    // Whole chunks, and at the end what is left of the last one.
    while (digested < done) {
      const std::uint64_t inside = (begin + digested) % digest_chunk_bytes;
      const std::uint64_t part = std::min<std::uint64_t>(bytes.size() - digested, digest_chunk_bytes - inside);
      if (digested + part > done)
        break;
      digest(begin + digested, bytes.subspan(digested, part));
      digested += part;
    }
  }
}

// `part`, at `begin` of the segment, lies in one chunk and is in the file.
void planned_segment::digest(std::uint64_t begin, std::span<const std::byte> part) {
  const std::uint64_t chunk = begin / digest_chunk_bytes;
  const std::uint64_t size = chunk_size(chunk);
  if (part.size() == size) {
    digests_[chunk] = checksum(part);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    written_[chunk] += static_cast<std::uint32_t>(part.size());
    if (written_[chunk] != size)
      return;
  }
  const auto whole = std::make_unique_for_overwrite<std::byte[]>(size);
  const std::span<std::byte> read(whole.get(), size);
  file_.read_reserved(place_.offset + chunk * digest_chunk_bytes, read);
  digests_[chunk] = checksum(read);
}

std::optional<extent> planned_segment::first_gap() const {
  std::uint64_t end = 0;
  for (const auto& [from, to] : taken_) {
    if (from != end)
      return extent{end, from - end};
    end = to;
  }
  return end == place_.size ? std::nullopt : std::optional(extent{end, place_.size - end});
}

} // namespace petrify::inline v0
