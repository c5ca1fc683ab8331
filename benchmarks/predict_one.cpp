// How long does one row take: by each kernel, through petrify::predictor, and in the plain forest of naive_stream.hpp?
//
// petrify_bench_predict_one [FILE.stone [NAME]] [--benchmark_...]
// FILE.stone: measures this forest instead of the samples; NAME is "model" unless given.
//
// "hot" rows follow one another at once, as in a loop: the forest is in the caches as far as it fits, and the processor
// may begin a row before it is done with the last. Before each "cold" row 4 MiB are read, which leaves nothing of the
// forest in a second-level cache; it is timed alone, with the clock's own cost of about 20 ns.
// A kernel's time goes from the row's values to its raw score; "encode" is the part that all have in common.
#include "cold_cache.hpp"
#include "measured_forests.hpp"
#include "naive_stream.hpp"

#include "forest/row_encoder.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>

namespace {

using bench::measured_forest;

// Cold rows in a repetition: reading the 4 MiB takes much longer than what is timed.
constexpr int num_cold = 200;

// predict(i): row i.
template <class Predict>
void add(const measured_forest& of, const std::string& way, Predict predict) {
  const std::string name = of.name() + '/' + way;
  const auto hot = [&of, predict](benchmark::State& state) mutable {
    std::size_t i = 0;
    for (auto _ : state) {
      predict(i);
      i = i + 1 == of.num_rows() ? 0 : i + 1;
    }
    state.counters["tree"] = bench::time_of_each(of.forest().num_trees());
  };
  benchmark::RegisterBenchmark((name + "/hot").c_str(), hot);

  const auto cold = [&of, predict](benchmark::State& state) mutable {
    static const bench::cache_filler filler;
    static std::size_t next = 0; // other rows in each repetition
    for (auto _ : state) {
      const std::size_t i = next++ % of.num_rows();
      filler.fill();
      const petrify::row_view row = of.row(i);
      bench::fetch(row.data(),
                   row.size() * (row.type() == petrify::feature_type::float32 ? sizeof(float) : sizeof(double)));
      const auto start = std::chrono::steady_clock::now();
      predict(i);
      state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    state.counters["tree"] = bench::time_of_each(of.forest().num_trees());
  };
  benchmark::RegisterBenchmark((name + "/cold").c_str(), cold)->UseManualTime()->Iterations(num_cold);
}

// The forest as plain structs, where it and its rows are such as these know: float32 without missing values.
std::optional<naive::forest> plain_form(const measured_forest& of) {
  for (std::size_t i = 0; i < of.num_rows(); ++i)
    if (const auto row = of.row32(i); row.empty() || std::ranges::any_of(row, [](float x) { return std::isnan(x); }))
      return std::nullopt;
  try {
    return naive::copy_of(of.forest());
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
}

void add_kernel(const measured_forest& of, const petrify::kernel& by) {
  auto with = std::make_shared<petrify::evaluator>(of.forest().data(), 1, by);
  std::vector<double> out(of.width());
  for (std::size_t i = 0; i < of.num_rows(); ++i) {
    with->numbers(of.rows(i, 1), 0, 1, petrify::output::raw, out.data());
    of.require_answers(out, i, by.name);
  }
  add(of, bench::name_in_table(by), [&of, with, out](std::size_t i) mutable {
    with->numbers(of.rows(i, 1), 0, 1, petrify::output::raw, out.data());
    benchmark::ClobberMemory();
  });
}

void add_all(const measured_forest& of) {
  add(of, "encode",
      [&of, encoder = std::make_shared<petrify::row_encoder>(of.forest().data()),
       keys = std::vector<std::uint32_t>(of.forest().data().key_stride())](std::size_t i) mutable {
        encoder->encode(of.rows(i, 1), 0, 1, keys.data());
        benchmark::DoNotOptimize(keys.data());
        benchmark::ClobberMemory();
      });
  for (const petrify::kernel* by : bench::kernels_of(of))
    add_kernel(of, *by);

  auto one = std::make_shared<petrify::predictor>(of.forest());
  std::vector<double> out(of.width());
  for (std::size_t i = 0; i < of.num_rows(); ++i) {
    if (!one->predict_raw(of.row(i), out))
      throw std::runtime_error(of.name() + ": the predictor refuses a row");
    of.require_answers(out, i, "predictor");
  }
  add(of, "predictor", [&of, one, out](std::size_t i) mutable {
    one->predict_raw(of.row(i), out);
    benchmark::ClobberMemory();
  });

  if (auto plain = plain_form(of)) {
    for (std::size_t i = 0; i < of.num_rows(); ++i)
      of.require_answers(plain->predict_proba(of.row32(i)), i, "plain forest");
    add(of, "plain_forest", [&of, plain = std::make_shared<naive::forest>(std::move(*plain))](std::size_t i) {
      auto scores = plain->predict_proba(of.row32(i));
      benchmark::DoNotOptimize(scores.data());
      benchmark::ClobberMemory();
    });
  }
}

} // namespace

int main(int argc, char** argv) try {
  std::vector<std::string> arguments(argv, argv + argc);
  const bench::scratch_directory scratch;
  const auto forests = bench::forests_to_measure(arguments, scratch, 4096);
  for (const auto& one : forests)
    add_all(*one);
  return bench::run_benchmarks(arguments);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "petrify_bench_predict_one: %s\n", failure.what());
  return 2;
}
