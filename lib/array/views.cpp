#include <petrify/array.hpp>

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/opening.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace petrify::inline v0 {

PETRIFY_OPENING extents::extents(std::span<const std::uint64_t> shape, axis_order order) : rank_(shape.size()) {
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

bool extents::is_gapless(axis_order order) const noexcept {
  if (size_ == 0)
    return true;
  std::int64_t stride = 1;
  for (std::size_t k = 0; k < rank_; ++k) {
    const std::size_t axis = order == axis_order::row_major ? rank_ - 1 - k : k;
    if (shape_[axis] != 1 && strides_[axis] != stride)
      return false;
    stride *= static_cast<std::int64_t>(shape_[axis]);
  }
  return true;
}

std::int64_t extents::lowest() const noexcept {
  std::int64_t at = 0;
  for (std::size_t k = 0; k < rank_ && size_ != 0; ++k)
    at += std::min<std::int64_t>(0, strides_[k] * static_cast<std::int64_t>(shape_[k] - 1));
  return at;
}

std::int64_t extents::highest() const noexcept {
  std::int64_t at = 0;
  for (std::size_t k = 0; k < rank_ && size_ != 0; ++k)
    at += std::max<std::int64_t>(0, strides_[k] * static_cast<std::int64_t>(shape_[k] - 1));
  return at;
}

extents::row_place extents::row(std::uint64_t index) const {
  if (rank_ == 0)
    fail(errc::invalid_argument, "row", "a single element has no rows, expected at least one axis");
  if (index >= shape_[0])
    fail(errc::invalid_argument, "row", index, ", expected less than ", shape_[0]);
  if (size_ == 0)
    return {0, 0};
  std::int64_t length = 1;
  for (std::size_t k = rank_; k-- > 1;) {
    if (shape_[k] != 1 && strides_[k] != length)
      fail(errc::invalid_argument, "row", "its elements have gaps between them, expected a row-major array");
    length *= static_cast<std::int64_t>(shape_[k]);
  }
  return {static_cast<std::int64_t>(index) * strides_[0], static_cast<std::uint64_t>(length)};
}

void extents::require_axis(std::size_t axis) const {
  if (axis >= rank_)
    fail(errc::invalid_argument, "axis", axis, ", expected less than ", rank_);
}

std::int64_t extents::slice(std::size_t axis, std::uint64_t begin, std::uint64_t end, std::uint64_t step) {
  require_axis(axis);
  if (begin > end || end > shape_[axis])
    fail(errc::invalid_argument, text("axis ", axis), "slice from ", begin, " to ", end,
         ", expected one in order that ends at ", shape_[axis], " at most");
  if (step == 0)
    fail(errc::invalid_argument, text("axis ", axis), "slice with step 0, expected at least 1");
  const std::uint64_t length = end == begin ? 0 : (end - begin - 1) / step + 1;
  // Nothing that is empty is ever followed, and a step that no two indices are apart may not fit.
  const std::int64_t at = size_ == 0 || length == 0 ? 0 : static_cast<std::int64_t>(begin) * strides_[axis];
  if (length > 1)
    strides_[axis] *= static_cast<std::int64_t>(step);
  set_length(axis, length);
  return at;
}

std::int64_t extents::select(std::size_t axis, std::uint64_t index) {
  require_axis(axis);
  if (index >= shape_[axis])
    fail(errc::invalid_argument, text("axis ", axis), "index ", index, ", expected less than ", shape_[axis]);
  const std::int64_t at = size_ == 0 ? 0 : static_cast<std::int64_t>(index) * strides_[axis];
  set_length(axis, 1);
  for (std::size_t k = axis; k + 1 < rank_; ++k) {
    shape_[k] = shape_[k + 1];
    strides_[k] = strides_[k + 1];
  }
  --rank_;
  return at;
}

std::int64_t extents::flip(std::size_t axis) {
  require_axis(axis);
  if (shape_[axis] < 2 || size_ == 0)
    return 0;
  const std::int64_t last = static_cast<std::int64_t>(shape_[axis] - 1) * strides_[axis];
  strides_[axis] = -strides_[axis];
  return last;
}

void extents::permute(std::span<const std::size_t> axes) {
  if (axes.size() != rank_)
    fail(errc::invalid_argument, "axes", axes.size(), " of them, expected ", rank_);
  std::array<bool, max_rank> seen{};
  extents out = *this;
  for (std::size_t k = 0; k < rank_; ++k) {
    require_axis(axes[k]);
    if (std::exchange(seen[axes[k]], true))
      fail(errc::invalid_argument, "axes", "axis ", axes[k], " twice, expected each once");
    out.shape_[k] = shape_[axes[k]];
    out.strides_[k] = strides_[axes[k]];
  }
  *this = out;
}

void extents::transpose() noexcept {
  std::reverse(shape_.begin(), shape_.begin() + static_cast<std::ptrdiff_t>(rank_));
  std::reverse(strides_.begin(), strides_.begin() + static_cast<std::ptrdiff_t>(rank_));
}

void extents::set_length(std::size_t axis, std::uint64_t length) {
  shape_[axis] = length;
  // Of an array without elements other lengths may be so large that only a 0 keeps their product in range.
  size_ = *checked_product(shape());
}

void extents::reshape(std::span<const std::uint64_t> wanted) {
  extents out(wanted);
  if (out.size_ != size_)
    fail(errc::invalid_argument, "shape", out.size_, " elements, expected ", size_);
  if (size_ != 0) {
    // Neighbouring axes that are walked as one are a run; a run may be cut anew at will, and axes do not reach over
    // the end of one.
    std::size_t from = rank_;
    std::size_t to = wanted.size();
    while (from > 0) {
      std::size_t begin = from - 1;
      std::uint64_t length = shape_[begin];
      while (begin > 0 && (length == 1 || shape_[begin - 1] == 1 ||
                           strides_[begin - 1] == static_cast<std::int64_t>(length) * run_stride(begin, from))) {
        --begin;
        length *= shape_[begin];
      }
      std::int64_t stride = run_stride(begin, from);
      std::uint64_t covered = 1;
      while (to > 0 && (covered < length || wanted[to - 1] == 1)) {
        --to;
        out.strides_[to] = stride;
        stride *= static_cast<std::int64_t>(wanted[to]);
        covered *= wanted[to];
      }
      if (covered != length)
        fail(errc::invalid_argument, "shape",
             "the elements have gaps where the new axes have none, expected a shape that keeps them, or a copy");
      from = begin;
    }
  }
  *this = out;
}

std::int64_t extents::run_stride(std::size_t begin, std::size_t end) const noexcept {
  for (std::size_t k = end; k-- > begin;)
    if (shape_[k] != 1)
      return strides_[k];
  return 1;
}

void extents::gather(const std::byte* data, std::size_t item_size, std::uint64_t first,
                     std::span<std::byte> out) const {
  std::uint64_t count = item_size == 0 ? 0 : out.size() / item_size;
  if (first > size_ || count > size_ - first)
    fail(errc::invalid_argument, "elements", first, " to ", first + count, ", expected at most ", size_);
  if (count == 0)
    return;
  // The last axes whose elements lie side by side are copied at once.
  std::size_t outer = rank_;
  std::uint64_t run = 1;
  while (outer > 0 && (shape_[outer - 1] == 1 || strides_[outer - 1] == static_cast<std::int64_t>(run)))
    run *= shape_[--outer];
  std::array<std::uint64_t, max_rank> index{};
  std::uint64_t rest = first / run;
  for (std::size_t k = outer; k-- > 0; rest /= shape_[k])
    index[k] = rest % shape_[k];
  std::byte* to = out.data();
  for (std::uint64_t inside = first % run; count != 0; inside = 0) {
    const std::int64_t at = offset({index.data(), outer}) + static_cast<std::int64_t>(inside);
    const std::uint64_t length = std::min(count, run - inside);
    std::memcpy(to, data + at * static_cast<std::int64_t>(item_size), length * item_size);
    to += length * item_size;
    count -= length;
    for (std::size_t k = outer; k-- > 0;) {
      if (++index[k] < shape_[k])
        break;
      index[k] = 0;
    }
  }
}

PETRIFY_OPENING void require_gapless(const extents& places) {
  if (!places.is_gapless(axis_order::row_major) && !places.is_gapless(axis_order::column_major))
    fail(errc::invalid_argument, "elements",
         "the part has gaps between its elements, expected one without, or copy_to");
}

void require_length(const extents& places, std::uint64_t given) {
  if (given != places.size())
    fail(errc::invalid_argument, "copy_to", "room for ", given, " elements, expected ", places.size());
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

PETRIFY_OPENING void any_array::require(dtype wanted) const {
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
