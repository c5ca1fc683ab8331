// How long do batches take: of 1 to 100,000 rows, with one thread and with two, and by each kernel?
//
// petrify_bench_predict_batch [FILE.stone [NAME]] [--benchmark_...]
// FILE.stone: measures this forest instead of the samples; NAME is "model" unless given.
//
// "forest": petrify::forest's predict_raw into memory that is there, on a thread_pool. The kernels run on one thread,
// without what the public function does around them; larger batches than these are cut into pieces of this size.
#include "measured_forests.hpp"

#include <cstdio>
#include <initializer_list>

namespace {

using bench::measured_forest;

// predict(first): rows [first, first + count) into `out`, `count` rows of scores, which it has for good.
template <class Predict>
void add(const measured_forest& of, const std::string& way, std::size_t count,
         const std::shared_ptr<std::vector<double>>& out, Predict predict) {
  const std::string name = of.name() + '/' + way + '/' + std::to_string(count) + (count == 1 ? "_row" : "_rows");
  // All rows where they come in large batches, and as many as need not be waited for in small ones.
  const std::size_t num_batches = std::min(of.num_rows(), std::max<std::size_t>(count, 4096)) / count;
  for (std::size_t batch = 0; batch < num_batches; ++batch) {
    predict(batch * count);
    of.require_answers(*out, batch * count, name);
  }
  const auto run = [&of, count, out, predict](benchmark::State& state) mutable {
    std::size_t first = 0;
    for (auto _ : state) {
      predict(first);
      benchmark::ClobberMemory();
      first = first + 2 * count > of.num_rows() ? 0 : first + count;
    }
    state.counters["row"] = bench::time_of_each(count);
    state.counters["tree"] = bench::time_of_each(count * of.forest().num_trees());
  };
  benchmark::RegisterBenchmark(name.c_str(), run)->UseRealTime()->Unit(benchmark::kMicrosecond);
}

void add_all(const measured_forest& of, std::span<const std::unique_ptr<petrify::thread_pool>> pools) {
  const auto room = [&of](std::size_t count) { return std::make_shared<std::vector<double>>(count * of.width()); };
  for (const auto& pool : pools) {
    const std::string threads = pool->concurrency() == 1 ? "forest_1_thread" : "forest_2_threads";
    std::size_t last = 0;
    for (const std::size_t wanted : std::initializer_list<std::size_t>{1, 64, 1000, 100'000}) {
      const std::size_t count = std::min(wanted, of.num_rows());
      if (count == last)
        break;
      last = count;
      const auto out = room(count);
      add(of, threads, count, out, [&of, &pool = *pool, count, out](std::size_t first) {
        of.forest().predict_raw(of.rows(first, count), *out, pool);
      });
    }
  }
  for (const petrify::kernel* by : bench::kernels_of(of))
    for (const std::size_t count : {std::size_t{64}, std::size_t{1000}}) {
      if (count > of.num_rows())
        break;
      const auto out = room(count);
      add(of, bench::name_in_table(*by), count, out,
          [&of, with = std::make_shared<petrify::evaluator>(of.forest().data(), count, *by), count,
           out](std::size_t first) {
            with->numbers(of.rows(first, count), 0, count, petrify::output::raw, out->data());
          });
    }
}

} // namespace

int main(int argc, char** argv) try {
  std::vector<std::string> arguments(argv, argv + argc);
  const bench::scratch_directory scratch;
  const auto forests = bench::forests_to_measure(arguments, scratch, 100'000);
  std::vector<std::unique_ptr<petrify::thread_pool>> pools;
  for (const unsigned threads : {1u, 2u})
    pools.push_back(std::make_unique<petrify::thread_pool>(threads));
  for (const auto& one : forests)
    add_all(*one, pools);
  return bench::run_benchmarks(arguments);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "petrify_bench_predict_batch: %s\n", failure.what());
  return 2;
}
