#include "base/fail.hpp"

namespace petrify::inline v0 {

std::string quoted(std::string_view bytes, std::size_t limit) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : bytes.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
  out += bytes.size() > limit ? "\"..." : "\"";
  return out;
}

} // namespace petrify::inline v0
