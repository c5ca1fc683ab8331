// Sums that round as numpy's do.
#pragma once

#include <petrify/version.hpp>

#include <algorithm>
#include <cstddef>

namespace petrify::inline v0 {

// Sum in the order of numpy's pairwise summation over n contiguous values: straight below 8 values, eight running sums
// up to 128, halves of a multiple of 8 above. Of nothing, and of negative zeros only: -0.0.
template <class T>
T pairwise_sum(const T* x, std::size_t n) noexcept {
  if (n < 8) {
    T total = static_cast<T>(-0.0);
    for (std::size_t i = 0; i < n; ++i)
      total += x[i];
    return total;
  }
  if (n > 128) {
    const std::size_t half = n / 2 / 8 * 8;
    return pairwise_sum(x, half) + pairwise_sum(x + half, n - half);
  }
  T r[8];
  std::copy_n(x, 8, r);
  std::size_t i = 8;
  for (; i + 8 <= n; i += 8)
    for (std::size_t k = 0; k < 8; ++k)
      r[k] += x[i + k];
  T total = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  for (; i < n; ++i)
    total += x[i];
  return total;
}

} // namespace petrify::inline v0
