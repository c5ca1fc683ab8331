// Which integers a label type can hold.
#pragma once

#include <petrify/dtype.hpp>

#include <cstdint>
#include <limits>

namespace petrify::inline v0 {

// Whether `label` is a value of `type`. uint64 labels are kept as the int64 of the same bits; types that are no
// integers have 0 in place of one.
inline bool label_fits(dtype type, std::int64_t label) noexcept {
  const auto in = [label](auto limits) {
    return label >= static_cast<std::int64_t>(limits.min()) && label <= static_cast<std::int64_t>(limits.max());
  };
  switch (type) {
  case dtype::bool8: return label == 0 || label == 1;
  case dtype::int8: return in(std::numeric_limits<std::int8_t>());
  case dtype::int16: return in(std::numeric_limits<std::int16_t>());
  case dtype::int32: return in(std::numeric_limits<std::int32_t>());
  case dtype::uint8: return in(std::numeric_limits<std::uint8_t>());
  case dtype::uint16: return in(std::numeric_limits<std::uint16_t>());
  case dtype::uint32: return in(std::numeric_limits<std::uint32_t>());
  case dtype::int64:
  case dtype::uint64: return true;
  default: return label == 0;
  }
}

} // namespace petrify::inline v0
