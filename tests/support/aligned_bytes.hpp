// Bytes at an address where a view may stand, in memory of just their size, so that a sanitizer sees every step beyond.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>

namespace petrify::test {

class aligned_bytes {
public:
  // Throws: std::bad_alloc.
  explicit aligned_bytes(std::span<const std::byte> from) : size_(from.size()) {
    void* at = nullptr;
    if (::posix_memalign(&at, 64, from.size()) != 0)
      throw std::bad_alloc();
    memory_.reset(static_cast<std::byte*>(at));
    std::copy(from.begin(), from.end(), memory_.get());
  }
  std::span<std::byte> bytes() noexcept { return {memory_.get(), size_}; }

private:
  std::unique_ptr<std::byte, decltype(&std::free)> memory_{nullptr, &std::free};
  std::size_t size_;
};

} // namespace petrify::test
