#include "base/real_text.hpp"

#include <charconv>
#include <cmath>

namespace petrify::inline v0 {

namespace {

template <class T>
std::string shortest(T x) {
  if (std::isnan(x))
    return "nan";
  if (std::isinf(x))
    return x < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto as = [&](std::chars_format format) {
    return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, x, format).ptr);
  };
  // Python writes exponents below -4 and from 16 on.
  std::string scientific = as(std::chars_format::scientific);
  int exponent = 0;
  const char* digits = scientific.data() + scientific.find('e') + 1;
  std::from_chars(*digits == '+' ? digits + 1 : digits, scientific.data() + scientific.size(), exponent);
  if (exponent < -4 || exponent >= 16)
    return scientific;
  std::string fixed = as(std::chars_format::fixed);
  return fixed.find('.') == std::string::npos ? fixed + ".0" : fixed;
}

} // namespace

std::string real_text(double x) { return shortest(x); }
std::string real_text(float x) { return shortest(x); }

} // namespace petrify::inline v0
