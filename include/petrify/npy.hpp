// npy: numpy's .npy files, read in place and written, and .npz files, written. Needs the library petrify::import.
#pragma once

#include <petrify/array.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace petrify::inline v0 {

// A mapped .npy file (versions 1 to 3). Little-endian arrays in C or Fortran order are viewed where they are; others,
// and texts, are converted into memory that this object owns.
class npy_file {
public:
  // Throws: errc::io, not_regular, truncated, malformed, unsupported; errc::not_importable for records, objects, dates.
  explicit npy_file(const std::string& path);
  npy_file(npy_file&&) noexcept;
  npy_file& operator=(npy_file&&) noexcept;
  ~npy_file();

  // Borrows: this object must outlive the view.
  const any_array& array() const& noexcept;
  const any_array& array() const&& = delete;

private:
  struct state;
  std::unique_ptr<state> state_;
};

// Writes `array` as a .npy file that appears whole or not at all; texts become numpy's fixed-length unicode.
// `progress`, if given, is called now and then with the bytes done and their total.
// Throws: errc::io; errc::unsupported for bfloat16, which numpy does not have, and for a text that ends in NUL, which
// numpy would read without it (the place is "element" and its number in C order).
void write_npy(const std::string& path, const any_array& array,
               const std::function<void(std::uint64_t done, std::uint64_t total)>& progress = {});

// An array with the name that it gets in a file. Borrows the array's bytes.
struct named_array {
  std::string name;
  any_array array;
};

// Writes a .npz file, which appears whole or not at all: each array as a member NAME.npy, for np.load. Members are not
// compressed, their contents begin at multiples of 64, and equal arrays give equal files. Names are UTF-8, 1 to 1024
// bytes, each once. `progress` is told the bytes of all members.
// Cost: one pass; memory does not grow with the arrays. Throws, before anything is written: errc::unsupported as
// write_npy; errc::invalid_argument for a bad name. errc::io.
void write_npz(const std::string& path, std::span<const named_array> arrays,
               const std::function<void(std::uint64_t done, std::uint64_t total)>& progress = {});

} // namespace petrify::inline v0
