// Which instructions kernels may use here.
#pragma once

#include <petrify/version.hpp>

#include <cstdint>

namespace petrify::inline v0 {

// Each level has what those before it have.
enum class cpu_level : std::uint8_t {
  reference,  // the reference kernel, which every other one is compared with
  scalar,     // what every CPU has that petrify is built for
  avx2,       // AVX2, BMI1, BMI2, POPCNT
  avx512,     // AVX-512 F, BW, DQ, VL
  avx512vbmi, // AVX-512 VBMI
};

// The highest level of this CPU; lowered, never raised, by the environment variable PETRIFY_KERNEL (the names above).
// A name that is none of them is ignored. The variable is read once in a process.
cpu_level usable_cpu_level() noexcept;

} // namespace petrify::inline v0
