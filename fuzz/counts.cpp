#include "target.hpp"

#include <cstdio>
#include <cstdlib>

namespace petrify::fuzz {

counts totals;

void broken(const char* what) {
  std::fprintf(stderr, "fuzz: broken: %s\n", what);
  std::abort();
}

} // namespace petrify::fuzz
