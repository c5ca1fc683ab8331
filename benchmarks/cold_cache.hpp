// What a core's own caches hold, thrown out: between two requests a program does something else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

// Reads every cache line of some memory.
inline void fetch(const void* data, std::size_t size_bytes) {
  constexpr std::size_t line_bytes = 64;
  const auto* bytes = static_cast<const unsigned char*>(data);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < size_bytes; i += line_bytes)
    sum += bytes[i];
  sum += bytes[size_bytes - 1];
  asm volatile("" : : "r"(sum) : "memory"); // keeps the optimiser from dropping it
}

// Fills the caches of first and second level with something else.
class cache_filler {
public:
  void fill() const { fetch(buffer_.data(), buffer_.size()); }

private:
  std::vector<unsigned char> buffer_ = std::vector<unsigned char>(std::size_t{4} << 20, 1);
};

} // namespace bench
