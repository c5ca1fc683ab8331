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
#include <initializer_list>
#include <span>
#include <string_view>

namespace petrify::inline v0 {

// Lengths of the axes and the distances between neighbours on each, in elements: where the elements of an array, or of
// a part of it, lie. The parts (slice, select, ...) are computed in O(rank) and touch no element.
class extents {
public:
  // A single element: rank 0.
  constexpr extents() = default;
  // A gapless array in `order`. Throws: errc::invalid_argument beyond 32 axes or 2^63-1 elements.
  explicit extents(std::span<const std::uint64_t> shape, axis_order order = axis_order::row_major);

  std::size_t rank() const noexcept { return rank_; }
  std::span<const std::uint64_t> shape() const noexcept { return {shape_.data(), rank_}; }
  // A stride may be negative. That of an axis of length 1, and all of an array without elements, are never followed.
  std::span<const std::int64_t> strides() const noexcept { return {strides_.data(), rank_}; }
  // Number of elements; 1 for rank 0.
  std::uint64_t size() const noexcept { return size_; }
  // Distance of the element at `index` from the first, in elements. One index an axis; each below its length.
  std::int64_t offset(std::span<const std::uint64_t> index) const noexcept;
  // The same. Throws: errc::invalid_argument for a wrong number of indices, or one that is out of range.
  std::int64_t checked_offset(std::span<const std::uint64_t> index) const;

  // Whether the elements, in that order, follow each other without gaps.
  bool is_gapless(axis_order order) const noexcept;
  // Distances of the first and of the last element in memory from the first one; both 0 without elements.
  std::int64_t lowest() const noexcept;
  std::int64_t highest() const noexcept;

  // Row `index`: the elements whose first index it is, which must follow each other. Returns where it begins and how
  // many there are. Throws: errc::invalid_argument.
  struct row_place {
    std::int64_t begin;
    std::uint64_t length;
  };
  row_place row(std::uint64_t index) const;

  // These change the extents to those of a part and return where it begins, in elements from the first one of the
  // whole; array_view says what each one is. Throw: errc::invalid_argument, and change nothing then.
  std::int64_t slice(std::size_t axis, std::uint64_t begin, std::uint64_t end, std::uint64_t step);
  std::int64_t select(std::size_t axis, std::uint64_t index);
  std::int64_t flip(std::size_t axis);
  void permute(std::span<const std::size_t> axes);
  void transpose() noexcept;
  void reshape(std::span<const std::uint64_t> shape);

  // Copies elements number `first`, `first` + 1, ... of the row-major order to `out`. `data` is the first element,
  // each has `item_size` bytes, and `out` is a multiple of that. Cost: memcpy where elements lie side by side.
  // Throws: errc::invalid_argument past the last element.
  void gather(const std::byte* data, std::size_t item_size, std::uint64_t first, std::span<std::byte> out) const;

private:
  void require_axis(std::size_t axis) const;
  void set_length(std::size_t axis, std::uint64_t length);
  // Distance between the elements of axes [begin, end) that are walked as one.
  std::int64_t run_stride(std::size_t begin, std::size_t end) const noexcept;

  std::size_t rank_ = 0;
  std::uint64_t size_ = 1;
  std::array<std::uint64_t, max_rank> shape_{};
  std::array<std::int64_t, max_rank> strides_{};
};

// Throws errc::invalid_argument unless the elements follow each other in one of both orders.
void require_gapless(const extents& places);
// Throws errc::invalid_argument unless `given` is the number of elements.
void require_length(const extents& places, std::uint64_t given);

// View of an array whose element type is known, or of a part of one. Borrows from the file (or from the caller's
// memory). Copying it copies half a KiB and no element. The spans of shape() and strides() are the view's own: keep the
// view as long as them.
template <element T>
class array_view {
public:
  using value_type = T;

  array_view() = default;
  array_view(const T* data, const extents& places) : data_(data), extents_(places) {}

  std::size_t rank() const noexcept { return extents_.rank(); }
  std::span<const std::uint64_t> shape() const noexcept { return extents_.shape(); }
  // In elements, not bytes; negative on a flipped axis.
  std::span<const std::int64_t> strides() const noexcept { return extents_.strides(); }
  std::uint64_t size() const noexcept { return extents_.size(); }
  // The element whose indices are all 0.
  const T* data() const noexcept { return data_; }

  // Whether the elements, in that order, follow each other in memory without gaps. Every array of a file does, in its
  // own order.
  bool is_gapless(axis_order order = axis_order::row_major) const noexcept { return extents_.is_gapless(order); }
  // All elements in the order in which they lie in memory. Throws: errc::invalid_argument for a part with gaps between
  // its elements, or a flipped one; copy_to takes any.
  std::span<const T> elements() const {
    require_gapless(extents_);
    return {data_, static_cast<std::size_t>(size())};
  }

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

  // Row `index`, side by side: numpy's a[index], as a span. Cost: some nanoseconds, where select copies half a KiB.
  // Throws: errc::invalid_argument for an index that there is not, for rank 0, and where a row has gaps: of a
  // column-major array, or of a slice of columns.
  std::span<const T> row(std::uint64_t index) const {
    const extents::row_place place = extents_.row(index);
    return {data_ + place.begin, static_cast<std::size_t>(place.length)};
  }

  // Parts are views of the same elements where they are; they borrow as the whole does. Cost: O(rank).
  // All throw errc::invalid_argument for an axis or index that there is not.

  // The indices begin, begin + step, ... below end of one axis: numpy's a[begin:end:step]. An end beyond the axis is
  // an error; step is at least 1.
  array_view slice(std::size_t axis, std::uint64_t begin, std::uint64_t end, std::uint64_t step = 1) const {
    return part([&](extents& places) { return places.slice(axis, begin, end, step); });
  }
  // One index of one axis, which is an axis less: numpy's a[index] for axis 0.
  array_view select(std::size_t axis, std::uint64_t index) const {
    return part([&](extents& places) { return places.select(axis, index); });
  }
  // The axis from its last index to its first: numpy's a[::-1] for axis 0.
  array_view flipped(std::size_t axis) const {
    return part([&](extents& places) { return places.flip(axis); });
  }
  // Axis i of the result is axis axes[i] of this one: numpy's transpose(axes).
  array_view permuted(std::span<const std::size_t> axes) const {
    return part([&](extents& places) { return places.permute(axes), 0; });
  }
  // All axes in the opposite order: numpy's a.T.
  array_view transposed() const {
    return part([&](extents& places) { return places.transpose(), 0; });
  }
  // The same elements in row-major order with other axes: numpy's reshape, but never a copy. Throws also:
  // errc::invalid_argument where the elements lie so that only a copy could be given that shape.
  array_view reshaped(std::span<const std::uint64_t> shape) const {
    return part([&](extents& places) { return places.reshape(shape), 0; });
  }
  array_view reshaped(std::initializer_list<std::uint64_t> shape) const {
    return reshaped(std::span<const std::uint64_t>(shape.begin(), shape.size()));
  }

  // Copies all elements to `out` in row-major order. Throws: errc::invalid_argument unless out.size() is size().
  void copy_to(std::span<T> out) const {
    require_length(extents_, out.size());
    extents_.gather(reinterpret_cast<const std::byte*>(data_), sizeof(T), 0, std::as_writable_bytes(out));
  }

  const extents& places() const noexcept { return extents_; }

private:
  template <class Change>
  array_view part(Change change) const {
    array_view out = *this;
    out.data_ += change(out.extents_);
    return out;
  }

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
