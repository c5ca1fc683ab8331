#include <petrify/array.hpp>

#include "base/checked.hpp"
#include "base/fail.hpp"

namespace petrify::inline v0 {

extents::extents(std::span<const std::uint64_t> shape, axis_order order) : rank_(shape.size()) {
  if (shape.size() > max_rank)
    fail(errc::invalid_argument, "shape", shape.size(), " axes, expected at most ", max_rank);
  const auto size = checked_product(shape);
  if (!size)
    fail(errc::invalid_argument, "shape", "more than 2^63 - 1 elements");
  size_ = *size;
  // An empty array's strides are never followed, and their product might not fit.
  std::int64_t stride = size_ == 0 ? 0 : 1;
  for (std::size_t k = 0; k < rank_; ++k) {
    const std::size_t axis = order == axis_order::row_major ? rank_ - 1 - k : k;
    shape_[axis] = shape[axis];
    strides_[axis] = stride;
    if (size_ != 0)
      stride *= static_cast<std::int64_t>(shape[axis]);
  }
}

std::int64_t extents::offset(std::span<const std::uint64_t> index) const noexcept {
  std::int64_t at = 0;
  for (std::size_t k = 0; k < index.size(); ++k)
    at += static_cast<std::int64_t>(index[k]) * strides_[k];
  return at;
}

std::int64_t extents::checked_offset(std::span<const std::uint64_t> index) const {
  if (index.size() != rank_)
    fail(errc::invalid_argument, "index", index.size(), " indices, expected ", rank_);
  for (std::size_t k = 0; k < rank_; ++k)
    if (index[k] >= shape_[k])
      fail(errc::invalid_argument, text("index ", k), index[k], ", expected less than ", shape_[k]);
  return offset(index);
}

std::string_view string_array::operator[](std::uint64_t i) const {
  if (i >= ends_.size())
    fail(errc::invalid_argument, "index", i, ", expected less than ", ends_.size());
  const std::uint64_t begin = i == 0 ? 0 : ends_[i - 1];
  const std::uint64_t end = ends_[i];
  if (begin > end || end > bytes_.size())
    fail(errc::malformed, text("string ", i), "bytes ", begin, " to ", end, ", expected them in order and within ",
         bytes_.size());
  return {bytes_.data() + begin, static_cast<std::size_t>(end - begin)};
}

void any_array::require(dtype wanted) const {
  if (type_ != wanted)
    fail(errc::wrong_type, {}, "elements are of type ", to_string(type_), ", expected ", to_string(wanted));
}

string_array any_array::strings() const {
  require(dtype::string);
  return {
      {reinterpret_cast<const std::uint64_t*>(bytes_.data()), bytes_.size() / sizeof(std::uint64_t)}, text_, extents_};
}

std::span<const std::byte> any_array::item(std::uint64_t i) const {
  require(dtype::fixed_bytes);
  if (i >= size())
    fail(errc::invalid_argument, "index", i, ", expected less than ", size());
  return bytes_.subspan(i * item_size_, item_size_);
}

} // namespace petrify::inline v0
