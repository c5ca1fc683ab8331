#include "container/container_writer.hpp"

#include "base/blocked_signals.hpp"
#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/utf8.hpp"
#include "container/header.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <thread>

namespace petrify::inline v0 {

namespace {

// Writes end at multiples of this in the file: the page cache keeps writes of this kind in large pages.
constexpr std::uint64_t piece_bytes = std::uint64_t{4} << 20;
// From here on digests are worth waking a thread for, which takes some 50 us.
constexpr std::size_t side_by_side_bytes = std::size_t{4} << 20;

constexpr std::uint64_t max_planned_bytes = std::uint64_t{1} << 50;

// Work that cannot fail, done on another thread while this object lives; on this one where there is no other.
class beside {
public:
  template <class Work>
  explicit beside(Work work) {
    {
      const blocked_signals blocked;
      try {
        thread_ = std::thread(work);
      } catch (const std::exception&) { // of the system's: it has no thread to give
      }
    }
    if (!thread_.joinable())
      work();
  }
  beside(const beside&) = delete;
  beside& operator=(const beside&) = delete;
  ~beside() {
    if (thread_.joinable())
      thread_.join();
  }

private:
  std::thread thread_;
};

} // namespace

container_writer::container_writer(std::string path) : file_(std::move(path)) {
  // The header's place is taken now and filled at commit.
  file_.append(std::array<std::byte, header_bytes>{});
}

void container_writer::begin_object(std::string_view name) {
  const auto refuse = [&](const auto&... why) {
    throw error(errc::invalid_argument, path(), text("object ", quoted(name)), text(why...));
  };
  require_whole_objects();
  if (name.empty() || name.size() > max_name_bytes)
    refuse("name of ", name.size(), " bytes, expected 1 to ", max_name_bytes);
  if (!is_utf8(name))
    refuse("name is not valid UTF-8");
  if (!names_.emplace(name).second)
    refuse("name is taken already, expected each name once");
  name_ = name;
  in_object_ = true;
  first_segment_ = static_cast<std::uint32_t>(segments_.size());
}

void container_writer::pad_to(std::uint64_t alignment) {
  static constexpr std::array<std::byte, large_segment_alignment> zeros{};
  const std::uint64_t at = file_.size_bytes();
  file_.append(std::span(zeros).first(align_up(at, alignment) - at));
}

void container_writer::begin_segment() {
  head_.clear();
  placed_ = false;
  in_chunk_ = 0;
}

void container_writer::append(std::span<const std::byte> bytes) {
  if (broken_)
    refuse_broken();
  if (!placed_) {
    if (head_.size() + bytes.size() < large_segment_bytes) {
      head_.insert(head_.end(), bytes.begin(), bytes.end());
      return;
    }
    pad_to(large_segment_alignment);
    segments_.push_back({file_.size_bytes(), 0});
    placed_ = true;
    emit(head_);
  }
  emit(bytes);
}

void container_writer::emit(std::span<const std::byte> bytes) {
  // Until it returns: an append that failed half-way has bytes in the file that no digest covers.
  broken_ = true;
  // What digest() appends, so that it cannot fail on a thread of its own.
  const std::size_t digests = digests_.size() + bytes.size() / digest_chunk_bytes + 1;
  if (digests > digests_.capacity())
    digests_.reserve(std::max(digests, 2 * digests_.capacity()));
  if (bytes.size() < side_by_side_bytes) {
    write(bytes);
    digest(bytes);
  } else {
    const beside digesting([&] { digest(bytes); });
    write(bytes);
  }
  broken_ = false;
}

void container_writer::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto piece =
        bytes.first(std::min<std::uint64_t>(bytes.size(), piece_bytes - file_.size_bytes() % piece_bytes));
    file_.append(piece);
    segments_.back().size += piece.size();
    bytes = bytes.subspan(piece.size());
    if (progress_)
      progress_(segments_.back().size);
  }
}

void container_writer::digest(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min<std::uint64_t>(bytes.size(), digest_chunk_bytes - in_chunk_));
    digest_.append(part);
    in_chunk_ += part.size();
    bytes = bytes.subspan(part.size());
    if (in_chunk_ == digest_chunk_bytes) {
      digests_.push_back(digest_.finish());
      in_chunk_ = 0;
    }
  }
}

void container_writer::end_segment() {
  if (broken_)
    refuse_broken();
  if (!placed_) {
    pad_to(segment_alignment);
    segments_.push_back({file_.size_bytes(), 0});
    emit(head_);
  }
  broken_ = true; // a second call would find the digest taken
  if (in_chunk_ != 0)
    digests_.push_back(digest_.finish());
  broken_ = false;
}

void container_writer::add_segment(std::span<const std::byte> bytes) {
  begin_segment();
  append(bytes);
  end_segment();
}

planned_segment& container_writer::plan_segment(std::uint64_t size_bytes) {
  if (size_bytes > max_planned_bytes)
    throw error(errc::limit_exceeded, path(), text("object ", quoted(name_)),
                text(size_bytes, " bytes, expected at most ", max_planned_bytes));
  broken_ = true; // until the segment has its place
  pad_to(alignment_of_segment(size_bytes, large_segment_alignment));
  const extent place{file_.reserve(size_bytes), size_bytes};
  planned_.push_back({digests_.size(), std::make_unique<planned_segment>(file_, place)});
  segments_.push_back(place);
  digests_.resize(digests_.size() + planned_.back().segment->digests().size());
  broken_ = false;
  return *planned_.back().segment;
}

void container_writer::end_object(const array_description& description) {
  directory_.add_array(name_, first_segment_, description);
  in_object_ = false;
}

void container_writer::end_object(const forest_description& description) {
  directory_.add_forest(name_, first_segment_, description);
  in_object_ = false;
}

void container_writer::end_object(const value_description&) {
  directory_.add_value(name_, first_segment_);
  in_object_ = false;
}

void container_writer::end_object(const record_description&) {
  directory_.add_record(name_, first_segment_);
  in_object_ = false;
}

void container_writer::set_attributes(std::string_view name, const attribute_description& attributes) {
  require_whole_objects();
  const std::string place = text("object ", quoted(name));
  if (names_.count(std::string(name)) == 0)
    throw error(errc::invalid_argument, path(), place, "no such object, expected it to be added first");
  try {
    directory_.set_attributes(name, attributes);
  } catch (const error& failure) {
    throw failure.at(path(), place);
  }
}

void container_writer::refuse_broken() const {
  throw error(errc::invalid_argument, path(), text("object ", quoted(name_)),
              "could not be written whole, expected a new writer");
}

void container_writer::require_whole_objects() const {
  if (in_object_)
    refuse_broken();
}

void container_writer::commit(durability wanted) { finish().commit(wanted); }

output_file& container_writer::finish() {
  require_whole_objects();
  for (const planned& one : planned_)
    std::ranges::copy(one.segment->digests(), digests_.begin() + static_cast<std::ptrdiff_t>(one.first_digest));
  const auto digests = std::as_bytes(std::span(digests_));
  pad_to(segment_alignment);
  const extent table{file_.size_bytes(), digests.size()};
  file_.append(digests);
  pad_to(segment_alignment);
  header fields;
  fields.directory_offset = file_.size_bytes();
  try {
    const std::vector<std::byte> bytes = directory_.finish(segments_, table, checksum(digests));
    file_.append(bytes);
    fields.directory_size = bytes.size();
    fields.directory_checksum = checksum(bytes);
  } catch (const error& failure) {
    throw failure.at(path());
  }
  fields.file_size = file_.size_bytes();
  file_.overwrite(0, encode(fields));
  return file_;
}

} // namespace petrify::inline v0
