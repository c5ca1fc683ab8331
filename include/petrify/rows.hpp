// row_view and rows: feature values as the caller has them, for predictions. Both borrow; nothing is copied.
#pragma once

#include <petrify/version.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <span>

namespace petrify::inline v0 {

// Feature values come as float, double or int64. A forest converts each value as its origin's matrices do:
// scikit-learn, for one, rounds double and int64 to float32, and LightGBM int64 alone.
template <class T>
concept feature_value = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::int64_t>;

enum class feature_type : std::uint8_t { float32, float64, int64 };
template <feature_value T>
inline constexpr feature_type feature_type_of = std::same_as<T, float>    ? feature_type::float32
                                                : std::same_as<T, double> ? feature_type::float64
                                                                          : feature_type::int64;

// One row. Borrows: the values must outlive it. Made from any vector, array or span of float, double or int64.
class row_view {
public:
  template <std::ranges::contiguous_range R>
  requires feature_value<std::ranges::range_value_t<R>> row_view(const R& values)
  noexcept // implicit: forest.predict(vector)
      : data_(std::ranges::data(values)), size_(std::ranges::size(values)),
        type_(feature_type_of<std::ranges::range_value_t<R>>) {}

  const void* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  feature_type type() const noexcept { return type_; }

private:
  const void* data_;
  std::size_t size_;
  feature_type type_;
};

// A matrix of rows. Borrows: the values must outlive it. Strides are in values, so that slices, column-major matrices
// and columns of a wider table need no copy.
class rows {
public:
  // Row-major and gapless.
  template <feature_value T>
  rows(const T* data, std::size_t num_rows, std::size_t num_columns) noexcept
      : rows(data, num_rows, num_columns, static_cast<std::ptrdiff_t>(num_columns), 1) {}
  // Value (i, j) lies at data[i * row_stride + j * column_stride].
  template <feature_value T>
  rows(const T* data, std::size_t num_rows, std::size_t num_columns, std::ptrdiff_t row_stride,
       std::ptrdiff_t column_stride) noexcept
      : data_(data), num_rows_(num_rows), num_columns_(num_columns), row_stride_(row_stride),
        column_stride_(column_stride), type_(feature_type_of<T>) {}
  // A matrix of rank 2 (array_view<float>, for one). Of another rank: no rows and no columns.
  template <class Matrix>
  requires(feature_value<typename Matrix::value_type>&& requires(const Matrix& m) {
    m.rank();
    m.shape();
    m.strides();
  }) rows(const Matrix& matrix)
  noexcept
      : rows(matrix.data(), matrix.rank() == 2 ? matrix.shape()[0] : 0, matrix.rank() == 2 ? matrix.shape()[1] : 0,
             matrix.rank() == 2 ? matrix.strides()[0] : 0, matrix.rank() == 2 ? matrix.strides()[1] : 0) {}
  // One row.
  template <std::ranges::contiguous_range R>
  requires feature_value<std::ranges::range_value_t<R>> rows(const R& row)
  noexcept // implicit: forest.predict(vector)
      : rows(row_view(row)) {}
  rows(const row_view& row) noexcept
      : data_(row.data()), num_rows_(1), num_columns_(row.size()), row_stride_(0), column_stride_(1),
        type_(row.type()) {}

  const void* data() const noexcept { return data_; }
  std::size_t num_rows() const noexcept { return num_rows_; }
  std::size_t num_columns() const noexcept { return num_columns_; }
  std::ptrdiff_t row_stride() const noexcept { return row_stride_; }
  std::ptrdiff_t column_stride() const noexcept { return column_stride_; }
  feature_type type() const noexcept { return type_; }

private:
  const void* data_;
  std::size_t num_rows_;
  std::size_t num_columns_;
  std::ptrdiff_t row_stride_;
  std::ptrdiff_t column_stride_;
  feature_type type_;
};

} // namespace petrify::inline v0
