// Mutations of model files that keep most of them model files: numbers become other numbers, and pieces between two
// separators are doubled, taken out or exchanged. In UBJSON numbers are bytes behind their marker.
#include "dice.hpp"
#include "target.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::fuzz {

namespace {

constexpr std::string_view numbers[] = {"0",          "1",          "-1",       "2",   "3",     "31",    "32",
                                        "-2",         "100",        "-0",       "0.5", "1e20",  "1E-36", "NaN",
                                        "-Infinity",  "1e400",      "8",        "10",  "1e-35", "4096",  "65535",
                                        "2147483647", "4294967296", "16777216", "9",   "\"0\"", "[]"};

bool is_number(char c) { return (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '+' || c == 'e' || c == 'E'; }
bool is_separator(char c) { return c == ',' || c == ' ' || c == '\n' || c == '[' || c == ']' || c == '{' || c == '}'; }

// Where a run of characters of a kind begins and ends, around a place chosen at random; empty if there is none.
template <class Kind>
std::pair<std::size_t, std::size_t> run_of(dice& roll, const std::string& text, Kind kind) {
  std::size_t at = roll.below(text.size());
  for (std::size_t tries = 0; tries < text.size() && !kind(text[at]); ++tries)
    at = (at + 1) % text.size();
  std::size_t begin = at;
  while (begin > 0 && kind(text[begin - 1]))
    --begin;
  std::size_t end = at;
  while (end < text.size() && kind(text[end]))
    ++end;
  return {begin, end};
}

void change_text(dice& roll, std::string& text) {
  const auto piece = [&] { return run_of(roll, text, [](char c) { return !is_separator(c); }); };
  switch (roll.below(5)) {
  case 0:
  case 1: {
    const auto [begin, end] = run_of(roll, text, is_number);
    text.replace(begin, end - begin, numbers[roll.below(std::size(numbers))]);
    return;
  }
  case 2: { // one more of a list
    const auto [begin, end] = piece();
    text.insert(end,
                (end < text.size() ? std::string(1, text[end]) : std::string(",")) + text.substr(begin, end - begin));
    return;
  }
  case 3: { // one fewer
    const auto [begin, end] = piece();
    text.erase(begin, std::min(end + 1, text.size()) - begin);
    return;
  }
  default: { // two change places
    const auto [begin, end] = piece();
    const std::string one = text.substr(begin, end - begin);
    const auto [other_begin, other_end] = piece();
    if (end <= other_begin) {
      const std::string other = text.substr(other_begin, other_end - other_begin);
      text.replace(other_begin, other_end - other_begin, one);
      text.replace(begin, end - begin, other);
    }
  }
  }
}

void change_bytes(dice& roll, std::string& bytes) {
  const std::size_t at = roll.below(bytes.size());
  const auto put = [&](std::uint64_t number, std::size_t width) {
    for (std::size_t i = 0; i < width && at + i < bytes.size(); ++i)
      bytes[at + i] = static_cast<char>(number >> 8 * (width - 1 - i));
  };
  switch (roll.below(6)) {
  case 0: return put(roll.below(8), 4);
  case 1: return put(roll.next(), 4);
  case 2: return put(other_number<std::uint32_t>(roll, static_cast<std::uint32_t>(roll.below(40))), 4);
  case 3: return put(roll.below(bytes.size()), 8);
  case 4: bytes[at] = static_cast<char>("{}[]$#SLliIUdDTFZN"[roll.below(18)]); return;
  default: bytes[at] = static_cast<char>(roll.next()); return;
  }
}

} // namespace

std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t room, std::uint32_t seed) {
  dice roll(seed);
  if (size == 0 || roll.once_in(8))
    return LLVMFuzzerMutate(data, size, room);
  std::string text(reinterpret_cast<const char*>(data), size);
  for (std::size_t count = 1 + roll.below(3); count > 0 && !text.empty(); --count)
    if (PETRIFY_FUZZ_IS_TEXT)
      change_text(roll, text);
    else
      change_bytes(roll, text);
  const std::size_t kept = std::min(text.size(), room);
  std::memcpy(data, text.data(), kept);
  return kept;
}

} // namespace petrify::fuzz
