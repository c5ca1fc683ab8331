#include "import/numpy.hpp"

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "import/numpy_elements.hpp"

#include <algorithm>
#include <cstring>

namespace petrify::inline v0 {
namespace {

// Elements that take no bytes cost a file nothing, so their number must be bounded by something else.
constexpr std::uint64_t max_empty_elements = 65536;

std::vector<std::uint64_t> packed_strides(std::span<const std::uint64_t> shape, std::uint64_t item_size,
                                          numpy_order order) {
  std::vector<std::uint64_t> strides(shape.size());
  std::uint64_t stride = item_size;
  for (std::size_t k = 0; k < shape.size(); ++k) {
    const std::size_t axis = order == numpy_order::row_major ? shape.size() - 1 - k : k;
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

bool is_packed(const numpy_array& array, numpy_order order) {
  std::uint64_t stride = array.dtype->item_size;
  for (std::size_t k = 0; k < array.shape.size(); ++k) {
    const std::size_t axis = order == numpy_order::row_major ? array.shape.size() - 1 - k : k;
    if (array.shape[axis] != 1 && array.strides[axis] != stride)
      return array.num_elements() == 0;
    stride *= array.shape[axis];
  }
  return true;
}

// What has to be reversed inside one element to make it little-endian.
struct swap_range {
  std::uint64_t offset;
  std::uint64_t width;
};

void add_swaps(const numpy_dtype& dtype, std::uint64_t offset, std::vector<swap_range>& out) {
  const std::uint64_t count = checked_product(dtype.subarray).value_or(0);
  for (std::uint64_t k = 0; k < count; ++k, offset += dtype.item_size) {
    for (const auto& field : dtype.fields)
      add_swaps(field.dtype, offset + field.offset, out);
    if (!dtype.swapped || !dtype.fields.empty() || dtype.kind == 'V' || dtype.kind == 'S')
      continue;
    const std::uint64_t width = dtype.kind == 'c' ? dtype.item_size / 2 : dtype.kind == 'U' ? 4 : dtype.item_size;
    if (width > 1)
      for (std::uint64_t at = 0; at < dtype.item_size; at += width)
        out.push_back({offset + at, width});
  }
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6);
    put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  }
}

std::uint64_t utf8_size(std::uint32_t c) noexcept { return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4; }

void require_texts(const numpy_array& array) {
  if (array.dtype->kind != 'U' && array.dtype->kind != 'S')
    fail(errc::wrong_type, {}, "array holds ", describe(*array.dtype), ", expected text");
}

// One element without trailing NULs: its bytes, of an S array, or its characters.
struct text_element {
  const std::byte* from;
  std::uint64_t length;
  const numpy_dtype& type;

  text_element(const std::byte* element, const numpy_dtype& of) : from(element), length(of.item_size), type(of) {
    if (of.kind == 'U')
      for (length /= 4; length != 0 && detail::load<std::uint32_t>(from + 4 * (length - 1), false) == 0;)
        --length;
    else
      while (length != 0 && from[length - 1] == std::byte{0})
        --length;
  }

  template <class Visit>
  void for_each_character(std::uint64_t number, Visit&& visit) const {
    for (std::uint64_t i = 0; i < length; ++i) {
      const auto c = detail::load<std::uint32_t>(from + 4 * i, type.swapped);
      if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        fail(errc::malformed, text("element ", number), "UCS-4 value ", c, " is no character");
      visit(c);
    }
  }

  std::uint64_t size_bytes(std::uint64_t number) const {
    if (type.kind == 'S')
      return length;
    std::uint64_t out = 0;
    for_each_character(number, [&](std::uint32_t c) { out += utf8_size(c); });
    return out;
  }

  void append_to(std::string& out, std::uint64_t number) const {
    if (type.kind == 'S' && length != 0)
      out.append(reinterpret_cast<const char*>(from), length);
    else if (type.kind == 'U')
      for_each_character(number, [&](std::uint32_t c) { append_utf8(out, c); });
  }
};

} // namespace

std::uint64_t numpy_array::num_elements() const noexcept { return checked_product(shape).value_or(max_size); }
bool numpy_array::is_row_major() const noexcept { return is_packed(*this, numpy_order::row_major); }
bool numpy_array::is_column_major() const noexcept { return is_packed(*this, numpy_order::column_major); }

numpy_array make_numpy_array(std::shared_ptr<const numpy_dtype> dtype, std::vector<std::uint64_t> shape,
                             numpy_order order, std::span<const std::byte> data, std::span<const std::uint64_t> axes) {
  if (shape.size() > max_numpy_axes)
    fail(errc::malformed, {}, "array of ", shape.size(), " axes, expected at most ", max_numpy_axes);
  if (!dtype->subarray.empty())
    fail(errc::malformed, {}, "array whose elements are sub-arrays (", describe(*dtype), ")");
  const auto elements = checked_product(shape);
  const bool objects = dtype->has_objects();
  const auto expected = elements ? checked_mul(*elements, objects ? 0 : dtype->item_size) : std::nullopt;
  if (!expected)
    fail(errc::malformed, {}, "array whose size overflows 64 bits");
  if (*expected != data.size())
    fail(errc::malformed, {}, "array of ", *elements, " elements of ", describe(*dtype), " has ", data.size(),
         " bytes of data, expected ", *expected);
  if (!objects && dtype->item_size == 0 && *elements > max_empty_elements)
    fail(errc::limit_exceeded, {}, "array of ", *elements, " elements of no bytes, at most ", max_empty_elements,
         " are allowed");

  numpy_array array{std::move(dtype), std::move(shape), {}, data};
  array.strides = packed_strides(array.shape, array.dtype->item_size, order);
  if (axes.empty())
    return array;

  if (axes.size() != array.shape.size())
    fail(errc::malformed, {}, "array of ", array.shape.size(), " axes has an order of ", axes.size(), " axes");
  std::vector<bool> seen(axes.size());
  numpy_array turned = array;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] >= axes.size() || seen[axes[i]])
      fail(errc::malformed, {}, "array's axis order is no permutation: axis ", axes[i], " of ", axes.size());
    seen[axes[i]] = true;
    turned.shape[i] = array.shape[axes[i]];
    turned.strides[i] = array.strides[axes[i]];
  }
  return turned;
}

std::vector<std::string> to_strings(const numpy_array& array) {
  require_texts(array);
  std::vector<std::string> out;
  out.reserve(array.num_elements());
  detail::for_each_element(array, [&](const std::byte* element) {
    std::string item;
    text_element(element, *array.dtype).append_to(item, out.size());
    out.push_back(std::move(item));
  });
  return out;
}

packed_texts to_packed_texts(const numpy_array& array, std::uint64_t most) {
  require_texts(array);
  const std::uint64_t count = array.num_elements();
  std::uint64_t number = 0;
  std::uint64_t text_bytes = 0;
  detail::for_each_element(
      array, [&](const std::byte* element) { text_bytes += text_element(element, *array.dtype).size_bytes(number++); });
  // Elements of no bytes are few, and UTF-8 takes no more than UCS-4: both are in proportion to the array's bytes.
  const auto ends_bytes = checked_mul(count, sizeof(std::uint64_t));
  const auto size = ends_bytes ? checked_add(*ends_bytes, text_bytes) : std::nullopt;
  if (!size || *size > most)
    fail(errc::limit_exceeded, {}, count, " texts would take ", size ? text(*size) : "2^63 and more",
         " bytes in memory, expected at most ", most, ", which is what is left of the limit");
  packed_texts out;
  out.text.reserve(text_bytes);
  out.ends.reserve(count);
  detail::for_each_element(array, [&](const std::byte* element) {
    text_element(element, *array.dtype).append_to(out.text, out.ends.size());
    out.ends.push_back(out.text.size());
  });
  return out;
}

byte_buffer to_native_bytes(const numpy_array& array) {
  if (array.dtype->has_objects())
    fail(errc::wrong_type, {}, "array holds Python objects, expected numbers or text");
  byte_buffer out;
  if (array.data.empty())
    return out;
  out.resize(array.data.size());
  if (array.is_row_major()) {
    std::memcpy(out.data(), array.data.data(), array.data.size());
  } else {
    std::byte* to = out.data();
    const std::uint64_t item_size = array.dtype->item_size;
    detail::for_each_element(array, [&](const std::byte* element) {
      std::memcpy(to, element, item_size);
      to += item_size;
    });
  }
  std::vector<swap_range> swaps;
  add_swaps(*array.dtype, 0, swaps);
  std::ranges::sort(swaps, {}, &swap_range::offset);
  for (std::size_t i = 1; i < swaps.size(); ++i)
    if (swaps[i - 1].offset + swaps[i - 1].width > swaps[i].offset)
      fail(errc::wrong_type, {}, "array of ", describe(*array.dtype), " has big-endian fields that overlap");
  if (!swaps.empty())
    for (std::byte* element = out.data(); element != out.data() + out.size(); element += array.dtype->item_size)
      for (const auto& range : swaps)
        std::reverse(element + range.offset, element + range.offset + range.width);
  return out;
}

} // namespace petrify::inline v0
