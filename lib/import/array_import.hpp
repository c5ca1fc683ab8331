// numpy arrays as petrify arrays.
#pragma once

#include "import/numpy.hpp"
#include "import/pickle.hpp"

#include <petrify/array.hpp>

#include <string>
#include <vector>

namespace petrify::inline v0 {

// An array ready to be written: a view of the numpy array's bytes where they can stay, else of its own copy.
class imported_array {
public:
  // Where the view's elements lie: at multiples of their size, for typed access, or anywhere, to be written.
  enum class placement { aligned, anywhere };

  // Throws: errc::not_importable for records, objects, dates and extended floats, by name; errc::limit_exceeded for
  // texts that would take more memory than most_text_bytes.
  explicit imported_array(const numpy_array& source, placement wanted = placement::aligned,
                          std::uint64_t most_text_bytes = ~std::uint64_t{0});
  // An array from a pickle; one of Python objects must hold texts only.
  static imported_array from(const pickle::value& source);
  // Texts in C order.
  imported_array(const std::vector<std::string>& texts, std::vector<std::uint64_t> shape);

  // Borrows from this object and from the source's bytes.
  any_array view() const;
  dtype type() const noexcept { return type_; }
  std::span<const std::uint64_t> shape() const noexcept { return shape_; }

private:
  void set_texts(const std::vector<std::string>& texts);

  dtype type_ = dtype::none;
  axis_order order_ = axis_order::row_major;
  std::uint32_t item_size_ = 0;
  std::vector<std::uint64_t> shape_;
  std::span<const std::byte> bytes_;
  byte_buffer converted_;
  packed_texts texts_;
};

// The petrify type of a numpy element type; dtype::none when there is none.
dtype dtype_of_numpy(const numpy_dtype& type) noexcept;
// The same. Throws: errc::not_importable when there is none, or too many axes.
dtype require_dtype(const numpy_dtype& type, std::size_t num_axes);
// The type string that numpy has for it ("<f8"); empty when numpy has none. item_size is that of fixed_bytes.
std::string numpy_code_of(dtype type, std::size_t item_size);

} // namespace petrify::inline v0
