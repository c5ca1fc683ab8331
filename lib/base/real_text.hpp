// Real numbers as Python prints them.
#pragma once

#include <petrify/version.hpp>

#include <string>

namespace petrify::inline v0 {

// The shortest text that reads back to the same value, always recognisable as a real: "1.0", "0.1", "1e+16", "nan".
std::string real_text(double x);
std::string real_text(float x);

} // namespace petrify::inline v0
