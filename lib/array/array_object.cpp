#include "array/array_object.hpp"

#include "base/attempt.hpp"
#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/opening.hpp"
#include "base/utf8.hpp"

#include <petrify/file.hpp>

#include <algorithm>

namespace petrify::inline v0 {

namespace {

// Bytes of one element in segment 0; a string has its end there.
std::uint64_t stored_item_size(dtype type, std::uint32_t item_size) {
  if (type == dtype::fixed_bytes)
    return item_size;
  return type == dtype::string ? sizeof(std::uint64_t) : size_bytes(type);
}

// Axes along which elements have neighbours; with fewer than two of them both orders are the same.
std::size_t count_long_axes(std::span<const std::uint64_t> shape) {
  return static_cast<std::size_t>(std::count_if(shape.begin(), shape.end(), [](std::uint64_t n) { return n != 1; }));
}

// The value of an enum that is none, as of a later petrify, or an empty text.
PETRIFY_OPENING std::string unknown_in(const array_description& d) {
  if (d.element_type == dtype::none || d.element_type > dtype::string)
    return text("element type ", static_cast<unsigned>(d.element_type), ", expected 1 to ",
                static_cast<unsigned>(dtype::string));
  if (d.order > axis_order::column_major)
    return text("axis order ", static_cast<unsigned>(d.order), ", expected 0 or 1");
  return {};
}

// What is wrong with a description whose enums are known, or an empty text.
PETRIFY_OPENING std::string fault_of(const array_description& d) {
  if (d.shape.size() > max_rank)
    return text(d.shape.size(), " axes, expected at most ", max_rank);
  if ((d.element_type == dtype::fixed_bytes) != (d.item_size != 0))
    return text("item size ", d.item_size, " for element type ", to_string(d.element_type),
                ", expected one for bytes and none for every other type");
  if (d.order != axis_order::row_major && (d.element_type == dtype::string || count_long_axes(d.shape) < 2))
    return "column-major order, expected row-major for strings and where both are the same";
  return {};
}

} // namespace

PETRIFY_OPENING any_array array_of(const container& from, std::size_t index) {
  const object_entry& entry = from.contents().objects()[index];
  const std::string where = text("object ", quoted(entry.name));
  const auto refuse = [&](const auto&... pieces) { throw error(errc::malformed, from.path(), where, text(pieces...)); };
  const array_description d = from.contents().describe_array(index);
  if (const std::string unknown = unknown_in(d); !unknown.empty())
    throw error(errc::unsupported, from.path(), where, unknown);
  if (const std::string fault = fault_of(d); !fault.empty())
    refuse(fault);
  const bool is_string = d.element_type == dtype::string;
  const std::uint32_t expected_segments = is_string ? 2 : 1;
  if (entry.num_segments != expected_segments)
    refuse(entry.num_segments, " segments, expected ", expected_segments);
  const auto count = checked_product(d.shape);
  const auto size = count ? checked_mul(*count, stored_item_size(d.element_type, d.item_size)) : std::nullopt;
  const auto bytes = from.segment(entry.first_segment);
  if (!size)
    refuse("shape with more than 2^63 - 1 bytes");
  if (*size != bytes.size())
    refuse("segment of ", bytes.size(), " bytes, but the shape needs ", *size);
  std::span<const char> characters;
  if (is_string) {
    const auto stored = from.segment(entry.first_segment + 1);
    characters = {reinterpret_cast<const char*>(stored.data()), stored.size()};
  }
  const auto item_size = is_string ? 0 : static_cast<std::uint32_t>(stored_item_size(d.element_type, d.item_size));
  return {d.element_type, d.order, extents(d.shape, d.order), item_size, bytes, characters};
}

void verify_array(const container& from, std::size_t index, std::vector<error>& faults) {
  const std::string where = text("object ", quoted(from.contents().objects()[index].name));
  try {
    const any_array array = array_of(from, index);
    if (array.type() != dtype::string)
      return;
    const string_array texts = array.strings();
    std::uint64_t total = 0;
    for (std::uint64_t i = 0; i < texts.size(); ++i) {
      const std::string_view one = texts[i];
      total += one.size();
      if (!is_utf8(one))
        fail(errc::malformed, text("string ", i), quoted(one), " is not valid UTF-8");
    }
    if (total != array.text().size())
      fail(errc::malformed, {}, "the strings cover ", total, " bytes of text, expected all ", array.text().size());
  } catch (const error& failure) {
    faults.push_back(failure.path().empty() ? failure.at(from.path(), where) : failure);
  }
}

axis_order canonical_order(axis_order order, std::span<const std::uint64_t> shape) {
  return count_long_axes(shape) < 2 ? axis_order::row_major : order;
}

void check_elements(dtype type, std::uint32_t item_size, std::uint64_t elements_bytes,
                    std::span<const std::uint64_t> shape) {
  const array_description d{type, axis_order::row_major, shape, item_size};
  const std::string unknown = unknown_in(d);
  const std::string fault = unknown.empty() ? fault_of(d) : unknown;
  if (!fault.empty())
    fail(errc::invalid_argument, {}, fault);
  const auto count = checked_product(shape);
  const auto size = count ? checked_mul(*count, stored_item_size(type, item_size)) : std::nullopt;
  if (size != elements_bytes)
    fail(errc::invalid_argument, {}, elements_bytes, " bytes of ", to_string(type), ", expected ",
         size ? text(*size) : std::string("fewer than 2^63"), " for the shape");
}

PETRIFY_OPENING any_array file::array(std::string_view name) const& {
  return array_of(*container_, container_->find(name, object_kind::array));
}

PETRIFY_OPENING any_array file::typed_array(std::string_view name, dtype wanted) const {
  const any_array found = array(name);
  if (found.type() != wanted)
    throw error(errc::wrong_type, path(), text("object ", quoted(name)),
                text("elements are of type ", to_string(found.type()), ", expected ", to_string(wanted)));
  return found;
}

string_array file::strings(std::string_view name) const& { return typed_array(name, dtype::string).strings(); }

std::optional<any_array> file::try_array(std::string_view name, std::optional<error>& why) const& noexcept {
  return attempt(why, [&] { return array(name); });
}

std::optional<any_array> file::try_typed_array(std::string_view name, dtype wanted,
                                               std::optional<error>& why) const noexcept {
  return attempt(why, [&] { return typed_array(name, wanted); });
}

} // namespace petrify::inline v0
