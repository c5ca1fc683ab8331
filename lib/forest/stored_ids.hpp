// Ids of leaves as a file stores them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace petrify::inline v0 {

// Numbers of 1, 2 or 4 bytes. Borrows them.
class stored_ids {
public:
  stored_ids() = default;
  // `bytes` are aligned to 4.
  stored_ids(std::span<const std::byte> bytes, std::uint64_t count) noexcept
      : bytes_(bytes), width_(count == 0 ? 1 : bytes.size() / count) {}

  std::uint32_t operator[](std::uint64_t i) const noexcept {
    const std::byte* const data = bytes_.data();
    switch (width_) {
    case 1: return reinterpret_cast<const std::uint8_t*>(data)[i];
    case 2: return reinterpret_cast<const std::uint16_t*>(data)[i];
    default: return reinterpret_cast<const std::uint32_t*>(data)[i];
    }
  }
  std::size_t size_bytes() const noexcept { return bytes_.size(); }

private:
  std::span<const std::byte> bytes_;
  std::uint64_t width_ = 1;
};

// Whether so many bytes are a segment of `count` ids: all of 1, of 2 or of 4 bytes.
inline bool is_size_of_ids(std::uint64_t size, std::uint64_t count) noexcept {
  return size == count || size == 2 * count || size == 4 * count;
}

// The ids in as many bytes each as the largest of them needs.
std::vector<std::byte> pack_ids(std::span<const std::uint32_t> ids);

} // namespace petrify::inline v0
