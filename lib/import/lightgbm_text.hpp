// LightGBM's text: lines, entries, lists of numbers, with the errors that say what is wrong with them.
#pragma once

#include "base/fail.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace petrify::inline v0 {
namespace lightgbm {

template <class... Pieces>
[[noreturn]] void refuse(const Pieces&... pieces) {
  fail(errc::not_importable, {}, pieces...);
}

// A text line by line, and which line that is.
class lines {
public:
  explicit lines(std::string_view rest) : rest_(rest) {}

  // The next line without its end, CR LF or LF; nullopt behind the last one.
  std::optional<std::string_view> next();
  std::size_t number() const noexcept { return number_; }
  // How much is left, for progress.
  std::size_t bytes_left() const noexcept { return rest_.size(); }

private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

// "key=value" entries of the header or of a tree. Borrows the lines.
class section {
public:
  // Throws: not_importable, with the line, for a key that is given twice.
  void add(std::string_view line, std::size_t number);
  void clear() { entries_.clear(); }

  std::optional<std::string_view> find(std::string_view key) const;
  // Throws: not_importable when there is none.
  std::string_view require(std::string_view key) const;
  // An entry from `least` to `most`. Throws: not_importable.
  std::int64_t integer(std::string_view key, std::int64_t least, std::int64_t most) const;

private:
  std::map<std::string_view, std::string_view> entries_;
};

// Calls f with each word of a list, words being parted by any number of spaces.
template <class F>
void for_each_word(std::string_view list, F f) {
  for (std::size_t at = 0; at < list.size();) {
    if (list[at] == ' ') {
      ++at;
      continue;
    }
    const std::size_t end = std::min(list.find(' ', at), list.size());
    f(list.substr(at, end - at));
    at = end;
  }
}

// A word as a number. Throws: not_importable with key and index.
template <class T>
T number_of(std::string_view word, std::string_view key, std::size_t index) {
  T out{};
  if (word.starts_with('+'))
    word.remove_prefix(1);
  const auto result = std::from_chars(word.data(), word.data() + word.size(), out);
  if (result.ptr == word.data() + word.size() && !word.empty()) {
    if (result.ec == std::errc())
      return out;
    if constexpr (std::is_floating_point_v<T>) // too large is infinite, too small is zero, as strtod has it
      return static_cast<T>(std::strtod(std::string(word).c_str(), nullptr));
  }
  refuse(key, "[", index, "] is ", quoted(word, 32), ", expected a number");
}

// The numbers of an entry, `count` of them. An entry that is absent or empty is refused unless count is 0.
template <class T>
void read_list(const section& from, std::string_view key, std::size_t count, std::vector<T>& out) {
  out.clear();
  const auto found = from.find(key);
  if (found)
    for_each_word(*found, [&](std::string_view word) {
      if (out.size() < count + 1)
        out.push_back(number_of<T>(word, key, out.size()));
    });
  if (out.size() != count)
    refuse(key, " has ", found ? text(out.size() > count ? "more than " : "", std::min(out.size(), count)) : "no",
           " numbers, expected ", count);
}

} // namespace lightgbm
} // namespace petrify::inline v0
