#include "base/fail.hpp"
#include "value/value_node.hpp"

#include <algorithm>
#include <bit>

namespace petrify::inline v0 {

namespace {

// What a node's bytes are. Clamped although check_values has seen them: the file may be changed in place, and a clamp
// costs less than the touch of the bytes.
std::span<const std::byte> bytes_of(const value_table& table, const value_node& node) noexcept {
  const std::uint64_t begin = std::min<std::uint64_t>(node.payload, table.bytes.size());
  return table.bytes.subspan(begin, std::min<std::uint64_t>(node.size, table.bytes.size() - begin));
}

} // namespace

const char* to_string(value_kind kind) noexcept {
  switch (kind) {
  case value_kind::null: return "null";
  case value_kind::boolean: return "boolean";
  case value_kind::integer: return "integer";
  case value_kind::big_integer: return "big integer";
  case value_kind::real: return "real";
  case value_kind::text: return "text";
  case value_kind::bytes: return "bytes";
  case value_kind::list: return "list";
  case value_kind::dict: return "dict";
  }
  return "unknown";
}

value_kind value_view::kind() const noexcept { return static_cast<value_kind>(table_->nodes[node_].kind); }

std::optional<bool> value_view::as_bool() const noexcept {
  if (kind() != value_kind::boolean)
    return std::nullopt;
  return table_->nodes[node_].payload != 0;
}

std::optional<std::int64_t> value_view::as_int() const noexcept {
  if (kind() != value_kind::integer)
    return std::nullopt;
  return static_cast<std::int64_t>(table_->nodes[node_].payload);
}

std::optional<double> value_view::as_real() const noexcept {
  if (kind() == value_kind::real)
    return std::bit_cast<double>(table_->nodes[node_].payload);
  if (const auto number = as_int()) {
    const auto real = static_cast<double>(*number);
    // 2^63 is what the greatest integers round to, and no int64.
    if (real < 0x1p63 && static_cast<std::int64_t>(real) == *number)
      return real;
  }
  return std::nullopt;
}

std::optional<std::string_view> value_view::as_text() const noexcept {
  if (kind() != value_kind::text)
    return std::nullopt;
  const auto own = bytes_of(*table_, table_->nodes[node_]);
  return std::string_view(reinterpret_cast<const char*>(own.data()), own.size());
}

std::optional<std::span<const std::byte>> value_view::as_bytes() const noexcept {
  if (kind() != value_kind::bytes && kind() != value_kind::big_integer)
    return std::nullopt;
  return bytes_of(*table_, table_->nodes[node_]);
}

std::size_t value_view::size() const noexcept { return has_values(kind()) ? table_->nodes[node_].size : 0; }

value_view value_view::next() const noexcept {
  const value_node node = table_->nodes[node_];
  const std::uint64_t inside = has_values(static_cast<value_kind>(node.kind)) ? node.payload : 0;
  // Stays within the table even if the file is changed in place.
  const std::uint64_t behind = table_->nodes.size() - node_ - 1;
  return {*table_, inside < behind ? node_ + 1 + inside : node_};
}

value_view value_view::operator[](std::size_t i) const {
  const std::size_t count = kind() == value_kind::list ? size() : 0;
  if (i >= count)
    fail(errc::invalid_argument, {}, "element ", i, " of a ", to_string(kind()), " with ", count, " elements");
  element_iterator at = elements().begin();
  for (; i != 0; --i)
    ++at;
  return *at;
}

std::optional<value_view> value_view::find(std::string_view key) const noexcept {
  for (const auto& [one, value] : entries())
    if (one.as_text() == key)
      return value;
  return std::nullopt;
}

value_view value_view::at(std::string_view key) const {
  if (kind() != value_kind::dict)
    fail(errc::wrong_type, {}, "key ", quoted(key), " of a ", to_string(kind()), ", expected a dict");
  if (const auto found = find(key))
    return *found;
  fail(errc::not_found, text("key ", quoted(key)), "no such key among the dict's ", size());
}

value_view::range<value_view::element_iterator> value_view::elements() const noexcept {
  const std::size_t count = kind() == value_kind::list ? size() : 0;
  const value_view first = count == 0 ? *this : value_view(*table_, std::min(node_ + 1, table_->nodes.size() - 1));
  return {{first, count}, {first, 0}};
}

value_view::range<value_view::entry_iterator> value_view::entries() const noexcept {
  const std::size_t count = kind() == value_kind::dict ? size() : 0;
  const value_view first = count == 0 ? *this : value_view(*table_, std::min(node_ + 1, table_->nodes.size() - 1));
  return {{first, count}, {first, 0}};
}

} // namespace petrify::inline v0
