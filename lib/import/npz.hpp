// numpy's .npz files: a zip archive with a .npy file for each array.
#pragma once

#include "import/decompress.hpp"
#include "import/npy.hpp"
#include "import/zip.hpp"

#include <petrify/dtype.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace petrify::inline v0 {

// The members of a .npz file, all of them arrays by their names. Borrow the archive's bytes. What the deflated ones
// decode to, together, stays within `limits`, where the archive's size is that of their input; bytes_left, if given,
// becomes what is left then.
// Throws: what zip::archive throws; not_importable for archives of another kind, by name; limit_exceeded.
std::vector<zip::member> npz_members(std::span<const std::byte> archive, const decode_limits& limits,
                                     std::uint64_t* bytes_left = nullptr);

// The array's name: the member's without ".npy".
std::string_view npz_name(const zip::member& of) noexcept;

// One member, read from front to back.
class npz_array {
public:
  // Reads the header. Throws: truncated, malformed; not_importable for arrays of objects.
  explicit npz_array(const zip::member& of);

  const npy_description& description() const noexcept { return description_; }
  // The next elements' bytes, at most so many; nothing at the end. Valid until the next call.
  std::span<const std::byte> next(std::size_t most) { return content_.next(most); }
  // After the last element: checks that the content is what the archive says. Throws: malformed, corrupt.
  void finish() { content_.finish(); }
  // All elements, instead of next and finish. Memory: those of deflated members. Valid as long as this object.
  numpy_array whole();

private:
  const zip::member& member_;
  zip::content content_;
  npy_description description_;
  byte_buffer decoded_;
};

} // namespace petrify::inline v0
