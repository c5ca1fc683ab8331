// What do 4 of 128 columns of an array cost: through the map, in memory of the process's own, and where the whole array
// is loaded for them?
//
// petrify_bench_columns [--dir DIRECTORY] [--sizes-mb N,N,...] [--copied-up-to-mb N] [--benchmark_...]
// "open_and_sum" opens or loads the file each time, "sum" finds all pages touched. Takes memory of twice the sizes
// together.
#include "array_files.hpp"
#include "array_sums.hpp"
#include "run_benchmarks.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr std::size_t row_floats = 128;

void require_sum(std::span<const float> values) {
  std::uint64_t expected = 0;
  for (std::uint64_t i = 0; i < values.size(); i += row_floats)
    expected += bench::sum_of_sample(i + 4) - bench::sum_of_sample(i);
  if (bench::sum_of_four_columns(values, row_floats) != static_cast<double>(expected))
    throw std::runtime_error("the sum of four columns is wrong");
}

} // namespace

int main(int argc, char** argv) try {
  std::vector<std::string> arguments(argv, argv + argc);
  const bench::array_options options = bench::take_array_options(arguments, {1, 64, 512});
  bench::array_files files(options.parent, row_floats);
  bench::register_opening(
      "open_and_sum", options, bench::array_contenders(), files,
      [](benchmark::State& state, const bench::array_contender& contender, const std::string& path) {
        require_sum(contender.open(path)->elements());
        for (auto _ : state) {
          double sum = bench::sum_of_four_columns(contender.open(path)->elements(), row_floats);
          benchmark::DoNotOptimize(sum);
        }
      });
  for (const std::uint64_t mib : options.sizes_mib)
    for (const char* name : {"petrify", "mmap_raw", "read_bulk", "stream_bulk"}) {
      const bench::array_contender& contender = *bench::find_contender(name);
      if (!contender.is_mapped() && mib > options.copied_up_to_mib)
        continue;
      bench::register_array("sum", mib, name, [&files, &contender, mib](benchmark::State& state) {
        const auto values = files.open(contender, mib).elements();
        require_sum(values);
        for (auto _ : state) {
          double sum = bench::sum_of_four_columns(values, row_floats);
          benchmark::DoNotOptimize(sum);
        }
      })->UseRealTime();
    }
  return bench::run_benchmarks(arguments, bench::ratios::within_groups);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "petrify_bench_columns: %s\n", failure.what());
  return 2;
}
