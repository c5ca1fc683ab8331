// The floating-point mode in which results are exact, whatever mode the caller's thread is in.
#pragma once

#include <petrify/version.hpp>

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace petrify::inline v0 {

// While it lives, this thread rounds to nearest and keeps denormals. A program linked with -ffast-math, or one that
// works on sound or graphics, may have told its threads to flush them (FTZ, DAZ), which would move rows to other
// leaves. Cost: one read of the control register where the mode is right, about 2 ns; else two writes. Flags that
// computing raises stay raised, as with any code.
class exact_float_mode {
public:
#if defined(__x86_64__)
  exact_float_mode() noexcept : callers_(_mm_getcsr()) {
    if ((callers_ & changes_results) != 0)
      _mm_setcsr(callers_ & ~changes_results);
    fence();
  }
  ~exact_float_mode() {
    fence();
    if ((callers_ & changes_results) != 0)
      _mm_setcsr((callers_ & changes_results) | _mm_getcsr());
  }

private:
  static constexpr unsigned changes_results = 0x8000 | 0x6000 | 0x0040; // FTZ, rounding, DAZ
  unsigned callers_;
#elif defined(__aarch64__)
  exact_float_mode() noexcept {
    asm volatile("mrs %0, fpcr" : "=r"(callers_));
    if ((callers_ & changes_results) != 0)
      asm volatile("msr fpcr, %0" : : "r"(callers_ & ~changes_results));
    fence();
  }
  ~exact_float_mode() {
    fence();
    if ((callers_ & changes_results) != 0)
      asm volatile("msr fpcr, %0" : : "r"(callers_));
  }

private:
  static constexpr std::uint64_t changes_results = (std::uint64_t{1} << 24) | (std::uint64_t{3} << 22); // FZ, RMode
  std::uint64_t callers_ = 0;
#else
#error "petrify knows the floating-point modes of x86-64 and AArch64 only"
#endif

public:
  exact_float_mode(const exact_float_mode&) = delete;
  exact_float_mode& operator=(const exact_float_mode&) = delete;

private:
  // Keeps the compiler from moving loads and stores, and so the arithmetic between them, out of the mode.
  static void fence() noexcept { asm volatile("" : : : "memory"); }
};

} // namespace petrify::inline v0
