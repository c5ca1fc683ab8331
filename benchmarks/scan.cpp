// How fast are all elements read: through the map, and in memory of the process's own?
//
// petrify_bench_scan [--dir DIRECTORY] [--sizes-mb N,N,...] [--copied-up-to-mb N] [--benchmark_...]
// "open_and_scan" opens or loads the file each time, page faults included; "scan" finds all pages touched. The sum is
// the same function for all. Takes memory of three times the sizes together.
#include "array_files.hpp"
#include "array_sums.hpp"
#include "run_benchmarks.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace {

void require_sum(std::span<const float> values) {
  if (bench::sum_of(values) != static_cast<double>(bench::sum_of_sample(values.size())))
    throw std::runtime_error("the sum of all elements is wrong");
}

} // namespace

int main(int argc, char** argv) try {
  std::vector<std::string> arguments(argv, argv + argc);
  const bench::array_options options = bench::take_array_options(arguments, {1, 64, 512});
  bench::array_files files(options.parent);

  std::vector<const bench::array_contender*> contenders = bench::array_contenders();
  contenders.insert(contenders.begin() + 1, bench::petrify_modes().begin(), bench::petrify_modes().end());
  for (const std::uint64_t mib : options.sizes_mib)
    bench::register_opening(
        "open_and_scan", {options.parent, {mib}, options.copied_up_to_mib}, contenders, files,
        [mib](benchmark::State& state, const bench::array_contender& contender, const std::string& path) {
          require_sum(contender.open(path)->elements());
          for (auto _ : state) {
            double sum = bench::sum_of(contender.open(path)->elements());
            benchmark::DoNotOptimize(sum);
          }
          state.counters["GB"] = bench::gigabytes(mib);
        });

  for (const std::uint64_t mib : options.sizes_mib)
    for (const char* name :
         {"petrify", "petrify_prefault", "petrify_private_copy", "mmap_raw", "read_bulk", "stream_bulk"}) {
      const bench::array_contender& contender = *bench::find_contender(name);
      if (!contender.is_mapped() && mib > options.copied_up_to_mib)
        continue;
      bench::register_array("scan", mib, name, [&files, &contender, mib](benchmark::State& state) {
        const auto values = files.open(contender, mib).elements();
        require_sum(values);
        for (auto _ : state) {
          double sum = bench::sum_of(values);
          benchmark::DoNotOptimize(sum);
        }
        state.counters["GB"] = bench::gigabytes(mib);
      })->UseRealTime();
    }
  return bench::run_benchmarks(arguments, bench::ratios::within_groups);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "petrify_bench_scan: %s\n", failure.what());
  return 2;
}
