// array_view, string_array, any_array: arrays in a mapped file, used where they are.
//
// All three borrow: the petrify::file they come from must outlive them. They are const and may be used from any
// number of threads. Nothing is copied and nothing is parsed; the first touch of a page reads it from the disk.
#pragma once

#include <petrify/dtype.hpp>

#include <array>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace petrify::inline v0 {

// Lengths of the axes and the distances between neighbours on each, in elements.
class extents {
public:
  // A single element: rank 0.
  constexpr extents() = default;
  // A gapless array in `order`. Throws: errc::invalid_argument beyond 32 axes or 2^63-1 elements.
  explicit extents(std::span<const std::uint64_t> shape, axis_order order = axis_order::row_major);

  std::size_t rank() const noexcept { return rank_; }
  std::span<const std::uint64_t> shape() const noexcept { return {shape_.data(), rank_}; }
  std::span<const std::int64_t> strides() const noexcept { return {strides_.data(), rank_}; }
  // Number of elements; 1 for rank 0.
  std::uint64_t size() const noexcept { return size_; }
  // Distance of the element at `index` from the first, in elements. One index an axis; each below its length.
  std::int64_t offset(std::span<const std::uint64_t> index) const noexcept;
  // The same. Throws: errc::invalid_argument for a wrong number of indices, or one that is out of range.
  std::int64_t checked_offset(std::span<const std::uint64_t> index) const;

private:
  std::size_t rank_ = 0;
  std::uint64_t size_ = 1;
  std::array<std::uint64_t, max_rank> shape_{};
  std::array<std::int64_t, max_rank> strides_{};
};

// View of an array whose element type is known. Borrows from the file (or from the caller's memory).
template <element T>
class array_view {
public:
  using value_type = T;

  array_view() = default;
  array_view(const T* data, const extents& places) : data_(data), extents_(places) {}

  std::size_t rank() const noexcept { return extents_.rank(); }
  std::span<const std::uint64_t> shape() const noexcept { return extents_.shape(); }
  // In elements, not bytes.
  std::span<const std::int64_t> strides() const noexcept { return extents_.strides(); }
  std::uint64_t size() const noexcept { return extents_.size(); }
  const T* data() const noexcept { return data_; }

  // All elements in the order in which they lie in memory.
  std::span<const T> elements() const noexcept { return {data_, static_cast<std::size_t>(size())}; }

  // The element at these indices, one an axis. Cost: a multiply-add an axis; indices are not checked.
  template <std::convertible_to<std::uint64_t>... Index>
  const T& operator()(Index... index) const noexcept {
    assert(sizeof...(index) == rank());
    const std::array<std::uint64_t, sizeof...(index)> list{static_cast<std::uint64_t>(index)...};
    return data_[extents_.offset(list)];
  }
  // The same. Throws: errc::invalid_argument for a wrong number of indices, or one that is out of range.
  template <std::convertible_to<std::uint64_t>... Index>
  const T& at(Index... index) const {
    const std::array<std::uint64_t, sizeof...(index)> list{static_cast<std::uint64_t>(index)...};
    return data_[extents_.checked_offset(list)];
  }

private:
  const T* data_ = nullptr;
  extents extents_{std::array<std::uint64_t, 1>{0}};
};

// View of an array of UTF-8 texts, numbered in row-major order. Borrows from the file.
class string_array {
public:
  string_array(std::span<const std::uint64_t> ends, std::span<const char> bytes, const extents& places)
      : ends_(ends), bytes_(bytes), extents_(places) {}

  std::size_t rank() const noexcept { return extents_.rank(); }
  std::span<const std::uint64_t> shape() const noexcept { return extents_.shape(); }
  std::uint64_t size() const noexcept { return extents_.size(); }

  // Text `i`. Its bounds come from the file and are checked here, at each access; whether it is valid UTF-8 is
  // checked by file::verify. Throws: errc::invalid_argument for i >= size(), errc::malformed for bad bounds.
  std::string_view operator[](std::uint64_t i) const;

private:
  std::span<const std::uint64_t> ends_;
  std::span<const char> bytes_;
  extents extents_;
};

// View of an array whose element type is only known at run time. Borrows from the file.
class any_array {
public:
  any_array(dtype type, axis_order order, const extents& places, std::uint32_t item_size,
            std::span<const std::byte> bytes, std::span<const char> text)
      : type_(type), order_(order), item_size_(item_size), extents_(places), bytes_(bytes), text_(text) {}

  dtype type() const noexcept { return type_; }
  axis_order order() const noexcept { return order_; }
  std::size_t rank() const noexcept { return extents_.rank(); }
  std::span<const std::uint64_t> shape() const noexcept { return extents_.shape(); }
  std::uint64_t size() const noexcept { return extents_.size(); }
  // Bytes of one element; 0 for strings.
  std::size_t item_size_bytes() const noexcept { return item_size_; }
  // All elements as they lie in the file. For strings: their ends, as uint64.
  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  // The text of all strings; empty for every other type.
  std::span<const char> text() const noexcept { return text_; }

  // The same array with its type. Throws: errc::wrong_type, naming both types.
  template <element T>
  array_view<T> as() const {
    require(dtype_of<T>);
    return {reinterpret_cast<const T*>(bytes_.data()), extents_};
  }
  // Throws: errc::wrong_type.
  string_array strings() const;
  // Item `i` of a fixed_bytes array, in the order in which they lie in memory. Throws: errc::wrong_type;
  // errc::invalid_argument for i >= size().
  std::span<const std::byte> item(std::uint64_t i) const;

private:
  void require(dtype wanted) const;

  dtype type_;
  axis_order order_;
  std::uint32_t item_size_;
  extents extents_;
  std::span<const std::byte> bytes_;
  std::span<const char> text_;
};

} // namespace petrify::inline v0
