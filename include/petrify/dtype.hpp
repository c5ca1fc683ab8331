// dtype: the element types that arrays, labels and leaf values can have, their C++ types, and the order of axes.
#pragma once

#include <petrify/version.hpp>

#include <bit>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace petrify::inline v0 {

// The values are part of the file format (docs/format.md, "Element types").
enum class dtype : std::uint8_t {
  none = 0,
  bool8 = 1,
  int8 = 2,
  int16 = 3,
  int32 = 4,
  int64 = 5,
  uint8 = 6,
  uint16 = 7,
  uint32 = 8,
  uint64 = 9,
  float16 = 10,
  bfloat16 = 11,
  float32 = 12,
  float64 = 13,
  complex64 = 14,
  complex128 = 15,
  fixed_bytes = 16, // items of a fixed number of bytes
  string = 17,      // UTF-8 text of any length
};

// Which axis of an array is contiguous: the last (C, NumPy) or the first (Fortran). Part of the file format.
enum class axis_order : std::uint8_t { row_major = 0, column_major = 1 };

// Axes of an array at most.
inline constexpr std::size_t max_rank = 32;

// "float32"; "unknown" for a value that is no dtype.
const char* to_string(dtype type) noexcept;
// Bytes of one element; 0 for none, fixed_bytes and string, whose size the type does not tell.
std::size_t size_bytes(dtype type) noexcept;

// One byte of a boolean array. Any byte but 0 is true, so that a hostile file cannot make an invalid bool.
struct bool8 {
  std::uint8_t byte = 0;
  constexpr explicit operator bool() const noexcept { return byte != 0; }
  friend constexpr bool operator==(bool8 a, bool8 b) noexcept { return (a.byte != 0) == (b.byte != 0); }
};

// IEEE 754 binary16, kept as its bits. Conversion to float is exact.
struct float16 {
  std::uint16_t bits = 0;
  explicit operator float() const noexcept;
};

// The upper half of a float32, kept as its bits. Conversion to float is exact.
struct bfloat16 {
  std::uint16_t bits = 0;
  explicit operator float() const noexcept { return std::bit_cast<float>(std::uint32_t{bits} << 16); }
};

// The dtype of a C++ type; dtype::none for a type that is no element.
template <class T>
inline constexpr dtype dtype_of = dtype::none;
template <>
inline constexpr dtype dtype_of<bool8> = dtype::bool8;
template <>
inline constexpr dtype dtype_of<float16> = dtype::float16;
template <>
inline constexpr dtype dtype_of<bfloat16> = dtype::bfloat16;
template <>
inline constexpr dtype dtype_of<float> = dtype::float32;
template <>
inline constexpr dtype dtype_of<double> = dtype::float64;
template <>
inline constexpr dtype dtype_of<std::complex<float>> = dtype::complex64;
template <>
inline constexpr dtype dtype_of<std::complex<double>> = dtype::complex128;
// Every integer type of 8 to 64 bits, long and long long alike, but not bool and not the character types.
template <class T>
requires(std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char> && !std::is_same_v<T, wchar_t> &&
         !std::is_same_v<T, char8_t> && !std::is_same_v<T, char16_t> &&
         !std::is_same_v<T, char32_t>) inline constexpr dtype dtype_of<T> = [] {
  constexpr int log_size = std::countr_zero(sizeof(T));
  return static_cast<dtype>((std::is_signed_v<T> ? 2 : 6) + log_size);
}();

// C++ types that can be elements of an array view.
template <class T>
concept element = dtype_of<std::remove_const_t<T>>
!= dtype::none;

} // namespace petrify::inline v0
