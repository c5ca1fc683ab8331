// Inner loops over array elements: visiting them in C order, and reading one as the number it is. Private to the room.
#pragma once

#include "base/fail.hpp"
#include "import/numpy.hpp"

#include <petrify/dtype.hpp>

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

namespace petrify::inline v0::detail {

// An unsigned number from bytes of any alignment.
template <std::unsigned_integral T>
T load(const std::byte* from, bool swapped) noexcept {
  T bits;
  std::memcpy(&bits, from, sizeof bits);
  if (!swapped)
    return bits;
  if constexpr (sizeof bits == 2)
    return __builtin_bswap16(bits);
  else if constexpr (sizeof bits == 4)
    return __builtin_bswap32(bits);
  else if constexpr (sizeof bits == 8)
    return __builtin_bswap64(bits);
  else
    return bits;
}

// The value of an IEEE half; every one is a float.
inline float half_to_float(std::uint16_t bits) noexcept { return static_cast<float>(float16{bits}); }

struct half {};

// Reads one stored number: Stored is the type in the file, the result the C++ type that has its values.
template <class Stored, bool Swapped>
struct reader {
  auto operator()(const std::byte* from) const noexcept {
    if constexpr (std::is_same_v<Stored, half>)
      return half_to_float(load<std::uint16_t>(from, Swapped));
    else if constexpr (std::is_same_v<Stored, bool>)
      return static_cast<std::uint8_t>(*from != std::byte{0});
    else if constexpr (std::is_same_v<Stored, float>)
      return std::bit_cast<float>(load<std::uint32_t>(from, Swapped));
    else if constexpr (std::is_same_v<Stored, double>)
      return std::bit_cast<double>(load<std::uint64_t>(from, Swapped));
    else
      return static_cast<Stored>(load<std::make_unsigned_t<Stored>>(from, Swapped));
  }
};

template <class Stored, class Use>
void with_order(bool swapped, Use&& use) {
  if (swapped && !std::is_same_v<Stored, bool>)
    use(reader<Stored, true>{});
  else
    use(reader<Stored, false>{});
}

// Calls use(reader) with the reader for a number type; false if the type is no number that C++ has.
template <class Use>
bool with_reader(char kind, std::uint64_t item_size, bool swapped, Use&& use) {
  const auto is = [&](char k, std::uint64_t size) { return kind == k && item_size == size; };
  if (is('b', 1))
    with_order<bool>(false, use);
  else if (is('i', 1))
    with_order<std::int8_t>(false, use);
  else if (is('i', 2))
    with_order<std::int16_t>(swapped, use);
  else if (is('i', 4))
    with_order<std::int32_t>(swapped, use);
  else if (is('i', 8))
    with_order<std::int64_t>(swapped, use);
  else if (is('u', 1))
    with_order<std::uint8_t>(false, use);
  else if (is('u', 2))
    with_order<std::uint16_t>(swapped, use);
  else if (is('u', 4))
    with_order<std::uint32_t>(swapped, use);
  else if (is('u', 8))
    with_order<std::uint64_t>(swapped, use);
  else if (is('f', 2))
    with_order<half>(swapped, use);
  else if (is('f', 4))
    with_order<float>(swapped, use);
  else if (is('f', 8))
    with_order<double>(swapped, use);
  else
    return false;
  return true;
}

// Whether values of From can be asked for as To at all (each may still not fit).
template <class To, class From>
inline constexpr bool is_readable_as = std::integral<From> || (std::floating_point<To> && std::floating_point<From> &&
                                                               sizeof(To) >= sizeof(From));

// `value` as To if To has that very value.
template <class To, class From>
requires is_readable_as<To, From>
constexpr bool exact(From value, To& out) noexcept {
  out = static_cast<To>(value);
  if constexpr (std::floating_point<From>) {
    return true;
  } else if constexpr (std::integral<To>) {
    return std::in_range<To>(value);
  } else {
    // 2^digits is the first integer whose successor the float type skips; below it all are exact.
    constexpr auto last = std::uint64_t{1} << std::numeric_limits<To>::digits;
    const auto size = value < From{0} ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    return size <= last || std::countr_zero(size) + std::numeric_limits<To>::digits >= 64 - std::countl_zero(size);
  }
}

// Calls visit(pointer) for every element in C order.
template <class Visit>
void for_each_element(const numpy_array& array, Visit&& visit) {
  const std::size_t axes = array.shape.size();
  const std::byte* base = array.data.data();
  std::uint64_t left = array.num_elements();
  if (axes == 0 && left == 1)
    return visit(base);
  std::uint64_t at = 0;
  std::vector<std::uint64_t> index(axes);
  while (left != 0) {
    const std::uint64_t row = array.shape[axes - 1];
    const std::uint64_t stride = array.strides[axes - 1];
    for (std::uint64_t i = 0; i < row; ++i)
      visit(base + at + i * stride);
    left -= row;
    for (std::size_t axis = axes - 1; axis-- > 0 && left != 0;) {
      at += array.strides[axis];
      if (++index[axis] < array.shape[axis])
        break;
      at -= array.strides[axis] * array.shape[axis];
      index[axis] = 0;
    }
  }
}

} // namespace petrify::inline v0::detail
