// safetensors files: tensors behind a header of JSON, as the library of that name writes and checks them.
#pragma once

#include <petrify/dtype.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace petrify::inline v0 {

namespace safetensors {

// The library's own limit.
inline constexpr std::uint64_t max_header_bytes = 100'000'000;
// The key of a header that is no tensor.
inline constexpr std::string_view metadata_name = "__metadata__";

// Texts by name, in the file's order.
using metadata = std::vector<std::pair<std::string, std::string>>;

// One tensor, row-major. Borrows the file's bytes; nothing is said of their alignment.
struct tensor {
  std::string name;
  dtype type = dtype::none;
  std::vector<std::uint64_t> shape;
  std::span<const std::byte> bytes;
};

struct content {
  std::vector<tensor> tensors; // as the header names them
  std::optional<metadata> texts;
};

// Whether the bytes start with a header's length and a dict of JSON. No pickle, no compressed stream and no .npy file
// does: the length's upper four bytes are zero. Cost: looks at 10 bytes.
bool is_file(std::span<const std::byte> bytes) noexcept;

// Reads a file's header. Tensors follow one another without holes, share no bytes and end with the file.
// Cost: linear in the header; memory some ten times its size. Throws: truncated, malformed, limit_exceeded;
// not_importable for element types that petrify does not have, by name.
content parse(std::span<const std::byte> bytes);

// The type's name in a header ("F32"); empty when there is none.
std::string_view code_of(dtype type) noexcept;
// Where the library puts tensors of this type: the greater, the nearer to the file's begin.
int rank_of(dtype type) noexcept;

} // namespace safetensors
} // namespace petrify::inline v0
