// Directories made to cost their reader as much time as possible for each of their bytes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace petrify::test {

struct hostile_case {
  const char* name;
  // A whole file whose directory has about `size` bytes; all checksums are right.
  std::vector<std::byte> (*make)(std::size_t size);
};

// Every case there is.
const std::vector<hostile_case>& hostile_cases();

// A FlatBuffer of tests/value/config.fbs that keeps FlatBuffers' own Verifier busy for seconds at 500 KB: tables that
// share one vector of strings, each of which is looked at anew for every table.
std::vector<std::byte> verifier_killer(std::size_t size);

} // namespace petrify::test
