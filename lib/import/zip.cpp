#include "import/zip.hpp"

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/utf8.hpp"

#include <minizip/unzip.h>
#include <minizip/zip.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <optional>
#include <utility>

namespace petrify::inline v0 {
namespace zip {

namespace {

using bytes = std::span<const std::byte>;

// Sizes and marks of the zip format (PKWARE's APPNOTE.TXT).
constexpr std::uint64_t local_header_bytes = 30;
constexpr std::uint64_t directory_entry_bytes = 46;
constexpr std::uint32_t local_header_mark = 0x04034b50;
constexpr std::uint32_t directory_end_mark = 0x06054b50;
constexpr std::uint32_t directory_end64_mark = 0x06064b50;
constexpr std::uint32_t end64_place_mark = 0x07064b50;
constexpr std::uint32_t directory_entry_mark = 0x02014b50;
constexpr std::uint64_t directory_end_bytes = 22;
constexpr std::uint64_t directory_end64_bytes = 56;
constexpr std::uint64_t end64_place_bytes = 20;
constexpr std::uint64_t max_narrow_members = 0xffff;  // beyond, the directory's end needs 64 bits
constexpr std::uint64_t max_narrow_size = 0xfffffffe; // beyond, a member does
constexpr unsigned encrypted_flag = 1;
constexpr unsigned descriptor_flag = 8; // sizes and checksum stand behind the content
constexpr unsigned utf8_flag = 0x800;
constexpr std::uint16_t extra64 = 1;          // extra field: sizes of 64 bits
constexpr std::uint16_t extra_align = 0xd935; // extra field: an alignment, and zeros up to it
constexpr std::size_t extra64_bytes = 20;
constexpr std::uint64_t content_alignment = 64;

constexpr std::size_t inflate_bytes = std::size_t{256} << 10;

template <class T>
T load(bytes from, std::uint64_t at) {
  T value;
  std::memcpy(&value, from.data() + at, sizeof value);
  return value;
}

// Bytes in memory as a file that minizip reads.
struct memory_file {
  bytes all;
  std::uint64_t at = 0;
};

voidpf open_memory(voidpf opaque, const void*, int) { return opaque; }
uLong read_memory(voidpf, voidpf stream, void* to, uLong size) {
  auto& file = *static_cast<memory_file*>(stream);
  const std::uint64_t count = std::min<std::uint64_t>(size, file.all.size() - file.at);
  if (count != 0)
    std::memcpy(to, file.all.data() + file.at, count);
  file.at += count;
  return count;
}
uLong write_memory(voidpf, voidpf, const void*, uLong) { return 0; }
ZPOS64_T tell_memory(voidpf, voidpf stream) { return static_cast<memory_file*>(stream)->at; }
long seek_memory(voidpf, voidpf stream, ZPOS64_T offset, int origin) {
  auto& file = *static_cast<memory_file*>(stream);
  const std::uint64_t base = origin == ZLIB_FILEFUNC_SEEK_SET   ? 0
                             : origin == ZLIB_FILEFUNC_SEEK_CUR ? file.at
                                                                : file.all.size();
  if (offset > file.all.size() - base)
    return -1;
  file.at = base + offset;
  return 0;
}
int close_nothing(voidpf, voidpf) { return 0; }
int no_error(voidpf, voidpf) { return 0; }

std::string method_name(uLong method) {
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

} // namespace

namespace {

// Where the end of an archive's directory is, which a comment may follow and nothing else.
std::optional<std::uint64_t> find_end(bytes archive) {
  constexpr std::uint64_t max_comment = 0xffff;
  for (std::uint64_t comment = 0; comment <= max_comment && archive.size() >= directory_end_bytes + comment;
       ++comment) {
    const std::uint64_t at = archive.size() - directory_end_bytes - comment;
    if (load<std::uint32_t>(archive, at) == directory_end_mark && load<std::uint16_t>(archive, at + 20) == comment)
      return at;
  }
  return std::nullopt;
}

} // namespace

bool is_archive(bytes input) noexcept {
  return input.size() >= 4 && load<std::uint32_t>(input, 0) == local_header_mark;
}

struct archive::state {
  memory_file file;
  std::uint64_t end = 0; // where the directory's end is
  unzFile zip = nullptr;

  struct entry {
    unz_file_info64 info;
    std::string name;
    std::uint64_t offset; // in the directory
  };

  template <class Visit>
  void for_each(Visit visit) {
    if (zip == nullptr)
      return;
    unz_global_info64 global;
    unzGetGlobalInfo64(zip, &global);
    if (global.number_entry == 0)
      fail(errc::malformed, {}, "the zip's directory is empty, but ", file.all.size(), " bytes are there");
    std::vector<char> buffer(0x10000);
    std::uint64_t seen = 0;
    std::uint64_t behind = 0; // the last entry
    int status = unzGoToFirstFile(zip);
    for (; status == UNZ_OK; status = unzGoToNextFile(zip)) {
      entry one{};
      status = unzGetCurrentFileInfo64(zip, &one.info, buffer.data(), buffer.size(), nullptr, 0, nullptr, 0);
      if (status != UNZ_OK)
        break;
      one.name.assign(buffer.data(), one.info.size_filename);
      one.offset = unzGetOffset64(zip);
      if (mark_at(one.offset) != directory_entry_mark)
        fail(errc::malformed, text("byte ", one.offset), "entry ", seen,
             " of the zip's directory is not here, expected no bytes in front of the zip");
      behind = one.offset + directory_entry_bytes + one.info.size_filename + one.info.size_file_extra +
               one.info.size_file_comment;
      ++seen;
      visit(one);
    }
    // minizip does not believe a count of 65535, which may stand for more, and then finds no further entry.
    if (status != UNZ_END_OF_LIST_OF_FILE && !(seen == 0xffff && global.number_entry == seen))
      fail(errc::malformed, text("entry ", seen), "the zip's directory is broken, expected ", global.number_entry,
           " entries");
    check_end(behind, seen);
  }

  // The four bytes there; 0 where the archive has ended.
  std::uint32_t mark_at(std::uint64_t place) const {
    return in_range(place, 4, file.all.size()) ? load<std::uint32_t>(file.all, place) : 0;
  }

  // That the archive ends behind its directory's last entry, where other readers might find more.
  void check_end(std::uint64_t at, std::uint64_t num_entries) const {
    const std::uint64_t size = file.all.size();
    if (mark_at(at) == directory_end64_mark && in_range(at, directory_end64_bytes, size)) {
      const auto rest = load<std::uint64_t>(file.all, at + 4);
      if (in_range(at + 12, rest, size) && mark_at(at + 12 + rest) == end64_place_mark)
        at += 12 + rest + end64_place_bytes;
    }
    if (at != end)
      fail(errc::malformed, text("byte ", at), "the zip's directory goes on behind its ", num_entries, " entries");
  }

  struct located {
    member found;
    std::uint64_t begin; // of its header
  };
  located locate(const entry& of);
};

namespace {

// A member's own header, in front of its content.
struct local_header {
  std::uint64_t begin;
  std::uint64_t extra_size;
  std::string_view name;
  bytes extra;
  std::uint16_t flags;
  std::uint32_t stored_size;
  std::uint32_t size;
};

// The header that ends at `end`; nullopt when it is not there.
std::optional<local_header> header_before(bytes all, std::uint64_t end, std::uint64_t name_size,
                                          std::uint64_t extra_size) {
  const std::uint64_t total = local_header_bytes + name_size + extra_size;
  if (end > all.size() || end < total)
    return std::nullopt;
  const std::uint64_t begin = end - total;
  if (load<std::uint32_t>(all, begin) != local_header_mark || load<std::uint16_t>(all, begin + 26) != name_size ||
      load<std::uint16_t>(all, begin + 28) != extra_size)
    return std::nullopt;
  local_header out{};
  out.begin = begin;
  out.flags = load<std::uint16_t>(all, begin + 6);
  out.stored_size = load<std::uint32_t>(all, begin + 18);
  out.size = load<std::uint32_t>(all, begin + 22);
  out.name = {reinterpret_cast<const char*>(all.data()) + begin + local_header_bytes, name_size};
  out.extra = all.subspan(begin + local_header_bytes + name_size, extra_size);
  return out;
}

// Whether the 64-bit sizes of a local header, where its own are full, are these.
bool has_sizes(const local_header& header, std::uint64_t stored_size, std::uint64_t size) {
  if (header.size != 0xffffffff && header.stored_size != 0xffffffff)
    return true; // minizip has compared them
  bytes rest = header.extra;
  while (rest.size() >= 4) {
    const auto id = load<std::uint16_t>(rest, 0);
    const std::size_t length = load<std::uint16_t>(rest, 2);
    rest = rest.subspan(4);
    if (length > rest.size())
      return false;
    if (id == extra64) {
      std::size_t at = 0;
      for (const auto& [narrow, wide] : {std::pair{header.size, size}, {header.stored_size, stored_size}}) {
        if (narrow != 0xffffffff)
          continue;
        if (length - at < 8 || load<std::uint64_t>(rest, at) != wide)
          return false;
        at += 8;
      }
      return true;
    }
    rest = rest.subspan(length);
  }
  return size == header.size && stored_size == header.stored_size;
}

} // namespace

archive::state::located archive::state::locate(const entry& of) {
  const unz_file_info64& info = of.info;
  if (info.flag & encrypted_flag)
    fail(errc::not_importable, {}, "is encrypted");
  if (info.compression_method != 0 && info.compression_method != Z_DEFLATED)
    fail(errc::not_importable, {}, "is compressed with ", method_name(info.compression_method),
         ", expected deflate or none");
  if (!is_utf8(of.name) ||
      (!(info.flag & utf8_flag) && std::ranges::any_of(of.name, [](char c) { return (c & 0x80) != 0; })))
    fail(errc::not_importable, {}, "has a name that is not marked as UTF-8");
  int method = 0;
  int level = 0;
  if (unzOpenCurrentFile2(zip, &method, &level, 1) != UNZ_OK)
    fail(errc::malformed, {}, "its header is not there, or not what the zip's directory says");
  const std::uint64_t begin = unzGetCurrentFileZStreamPos64(zip);
  const int extra_size = unzGetLocalExtrafield(zip, nullptr, 0);
  unzCloseCurrentFile(zip);
  const auto header = extra_size < 0
                          ? std::nullopt
                          : header_before(file.all, begin, info.size_filename, static_cast<std::uint64_t>(extra_size));
  const bool has_descriptor = (info.flag & descriptor_flag) != 0;
  if (!header || header->name != of.name || header->flags != info.flag ||
      (!has_descriptor && !has_sizes(*header, info.compressed_size, info.uncompressed_size)))
    fail(errc::malformed, {}, "its header is not what the zip's directory says");
  if (!in_range(begin, info.compressed_size, file.all.size()))
    fail(errc::truncated, {}, info.compressed_size, " bytes at byte ", begin, ", but the zip ends at byte ",
         file.all.size());
  if (method == 0 && info.compressed_size != info.uncompressed_size)
    fail(errc::malformed, {}, info.compressed_size, " bytes that are not compressed, expected ",
         info.uncompressed_size);
  return {{of.name, method != 0, static_cast<std::uint32_t>(info.crc), info.uncompressed_size,
           file.all.subspan(begin, info.compressed_size)},
          header->begin};
}

archive::archive(bytes input) : state_(std::make_unique<state>()) {
  state_->file.all = input;
  const auto end = find_end(input);
  if (!end)
    fail(errc::truncated, {}, "a zip without a directory at its end: a download or copy may have been cut off");
  state_->end = *end;
  // An archive of nothing but the directory's end, where minizip does not look.
  if (input.size() == directory_end_bytes &&
      std::ranges::all_of(input.subspan(4), [](std::byte b) { return b == std::byte{0}; }))
    return;
  zlib_filefunc64_def functions{open_memory, read_memory,   write_memory, tell_memory,
                                seek_memory, close_nothing, no_error,     &state_->file};
  state_->zip = unzOpen2_64("", &functions);
  if (state_->zip == nullptr)
    fail(errc::malformed, text("byte ", *end), "the zip's directory is not where its end says");
}

archive::~archive() {
  if (state_->zip != nullptr)
    unzClose(state_->zip);
}

std::vector<std::string> archive::names() const {
  std::vector<std::string> out;
  state_->for_each([&](const state::entry& one) { out.push_back(one.name); });
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
  std::uint64_t directory = state_->file.all.size();
  state_->for_each([&](const state::entry& one) {
    directory = std::min(directory, one.offset);
    try {
      state::located place = state_->locate(one);
      const auto end =
          static_cast<std::uint64_t>(place.found.stored.data() - state_->file.all.data()) + place.found.stored.size();
      ranges.push_back({place.begin, end, out.size()});
      out.push_back(std::move(place.found));
    } catch (const error& failure) {
      throw failure.at({}, place_of(one.name));
    }
  });
  std::ranges::sort(ranges, {}, &range::begin);
  std::uint64_t end = 0;
  const range* last = nullptr;
  for (const range& one : ranges) {
    if (one.begin < end)
      fail(errc::malformed, place_of(out[one.member].name), "shares bytes with ", place_of(out[last->member].name),
           ", expected each byte to belong to one member");
    // Otherwise minizip's places would not be those of the bytes, either: it allows for a program in front.
    if (last == nullptr && one.begin != 0)
      fail(errc::malformed, "byte 0", one.begin, " bytes stand in front of the first member, expected none");
    end = one.end;
    last = &one;
  }
  if (end > directory)
    fail(errc::malformed, place_of(out[last->member].name), "ends at byte ", end,
         ", inside the zip's directory at byte ", directory);
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

struct archive_writer::state {
  output_file& out;
  std::uint64_t at = 0;
  std::exception_ptr failure; // of the file: exceptions do not pass through minizip
  zipFile zip = nullptr;
  std::uint64_t num_members = 0;

  void write_end64(std::uint64_t directory);

  void check(int status) const {
    if (failure)
      std::rethrow_exception(failure);
    if (status != ZIP_OK)
      fail(errc::io, {}, "the zip could not be written, minizip's error ", status);
  }
};

namespace {

// An output_file as a file that minizip writes, and writes again: sizes are known after the content.
template <class State>
uLong write_output(voidpf, voidpf stream, const void* from, uLong size) {
  auto& to = *static_cast<State*>(stream);
  try {
    const bytes all(static_cast<const std::byte*>(from), size);
    const bytes old = all.first(std::min<std::uint64_t>(size, to.out.size_bytes() - to.at));
    if (!old.empty())
      to.out.overwrite(to.at, old);
    to.out.append(all.subspan(old.size()));
    to.at += size;
    return size;
  } catch (...) {
    to.failure = std::current_exception();
    return 0;
  }
}
template <class State>
ZPOS64_T tell_output(voidpf, voidpf stream) {
  return static_cast<State*>(stream)->at;
}
template <class State>
long seek_output(voidpf, voidpf stream, ZPOS64_T offset, int origin) {
  auto& to = *static_cast<State*>(stream);
  const std::uint64_t size = to.out.size_bytes();
  const std::uint64_t base = origin == ZLIB_FILEFUNC_SEEK_SET ? 0 : origin == ZLIB_FILEFUNC_SEEK_CUR ? to.at : size;
  if (offset > size - base)
    return -1;
  to.at = base + offset;
  return 0;
}
uLong read_nothing(voidpf, voidpf, void*, uLong) { return 0; }

} // namespace

archive_writer::archive_writer(output_file& out) : state_(new state{out, out.size_bytes(), {}, nullptr, 0}) {
  zlib_filefunc64_def functions{open_memory,        read_nothing,       write_output<state>,
                                tell_output<state>, seek_output<state>, close_nothing,
                                no_error,           state_.get()};
  state_->zip = zipOpen2_64("", APPEND_STATUS_CREATE, nullptr, &functions);
  if (state_->zip == nullptr)
    fail(errc::limit_exceeded, {}, "no memory for minizip");
}

archive_writer::~archive_writer() {
  if (state_->zip != nullptr) // whose errors no longer matter
    zipClose(state_->zip, nullptr);
}

void archive_writer::begin(const std::string& name, std::uint64_t size) {
  const bool is_wide = size > max_narrow_size;
  zip_fileinfo info{};
  info.dosDate = 0x00210000;            // 1980-01-01 00:00, the first that there is
  info.external_fa = uLong{0600} << 16; // as Python's zipfile has it
  // The extra field that makes the content start at a multiple of 64.
  std::vector<std::byte> extra(6);
  const std::uint64_t begin =
      state_->at + local_header_bytes + name.size() + (is_wide ? extra64_bytes : 0) + extra.size();
  extra.resize(extra.size() + (align_up(begin, content_alignment) - begin));
  const auto put = [&](std::size_t at, std::size_t value) {
    extra[at] = static_cast<std::byte>(value & 0xff);
    extra[at + 1] = static_cast<std::byte>(value >> 8);
  };
  put(0, extra_align);
  put(2, extra.size() - 4);
  put(4, content_alignment);
  constexpr uLong made_by = 3 << 8 | 45; // Unix, version 4.5 of the format
  state_->check(zipOpenNewFileInZip4_64(state_->zip, name.c_str(), &info, extra.data(), static_cast<uInt>(extra.size()),
                                        nullptr, 0, nullptr, 0, 0, 0, -MAX_WBITS, DEF_MEM_LEVEL, Z_DEFAULT_STRATEGY,
                                        nullptr, 0, made_by, utf8_flag, is_wide ? 1 : 0));
  ++state_->num_members;
}

void archive_writer::append(bytes content) {
  while (!content.empty()) {
    const bytes part = content.first(std::min<std::size_t>(content.size(), std::size_t{1} << 30));
    state_->check(zipWriteInFileInZip(state_->zip, part.data(), static_cast<unsigned>(part.size())));
    content = content.subspan(part.size());
  }
}

void archive_writer::end() { state_->check(zipCloseFileInZip(state_->zip)); }

void archive_writer::finish() {
  const std::uint64_t directory = state_->at;
  state_->check(zipClose(std::exchange(state_->zip, nullptr), nullptr));
  // minizip 1.1 looks at the place alone, not at the number of members.
  if (state_->num_members > max_narrow_members && directory <= max_narrow_size)
    state_->write_end64(directory);
}

// Puts the end of 64 bits in front of the one of 32 bits that minizip has just written.
void archive_writer::state::write_end64(std::uint64_t directory) {
  const std::uint64_t end = out.size_bytes() - directory_end_bytes;
  std::vector<std::byte> tail;
  const auto put = [&](auto... numbers) {
    const auto put_one = [&](auto number) {
      const auto raw = std::as_bytes(std::span(&number, 1));
      tail.insert(tail.end(), raw.begin(), raw.end());
    };
    (put_one(numbers), ...);
  };
  constexpr std::uint16_t version = 45;
  constexpr std::uint16_t disk16 = 0;
  constexpr std::uint32_t disk = 0;
  put(directory_end64_mark, directory_end64_bytes - 12, version, version, disk, disk, num_members, num_members,
      end - directory, directory);
  put(end64_place_mark, disk, end, std::uint32_t{1});
  put(directory_end_mark, disk16, disk16, std::uint16_t{0xffff}, std::uint16_t{0xffff},
      static_cast<std::uint32_t>(end - directory), static_cast<std::uint32_t>(directory), std::uint16_t{0});
  out.overwrite(end, std::span(tail).first(directory_end_bytes));
  out.append(std::span(tail).subspan(directory_end_bytes));
}

} // namespace zip
} // namespace petrify::inline v0
