// Arithmetic on sizes that come from a file: it says when it would overflow instead of wrapping.
#pragma once

#include <petrify/version.hpp>

#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

namespace petrify::inline v0 {

// Sizes in a file stay below 2^63, so that they also fit off_t and ptrdiff_t.
inline constexpr std::uint64_t max_size = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

constexpr std::optional<std::uint64_t> checked_mul(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) || product > max_size)
    return std::nullopt;
  return product;
}

constexpr std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum) || sum > max_size)
    return std::nullopt;
  return sum;
}

// Product of all factors; an empty list gives 1. A zero anywhere gives 0 even if the others would overflow.
constexpr std::optional<std::uint64_t> checked_product(std::span<const std::uint64_t> factors) noexcept {
  std::uint64_t product = 1;
  bool overflow = false;
  for (const std::uint64_t factor : factors) {
    if (factor == 0)
      return 0;
    if (const auto next = overflow ? std::nullopt : checked_mul(product, factor))
      product = *next;
    else
      overflow = true;
  }
  return overflow ? std::nullopt : std::optional(product);
}

// Whether [offset, offset + length) lies inside `size` bytes; cannot wrap.
constexpr bool in_range(std::uint64_t offset, std::uint64_t length, std::uint64_t size) noexcept {
  return length <= size && offset <= size - length;
}

// `value` rounded up to a multiple of `alignment`, a power of two. The caller keeps value below max_size.
constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) noexcept {
  return (value + (alignment - 1)) & ~(alignment - 1);
}

} // namespace petrify::inline v0
