// What numpy arrays look like from outside Python: element types, shapes and bytes, and how to read them exactly.
//
// Nothing here owns the elements: a numpy_array borrows bytes of a pickle, a joblib dump or a .npy file.
// Thread safety: like any values. Errors have no path and mostly no place; the caller adds both with error::at.
#pragma once

#include "import/decompress_buffer.hpp"

#include <petrify/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::inline v0 {

// An element type. `kind` is numpy's letter: b bool, i and u integers, f float, c complex, S bytes, U text (UCS-4),
// V raw bytes or a record, O Python object, M and m dates and durations.
struct numpy_dtype {
  struct field;

  char kind = 'V';
  // Bytes of one element; of a sub-array, bytes of one of *its* elements. For O: 0, the elements are not bytes.
  std::uint64_t item_size = 0;
  // True for big-endian elements. Meaningless for b, S, V, O and one-byte integers.
  bool swapped = false;
  // The fields of a record, in order; they may leave holes and overlap, but lie inside item_size. Empty otherwise.
  std::vector<field> fields;
  // Shape of a sub-array, as only fields have it; empty otherwise.
  std::vector<std::uint64_t> subarray;

  // Bytes one element takes, sub-array counted in.
  std::uint64_t total_size() const noexcept;
  // Whether Python objects occur in it, at any depth.
  bool has_objects() const noexcept;
  // The field of that name, or null. Cost: O(fields).
  const field* find(std::string_view name) const noexcept;
};

struct numpy_dtype::field {
  std::string name;
  std::uint64_t offset = 0;
  numpy_dtype dtype;
};

// Numpy's limits on what this library reads: axes of one array, and fields of one type with all types inside it.
inline constexpr std::size_t max_numpy_axes = 64;
inline constexpr std::size_t max_numpy_fields = 1024;

// Reads a type string: "<f8", "|b1", "i4", "U3", ">M8[ns]" (the unit is dropped), "O", "V16".
// Throws: not_importable for a letter or size that numpy does not have.
numpy_dtype parse_numpy_dtype(std::string_view code);

// The type as numpy would write it ("<f8", "<U3", "record of 8 fields, 64 bytes"); for messages.
std::string describe(const numpy_dtype& dtype);

// How an array's elements follow each other in memory: last axis fastest, or first axis fastest.
enum class numpy_order { row_major, column_major };

// An array. Borrows `data`, which must outlive it.
struct numpy_array {
  std::shared_ptr<const numpy_dtype> dtype;
  std::vector<std::uint64_t> shape;
  // Bytes from one element to the next along each axis. Never negative; every element lies inside `data`.
  std::vector<std::uint64_t> strides;
  // All elements, without gaps: num_elements() * dtype->item_size bytes. Empty for objects (see pickle::value).
  std::span<const std::byte> data;

  std::uint64_t num_elements() const noexcept;
  // Both are true for arrays of fewer than two axes or elements.
  bool is_row_major() const noexcept;
  bool is_column_major() const noexcept;
};

// Puts an array together and checks that the sizes fit: product(shape) * item size == data.size(), at most 64 axes.
// `axes`, when not empty, is a permutation: axis i of the result is axis axes[i] of `shape` (numpy's transpose).
// Throws: malformed.
numpy_array make_numpy_array(std::shared_ptr<const numpy_dtype> dtype, std::vector<std::uint64_t> shape,
                             numpy_order order, std::span<const std::byte> data,
                             std::span<const std::uint64_t> axes = {});

// The elements in C order as T: int8_t ... int64_t, uint8_t ... uint64_t, float or double.
// Only exact conversions: integers and bools to any T that can hold every value there is; floats to T at least as wide.
// Cost: one pass; a memcpy when the bytes are already right. Throws: wrong_type, naming the first element that does not
// fit.
template <class T>
std::vector<T> to_vector(const numpy_array& array);

// The elements of a U array as UTF-8, or of an S array byte for byte, in C order, without trailing NULs.
// Throws: wrong_type for other kinds, malformed for UCS-4 values that are no characters.
std::vector<std::string> to_strings(const numpy_array& array);

// Texts one behind the other, and where each of them ends.
struct packed_texts {
  std::string text;
  std::vector<std::uint64_t> ends;

  std::uint64_t size_bytes() const noexcept { return text.size() + ends.size() * sizeof(std::uint64_t); }
};

// The same strings without an object for each. Cost: two passes; memory for the result alone.
// Throws as to_strings; limit_exceeded, before any memory is taken, when size_bytes() would be more than `most`.
packed_texts to_packed_texts(const numpy_array& array, std::uint64_t most = ~std::uint64_t{0});

// All bytes of the elements in C order and, where swapped, turned little-endian (field by field, for records too).
// Cost: one pass. Throws: wrong_type for objects.
byte_buffer to_native_bytes(const numpy_array& array);

// One field of an array of records, or the elements of a plain array, read in C order as one kind of number.
// Finding the field and its type costs once; reading is then a loop over a stride. Borrows the array's data.
class numpy_column {
public:
  // The elements of an array of numbers. Throws: wrong_type unless its kind is b, i, u or f.
  explicit numpy_column(const numpy_array& array);
  // The field `name` of an array of records. Throws: wrong_type when there is no such field or it holds no numbers.
  numpy_column(const numpy_array& array, std::string_view name);

  // Number of records.
  std::uint64_t size() const noexcept { return size_; }
  // Numbers in each record: 1, or the element count of a sub-array field.
  std::uint64_t numbers_per_record() const noexcept { return numbers_; }
  // b, i, u or f, and the bytes of one number.
  char kind() const noexcept { return kind_; }
  std::uint64_t item_size() const noexcept { return item_size_; }

  // Records [first, first + out.size()), their `number`-th number. Cost: about 1 ns a record from cache, one cache line
  // each from memory: read the columns of some thousand records in turn. Throws: invalid_argument past the end;
  // wrong_type for floats read as integers, for u8 values past int64, and for integers that a double cannot hold.
  void read(std::uint64_t first, std::span<std::int64_t> out, std::uint64_t number = 0) const;
  void read(std::uint64_t first, std::span<double> out, std::uint64_t number = 0) const;

  // One number. Cost: a few ns.
  std::int64_t integer(std::uint64_t record, std::uint64_t number = 0) const;
  double real(std::uint64_t record, std::uint64_t number = 0) const;

private:
  void set(const numpy_array& array, const numpy_dtype& dtype, std::uint64_t offset, std::string_view name);
  void check(std::uint64_t first, std::uint64_t count, std::uint64_t number) const;

  const std::byte* base_ = nullptr;
  std::uint64_t size_ = 0;
  std::uint64_t stride_ = 0;
  std::uint64_t numbers_ = 1;
  std::uint64_t item_size_ = 0;
  char kind_ = 'f';
  bool swapped_ = false;
  std::string name_;
};

// A column whose numbers are asked for in ascending order: read in blocks, which costs a fraction of one at a time.
template <class T>
class numpy_cursor {
public:
  numpy_cursor(const numpy_array& array, std::string_view name) : column_(array, name) {}
  // Number i < size() of the column. Throws as numpy_column::read.
  T operator()(std::uint64_t i) {
    if (i - first_ >= count_) {
      first_ = i;
      count_ = std::min<std::uint64_t>(block_.size(), column_.size() - i);
      column_.read(first_, std::span(block_).first(count_));
    }
    return block_[i - first_];
  }

private:
  numpy_column column_;
  std::uint64_t first_ = 0;
  std::uint64_t count_ = 0;
  std::array<T, 512> block_;
};

} // namespace petrify::inline v0
