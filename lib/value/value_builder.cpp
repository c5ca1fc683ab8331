#include "value/value_content.hpp"

#include "base/fail.hpp"
#include "base/utf8.hpp"

#include <bit>
#include <cstring>
#include <limits>

namespace petrify::inline v0 {

value_builder::value_builder() : state_(std::make_unique<state>()) {}
value_builder::value_builder(value_builder&&) noexcept = default;
value_builder& value_builder::operator=(value_builder&&) noexcept = default;
value_builder::~value_builder() = default;

void value_builder::state::append(value_kind kind, std::uint32_t size, std::uint64_t payload) {
  if (open.empty() && !nodes.empty())
    fail(errc::invalid_argument, "value", "a ", to_string(kind),
         " after the whole value, expected one list or dict of all");
  if (!open.empty() && open.back().values == 2 * std::uint64_t{std::numeric_limits<std::uint32_t>::max()})
    fail(errc::limit_exceeded, "value", "a list or dict of 2^32 values and more");
  nodes.push_back({static_cast<std::uint32_t>(kind), size, payload});
  if (!open.empty())
    ++open.back().values;
}

void value_builder::state::append_bytes(value_kind kind, std::span<const std::byte> own) {
  if (own.size() > std::numeric_limits<std::uint32_t>::max())
    fail(errc::limit_exceeded, "value", to_string(kind), " of ", own.size(), " bytes, expected less than 2^32");
  append(kind, static_cast<std::uint32_t>(own.size()), bytes.size());
  bytes.insert(bytes.end(), own.begin(), own.end());
}

void value_builder::state::begin(value_kind kind) {
  if (open.size() >= max_value_depth)
    fail(errc::limit_exceeded, "value", "nested more than ", max_value_depth, " deep");
  append(kind, 0, 0);
  open.push_back({nodes.size() - 1, 0});
}

value_builder& value_builder::null() {
  state_->append(value_kind::null, 0, 0);
  return *this;
}

value_builder& value_builder::boolean(bool value) {
  state_->append(value_kind::boolean, 0, value ? 1 : 0);
  return *this;
}

value_builder& value_builder::integer(std::int64_t value) {
  state_->append(value_kind::integer, 0, static_cast<std::uint64_t>(value));
  return *this;
}

value_builder& value_builder::big_integer(std::span<const std::byte> number) {
  // Without bytes that only repeat the sign: each number has one form.
  const auto is_negative = [](std::byte last) { return (last & std::byte{0x80}) != std::byte{0}; };
  while (number.size() > 1) {
    const std::byte last = number.back();
    const bool next_is_negative = is_negative(number[number.size() - 2]);
    if (last != (next_is_negative ? std::byte{0xff} : std::byte{0}))
      break;
    number = number.first(number.size() - 1);
  }
  if (number.size() >= min_big_integer_bytes) {
    state_->append_bytes(value_kind::big_integer, number);
    return *this;
  }
  std::uint64_t bits = !number.empty() && is_negative(number.back()) ? ~std::uint64_t{0} : 0;
  if (!number.empty())
    std::memcpy(&bits, number.data(), number.size());
  return integer(static_cast<std::int64_t>(bits));
}

value_builder& value_builder::real(double value) {
  state_->append(value_kind::real, 0, std::bit_cast<std::uint64_t>(value));
  return *this;
}

value_builder& value_builder::text(std::string_view value) {
  if (!is_utf8(value))
    fail(errc::invalid_argument, "value", "text is not valid UTF-8: ", quoted(value));
  state_->append_bytes(value_kind::text, std::as_bytes(std::span(value)));
  return *this;
}

value_builder& value_builder::bytes(std::span<const std::byte> value) {
  state_->append_bytes(value_kind::bytes, value);
  return *this;
}

value_builder& value_builder::begin_list() {
  state_->begin(value_kind::list);
  return *this;
}

value_builder& value_builder::begin_dict() {
  state_->begin(value_kind::dict);
  return *this;
}

value_builder& value_builder::end() {
  state& s = *state_;
  if (s.open.empty())
    fail(errc::invalid_argument, "value", "end() without a list or dict that was begun");
  const auto [at, values] = s.open.back();
  value_node& node = s.nodes[at];
  const bool is_dict = node.kind == static_cast<std::uint32_t>(value_kind::dict);
  if (is_dict && values % 2 != 0)
    fail(errc::invalid_argument, "value", "a dict ends after a key, expected its value");
  const std::uint64_t size = is_dict ? values / 2 : values;
  if (size > std::numeric_limits<std::uint32_t>::max())
    fail(errc::limit_exceeded, "value", "a list of ", size, " values, expected less than 2^32");
  node.size = static_cast<std::uint32_t>(size);
  node.payload = s.nodes.size() - at - 1;
  s.open.pop_back();
  return *this;
}

std::uint64_t value_builder::size_bytes() const noexcept {
  return state_->nodes.size() * sizeof(value_node) + state_->bytes.size();
}

} // namespace petrify::inline v0
