#include "array_sums.hpp"

// The compiler's choice of instructions for the CPU it runs on, where it can make one at run time.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define PETRIFY_BENCH_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define PETRIFY_BENCH_CLONES
#endif

namespace bench {

PETRIFY_BENCH_CLONES double sum_of(std::span<const float> values) noexcept {
  constexpr std::size_t lanes = 32;
  double sums[lanes] = {};
  const float* x = values.data();
  const std::size_t whole = values.size() / lanes * lanes;
  for (std::size_t i = 0; i < whole; i += lanes)
    for (std::size_t k = 0; k < lanes; ++k)
      sums[k] += static_cast<double>(x[i + k]);
  double all = 0;
  for (const double sum : sums)
    all += sum;
  for (std::size_t i = whole; i < values.size(); ++i)
    all += static_cast<double>(x[i]);
  return all;
}

double sum_of_four_columns(std::span<const float> values, std::size_t row_floats) noexcept {
  double sums[4] = {};
  for (std::size_t at = 0; at + row_floats <= values.size(); at += row_floats)
    for (std::size_t k = 0; k < 4; ++k)
      sums[k] += static_cast<double>(values[at + k]);
  return sums[0] + sums[1] + sums[2] + sums[3];
}

} // namespace bench
