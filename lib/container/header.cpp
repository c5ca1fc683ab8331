#include "container/header.hpp"

#include "base/checked.hpp"
#include "base/checksum.hpp"
#include "base/fail.hpp"
#include "base/opening.hpp"

#include <algorithm>
#include <cstring>

namespace petrify::inline v0 {

namespace {

// Byte offsets in the header: part of the file format.
constexpr std::size_t version_at = 12;
constexpr std::size_t file_size_at = 16;
constexpr std::size_t directory_offset_at = 24;
constexpr std::size_t directory_size_at = 32;
constexpr std::size_t required_features_at = 40;
constexpr std::size_t optional_features_at = 48;
constexpr std::size_t directory_checksum_at = 56;
constexpr std::size_t reserved_at = 64;
constexpr std::size_t header_checksum_at = 120;

template <class T>
T load(std::span<const std::byte> bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <class T>
void store(std::span<std::byte> bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct look {
  std::string_view prefix;
  const char* name;
};

using namespace std::string_view_literals;
constexpr look looks[] = {
    {"version https://git-lfs"sv, "a git-lfs pointer: the file itself was never fetched"},
    {"<!DOCTYPE"sv, "an HTML page"},
    {"<!doctype"sv, "an HTML page"},
    {"<html"sv, "an HTML page"},
    {"<HTML"sv, "an HTML page"},
    {"<?xml"sv, "an XML document"},
    {"\x89petrify\n"sv, "a petrify file whose line endings were converted, as by a transfer in text mode"},
    {"\x93NUMPY"sv, "a NumPy .npy file: see `petrify convert`"},
    {"\x80\x02"sv, "a pickle: see `petrify convert`"},
    {"\x80\x03"sv, "a pickle: see `petrify convert`"},
    {"\x80\x04"sv, "a pickle: see `petrify convert`"},
    {"\x80\x05"sv, "a pickle: see `petrify convert`"},
    {"ccopy_reg\n"sv, "a pickle of protocol 0, which no pickler writes by default any more"},
    {"(dp0\n"sv, "a pickle of protocol 0, which no pickler writes by default any more"},
    {"(lp0\n"sv, "a pickle of protocol 0, which no pickler writes by default any more"},
    {"PK\x03\x04"sv, "a zip archive"},
    {"PK\x05\x06"sv, "an empty zip archive"},
    {"\x1f\x8b"sv, "gzip-compressed data"},
    {"\x78\x01"sv, "zlib-compressed data"},
    {"\x78\x5e"sv, "zlib-compressed data"},
    {"\x78\x9c"sv, "zlib-compressed data"},
    {"\x78\xda"sv, "zlib-compressed data"},
    {"BZh"sv, "bzip2-compressed data"},
    {"\xfd"
     "7zXZ\0"sv,
     "xz-compressed data"},
    {"\x04\x22\x4d\x18"sv, "lz4-compressed data"},
    {"\x28\xb5\x2f\xfd"sv, "zstd-compressed data"},
    {"\x7f"
     "ELF"sv,
     "an ELF program"},
    {"\x89HDF"sv, "an HDF5 file"},
    {"CBM1"sv, "a CatBoost model"},
    {"tree\n"sv, "a LightGBM text model"},
    {"{"sv, "JSON text"},
};

} // namespace

std::string looks_like(std::span<const std::byte> start) {
  const std::string_view bytes = as_text(start);
  for (const look& candidate : looks)
    if (bytes.starts_with(candidate.prefix))
      return candidate.name;
  if (!start.empty() && std::all_of(start.begin(), start.end(), [](std::byte b) { return b == std::byte{0}; }))
    return "nothing but zeros, as after a crash or an unfinished copy";
  return {};
}

std::array<std::byte, header_bytes> encode(const header& fields) {
  std::array<std::byte, header_bytes> bytes{};
  std::memcpy(bytes.data(), file_magic.data(), file_magic.size());
  store(bytes, version_at, fields.format_version);
  store(bytes, file_size_at, fields.file_size);
  store(bytes, directory_offset_at, fields.directory_offset);
  store(bytes, directory_size_at, fields.directory_size);
  store(bytes, required_features_at, fields.required_features);
  store(bytes, optional_features_at, fields.optional_features);
  store(bytes, directory_checksum_at, fields.directory_checksum);
  store(bytes, header_checksum_at, checksum(std::span(bytes).first(header_checksum_at)));
  return bytes;
}

PETRIFY_OPENING header decode_header(std::span<const std::byte> start, std::uint64_t file_size) {
  if (file_size == 0)
    fail(errc::not_petrify, {}, "not a petrify file: the file is empty, expected at least ", header_bytes, " bytes");
  const std::string_view magic(reinterpret_cast<const char*>(file_magic.data()), file_magic.size());
  if (!as_text(start).starts_with(magic)) {
    const std::string look = looks_like(start);
    // A prefix of the magic is a petrify file that was cut very short.
    if (magic.starts_with(as_text(start)))
      fail(errc::truncated, {}, "the file has ", file_size, " bytes, expected at least ", header_bytes);
    fail(errc::not_petrify, {}, "not a petrify file: starts with ", quoted(as_text(start), 24),
         look.empty() ? ", expected \"\\x89petrify\"" : ", which is " + look);
  }
  if (start.size() < header_bytes)
    fail(errc::truncated, {}, "the file has ", file_size, " bytes, expected at least ", header_bytes);

  header fields;
  fields.format_version = load<std::uint32_t>(start, version_at);
  if (fields.format_version != format_version)
    fail(errc::unsupported, "header", "format version ", fields.format_version, ", expected ", format_version,
         fields.format_version < format_version ? ": format 0 was never released, convert the model again"
                                                : ": written by a later petrify than " PETRIFY_VERSION_STRING);
  const auto stored = load<std::uint64_t>(start, header_checksum_at);
  const std::uint64_t computed = checksum(start.first(header_checksum_at));
  if (stored != computed)
    fail(errc::corrupt, "header", "checksum ", stored, " stored, but the bytes give ", computed);
  fields.file_size = load<std::uint64_t>(start, file_size_at);
  fields.directory_offset = load<std::uint64_t>(start, directory_offset_at);
  fields.directory_size = load<std::uint64_t>(start, directory_size_at);
  fields.required_features = load<std::uint64_t>(start, required_features_at);
  fields.optional_features = load<std::uint64_t>(start, optional_features_at);
  fields.directory_checksum = load<std::uint64_t>(start, directory_checksum_at);
  // No required feature exists yet; optional ones may be ignored. A later one may give reserved bytes a meaning, so it
  // is named before they are.
  if (fields.required_features != 0)
    fail(errc::unsupported, "header", "required features ", fields.required_features,
         " are not known to petrify " PETRIFY_VERSION_STRING ", expected 0");
  for (std::size_t at = reserved_at; at < header_checksum_at; ++at)
    if (start[at] != std::byte{0})
      fail(errc::malformed, "header", "reserved byte ", at, " is ", std::to_integer<unsigned>(start[at]),
           ", expected 0");
  if (fields.file_size > file_size)
    fail(errc::truncated, "header", "the file has ", file_size, " bytes, expected ", fields.file_size);
  if (fields.file_size < file_size)
    fail(errc::malformed, "header", "the file has ", file_size, " bytes, expected ", fields.file_size,
         ": something was appended");
  if (fields.directory_size > max_directory_size)
    fail(errc::limit_exceeded, "header", "directory of ", fields.directory_size, " bytes, expected at most ",
         max_directory_size);
  if (!in_range(fields.directory_offset, fields.directory_size, file_size) ||
      fields.directory_offset + fields.directory_size != file_size || fields.directory_offset < header_bytes ||
      fields.directory_offset % segment_alignment != 0)
    fail(errc::malformed, "header", "directory at byte ", fields.directory_offset, " with ", fields.directory_size,
         " bytes, expected it aligned to ", segment_alignment, " and last in the file of ", file_size, " bytes");
  return fields;
}

} // namespace petrify::inline v0
