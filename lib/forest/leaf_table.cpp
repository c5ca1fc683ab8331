#include "forest/leaf_table.hpp"

#include "base/checksum.hpp"
#include "base/fail.hpp"

#include <algorithm>
#include <cstring>

namespace petrify::inline v0 {

namespace {

// Enough lookups to keep memory busy, few enough for their rows to stay in cache.
constexpr std::size_t max_waiting = 32;
constexpr std::size_t max_waiting_bytes = std::size_t{1} << 16;

} // namespace

void leaf_table::encode(std::span<const double> values, std::byte* to) const {
  if (type_ == dtype::float32) {
    for (std::size_t k = 0; k < width_; ++k) {
      const auto narrow = static_cast<float>(values[k]);
      std::memcpy(to + k * sizeof narrow, &narrow, sizeof narrow);
    }
  } else {
    std::memcpy(to, values.data(), width_ * sizeof(double));
  }
}

std::uint32_t leaf_table::add(std::span<const std::byte> row) {
  if (num_rows_ >= 0xfffffffeu)
    fail(errc::limit_exceeded, "leaf values", "more than 2^32 - 2 distinct ones");
  bytes_.insert(bytes_.end(), row.begin(), row.end());
  return static_cast<std::uint32_t>(num_rows_++);
}

std::uint32_t leaf_table::append(std::span<const double> values) {
  waiting_bytes_.resize(width_ * size_bytes(type_));
  encode(values, waiting_bytes_.data());
  return add(waiting_bytes_);
}

void leaf_table::intern(std::span<const double> values, std::uint32_t& number) {
  const std::size_t size = width_ * size_bytes(type_);
  const std::size_t most = std::clamp<std::size_t>(max_waiting_bytes / size, 1, max_waiting);
  if (waiting_.size() >= most)
    settle();
  if (waiting_.empty()) {
    waiting_bytes_.resize(most * size);
    while ((num_rows_ + max_waiting) * 2 > places_.size())
      grow();
  }
  std::byte* const to = waiting_bytes_.data() + waiting_.size() * size;
  encode(values, to);
  const std::uint64_t hash = checksum({to, size});
  __builtin_prefetch(&places_[hash & (places_.size() - 1)]);
  waiting_.push_back({hash, &number});
}

void leaf_table::settle() {
  const std::size_t size = width_ * size_bytes(type_);
  for (std::size_t i = 0; i < waiting_.size(); ++i)
    *waiting_[i].number = find_or_add(waiting_[i].hash, {waiting_bytes_.data() + i * size, size});
  waiting_.clear();
}

std::uint32_t leaf_table::find_or_add(std::uint64_t hash, std::span<const std::byte> bytes) {
  const std::size_t mask = places_.size() - 1;
  std::size_t at = hash & mask;
  for (; places_[at] != 0; at = (at + 1) & mask) {
    if ((places_[at] ^ hash) >> 32 != 0)
      continue;
    const std::uint32_t index = row_at(at);
    if (std::memcmp(row(index).data(), bytes.data(), bytes.size()) == 0)
      return index;
  }
  const std::uint32_t added = add(bytes);
  places_[at] = place_of(hash, added);
  return added;
}

void leaf_table::grow() {
  places_.assign(places_.empty() ? 64 : places_.size() * 2, 0);
  const std::size_t mask = places_.size() - 1;
  for (std::uint32_t index = 0; index < num_rows_; ++index) {
    const std::uint64_t hash = checksum(row(index));
    std::size_t at = hash & mask;
    while (places_[at] != 0)
      at = (at + 1) & mask;
    places_[at] = place_of(hash, index);
  }
}

} // namespace petrify::inline v0
