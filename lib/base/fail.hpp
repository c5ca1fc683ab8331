// How rooms raise petrify::error: fail(code, where, pieces...) with the pieces put together as text.
#pragma once

#include <petrify/error.hpp>

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace petrify::inline v0 {

inline void append_text(std::string& out, std::string_view text) { out += text; }
inline void append_text(std::string& out, char c) { out += c; }
// Numbers as the shortest text that reads back to the same value.
template <class T>
requires(std::integral<T> || std::floating_point<T>) void append_text(std::string& out, T number) {
  char buffer[64];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr);
}

template <class... Pieces>
std::string text(const Pieces&... pieces) {
  std::string out;
  (append_text(out, pieces), ...);
  return out;
}

// Text from a file, made safe to print on one line: at most `limit` bytes, quotes and control bytes escaped.
std::string quoted(std::string_view bytes, std::size_t limit = 60);

// The same without quotes and limit, for names that are printed as they are.
std::string printable(std::string_view bytes);

// Throws an error without a path; the door that knows the path adds it (error::at).
template <class... Pieces>
[[noreturn]] void fail(errc code, std::string where, const Pieces&... pieces) {
  throw error(code, {}, std::move(where), text(pieces...));
}

} // namespace petrify::inline v0
