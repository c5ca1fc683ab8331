// numpy's .npy files: one array behind a short text header.
#pragma once

#include "import/numpy.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::inline v0 {

// Whether the bytes start with the .npy magic. Cost: looks at 6 bytes.
bool is_npy(std::span<const std::byte> bytes) noexcept;

// What stands before the elements of a .npy file.
struct npy_description {
  numpy_dtype dtype;
  std::vector<std::uint64_t> shape;
  numpy_order order = numpy_order::row_major;
  std::uint64_t header_bytes = 0;
  std::uint64_t elements_bytes = 0;
};

// Bytes of a .npy file's start that say how long its header is; and that length, in all, from so many bytes.
// Throws: malformed, truncated, unsupported, limit_exceeded.
inline constexpr std::size_t npy_start_bytes = 12;
std::uint64_t npy_header_bytes(std::span<const std::byte> start);

// Reads the header alone: `start` need not hold the elements. Throws: as parse_npy.
npy_description parse_npy_header(std::span<const std::byte> start);

// Reads a .npy file, versions 1 to 3. The array borrows `bytes`. Records are read; whoever cannot use them refuses
// them. Cost: the header, at most 1 MiB. Throws: truncated; malformed for a broken header and for bytes after the
// array; not_importable for arrays of Python objects; unsupported for other versions.
numpy_array parse_npy(std::span<const std::byte> bytes);

// The bytes that stand before the elements of a .npy file: version 1, or 2 when the header needs it; padded to a
// multiple of 64, with numpy's room for a first axis that grows (since 1.22). `descr` is a type string such as "<f8".
// Throws: invalid_argument for a descr with quotes or control bytes, and for more than 64 axes.
std::string npy_header(std::string_view descr, bool fortran_order, std::span<const std::uint64_t> shape);

} // namespace petrify::inline v0
