#include "import/lightgbm_text.hpp"

namespace petrify::inline v0 {
namespace lightgbm {

std::optional<std::string_view> lines::next() {
  if (rest_.empty())
    return std::nullopt;
  ++number_;
  const std::size_t end = std::min(rest_.find('\n'), rest_.size());
  std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  if (line.ends_with('\r'))
    line.remove_suffix(1);
  return line;
}

void section::add(std::string_view line, std::size_t number) {
  const std::size_t equals = line.find('=');
  const std::string_view key = line.substr(0, equals);
  if (!entries_.emplace(key, equals == std::string_view::npos ? std::string_view() : line.substr(equals + 1)).second)
    fail(errc::not_importable, text("line ", number), "the key ", quoted(key, 32), " is given twice, expected once");
}

std::optional<std::string_view> section::find(std::string_view key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? std::nullopt : std::optional(found->second);
}

std::string_view section::require(std::string_view key) const {
  const auto found = find(key);
  if (!found)
    refuse("the model has no ", key);
  return *found;
}

std::int64_t section::integer(std::string_view key, std::int64_t least, std::int64_t most) const {
  const std::string_view digits = require(key);
  std::int64_t out = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (result.ec != std::errc() || result.ptr != digits.data() + digits.size() || out < least || out > most)
    refuse(key, " is ", quoted(digits, 32), ", expected ", least, " to ", most);
  return out;
}

} // namespace lightgbm
} // namespace petrify::inline v0
