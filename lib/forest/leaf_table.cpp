#include "forest/leaf_table.hpp"

#include "base/checksum.hpp"
#include "base/fail.hpp"

#include <cstring>

namespace petrify::inline v0 {

void leaf_table::encode(std::span<const double> values) {
  const std::size_t size = width_ * size_bytes(type_);
  scratch_.resize(size);
  if (type_ == dtype::float32) {
    for (std::size_t k = 0; k < width_; ++k) {
      const auto narrow = static_cast<float>(values[k]);
      std::memcpy(scratch_.data() + k * sizeof narrow, &narrow, sizeof narrow);
    }
  } else {
    std::memcpy(scratch_.data(), values.data(), size);
  }
}

std::uint32_t leaf_table::add_row() {
  if (num_rows_ >= 0xfffffffeu)
    fail(errc::limit_exceeded, "leaf values", "more than 2^32 - 2 distinct ones");
  bytes_.insert(bytes_.end(), scratch_.begin(), scratch_.end());
  return static_cast<std::uint32_t>(num_rows_++);
}

std::uint32_t leaf_table::append(std::span<const double> values) {
  encode(values);
  return add_row();
}

std::uint32_t leaf_table::intern(std::span<const double> values) {
  if (num_rows_ * 2 >= places_.size())
    grow();
  encode(values);
  const std::size_t mask = places_.size() - 1;
  std::size_t at = checksum(scratch_) & mask;
  for (; places_[at] != 0; at = (at + 1) & mask)
    if (std::memcmp(row(places_[at] - 1).data(), scratch_.data(), scratch_.size()) == 0)
      return places_[at] - 1;
  const std::uint32_t added = add_row();
  places_[at] = added + 1;
  return added;
}

void leaf_table::grow() {
  places_.assign(places_.empty() ? 64 : places_.size() * 2, 0);
  const std::size_t mask = places_.size() - 1;
  for (std::uint32_t index = 0; index < num_rows_; ++index) {
    std::size_t at = checksum(row(index)) & mask;
    while (places_[at] != 0)
      at = (at + 1) & mask;
    places_[at] = index + 1;
  }
}

} // namespace petrify::inline v0
