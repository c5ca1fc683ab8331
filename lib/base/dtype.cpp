#include <petrify/dtype.hpp>

#include "base/opening.hpp"

#include <array>

namespace petrify::inline v0 {

namespace {

struct type_fact {
  const char* name;
  std::size_t size_bytes;
};

// Indexed by the value of the enum.
constexpr std::array<type_fact, 18> facts = {{
    {"none", 0},
    {"bool", 1},
    {"int8", 1},
    {"int16", 2},
    {"int32", 4},
    {"int64", 8},
    {"uint8", 1},
    {"uint16", 2},
    {"uint32", 4},
    {"uint64", 8},
    {"float16", 2},
    {"bfloat16", 2},
    {"float32", 4},
    {"float64", 8},
    {"complex64", 8},
    {"complex128", 16},
    {"bytes", 0},
    {"string", 0},
}};

} // namespace

const char* to_string(dtype type) noexcept {
  const auto index = static_cast<std::size_t>(type);
  return index < facts.size() ? facts[index].name : "unknown";
}

PETRIFY_OPENING std::size_t size_bytes(dtype type) noexcept {
  const auto index = static_cast<std::size_t>(type);
  return index < facts.size() ? facts[index].size_bytes : 0;
}

float16::operator float() const noexcept {
  const std::uint32_t sign = std::uint32_t{bits} >> 15 << 31;
  const std::uint32_t exponent = bits >> 10 & 0x1f;
  const std::uint32_t fraction = bits & 0x3ff;
  if (exponent == 0x1f)
    return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0)
    return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  // A subnormal half is fraction * 2^-24: a normal float.
  const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
  return sign != 0 ? -magnitude : magnitude;
}

} // namespace petrify::inline v0
