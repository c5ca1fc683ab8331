#include "base/checksum_functions.hpp"
#include "base/opening.hpp"

// Compiled in: an installed petrify asks nothing of the programs that link it.
#define XXH_INLINE_ALL
#include <xxhash.h>

#define PETRIFY_CHECKSUM_FORM baseline_checksum
#include "base/checksum_form.inl"
