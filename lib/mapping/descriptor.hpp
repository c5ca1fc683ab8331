// What every system call here needs: a descriptor that closes itself, and patience with signals that has an end.
#pragma once

#include <petrify/version.hpp>

#include <cerrno>
#include <utility>

#include <unistd.h>

namespace petrify::inline v0 {

// A file descriptor, closed with the object. Negative: none.
class descriptor {
public:
  descriptor() = default;
  explicit descriptor(int value) noexcept : value_(value) {}
  descriptor(descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~descriptor() { close(); }

  explicit operator bool() const noexcept { return value_ >= 0; }
  int get() const noexcept { return value_; }
  // Hands it over: the object closes it no longer.
  int release() noexcept { return std::exchange(value_, -1); }
  // Whatever close returns, EINTR too, the descriptor is gone on Linux: a second close might hit another thread's.
  void close() noexcept {
    if (value_ >= 0)
      ::close(std::exchange(value_, -1));
  }

private:
  int value_ = -1;
};

// Makes a system call again while signals interrupt it (EINTR); after a thousand times that is its error.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  for (int i = 0; result < 0 && errno == EINTR && i < 1000; ++i)
    result = call();
  return result;
}

} // namespace petrify::inline v0
