#include "import/array_import.hpp"

#include "base/fail.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <utility>

namespace petrify::inline v0 {

namespace {

// The names of a record's fields, the first of them: " (fields "id", "weight")".
std::string names_of(const numpy_dtype& type) {
  constexpr std::size_t most = 8;
  std::string out;
  for (std::size_t i = 0; i < std::min(type.fields.size(), most); ++i)
    out += text(i == 0 ? " (fields " : ", ", quoted(type.fields[i].name, 24));
  return out.empty() ? out : out + (type.fields.size() > most ? ", ...)" : ")");
}

// What whoever made the array can do instead.
std::string_view advice_for(const numpy_dtype& type) {
  if (!type.fields.empty())
    return ": save each field as an array of its own";
  if (type.kind == 'V' && type.item_size == 2)
    return ": bfloat16 looks like this, as numpy has no name for it; save it as safetensors";
  if (type.kind == 'f' || type.kind == 'c')
    return ": long doubles depend on the machine; save it as float64 or complex128";
  if (type.kind == 'M' || type.kind == 'm')
    return ": dates and durations can be saved as integers (array.view(\"int64\"))";
  return {};
}

} // namespace

dtype dtype_of_numpy(const numpy_dtype& type) noexcept {
  struct known {
    char kind;
    std::uint64_t size;
    dtype type;
  };
  static constexpr known list[] = {
      {'b', 1, dtype::bool8},     {'i', 1, dtype::int8},        {'i', 2, dtype::int16},   {'i', 4, dtype::int32},
      {'i', 8, dtype::int64},     {'u', 1, dtype::uint8},       {'u', 2, dtype::uint16},  {'u', 4, dtype::uint32},
      {'u', 8, dtype::uint64},    {'f', 2, dtype::float16},     {'f', 4, dtype::float32}, {'f', 8, dtype::float64},
      {'c', 8, dtype::complex64}, {'c', 16, dtype::complex128},
  };
  if (!type.fields.empty() || !type.subarray.empty())
    return dtype::none;
  for (const known& one : list)
    if (one.kind == type.kind && one.size == type.item_size)
      return one.type;
  if (type.kind == 'U')
    return dtype::string;
  return type.kind == 'S' && type.item_size > 0 && type.item_size <= 0xffffffffu ? dtype::fixed_bytes : dtype::none;
}

std::string numpy_code_of(dtype type, std::size_t item_size) {
  switch (type) {
  case dtype::bool8: return "|b1";
  case dtype::int8: return "|i1";
  case dtype::uint8: return "|u1";
  case dtype::int16:
  case dtype::int32:
  case dtype::int64: return text("<i", size_bytes(type));
  case dtype::uint16:
  case dtype::uint32:
  case dtype::uint64: return text("<u", size_bytes(type));
  case dtype::float16:
  case dtype::float32:
  case dtype::float64: return text("<f", size_bytes(type));
  case dtype::complex64:
  case dtype::complex128: return text("<c", size_bytes(type));
  case dtype::fixed_bytes: return text("|S", item_size);
  default: return {};
  }
}

dtype require_dtype(const numpy_dtype& type, std::size_t num_axes) {
  const dtype out = dtype_of_numpy(type);
  if (out == dtype::none)
    fail(errc::not_importable, {}, "array of ", describe(type), names_of(type),
         ", expected booleans, integers, floats, complex numbers, bytes or texts", advice_for(type));
  if (num_axes > max_rank)
    fail(errc::not_importable, {}, "array of ", num_axes, " axes, expected at most ", max_rank);
  return out;
}

imported_array::imported_array(const numpy_array& source, placement wanted, std::uint64_t most_text_bytes)
    : type_(require_dtype(*source.dtype, source.shape.size())), shape_(source.shape) {
  if (type_ == dtype::string) {
    texts_ = to_packed_texts(source, most_text_bytes);
    bytes_ = std::as_bytes(std::span(texts_.ends));
    return;
  }
  if (type_ == dtype::fixed_bytes)
    item_size_ = static_cast<std::uint32_t>(source.dtype->item_size);
  // Other writers of .npy than numpy may not align the elements.
  const std::uint64_t alignment = std::clamp<std::uint64_t>(size_bytes(type_), 1, 8);
  const bool is_aligned =
      wanted == placement::anywhere || reinterpret_cast<std::uintptr_t>(source.data.data()) % alignment == 0;
  if (is_aligned && !source.dtype->swapped && (source.is_row_major() || source.is_column_major())) {
    order_ = source.is_row_major() ? axis_order::row_major : axis_order::column_major;
    bytes_ = source.data;
  } else {
    converted_ = to_native_bytes(source);
    bytes_ = converted_.span();
  }
}

imported_array::imported_array(const std::vector<std::string>& texts, std::vector<std::uint64_t> shape)
    : type_(dtype::string), shape_(std::move(shape)) {
  set_texts(texts);
}

imported_array imported_array::from(const pickle::value& source) {
  const auto array = source.as_array();
  if (!array)
    fail(errc::not_importable, {}, source.describe(), ", expected a numpy array");
  if (array->dtype->kind != 'O')
    return imported_array(*array);
  try {
    return {pickle::to_strings(source), array->shape};
  } catch (const error& failure) {
    if (failure.code() != errc::wrong_type)
      throw;
    fail(errc::not_importable, failure.where(), "array of Python objects: ", failure.message());
  }
}

void imported_array::set_texts(const std::vector<std::string>& texts) {
  texts_.ends.reserve(texts.size());
  for (const std::string& one : texts) {
    if (!is_utf8(one))
      fail(errc::not_importable, text("text ", texts_.ends.size()), quoted(one),
           " has no UTF-8 form: it holds a lone surrogate");
    texts_.text += one;
    texts_.ends.push_back(texts_.text.size());
  }
  bytes_ = std::as_bytes(std::span(texts_.ends));
}

any_array imported_array::view() const {
  const auto size = static_cast<std::uint32_t>(size_bytes(type_));
  return {type_, order_, extents(shape_, order_), type_ == dtype::fixed_bytes ? item_size_ : size, bytes_, texts_.text};
}

} // namespace petrify::inline v0
