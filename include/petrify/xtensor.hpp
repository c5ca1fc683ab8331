// xtensor: mapped arrays as xtensor views, and xtensor expressions into a writer. Opt-in: xtensor is costly to compile.
//
// Build with xtensor's headers on the include path; petrify itself does not need them.
#pragma once

#include <petrify/array.hpp>
#include <petrify/writer.hpp>

#if __has_include(<xtensor/containers/xadapt.hpp>) // since xtensor 0.26
#include <xtensor/containers/xadapt.hpp>
#else
#include <xtensor/xadapt.hpp>
#endif

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace petrify::inline v0 {

// View of an array of N axes as an xtensor of fixed rank, in the array's own order of axes. Borrows: the file must
// outlive it. Assigning it to xt::xtensor or xt::xarray copies the elements; keep it in `auto` to stay in the mapping.
// Throws: errc::wrong_type when the array does not have N axes; errc::invalid_argument for a part with gaps between
// its elements, which xtensor's storage cannot have: take xt::view of the whole.
template <std::size_t N, element T>
auto xt_view(const array_view<T>& array) {
  if (array.rank() != N)
    throw error(errc::wrong_type, {}, {},
                "the array has " + std::to_string(array.rank()) + " axes, expected " + std::to_string(N));
  std::array<std::size_t, N> shape{};
  std::array<std::ptrdiff_t, N> strides{};
  std::copy(array.shape().begin(), array.shape().end(), shape.begin());
  std::copy(array.strides().begin(), array.strides().end(), strides.begin());
  // xtensor wants stride 0 on axes of length 1, so that they broadcast.
  for (std::size_t axis = 0; axis < N; ++axis)
    if (shape[axis] == 1)
      strides[axis] = 0;
  if (!array.is_gapless(axis_order::row_major) && !array.is_gapless(axis_order::column_major))
    throw error(errc::invalid_argument, {}, {},
                "the part has gaps between its elements, expected a gapless one: take xtensor's view of the whole");
  return xt::adapt(array.data(), static_cast<std::size_t>(array.size()), xt::no_ownership(), shape, strides);
}

// Any xtensor expression: evaluated element by element in row-major order straight into the file; a lazy expression
// is never held as a whole.
template <class E>
requires xt::is_xexpression<E>::value struct array_adapter<E> {
  static void add(writer& out, std::string_view name, const E& expression) {
    using value = std::conditional_t<std::is_same_v<typename E::value_type, bool>, bool8, typename E::value_type>;
    static_assert(element<value>, "petrify has no element type for this expression's values");
    const auto& shape = expression.shape();
    const std::vector<std::uint64_t> lengths(shape.begin(), shape.end());
    // A writer's stream appends rows along the first axis; one with no axis, or of no element, goes in at once.
    std::vector<value> buffer;
    if (lengths.empty() || expression.size() == 0) {
      if (lengths.empty())
        buffer.push_back(convert(*expression.template begin<xt::layout_type::row_major>()));
      return out.add<value>(name, std::span<const value>(buffer), std::span<const std::uint64_t>(lengths));
    }
    constexpr std::size_t capacity = std::size_t{1} << 16;
    buffer.reserve(std::min<std::size_t>(capacity, expression.size()));
    auto stream = out.stream<value>(name, std::span<const std::uint64_t>(lengths).subspan(1));
    const auto end = expression.template end<xt::layout_type::row_major>();
    for (auto it = expression.template begin<xt::layout_type::row_major>(); it != end; ++it) {
      buffer.push_back(convert(*it));
      if (buffer.size() == capacity) {
        stream.append(buffer);
        buffer.clear();
      }
    }
    stream.append(buffer);
    stream.finish();
  }

private:
  static auto convert(typename E::value_type x) {
    if constexpr (std::is_same_v<typename E::value_type, bool>)
      return bool8{x};
    else
      return x;
  }
};

} // namespace petrify::inline v0
