// The fixed 128 bytes at the start of a petrify file (docs/format.md, "Header").
#pragma once

#include "container/format.hpp"

#include <span>
#include <string>

namespace petrify::inline v0 {

struct header {
  std::uint32_t format_version = petrify::format_version;
  std::uint64_t file_size = 0;
  std::uint64_t directory_offset = 0;
  std::uint64_t directory_size = 0;
  std::uint64_t required_features = 0;
  std::uint64_t optional_features = 0;
  std::uint64_t directory_checksum = 0;
};

std::array<std::byte, header_bytes> encode(const header& fields);

// Checks magic, version, features, checksum, the reserved bytes, the file's size and the directory's place.
// `start` is the file's beginning, 128 bytes or all it has; `file_size` what the system says it is.
// Throws: errc::not_petrify, unsupported, corrupt, truncated, malformed, limit_exceeded.
header decode_header(std::span<const std::byte> start, std::uint64_t file_size);

// What bytes that are no petrify file look like, for a message: "a git-lfs pointer"; empty when nothing known.
std::string looks_like(std::span<const std::byte> start);

} // namespace petrify::inline v0
