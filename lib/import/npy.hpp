// numpy's .npy files: one array behind a short text header.
#pragma once

#include "import/numpy.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace petrify::inline v0 {

// Whether the bytes start with the .npy magic. Cost: looks at 6 bytes.
bool is_npy(std::span<const std::byte> bytes) noexcept;

// Reads a .npy file, versions 1 to 3. The array borrows `bytes`. Records are read; whoever cannot use them refuses
// them. Cost: the header, at most 1 MiB. Throws: truncated; malformed for a broken header and for bytes after the
// array; not_importable for arrays of Python objects; unsupported for other versions.
numpy_array parse_npy(std::span<const std::byte> bytes);

// The bytes that stand before the elements of a .npy file: version 1, or 2 when the header needs it; padded to a
// multiple of 64. `descr` is a type string such as "<f8".
// Throws: invalid_argument for a descr with quotes or control bytes, and for more than 64 axes.
std::string npy_header(std::string_view descr, bool fortran_order, std::span<const std::uint64_t> shape);

} // namespace petrify::inline v0
