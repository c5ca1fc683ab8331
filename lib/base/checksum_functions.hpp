// XXH3-64 in the forms that xxHash's vector types give it; checksum.cpp chooses one when the program starts.
#pragma once

#include <petrify/version.hpp>

#include <cstddef>
#include <cstdint>

namespace petrify::inline v0 {

// The functions of one form. A state is of that form's own making.
struct checksum_functions {
  std::uint64_t (*of)(const void* bytes, std::size_t size) noexcept;
  void* (*make)(); // throws std::bad_alloc
  void (*free)(void* state) noexcept;
  void (*append)(void* state, const void* bytes, std::size_t size) noexcept;
  std::uint64_t (*finish)(void* state) noexcept; // and starts anew
};

extern const checksum_functions baseline_checksum;
#if defined(__x86_64__)
extern const checksum_functions avx2_checksum; // twice as fast; only where the CPU has AVX2
#endif

} // namespace petrify::inline v0
