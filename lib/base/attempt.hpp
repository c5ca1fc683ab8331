// The noexcept forms of functions that throw.
#pragma once

#include <petrify/error.hpp>

#include <optional>

namespace petrify::inline v0 {

// What `make` returns; nullopt where it throws, with the error in `why`, or with nothing there if memory ran out.
template <class Make>
auto attempt(std::optional<error>& why, Make make) noexcept -> std::optional<decltype(make())> {
  why.reset();
  try {
    try {
      return make();
    } catch (const error& failure) {
      why = failure;
    }
  } catch (...) {
    why.reset(); // no memory, not even to say so
  }
  return std::nullopt;
}

} // namespace petrify::inline v0
