#include "import/decompress_buffer.hpp"

#include "base/fail.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace petrify::inline v0 {

byte_buffer::byte_buffer(byte_buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

byte_buffer& byte_buffer::operator=(byte_buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  return *this;
}

byte_buffer::~byte_buffer() { std::free(data_); }

void byte_buffer::reserve(std::size_t capacity) {
  if (capacity <= capacity_)
    return;
  void* moved = std::realloc(data_, capacity);
  if (moved == nullptr)
    fail(errc::limit_exceeded, {}, "no memory for a buffer of ", capacity, " bytes");
  data_ = static_cast<std::byte*>(moved);
  capacity_ = capacity;
}

void byte_buffer::resize(std::size_t size) {
  if (size > capacity_)
    reserve(std::max(size, capacity_ + capacity_ / 2));
  size_ = size;
}

void byte_buffer::shrink_to_fit() noexcept {
  if (size_ == capacity_)
    return;
  if (size_ == 0) {
    std::free(std::exchange(data_, nullptr));
    capacity_ = 0;
  } else if (void* moved = std::realloc(data_, size_)) {
    data_ = static_cast<std::byte*>(moved);
    capacity_ = size_;
  }
}

} // namespace petrify::inline v0
