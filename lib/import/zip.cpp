#include "import/zip.hpp"

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/utf8.hpp"
#include "import/zip_format.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace petrify::inline v0 {
namespace zip {

namespace {

using bytes = std::span<const std::byte>;

constexpr std::size_t inflate_bytes = std::size_t{256} << 10;

template <class T>
T load(bytes from, std::uint64_t at) {
  T value;
  std::memcpy(&value, from.data() + at, sizeof value);
  return value;
}

// The four bytes there; 0 where there are none.
std::uint32_t mark_at(bytes from, std::uint64_t at) {
  return in_range(at, 4, from.size()) ? load<std::uint32_t>(from, at) : 0;
}

std::string_view text_at(bytes from, std::uint64_t at, std::uint64_t size) {
  return {reinterpret_cast<const char*>(from.data()) + at, size};
}

std::string method_name(unsigned method) {
  switch (method) {
  case 1: return "shrink";
  case 6: return "implode";
  case 9: return "deflate64";
  case 12: return "bzip2";
  case 14: return "lzma";
  case 93: return "zstd";
  case 95: return "xz";
  case 99: return "an encryption's own method";
  default: return text("method ", method);
  }
}

std::string place_of(std::string_view name) { return text("member ", quoted(name)); }

// Where the end of an archive's directory is, which a comment may follow and nothing else.
std::optional<std::uint64_t> find_end(bytes archive) {
  for (std::uint64_t comment = 0; comment <= full16 && archive.size() >= end_bytes + comment; ++comment) {
    const std::uint64_t at = archive.size() - end_bytes - comment;
    if (load<std::uint32_t>(archive, at) == end_mark && load<std::uint16_t>(archive, at + 20) == comment)
      return at;
  }
  return std::nullopt;
}

// What a header says of a member, in the directory or in front of the content.
struct header {
  std::string_view name;
  bytes extra;
  unsigned flags = 0;
  unsigned method = 0;
  std::uint32_t checksum = 0;
  std::uint64_t stored_size = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0; // of the member's own header; of an entry of the directory
  std::uint64_t end = 0;    // of this header
};

// Replaces fields that are full by the 64 bits that stand for them, in this order. False when they are not there.
bool widen(bytes extra, std::initializer_list<std::uint64_t*> fields) {
  while (extra.size() >= 4) {
    const auto id = load<std::uint16_t>(extra, 0);
    const std::size_t length = load<std::uint16_t>(extra, 2);
    extra = extra.subspan(4);
    if (length > extra.size())
      return false;
    if (id != extra64) {
      extra = extra.subspan(length);
      continue;
    }
    std::size_t at = 0;
    for (std::uint64_t* const field : fields) {
      if (*field != full)
        continue;
      if (length - at < 8)
        return false;
      *field = load<std::uint64_t>(extra, at);
      at += 8;
    }
    return true;
  }
  // Exactly so large, and of a writer that has no 64 bits.
  return true;
}

// The entry of the directory, which ends at `limit`; nullopt when there is none.
std::optional<header> read_entry(bytes all, std::uint64_t at, std::uint64_t limit) {
  if (!in_range(at, entry_bytes, limit) || load<std::uint32_t>(all, at) != entry_mark)
    return std::nullopt;
  const std::uint64_t name_size = load<std::uint16_t>(all, at + 28);
  const std::uint64_t extra_size = load<std::uint16_t>(all, at + 30);
  const std::uint64_t comment_size = load<std::uint16_t>(all, at + 32);
  header out;
  out.end = at + entry_bytes + name_size + extra_size + comment_size;
  if (out.end > limit)
    return std::nullopt;
  out.name = text_at(all, at + entry_bytes, name_size);
  out.extra = all.subspan(at + entry_bytes + name_size, extra_size);
  out.flags = load<std::uint16_t>(all, at + 8);
  out.method = load<std::uint16_t>(all, at + 10);
  out.checksum = load<std::uint32_t>(all, at + 16);
  out.stored_size = load<std::uint32_t>(all, at + 20);
  out.size = load<std::uint32_t>(all, at + 24);
  out.offset = load<std::uint32_t>(all, at + 42);
  if (!widen(out.extra, {&out.size, &out.stored_size, &out.offset}))
    return std::nullopt;
  return out;
}

// The header in front of a member's content; nullopt when there is none.
std::optional<header> read_local(bytes all, std::uint64_t at, std::uint64_t limit) {
  if (!in_range(at, local_bytes, limit) || load<std::uint32_t>(all, at) != local_mark)
    return std::nullopt;
  const std::uint64_t name_size = load<std::uint16_t>(all, at + 26);
  const std::uint64_t extra_size = load<std::uint16_t>(all, at + 28);
  header out;
  out.offset = at;
  out.end = at + local_bytes + name_size + extra_size;
  if (out.end > limit)
    return std::nullopt;
  out.name = text_at(all, at + local_bytes, name_size);
  out.extra = all.subspan(at + local_bytes + name_size, extra_size);
  out.flags = load<std::uint16_t>(all, at + 6);
  out.method = load<std::uint16_t>(all, at + 8);
  out.checksum = load<std::uint32_t>(all, at + 14);
  out.stored_size = load<std::uint32_t>(all, at + 18);
  out.size = load<std::uint32_t>(all, at + 22);
  if (!widen(out.extra, {&out.size, &out.stored_size}))
    return std::nullopt;
  return out;
}

// The member that an entry of the directory is of. Contents end where the directory begins.
member locate(bytes all, const header& entry, std::uint64_t directory) {
  if (entry.flags & encrypted_flag)
    fail(errc::not_importable, {}, "is encrypted");
  if (entry.method != 0 && entry.method != deflate_method)
    fail(errc::not_importable, {}, "is compressed with ", method_name(entry.method), ", expected deflate or none");
  if (!is_utf8(entry.name) ||
      (!(entry.flags & utf8_flag) && std::ranges::any_of(entry.name, [](char c) { return (c & 0x80) != 0; })))
    fail(errc::not_importable, {}, "has a name that is not marked as UTF-8");
  const auto local = read_local(all, entry.offset, directory);
  if (!local)
    fail(errc::malformed, {}, "has no header at byte ", entry.offset, ", where the zip's directory says");
  const bool has_descriptor = (entry.flags & descriptor_flag) != 0;
  const bool same_sizes = has_descriptor || (local->checksum == entry.checksum &&
                                             local->stored_size == entry.stored_size && local->size == entry.size);
  if (local->name != entry.name || local->flags != entry.flags || local->method != entry.method || !same_sizes)
    fail(errc::malformed, {}, "its header at byte ", entry.offset, " is not what the zip's directory says");
  if (!in_range(local->end, entry.stored_size, directory))
    fail(errc::malformed, {}, "has ", entry.stored_size, " bytes from byte ", local->end,
         " on, but the zip's directory begins at byte ", directory);
  if (entry.method == 0 && entry.stored_size != entry.size)
    fail(errc::malformed, {}, "has ", entry.stored_size, " bytes that are not compressed, expected ", entry.size);
  return {std::string(entry.name), entry.method != 0, entry.checksum, entry.size,
          all.subspan(local->end, entry.stored_size)};
}

} // namespace

bool is_archive(bytes input) noexcept { return mark_at(input, 0) == local_mark; }

archive::archive(bytes input) : bytes_(input) {
  const auto end = find_end(input);
  if (!end)
    fail(errc::truncated, {}, "a zip without a directory at its end: a download or copy may have been cut off");
  const auto refuse = [&](const auto&... what) { fail(errc::malformed, text("byte ", *end), what...); };
  const auto disk = load<std::uint16_t>(input, *end + 4);
  const auto directory_disk = load<std::uint16_t>(input, *end + 6);
  if ((disk != 0 && disk != full16) || (directory_disk != 0 && directory_disk != full16))
    refuse("the zip is one of several parts");
  num_members_ = load<std::uint16_t>(input, *end + 10);
  std::uint64_t size = load<std::uint32_t>(input, *end + 12);
  begin_ = load<std::uint32_t>(input, *end + 16);
  end_ = *end;
  if (*end >= end64_place_bytes && mark_at(input, *end - end64_place_bytes) == end64_place_mark) {
    const std::uint64_t place = *end - end64_place_bytes;
    const auto end64 = load<std::uint64_t>(input, place + 8);
    if (!in_range(end64, end64_bytes, place) || mark_at(input, end64) != end64_mark ||
        load<std::uint64_t>(input, end64 + 4) != place - end64 - 12)
      refuse("the zip's end of 64 bits is not at byte ", end64, ", where it should be");
    // What has room in the narrow end must be there too, for readers who look at that alone.
    const auto take = [&](std::uint64_t& narrow, std::uint64_t filled, std::uint64_t at) {
      const auto wide = load<std::uint64_t>(input, end64 + at);
      if (narrow != filled && narrow != wide)
        refuse("the zip's two ends differ: ", narrow, " and ", wide);
      narrow = wide;
    };
    take(num_members_, full16, 32);
    take(size, full, 40);
    take(begin_, full, 48);
    end_ = end64;
  }
  if (begin_ > end_ || size != end_ - begin_)
    refuse("the zip's directory has ", size, " bytes from byte ", begin_, " on, expected it to end at byte ", end_);
  if (num_members_ == 0 && end_ != 0)
    refuse("the zip has no members, but ", end_, " bytes in front of its end");
}

template <class Visit>
void archive::for_each_entry(Visit visit) const {
  std::uint64_t at = begin_;
  std::uint64_t seen = 0;
  for (; at != end_; ++seen) {
    const auto entry = read_entry(bytes_, at, end_);
    if (!entry)
      fail(errc::malformed, text("byte ", at), "no entry of the zip's directory, expected entry ", seen, " of ",
           num_members_);
    visit(*entry);
    at = entry->end;
  }
  if (seen != num_members_)
    fail(errc::malformed, text("byte ", end_), "the zip's directory has ", seen, " entries, expected ", num_members_);
}

std::vector<std::string> archive::names() const {
  std::vector<std::string> out;
  for_each_entry([&](const header& entry) { out.emplace_back(entry.name); });
  return out;
}

std::vector<member> archive::members() const {
  std::vector<member> out;
  struct range {
    std::uint64_t begin;
    std::uint64_t end;
    std::size_t member;
  };
  std::vector<range> ranges;
  for_each_entry([&](const header& entry) {
    try {
      out.push_back(locate(bytes_, entry, begin_));
    } catch (const error& failure) {
      throw failure.at({}, place_of(entry.name));
    }
    const bytes stored = out.back().stored;
    ranges.push_back(
        {entry.offset, static_cast<std::uint64_t>(stored.data() - bytes_.data()) + stored.size(), out.size() - 1});
  });
  std::ranges::sort(ranges, {}, &range::begin);
  std::uint64_t end = 0;
  const range* last = nullptr;
  for (const range& one : ranges) {
    if (one.begin < end)
      fail(errc::malformed, place_of(out[one.member].name), "shares bytes with ", place_of(out[last->member].name),
           ", expected each byte to belong to one member");
    if (last == nullptr && one.begin != 0)
      fail(errc::malformed, "byte 0", one.begin, " bytes stand in front of the first member, expected none");
    end = one.end;
    last = &one;
  }
  return out;
}

struct content::inflater {
  z_stream stream{};
  byte_buffer buffer;
  bool ended = false;

  inflater() {
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
      fail(errc::limit_exceeded, {}, "no memory for the zlib decoder");
    buffer.resize(inflate_bytes);
  }
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;
  ~inflater() { inflateEnd(&stream); }

  // Decodes from the front of `in`, and removes that.
  std::size_t step(bytes& in, std::span<std::byte> out) {
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    const uInt in_size = stream.avail_in = static_cast<uInt>(std::min<std::size_t>(in.size(), std::size_t{1} << 30));
    const uInt out_size = stream.avail_out = static_cast<uInt>(out.size());
    const int result = inflate(&stream, Z_NO_FLUSH);
    in = in.subspan(in_size - stream.avail_in);
    if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END) {
      if (result == Z_MEM_ERROR)
        fail(errc::limit_exceeded, {}, "no memory for the zlib decoder");
      fail(errc::malformed, {},
           "the compressed bytes are broken: ", stream.msg != nullptr ? stream.msg : "a preset dictionary is needed");
    }
    ended = result == Z_STREAM_END;
    return out_size - stream.avail_out;
  }
};

content::content(const member& of) : rest_(of.stored), left_(of.size), expected_(of.checksum) {
  if (of.is_deflated)
    inflater_ = std::make_unique<inflater>();
}

content::~content() = default;

bytes content::next(std::size_t most) {
  const std::uint64_t wanted = std::min<std::uint64_t>(most, left_);
  bytes out;
  if (!inflater_) {
    out = rest_.first(wanted);
    rest_ = rest_.subspan(wanted);
  } else if (wanted != 0) {
    const std::span<std::byte> room(inflater_->buffer.data(), std::min<std::uint64_t>(wanted, inflate_bytes));
    std::size_t count = 0;
    while (count == 0) {
      const std::size_t before = rest_.size();
      if (!inflater_->ended)
        count = inflater_->step(rest_, room);
      if (count == 0 && (inflater_->ended || rest_.empty() || rest_.size() == before))
        fail(rest_.empty() && !inflater_->ended ? errc::truncated : errc::malformed, {},
             "the compressed bytes end early, ", left_, " bytes of the content are missing");
    }
    out = room.first(count);
  }
  if (!out.empty()) // a null pointer would start it anew
    checksum_ = static_cast<std::uint32_t>(crc32_z(checksum_, reinterpret_cast<const Bytef*>(out.data()), out.size()));
  left_ -= out.size();
  return out;
}

void content::finish() {
  if (left_ != 0)
    fail(errc::malformed, {}, left_, " bytes were left unread");
  if (inflater_) {
    // The end of a deflated stream may come after its last byte.
    std::byte more{};
    while (!inflater_->ended) {
      const std::size_t before = rest_.size();
      if (inflater_->step(rest_, {&more, 1}) != 0)
        fail(errc::malformed, {}, "the content is longer than the zip says");
      if (!inflater_->ended && rest_.size() == before)
        fail(errc::truncated, {}, "the compressed bytes end early");
    }
    if (!rest_.empty())
      fail(errc::malformed, {}, rest_.size(), " bytes follow the compressed content");
  }
  if (checksum_ != expected_)
    fail(errc::corrupt, {}, "checksum ", expected_, " stored, but the bytes give ", checksum_);
}

} // namespace zip
} // namespace petrify::inline v0
