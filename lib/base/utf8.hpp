// UTF-8 validity of text from files.
#pragma once

#include <petrify/version.hpp>

#include <string_view>

namespace petrify::inline v0 {

// True for well-formed UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
// Cost: one pass.
bool is_utf8(std::string_view bytes) noexcept;

} // namespace petrify::inline v0
