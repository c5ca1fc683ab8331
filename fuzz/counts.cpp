#include "target.hpp"

#include <cstdio>
#include <cstdlib>

namespace petrify::fuzz {

counts totals;

void broken(const char* what) {
  std::fprintf(stderr, "fuzz: broken: %s\n", what);
  std::abort();
}

void look_at(std::span<const std::byte> bytes) {
  static volatile std::uint64_t sink = 0;
  std::uint64_t sum = 0;
  for (const std::byte b : bytes)
    sum += std::to_integer<std::uint64_t>(b);
  sink = sink + sum;
}

} // namespace petrify::fuzz
