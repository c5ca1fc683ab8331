// What stands in front of a pickle: the compressors that joblib, and people, wrap model files in.
#pragma once

#include "import/decompress_buffer.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace petrify::inline v0 {

enum class compression { none, zlib, gzip, bzip2, xz, lzma, lz4 };

// "none", "zlib", "gzip", "bzip2", "xz", "lzma" or "lz4".
const char* to_string(compression kind) noexcept;

// Tells the compression from the first bytes; file names mean nothing. Cost: looks at 6 bytes.
// Throws: not_importable for the "ZF" files of joblib before 0.10, whose arrays are side files.
compression detect_compression(std::span<const std::byte> bytes);

// How far a decoded stream may grow: always to free_bytes, beyond that to max_ratio times its input, never past
// max_bytes. Deflate cannot exceed 1032 times; bzip2 and xz can, but only a file made to does so at sizes that matter.
struct decode_limits {
  std::uint64_t max_bytes = std::uint64_t{64} << 30;
  std::uint64_t max_ratio = 1200;
  std::uint64_t free_bytes = std::uint64_t{256} << 20;
};

// Decodes the whole of `bytes`, all members of a concatenation one after the other. What may follow the last member is
// what Python's reader of that format accepts: gzip zero bytes, xz and lzma zero or other bytes that start no member,
// bzip2 bytes that start no member, zlib and lz4 nothing. compression::none copies.
// Cost: the decoder's speed; memory for the result, and for the window of xz and lzma, which a stream of 13 bytes asks
// for: as much as the stream may decode to, but 128 MiB at least and 1 GiB at most.
// Throws: truncated, malformed, limit_exceeded.
byte_buffer decompress(compression kind, std::span<const std::byte> bytes, const decode_limits& limits = {});

} // namespace petrify::inline v0
