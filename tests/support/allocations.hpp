// How often this process has asked for memory through new. Linking allocations.cpp puts its operators before the
// library's.
#pragma once

#include <cstddef>

namespace petrify::test {

std::size_t num_allocations() noexcept;

} // namespace petrify::test
