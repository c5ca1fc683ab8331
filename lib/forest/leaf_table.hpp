// Distinct leaf values: equal rows of values, bit for bit, are kept once.
#pragma once

#include <petrify/dtype.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace petrify::inline v0 {

// Rows of `width` float32 or float64 values. Memory: the distinct rows, and 16 to 32 bytes for each.
class leaf_table {
public:
  leaf_table(dtype type, std::size_t width) : type_(type), width_(width) {}

  // Puts the number of the row with these bits, which is added if it is new, into `number`, at the latest in settle():
  // some rows are looked up together, so that they wait for memory side by side. float32 tables round each value to
  // float32. Cost: a hash of the row. Throws: errc::limit_exceeded beyond 2^32 - 2 rows.
  void intern(std::span<const double> values, std::uint32_t& number);
  void settle();

  // A new row, whether or not there is one with these bits.
  std::uint32_t append(std::span<const double> values);

  std::size_t num_rows() const noexcept { return num_rows_; }
  std::span<const std::byte> bytes() const noexcept { return bytes_; }

private:
  std::span<const std::byte> row(std::uint32_t index) const noexcept {
    const std::size_t size = width_ * size_bytes(type_);
    return {bytes_.data() + index * size, size};
  }
  static std::uint64_t place_of(std::uint64_t hash, std::uint32_t index) noexcept {
    return hash >> 32 << 32 | (index + 1);
  }
  std::uint32_t row_at(std::size_t place) const noexcept { return static_cast<std::uint32_t>(places_[place]) - 1; }
  void encode(std::span<const double> values, std::byte* to) const;
  std::uint32_t find_or_add(std::uint64_t hash, std::span<const std::byte> row);
  std::uint32_t add(std::span<const std::byte> row);
  void grow();

  dtype type_;
  std::size_t width_;
  std::size_t num_rows_ = 0;
  std::vector<std::byte> bytes_;
  // Rows that wait for settle(): their bytes, and where their numbers go.
  struct waiting_row {
    std::uint64_t hash;
    std::uint32_t* number;
  };
  std::vector<waiting_row> waiting_;
  std::vector<std::byte> waiting_bytes_;
  // Open addressing; each place holds the upper half of a row's hash and the row's number plus one, or 0. With the hash
  // beside it a row in the way need not be looked at, which may be anywhere in memory.
  std::vector<std::uint64_t> places_;
};

} // namespace petrify::inline v0
