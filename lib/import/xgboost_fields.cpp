#include "import/xgboost_fields.hpp"

#include <charconv>
#include <string>

namespace petrify::inline v0 {
namespace xgboost {

using json::numbers;

const json::value& require(const json::value& from, std::string_view key) {
  const json::value* const found = from.find(key);
  if (found == nullptr)
    refuse("the model has no ", quoted(key));
  return *found;
}

std::optional<std::int64_t> integer_of(const json::value& from) {
  if (const std::string* const digits = from.as_text()) {
    std::int64_t out = 0;
    const auto result = std::from_chars(digits->data(), digits->data() + digits->size(), out);
    return result.ec == std::errc() && result.ptr == digits->data() + digits->size() ? std::optional(out)
                                                                                     : std::nullopt;
  }
  return from.as_int();
}

std::int64_t require_integer(const json::value& table, std::string_view key, std::int64_t least, std::int64_t most) {
  const json::value& found = require(table, key);
  const auto out = integer_of(found);
  if (!out || *out < least || *out > most)
    refuse(key, " is ", found.describe(), ", expected ", least == most ? text(least) : text(least, " to ", most));
  return *out;
}

const numbers& array_of(const json::value& from, std::string_view key, std::uint64_t size) {
  const json::value& found = require(from, key);
  const numbers* const out = found.as_numbers();
  if (out == nullptr || out->size() != size)
    refuse(key, " is ", found.describe(), ", expected ", size, " numbers");
  return *out;
}

std::int64_t integer_at(const numbers& from, std::uint64_t i, std::string_view name, std::int64_t least,
                        std::int64_t most) {
  const auto out = from.integer(i);
  if (!out || *out < least || *out > most)
    refuse_node(i, name, " is ", out ? text(*out) : text(from.real(i)), ", expected ", least, " to ", most);
  return *out;
}

std::int32_t best_iteration_of(const json::value& learner) {
  const json::value* const attributes = learner.find("attributes");
  const json::value* const found = attributes == nullptr ? nullptr : attributes->find("best_iteration");
  const auto number = found == nullptr ? std::nullopt : integer_of(*found);
  return number && *number >= 0 && *number < 0x7fffffff ? static_cast<std::int32_t>(*number) : -1;
}

} // namespace xgboost
} // namespace petrify::inline v0
