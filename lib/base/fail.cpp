#include "base/fail.hpp"

#include "base/opening.hpp"
#include "base/utf8.hpp"

namespace petrify::inline v0 {

namespace {

// Appends bytes that cannot break a line or garble a terminal; quotes and backslashes are escaped when asked for.
PETRIFY_OPENING void append_escaped(std::string& out, std::string_view bytes, bool escape_quotes) {
  constexpr char digits[] = "0123456789abcdef";
  // Bytes that are no text would garble the line they are printed on.
  const bool escape_high = !is_utf8(bytes);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (escape_quotes && (c == '"' || c == '\\')) {
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
}

} // namespace

PETRIFY_OPENING std::string quoted(std::string_view bytes, std::size_t limit) {
  std::string out = "\"";
  append_escaped(out, bytes.substr(0, limit), true);
  out += bytes.size() > limit ? "\"..." : "\"";
  return out;
}

std::string printable(std::string_view bytes) {
  std::string out;
  append_escaped(out, bytes, false);
  return out;
}

} // namespace petrify::inline v0
