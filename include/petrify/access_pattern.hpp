// access_pattern: how a program is going to use a part of a mapped file, for file::advise.
#pragma once

#include <petrify/version.hpp>

#include <cstdint>

namespace petrify::inline v0 {

// Advice to the system about pages of a mapping. It never changes what is read, only what that costs, and is left out
// where the system has no such advice. `sequential` and `random` of a part make a mapping of its own of it until it is
// `normal` again; the system allows a process some 65,000 of these (vm.max_map_count): advise about large parts.
enum class access_pattern : std::uint8_t {
  normal,     // as the system thinks fit: reads some neighbours of what is touched
  sequential, // from front to back: reads further ahead
  random,     // rows here and there: reads what is touched and no neighbours
  soon,       // all of it before long: starts to read it now, in the background
  done,       // not for a while: the process lets go of the pages; the page cache keeps them while there is room
};

// "normal", "sequential", "random", "soon", "done".
const char* to_string(access_pattern pattern) noexcept;

} // namespace petrify::inline v0
