#include "base/fail.hpp"

#include "base/utf8.hpp"

namespace petrify::inline v0 {

std::string quoted(std::string_view bytes, std::size_t limit) {
  constexpr char digits[] = "0123456789abcdef";
  const std::string_view shown = bytes.substr(0, limit);
  // Bytes that are no text would garble the line they are printed on.
  const bool escape_high = !is_utf8(shown);
  std::string out = "\"";
  for (const char c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f || (escape_high && byte >= 0x80)) {
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
