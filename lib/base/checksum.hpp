// XXH3-64 (seed 0), the checksum of the file format (docs/format.md, "Checksums").
#pragma once

#include <petrify/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace petrify::inline v0 {

// Cost: one pass, with AVX2 about as fast as memory is read. Not a defence against someone who forges a file on
// purpose.
std::uint64_t checksum(std::span<const std::byte> bytes) noexcept;

// The same checksum over bytes that come in pieces.
class checksum_stream {
public:
  checksum_stream();
  checksum_stream(const checksum_stream&) = delete;
  checksum_stream& operator=(const checksum_stream&) = delete;
  ~checksum_stream();

  void append(std::span<const std::byte> bytes) noexcept;
  // The checksum of what was appended since construction or the last call; starts anew.
  std::uint64_t finish() noexcept;

private:
  void* state_;
};

} // namespace petrify::inline v0
