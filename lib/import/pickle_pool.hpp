// The vectors that a document's values live in. Private to the room.
#pragma once

#include "import/decompress_buffer.hpp"

#include <petrify/version.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace petrify::inline v0 {
namespace pickle {

// A vector of plain values that grows through realloc and does not fill what it adds.
template <class T>
requires std::is_trivially_copyable_v<T>
class pool {
public:
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T& operator[](std::size_t i) noexcept { return data()[i]; }
  const T& operator[](std::size_t i) const noexcept { return data()[i]; }
  T* data() noexcept { return reinterpret_cast<T*>(bytes_.data()); }
  const T* data() const noexcept { return reinterpret_cast<const T*>(bytes_.data()); }

  void push_back(const T& item) {
    // `item` may lie inside this pool.
    const T copy = item;
    if (size_ == capacity_)
      grow(size_ + 1);
    data()[size_++] = copy;
  }
  // Adds `count` uninitialised items and returns the place of the first.
  std::size_t add(std::size_t count) {
    if (count > capacity_ - size_)
      grow(size_ + count);
    return std::exchange(size_, size_ + count);
  }
  // Only ever to a smaller size.
  void shrink(std::size_t size) noexcept { size_ = size; }

private:
  void grow(std::size_t needed) {
    bytes_.resize(std::max(needed, std::size_t{16}) * sizeof(T));
    capacity_ = bytes_.capacity() / sizeof(T);
  }

  byte_buffer bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

} // namespace pickle
} // namespace petrify::inline v0
