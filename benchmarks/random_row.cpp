// What does one row anywhere in an open array cost: through the map, and in memory of the process's own?
//
// petrify_bench_random_row [--dir DIRECTORY] [--sizes-mb N,N,...] [--benchmark_...]
// Rows have 128 float32 and are summed. All pages have been touched. Takes memory of twice the sizes together.
#include "array_files.hpp"
#include "array_sums.hpp"
#include "run_benchmarks.hpp"

#include <cstdio>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr std::size_t row_floats = 128;

// Rows in an order that no prefetcher knows; the same ones for all contenders.
std::vector<std::size_t> random_rows(std::size_t num_rows) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::size_t> any(0, num_rows - 1);
  std::vector<std::size_t> out(std::size_t{1} << 16);
  for (std::size_t& row : out)
    row = any(random);
  return out;
}

double expected_sum(std::uint64_t row) {
  return static_cast<double>(bench::sum_of_sample((row + 1) * row_floats) - bench::sum_of_sample(row * row_floats));
}

} // namespace

int main(int argc, char** argv) try {
  std::vector<std::string> arguments(argv, argv + argc);
  const bench::array_options options = bench::take_array_options(arguments, {1, 64, 1024});
  bench::array_files files(options.parent, row_floats);
  for (const std::uint64_t mib : options.sizes_mib)
    for (const char* name : {"petrify", "mmap_raw", "read_bulk", "stream_bulk"}) {
      const bench::array_contender& contender = *bench::find_contender(name);
      const auto run = [&files, &contender, mib](benchmark::State& state) {
        const auto values = files.open(contender, mib).elements();
        const std::vector<std::size_t> order = random_rows(values.size() / row_floats);
        for (std::size_t i = 0; i < 100; ++i)
          if (bench::sum_of(values.subspan(order[i] * row_floats, row_floats)) != expected_sum(order[i]))
            throw std::runtime_error("the sum of row " + std::to_string(order[i]) + " is wrong");
        std::size_t next = 0;
        for (auto _ : state) {
          double sum = bench::sum_of(values.subspan(order[next] * row_floats, row_floats));
          benchmark::DoNotOptimize(sum);
          next = (next + 1) % order.size();
        }
      };
      bench::register_array("random_row", mib, name, run)->Unit(benchmark::kNanosecond)->UseRealTime();
    }
  return bench::run_benchmarks(arguments, bench::ratios::within_groups);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "petrify_bench_random_row: %s\n", failure.what());
  return 2;
}
