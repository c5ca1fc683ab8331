// Every byte of an open file against its digests, on as many threads as there are.
#include "container/container.hpp"

#include "base/checked.hpp"
#include "base/checksum.hpp"
#include "base/fail.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <utility>

namespace petrify::inline v0 {

namespace {

// What a thread takes at a time: some tenths of a millisecond, so that taking it costs nothing beside it, and at the
// end no thread waits long for another.
constexpr std::uint64_t piece_bytes = 4 * digest_chunk_bytes;
// What a gap and a digest cost at least, in bytes that could be read meanwhile: a million empty segments are some work.
constexpr std::uint64_t least_bytes = 64;

// The bytes that one digest covers, and the gap before them, which may be empty; so may they.
struct stretch {
  std::uint64_t gap;
  std::uint64_t begin;
  std::uint64_t end;
  std::size_t segment;
  std::size_t digest;
};

// From the header to the end of the last segment, a stretch at a time.
class stretches {
public:
  explicit stretches(const directory& of) noexcept : directory_(&of) {}

  bool are_left() const noexcept { return segment_ != directory_->num_segments(); }
  std::uint64_t position() const noexcept { return position_; }
  stretch next() noexcept {
    const extent place = directory_->segment(segment_);
    const std::uint64_t begin = place.offset + in_segment_;
    const std::uint64_t size = std::min(digest_chunk_bytes, place.size - in_segment_);
    const stretch out{position_, begin, begin + size, segment_, digest_};
    position_ = out.end;
    in_segment_ += size;
    digest_ += size == 0 ? 0 : 1;
    if (in_segment_ == place.size) {
      ++segment_;
      in_segment_ = 0;
    }
    return out;
  }

private:
  const directory* directory_;
  std::uint64_t position_ = header_bytes;
  std::size_t segment_ = 0;
  std::uint64_t in_segment_ = 0;
  std::size_t digest_ = 0;
};

std::uint64_t end_of_segments(const directory& of) noexcept {
  if (of.num_segments() == 0)
    return header_bytes;
  const extent last = of.segment(of.num_segments() - 1);
  return last.offset + last.size;
}

// A wrong digest, or a byte of a gap that is not zero: then begin is its place, and end too.
struct found_fault {
  std::uint64_t begin;
  std::uint64_t end;
  std::size_t segment;
  std::uint64_t stored;
  std::uint64_t computed; // of a gap the byte
};

class file_check {
public:
  file_check(std::span<const std::byte> file, const directory& contents,
             const std::function<void(std::uint64_t, std::uint64_t)>& progress)
      : file_(file), digests_(file.subspan(contents.digest_table().offset, contents.digest_table().size)),
        progress_(progress), left_(contents),
        // Header, digest table and directory were looked at before.
        done_(file.size() - (end_of_segments(contents) - header_bytes)) {}

  void run(executor& on) {
    const std::uint64_t most = file_.size() / piece_bytes + 1;
    const auto num_tasks = static_cast<std::size_t>(std::min<std::uint64_t>(std::max(on.concurrency(), 1u), most));
    const auto work = [this](std::size_t) { take_pieces(); };
    if (num_tasks == 1)
      work(0);
    else
      on.run(num_tasks, work);
    if (failure_)
      std::rethrow_exception(failure_);
  }

  void check_gap(std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t at = begin; at < end; ++at)
      if (const auto byte = std::to_integer<std::uint64_t>(file_[at]); byte != 0)
        return report({at, at, 0, 0, byte});
  }

  // In the order of their places, whichever thread found them when.
  void append_to(std::vector<error>& faults, const std::string& path) {
    std::sort(faults_.begin(), faults_.end(),
              [](const found_fault& a, const found_fault& b) { return a.begin < b.begin; });
    for (const found_fault& one : faults_)
      if (one.begin == one.end)
        faults.emplace_back(errc::corrupt, path, text("byte ", one.begin),
                            text("padding is ", one.computed, ", expected 0"));
      else
        faults.emplace_back(errc::corrupt, path, text("segment ", one.segment, " bytes ", one.begin, " to ", one.end),
                            text("checksum ", one.stored, " stored, but the bytes give ", one.computed));
  }

private:
  void take_pieces() noexcept {
    try {
      while (!stops_.load(std::memory_order_relaxed)) {
        auto [at, count] = take_piece();
        if (count == 0)
          return;
        const std::uint64_t begin = at.position();
        for (; count != 0; --count)
          check(at.next());
        tell(at.position() - begin);
      }
    } catch (...) {
      // No memory for a fault, or what the caller's progress threw: for the thread that called.
      const std::lock_guard lock(found_mutex_);
      if (!failure_)
        failure_ = std::current_exception();
      stops_.store(true, std::memory_order_relaxed);
    }
  }

  // Where it begins, and how many stretches it has; none when all are taken.
  std::pair<stretches, std::size_t> take_piece() noexcept {
    const std::lock_guard lock(left_mutex_);
    const stretches begin = left_;
    std::size_t count = 0;
    for (std::uint64_t cost = 0; cost < piece_bytes && left_.are_left(); ++count) {
      const stretch one = left_.next();
      cost += one.end - one.gap + least_bytes;
    }
    return {begin, count};
  }

  void check(const stretch& one) {
    check_gap(one.gap, one.begin);
    if (one.begin == one.end)
      return;
    std::uint64_t stored;
    std::memcpy(&stored, digests_.data() + one.digest * sizeof stored, sizeof stored);
    if (const std::uint64_t computed = checksum(file_.subspan(one.begin, one.end - one.begin)); computed != stored)
      report({one.begin, one.end, one.segment, stored, computed});
  }

  void report(const found_fault& one) {
    const std::lock_guard lock(found_mutex_);
    faults_.push_back(one);
  }

  void tell(std::uint64_t bytes) {
    if (!progress_)
      return;
    const std::lock_guard lock(progress_mutex_);
    done_ += bytes;
    progress_(done_, file_.size());
  }

  const std::span<const std::byte> file_;
  const std::span<const std::byte> digests_;
  const std::function<void(std::uint64_t, std::uint64_t)>& progress_;

  std::mutex left_mutex_;
  stretches left_;

  std::mutex found_mutex_;
  std::vector<found_fault> faults_;
  std::exception_ptr failure_;
  std::atomic<bool> stops_{false};

  std::mutex progress_mutex_;
  std::uint64_t done_;
};

} // namespace

void container::verify(std::vector<error>& faults, executor& on,
                       const std::function<void(std::uint64_t, std::uint64_t)>& progress) const {
  const auto file = mapping_.bytes();
  const extent table = directory_.digest_table();
  if (const std::uint64_t computed = checksum(file.subspan(table.offset, table.size));
      computed != directory_.digests_checksum())
    faults.emplace_back(errc::corrupt, path_, "digest table",
                        text("checksum ", directory_.digests_checksum(), " stored, but the bytes give ", computed));
  file_check all(file, directory_, progress);
  all.run(on);
  all.check_gap(end_of_segments(directory_), table.offset);
  // The directory ends the file.
  all.check_gap(table.offset + table.size, align_up(table.offset + table.size, segment_alignment));
  all.append_to(faults, path_);
}

} // namespace petrify::inline v0
