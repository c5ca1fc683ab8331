#include "base/checksum_functions.hpp"
#include "base/opening.hpp"

#if defined(__x86_64__)

#include "base/target_region.hpp"

// All that xxhash.h includes, before the region.
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <immintrin.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

PETRIFY_TARGET_BEGIN("avx2")
#define XXH_INLINE_ALL
#define XXH_VECTOR 2 // XXH_AVX2
#include <xxhash.h>

#define PETRIFY_CHECKSUM_FORM avx2_checksum
#include "base/checksum_form.inl"
PETRIFY_TARGET_END

#endif
