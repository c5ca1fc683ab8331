// byte_buffer: bytes whose final length is not known when they start to arrive.
#pragma once

#include <petrify/version.hpp>

#include <cstddef>
#include <span>

namespace petrify::inline v0 {

// Owns bytes and grows through realloc, so that the system can remap a large buffer instead of copying it. New bytes
// are not initialised. Move-only; a moved-from buffer is empty.
class byte_buffer {
public:
  byte_buffer() noexcept = default;
  byte_buffer(byte_buffer&& other) noexcept;
  byte_buffer& operator=(byte_buffer&& other) noexcept;
  ~byte_buffer();

  std::byte* data() noexcept { return data_; }
  const std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size_ == 0; }
  std::span<const std::byte> span() const& noexcept { return {data_, size_}; }
  std::span<const std::byte> span() const&& = delete;

  // Makes room for `capacity` bytes in all. Throws: limit_exceeded when there is no memory for them.
  void reserve(std::size_t capacity);
  // Sets the size; added bytes hold anything. Grows the capacity by half at least, so that appending costs O(1) a byte.
  void resize(std::size_t size);
  // Gives unused capacity back. Cost: at most one copy.
  void shrink_to_fit() noexcept;

private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

} // namespace petrify::inline v0
