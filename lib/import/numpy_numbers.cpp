#include "base/checked.hpp"
#include "base/fail.hpp"
#include "import/numpy.hpp"
#include "import/numpy_elements.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace petrify::inline v0 {
namespace {

template <class T>
std::string_view name_of() {
  return std::integral<T> ? "integers" : sizeof(T) == 4 ? "32-bit floats" : "floats";
}

// Throws unless `reader` gives what can be read as T.
template <class T>
[[noreturn]] void refuse(const std::string& what, const numpy_dtype& dtype) {
  fail(errc::wrong_type, {}, what, " holds ", describe(dtype), ", expected ", name_of<T>());
}

template <class T>
std::string_view range_of() {
  return std::integral<T> ? (std::is_signed_v<T> ? "a signed integer of " : "an unsigned integer of ") : "a float of ";
}

template <class T, class From>
[[noreturn]] void refuse_value(const std::string& where, From value) {
  fail(errc::wrong_type, where, value, " is not exactly ", range_of<T>(), sizeof(T) * 8, " bits");
}

template <class T, bool Swapped>
constexpr bool same_bits(const detail::reader<T, Swapped>&, T) {
  return !Swapped && !std::is_same_v<T, bool>;
}
template <class Reader, class T>
constexpr bool same_bits(const Reader&, T) {
  return false;
}

} // namespace

template <class T>
std::vector<T> to_vector(const numpy_array& array) {
  std::vector<T> out;
  const numpy_dtype& dtype = *array.dtype;
  const bool is_number = detail::with_reader(dtype.kind, dtype.item_size, dtype.swapped, [&](auto read) {
    using stored = decltype(read(nullptr));
    if constexpr (!detail::is_readable_as<T, stored>) {
      refuse<T>("array", dtype);
    } else {
      out.resize(array.num_elements());
      if (same_bits(read, T{}) && array.is_row_major()) {
        if (!out.empty())
          std::memcpy(out.data(), array.data.data(), array.data.size());
        return;
      }
      T* to = out.data();
      detail::for_each_element(array, [&](const std::byte* element) {
        const stored number = read(element);
        if (!detail::exact(number, *to))
          refuse_value<T>(text("element ", to - out.data()), number);
        ++to;
      });
    }
  });
  if (!is_number)
    refuse<T>("array", dtype);
  return out;
}

template std::vector<std::int8_t> to_vector(const numpy_array&);
template std::vector<std::int16_t> to_vector(const numpy_array&);
template std::vector<std::int32_t> to_vector(const numpy_array&);
template std::vector<std::int64_t> to_vector(const numpy_array&);
template std::vector<std::uint8_t> to_vector(const numpy_array&);
template std::vector<std::uint16_t> to_vector(const numpy_array&);
template std::vector<std::uint32_t> to_vector(const numpy_array&);
template std::vector<std::uint64_t> to_vector(const numpy_array&);
template std::vector<float> to_vector(const numpy_array&);
template std::vector<double> to_vector(const numpy_array&);

numpy_column::numpy_column(const numpy_array& array) { set(array, *array.dtype, 0, {}); }

numpy_column::numpy_column(const numpy_array& array, std::string_view name) {
  const auto* field = array.dtype->find(name);
  if (field == nullptr)
    fail(errc::wrong_type, {}, "array of ", describe(*array.dtype), " has no field ", quoted(name));
  set(array, field->dtype, field->offset, name);
}

void numpy_column::set(const numpy_array& array, const numpy_dtype& dtype, std::uint64_t offset,
                       std::string_view name) {
  name_ = name.empty() ? "array" : text("field ", quoted(name));
  if (std::string_view("biuf").find(dtype.kind) == std::string_view::npos || dtype.item_size > 8)
    fail(errc::wrong_type, {}, name_, " holds ", describe(dtype), ", expected numbers");
  // One stride must lead through all elements.
  if (array.shape.size() > 1 && !array.is_row_major())
    fail(errc::wrong_type, {}, name_, " is not stored in C order");
  size_ = array.num_elements();
  base_ = size_ == 0 ? nullptr : array.data.data() + offset;
  stride_ = array.shape.size() == 1 ? array.strides[0] : array.dtype->item_size;
  numbers_ = checked_product(dtype.subarray).value_or(0);
  kind_ = dtype.kind;
  item_size_ = dtype.item_size;
  swapped_ = dtype.swapped;
}

void numpy_column::check(std::uint64_t first, std::uint64_t count, std::uint64_t number) const {
  if (!in_range(first, count, size_))
    fail(errc::invalid_argument, {}, name_, " has ", size_, " records, asked for ", count, " from ", first);
  if (number >= numbers_)
    fail(errc::invalid_argument, {}, name_, " has ", numbers_, " numbers in a record, asked for number ", number);
}

namespace {

template <class T>
void read_column(const std::byte* from, std::uint64_t stride, char kind, std::uint64_t item_size, bool swapped,
                 const std::string& name, std::uint64_t first, std::span<T> out) {
  detail::with_reader(kind, item_size, swapped, [&](auto read) {
    using stored = decltype(read(nullptr));
    if constexpr (!detail::is_readable_as<T, stored>) {
      fail(errc::wrong_type, {}, name, " holds floats, expected integers");
    } else {
      // A flag instead of a branch that throws keeps the loop free of calls.
      bool all_fit = true;
      for (std::size_t i = 0; i < out.size(); ++i)
        all_fit &= detail::exact(read(from + i * stride), out[i]);
      if (all_fit)
        return;
      for (std::size_t i = 0; i < out.size(); ++i)
        if (T ignored; !detail::exact(read(from + i * stride), ignored))
          refuse_value<T>(text(name, " record ", first + i), read(from + i * stride));
    }
  });
}

} // namespace

void numpy_column::read(std::uint64_t first, std::span<std::int64_t> out, std::uint64_t number) const {
  check(first, out.size(), number);
  if (!out.empty())
    read_column(base_ + first * stride_ + number * item_size_, stride_, kind_, item_size_, swapped_, name_, first, out);
}

void numpy_column::read(std::uint64_t first, std::span<double> out, std::uint64_t number) const {
  check(first, out.size(), number);
  if (!out.empty())
    read_column(base_ + first * stride_ + number * item_size_, stride_, kind_, item_size_, swapped_, name_, first, out);
}

std::int64_t numpy_column::integer(std::uint64_t record, std::uint64_t number) const {
  std::int64_t out = 0;
  read(record, std::span(&out, 1), number);
  return out;
}

double numpy_column::real(std::uint64_t record, std::uint64_t number) const {
  double out = 0;
  read(record, std::span(&out, 1), number);
  return out;
}

} // namespace petrify::inline v0
