// Arrays as the bytes that other libraries' files have, piece by piece, so that memory does not grow with them.
#pragma once

#include <petrify/array.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>

namespace petrify::inline v0 {

// Takes the next bytes of a file.
using byte_sink = std::function<void(std::span<const std::byte>)>;

// Calls a progress function now and then, with the bytes done and their total.
class byte_progress {
public:
  using function = std::function<void(std::uint64_t done, std::uint64_t total)>;
  byte_progress(std::uint64_t total, const function& to) : to_(to), total_(total) {}
  void add(std::uint64_t bytes);

private:
  const function& to_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  std::uint64_t reported_ = 0;
};

// A .npy file. Borrows the array.
class npy_output {
public:
  // Throws: errc::unsupported for bfloat16 and texts that end in NUL; errc::limit_exceeded for texts that would take 64
  // times their size.
  explicit npy_output(const any_array& array);
  std::uint64_t size_bytes() const noexcept { return header_.size() + elements_bytes_; }
  void write(const byte_sink& to) const;

private:
  const any_array& array_;
  std::string header_;
  std::uint64_t elements_bytes_ = 0;
  std::size_t text_width_ = 0; // characters, of texts
};

// The elements of an array of numbers in row-major order. Cost: one pass; memory: some MiB for column-major ones.
void write_row_major(const any_array& array, const byte_sink& to);

} // namespace petrify::inline v0
