// Mutations of safetensors files that keep their header a header: numbers and pieces of the JSON change, and so does
// the length in front of it.
#include "dice.hpp"
#include "target.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

namespace petrify::fuzz {

namespace {

constexpr std::string_view pieces[] = {"0",
                                       "1",
                                       "-1",
                                       "2",
                                       "4",
                                       "8",
                                       "16",
                                       "4294967296",
                                       "9223372036854775807",
                                       "1.0",
                                       "1e3",
                                       "null",
                                       "[]",
                                       "[0]",
                                       "[0,0]",
                                       "{}",
                                       "\"F32\"",
                                       "\"BF16\"",
                                       "\"F8_E4M3\"",
                                       "\"BOOL\"",
                                       "\"U64\"",
                                       "\"C64\"",
                                       "\"__metadata__\"",
                                       "\"\"",
                                       "\"\\ud800\"",
                                       "\"\\u0000\""};

bool is_separator(char c) { return c == ',' || c == ':' || c == '[' || c == ']' || c == '{' || c == '}' || c == ' '; }

std::pair<std::size_t, std::size_t> piece_of(dice& roll, const std::string& text) {
  const std::size_t at = roll.below(text.size());
  std::size_t begin = at;
  while (begin > 0 && !is_separator(text[begin - 1]))
    --begin;
  std::size_t end = at;
  while (end < text.size() && !is_separator(text[end]))
    ++end;
  return {begin, end};
}

void change_header(dice& roll, std::string& text) {
  const auto [begin, end] = piece_of(roll, text);
  switch (roll.below(5)) {
  case 0:
  case 1: text.replace(begin, end - begin, pieces[roll.below(std::size(pieces))]); return;
  case 2: text.insert(end, "," + text.substr(begin, end - begin)); return;
  case 3: text.erase(begin, std::min(end + 1, text.size()) - begin); return;
  default: {
    const auto [from, to] = piece_of(roll, text);
    const std::string other = text.substr(from, to - from);
    text.replace(begin, end - begin, other);
  }
  }
}

} // namespace

std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t room, std::uint32_t seed) {
  dice roll(seed);
  std::uint64_t length = 0;
  if (size >= 8)
    std::memcpy(&length, data, 8);
  if (size < 10 || length < 2 || length > size - 8 || roll.once_in(4))
    return LLVMFuzzerMutate(data, size, room);
  std::string header(reinterpret_cast<const char*>(data) + 8, length);
  std::string rest(reinterpret_cast<const char*>(data) + 8 + length, size - 8 - length);
  for (std::size_t steps = 1 + roll.below(2); steps != 0; --steps)
    if (!header.empty())
      change_header(roll, header);
  if (roll.once_in(4))
    rest.resize(roll.below(rest.size() + 9));
  length = roll.once_in(16) ? other_number<std::uint64_t>(roll, header.size()) : header.size();
  const std::string all = std::string(reinterpret_cast<const char*>(&length), 8) + header + rest;
  const std::size_t end = std::min(all.size(), room);
  std::memcpy(data, all.data(), end);
  return end;
}

} // namespace petrify::fuzz
