#include "import/numpy.hpp"

#include "base/checked.hpp"
#include "base/fail.hpp"

#include <algorithm>
#include <charconv>

namespace petrify::inline v0 {
namespace {

// Sizes that numpy gives to kinds of fixed sizes; the others (S, U, V) may have any.
bool is_size_of(char kind, std::uint64_t size) {
  switch (kind) {
  case 'b': return size == 1;
  case 'i':
  case 'u': return size == 1 || size == 2 || size == 4 || size == 8;
  case 'f': return size == 2 || size == 4 || size == 8 || size == 12 || size == 16;
  case 'c': return size == 8 || size == 16 || size == 24 || size == 32;
  case 'M':
  case 'm': return size == 8;
  default: return true;
  }
}

} // namespace

std::uint64_t numpy_dtype::total_size() const noexcept {
  return checked_mul(item_size, checked_product(subarray).value_or(max_size)).value_or(max_size);
}

bool numpy_dtype::has_objects() const noexcept {
  return kind == 'O' || std::ranges::any_of(fields, [](const field& f) { return f.dtype.has_objects(); });
}

const numpy_dtype::field* numpy_dtype::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(fields, name, &field::name);
  return found == fields.end() ? nullptr : &*found;
}

numpy_dtype parse_numpy_dtype(std::string_view code) {
  const auto refuse = [&] { fail(errc::not_importable, {}, "unknown array element type ", quoted(code)); };
  std::string_view rest = code;
  numpy_dtype dtype;
  if (!rest.empty() && std::string_view("<>|=").find(rest[0]) != std::string_view::npos) {
    dtype.swapped = rest[0] == '>';
    rest.remove_prefix(1);
  }
  if (rest.empty() || std::string_view("biufcSUVOMm").find(rest[0]) == std::string_view::npos)
    refuse();
  dtype.kind = rest[0];
  rest.remove_prefix(1);

  std::uint64_t size = 0;
  const auto [end, status] = std::from_chars(rest.data(), rest.data() + rest.size(), size);
  const bool has_size = end != rest.data();
  if (has_size && status != std::errc())
    refuse();
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  const bool has_unit =
      (dtype.kind == 'M' || dtype.kind == 'm') && rest.size() > 2 && rest[0] == '[' && rest.back() == ']';
  if (!rest.empty() && !has_unit)
    refuse();

  if (dtype.kind == 'O')
    return dtype;
  if (!has_size || !is_size_of(dtype.kind, size))
    refuse();
  const auto bytes = checked_mul(size, dtype.kind == 'U' ? 4 : 1);
  if (!bytes)
    refuse();
  dtype.item_size = *bytes;
  return dtype;
}

std::string describe(const numpy_dtype& dtype) {
  std::string out;
  if (!dtype.fields.empty()) {
    out = text("record of ", dtype.fields.size(), " fields, ", dtype.item_size, " bytes");
  } else if (dtype.kind == 'O') {
    out = "|O";
  } else {
    const bool has_order = dtype.kind != 'S' && dtype.kind != 'V' && dtype.item_size > 1;
    out = text(!has_order      ? '|'
               : dtype.swapped ? '>'
                               : '<',
               dtype.kind, dtype.kind == 'U' ? dtype.item_size / 4 : dtype.item_size);
  }
  for (const std::uint64_t extent : dtype.subarray)
    out += text(" x ", extent);
  return out;
}

} // namespace petrify::inline v0
