#include "base/checked.hpp"
#include "base/fail.hpp"
#include "import/zip.hpp"
#include "import/zip_format.hpp"

#include <zlib.h>

#include <algorithm>

namespace petrify::inline v0 {
namespace zip {

namespace {

using bytes = std::span<const std::byte>;

// Numbers, little-endian, one behind the other.
class fields {
public:
  template <class... T>
  fields& put(T... numbers) {
    (put_one(numbers), ...);
    return *this;
  }
  fields& put_text(std::string_view one) {
    bytes_.insert(bytes_.end(), std::as_bytes(std::span(one)).begin(), std::as_bytes(std::span(one)).end());
    return *this;
  }
  fields& put_zeros(std::size_t count) {
    bytes_.resize(bytes_.size() + count);
    return *this;
  }
  bytes get() const { return bytes_; }

private:
  template <class T>
  void put_one(T number) {
    const auto raw = std::as_bytes(std::span(&number, 1));
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
  }
  std::vector<std::byte> bytes_;
};

constexpr std::uint16_t version = 20;
constexpr std::uint16_t version64 = 45;
constexpr std::uint16_t made_by = 3 << 8 | 45;    // Unix
constexpr std::uint32_t attributes = 0600u << 16; // as Python's zipfile has it
constexpr std::uint16_t flags = utf8_flag;        // names are UTF-8
constexpr std::uint32_t first_time = 0x00210000;  // 1980-01-01 00:00, before which there is none
constexpr std::uint16_t none16 = 0;
constexpr std::uint16_t stored_method = 0;
constexpr std::uint64_t checksum_at = 14; // in a local header

// A value where it has room, and else the sign that it stands elsewhere.
std::uint32_t narrow(std::uint64_t value) { return value >= full ? full : static_cast<std::uint32_t>(value); }

} // namespace

void archive_writer::begin(const std::string& name, std::uint64_t size) {
  const std::uint64_t at = out_.size_bytes();
  members_.push_back({name, at, size, 0});
  left_ = size;
  const bool is_wide = size >= full;
  const auto name_size = static_cast<std::uint16_t>(name.size());
  const std::uint64_t wide_bytes = is_wide ? 20 : 0;
  constexpr std::uint64_t align_bytes = 6;
  const std::uint64_t begin = at + local_bytes + name.size() + wide_bytes + align_bytes;
  const std::uint64_t padding = align_up(begin, content_alignment) - begin;
  fields header;
  header.put(local_mark, is_wide ? version64 : version, flags, stored_method, first_time, std::uint32_t{0},
             narrow(size), narrow(size), name_size, static_cast<std::uint16_t>(wide_bytes + align_bytes + padding));
  header.put_text(name);
  if (is_wide)
    header.put(extra64, std::uint16_t{16}, size, size);
  header.put(extra_align, static_cast<std::uint16_t>(2 + padding), static_cast<std::uint16_t>(content_alignment));
  header.put_zeros(padding);
  out_.append(header.get());
}

void archive_writer::append(bytes content) {
  if (content.empty())
    return;
  if (content.size() > left_)
    fail(errc::invalid_argument, text("member ", quoted(members_.back().name)), "has more bytes than the ",
         members_.back().size, " that it was to have");
  left_ -= content.size();
  std::uint32_t& checksum = members_.back().checksum;
  checksum =
      static_cast<std::uint32_t>(crc32_z(checksum, reinterpret_cast<const Bytef*>(content.data()), content.size()));
  out_.append(content);
}

void archive_writer::end() {
  const entry& one = members_.back();
  if (left_ != 0)
    fail(errc::invalid_argument, text("member ", quoted(one.name)), "lacks ", left_, " of its ", one.size, " bytes");
  out_.overwrite(one.offset + checksum_at, std::as_bytes(std::span(&one.checksum, 1)));
}

void archive_writer::finish() {
  const std::uint64_t begin = out_.size_bytes();
  for (const entry& one : members_) {
    fields extra;
    if (one.size >= full)
      extra.put(one.size, one.size);
    if (one.offset >= full)
      extra.put(one.offset);
    const auto wide_bytes = static_cast<std::uint16_t>(extra.get().size());
    fields header;
    header.put(entry_mark, made_by, wide_bytes != 0 ? version64 : version, flags, stored_method, first_time,
               one.checksum, narrow(one.size), narrow(one.size), static_cast<std::uint16_t>(one.name.size()),
               static_cast<std::uint16_t>(wide_bytes != 0 ? wide_bytes + 4 : 0), none16, none16, none16, attributes,
               narrow(one.offset));
    header.put_text(one.name);
    if (wide_bytes != 0)
      header.put(extra64, wide_bytes);
    out_.append(header.get());
    out_.append(extra.get());
  }
  const std::uint64_t end = out_.size_bytes();
  const std::uint64_t size = end - begin;
  const std::uint64_t count = members_.size();
  fields tail;
  if (count > full16 || size >= full || begin >= full) {
    constexpr std::uint32_t disk = 0;
    tail.put(end64_mark, end64_bytes - 12, made_by, version64, disk, disk, count, count, size, begin);
    tail.put(end64_place_mark, disk, end, std::uint32_t{1});
  }
  const auto narrow_count = static_cast<std::uint16_t>(std::min<std::uint64_t>(count, full16));
  tail.put(end_mark, none16, none16, narrow_count, narrow_count, narrow(size), narrow(begin), none16);
  out_.append(tail.get());
}

} // namespace zip
} // namespace petrify::inline v0
