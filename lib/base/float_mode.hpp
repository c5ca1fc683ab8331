// The floating-point mode in which results are exact, whatever mode the caller's thread is in.
#pragma once

#include <petrify/version.hpp>

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace petrify::inline v0 {

// While it lives, this thread rounds to nearest, keeps denormals and takes no traps. A program linked with -ffast-math,
// or one that works on sound or graphics, may have told its threads to flush denormals (FTZ, DAZ), which would move
// rows to other leaves; one that hunts for NaN may have enabled traps, which would kill it at a row with an infinity in
// it. Cost: one read of the control register where the mode is right; else two writes. Flags that computing raises stay
// raised, as with any code.
class exact_float_mode {
public:
#if defined(__x86_64__)
  exact_float_mode() noexcept : callers_(_mm_getcsr()) {
    if ((callers_ & ~flags) != wanted)
      _mm_setcsr((callers_ & flags) | wanted);
    fence();
  }
  ~exact_float_mode() {
    fence();
    if ((callers_ & ~flags) != wanted)
      _mm_setcsr((_mm_getcsr() & flags) | (callers_ & ~flags));
  }

private:
  static constexpr unsigned flags = 0x003f;
  static constexpr unsigned wanted = 0x1f80; // all exceptions masked; FTZ, DAZ and rounding are 0
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
  // FZ, RMode, and the traps IDE, IXE, UFE, OFE, DZE, IOE.
  static constexpr std::uint64_t changes_results = (std::uint64_t{7} << 22) | (std::uint64_t{0x9f} << 8);
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
