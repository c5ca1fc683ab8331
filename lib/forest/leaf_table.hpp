// Distinct leaf values: equal rows of values, bit for bit, are kept once.
#pragma once

#include <petrify/dtype.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace petrify::inline v0 {

// Rows of `width` float32 or float64 values. Memory: the distinct rows, and 4 to 8 bytes for each.
class leaf_table {
public:
  leaf_table(dtype type, std::size_t width) : type_(type), width_(width) {}

  // The number of the row with these bits, which is added if it is new. float32 tables round each value to float32.
  // Cost: a hash of the row. Throws: errc::limit_exceeded beyond 2^32 - 2 rows.
  std::uint32_t intern(std::span<const double> values);

  // A new row, whether or not there is one with these bits.
  std::uint32_t append(std::span<const double> values);

  std::size_t num_rows() const noexcept { return num_rows_; }
  std::span<const std::byte> bytes() const noexcept { return bytes_; }

private:
  std::span<const std::byte> row(std::uint32_t index) const noexcept {
    const std::size_t size = width_ * size_bytes(type_);
    return {bytes_.data() + index * size, size};
  }
  void encode(std::span<const double> values);
  std::uint32_t add_row();
  void grow();

  dtype type_;
  std::size_t width_;
  std::size_t num_rows_ = 0;
  std::vector<std::byte> bytes_;
  std::vector<std::byte> scratch_;
  // Open addressing; each place holds a row's number plus one, or 0.
  std::vector<std::uint32_t> places_;
};

} // namespace petrify::inline v0
