// What does advice about the pages of a mapped array change, with a file that the page cache does not hold and with
// one that it does?
//
// petrify_bench_advice [--dir DIRECTORY] [--sizes-mb N,N,...] [--benchmark_...]
// One array of rows of 128 float32. Times begin before the file is opened. "sparse" is the residency, "prefault" too;
// the others are file::advise. Before each round the cache is emptied of the file, or filled with it. "written" and
// "read" are two ways in which a file comes into the cache: by large writes, as petrify::writer makes them, which
// leaves large pages, and by reading it from the disk, which leaves smaller ones.
#include "array_files.hpp"
#include "array_sums.hpp"
#include "compare/page_cache.hpp"
#include "run_benchmarks.hpp"

#include <petrify/file.hpp>

#include <chrono>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr std::uint64_t row_floats = 128;
constexpr std::size_t num_rows = 1000;

enum class work { scan, rows, columns };
enum class cache { cold, read, written };

struct advice {
  const char* name;
  petrify::residency mode;
  std::optional<petrify::access_pattern> pattern;
};

constexpr advice ways[] = {
    {"normal", petrify::residency::lazy, std::nullopt},
    {"sequential", petrify::residency::lazy, petrify::access_pattern::sequential},
    {"random", petrify::residency::lazy, petrify::access_pattern::random},
    {"soon", petrify::residency::lazy, petrify::access_pattern::soon},
    {"sparse", petrify::residency::sparse, std::nullopt},
    {"prefault", petrify::residency::prefault, std::nullopt},
};

// The sum of what the work looks at.
double done(const petrify::file& from, work what) {
  const auto array = from.array<float>("array");
  switch (what) {
  case work::scan: return bench::sum_of(array.elements());
  case work::columns: return bench::sum_of_four_columns(array.elements(), row_floats);
  case work::rows: break;
  }
  std::mt19937_64 random(1);
  double sum = 0;
  for (std::size_t i = 0; i < num_rows; ++i)
    sum += bench::sum_of(array.row(random() % array.shape()[0]));
  return sum;
}

double opened_and_done(const std::string& path, const advice& how, work what) {
  const auto from = petrify::file::open(path, {how.mode, {}});
  if (how.pattern)
    from.advise("array", *how.pattern);
  return done(from, what);
}

const char* name_of(work what) {
  return what == work::scan ? "scan" : what == work::rows ? "1000_rows" : "4_of_128_columns";
}
const char* name_of(cache state) { return state == cache::cold ? "cold" : state == cache::read ? "read" : "written"; }

// Brings the file into the state that a round begins with.
void prepare(const std::string& path, const bench::array_contender& petrify, const bench::sample_source& source,
             cache wanted) {
  if (wanted == cache::written)
    return petrify.save(path, source, bench::durability::synced);
  if (compare::drop(path) > compare::most_that_may_stay)
    throw bench::skipped("the system keeps the file in the page cache");
  if (wanted == cache::read)
    compare::bring_in(path);
}

} // namespace

int main(int argc, char** argv) try {
  std::vector<std::string> arguments(argv, argv + argc);
  const bench::array_options options = bench::take_array_options(arguments, {256});
  bench::array_files files(options.parent, row_floats);
  const bench::array_contender& petrify = *bench::find_contender("petrify");
  for (const std::uint64_t mib : options.sizes_mib)
    for (const cache wanted : {cache::cold, cache::read, cache::written})
      for (const work what : {work::scan, work::rows, work::columns})
        for (const advice& how : ways) {
          const auto run = [&files, &petrify, &how, mib, wanted, what](benchmark::State& state) {
            const std::string& path = files.path(petrify, mib);
            const bench::sample_source source(files.shape(mib));
            const double expected = opened_and_done(path, ways[0], what);
            for (auto _ : state) {
              prepare(path, petrify, source, wanted);
              const auto start = std::chrono::steady_clock::now();
              const double sum = opened_and_done(path, how, what);
              state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
              if (sum != expected)
                throw std::runtime_error("advice has changed what is read");
            }
          };
          bench::register_array(std::string(name_of(wanted)) + '_' + name_of(what), mib, how.name, run)
              ->UseManualTime()
              ->Iterations(1)
              ->Repetitions(3);
        }
  return bench::run_benchmarks(arguments, bench::ratios::within_groups);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "petrify_bench_advice: %s\n", failure.what());
  return 2;
}
