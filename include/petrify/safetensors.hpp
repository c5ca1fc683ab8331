// safetensors: writes .safetensors files, as Hugging Face's library does. Needs the library petrify::import, which also
// reads them (petrify/import.hpp).
#pragma once

#include <petrify/npy.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace petrify::inline v0 {

// What a file says of itself beside its tensors: texts by name. In C++ the order is the caller's.
using safetensors_metadata = std::vector<std::pair<std::string, std::string>>;

// Writes a .safetensors file, which appears whole or not at all. Its bytes are those that the library (0.8) writes for
// the same tensors, and metadata of at most one text: tensors are ordered by type, then by name. Column-major arrays
// are turned row-major, which is all that the format has. Names are UTF-8, 1 to 1024 bytes, each once, and not
// "__metadata__". `progress` is told the bytes of all tensors.
// Cost: one pass; memory does not grow with the arrays. Throws, before anything is written: errc::unsupported for
// texts, fixed bytes and complex128, which the format does not have; errc::invalid_argument for a bad name or text;
// errc::limit_exceeded for a header beyond the library's 100 MB. errc::io.
void write_safetensors(const std::string& path, std::span<const named_array> tensors,
                       const std::optional<safetensors_metadata>& metadata = {},
                       const std::function<void(std::uint64_t done, std::uint64_t total)>& progress = {});

} // namespace petrify::inline v0
