// Code for a CPU that the rest of petrify does not ask for: functions between PETRIFY_TARGET_BEGIN("avx2,bmi2") and
// PETRIFY_TARGET_END may use these instructions. Everything that the region needs is included before it: what a header
// defines inside would be shared with code that runs on any CPU. Only functions that a cpu_level allows may be called.
#pragma once

#define PETRIFY_PRAGMA(x) _Pragma(#x)
#if defined(__clang__)
#define PETRIFY_TARGET_BEGIN(names)                                                                                    \
  PETRIFY_PRAGMA(clang attribute push(__attribute__((target(names))), apply_to = function))
#define PETRIFY_TARGET_END PETRIFY_PRAGMA(clang attribute pop)
#else
#define PETRIFY_TARGET_BEGIN(names)                                                                                    \
  PETRIFY_PRAGMA(GCC push_options)                                                                                     \
  PETRIFY_PRAGMA(GCC target(names))
#define PETRIFY_TARGET_END PETRIFY_PRAGMA(GCC pop_options)
#endif

// Of functions that must become part of their callers, so that vectors and walks stay in registers. Where one of a
// region's functions does not, it returns no struct of a single vector: gcc 12 may clear the vector's upper part.
#define PETRIFY_INLINE inline __attribute__((always_inline))
