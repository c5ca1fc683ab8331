// What the operating system said, as a petrify::error.
#pragma once

#include <petrify/version.hpp>

#include <string>

namespace petrify::inline v0 {

// Throws errc::io: `path: action: the system's words for error_number`.
[[noreturn]] void fail_io(const std::string& path, const char* action, int error_number);

} // namespace petrify::inline v0
