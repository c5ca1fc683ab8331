#include "mapping/io_error.hpp"

#include "base/fail.hpp"

#include <cctype>
#include <system_error>

namespace petrify::inline v0 {

void fail_io(const std::string& path, const char* action, int error_number) {
  std::string words = std::generic_category().message(error_number);
  if (!words.empty())
    words[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(words[0])));
  throw error(errc::io, path, action, text(words, " (errno ", error_number, ")"));
}

} // namespace petrify::inline v0
