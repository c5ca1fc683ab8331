// Does opening a file cost the same at any size, and what does its first element, or the first prediction, cost?
//
// petrify_bench_first_element [--dir DIRECTORY] [--sizes-mb N,N,...] [--copied-up-to-mb N] [--benchmark_...]
// Times include closing the file, or freeing the memory, and the page fault of the element.
#include "array_files.hpp"
#include "iris.hpp"
#include "run_benchmarks.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace {

template <class Body>
void register_forest(const char* name, Body body) {
  const auto run = [body](benchmark::State& state) {
    for (auto _ : state)
      body();
  };
  benchmark::RegisterBenchmark(name, run)->Unit(benchmark::kMicrosecond);
}

} // namespace

int main(int argc, char** argv) try {
  std::vector<std::string> arguments(argv, argv + argc);
  const bench::array_options options = bench::take_array_options(arguments, {1, 64, 512, 4096});
  bench::array_files files(options.parent);
  bench::register_opening("open", options, {bench::find_contender("petrify")}, files,
                          [](benchmark::State& state, const bench::array_contender&, const std::string& path) {
                            for (auto _ : state) {
                              auto file = petrify::file::open(path);
                              benchmark::DoNotOptimize(file);
                            }
                          });
  bench::register_opening(
      "first_element", options, bench::array_contenders(), files,
      [](benchmark::State& state, const bench::array_contender& contender, const std::string& path) {
        for (auto _ : state) {
          const auto array = contender.open(path);
          float element = array->elements()[array->elements().size() / 2];
          benchmark::DoNotOptimize(element);
        }
      });

  const std::string iris = files.scratch().file("iris.stone");
  bench::make_iris(iris);
  const std::vector<double> row{5.1, 3.5, 1.4, 0.2};
  register_forest("open/iris", [&] {
    auto file = petrify::file::open(iris);
    benchmark::DoNotOptimize(file);
  });
  register_forest("open_and_check/iris", [&] {
    const auto file = petrify::file::open(iris);
    auto forest = file.forest("model");
    benchmark::DoNotOptimize(forest);
  });
  register_forest("open_and_predict/iris", [&] {
    const auto file = petrify::file::open(iris);
    auto probabilities = file.forest("model").predict_proba(petrify::row_view(row));
    benchmark::DoNotOptimize(probabilities.data());
  });
  return bench::run_benchmarks(arguments, bench::ratios::within_groups);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "petrify_bench_first_element: %s\n", failure.what());
  return 2;
}
