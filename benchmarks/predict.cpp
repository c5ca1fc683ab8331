// How long does a prediction take: one row at a time and in batches, through the public functions, by each kernel
// alone, and by the plain forest of naive_stream.hpp?
//
// petrify_bench_predict [--benchmark_...]
// "row" is the time of one row, "tree" that of one row in one tree. Rows are random, 4096 of them, taken in turn: a
// single row again and again would train the branch predictor and stay in the first cache.
#include "iris.hpp"
#include "naive_stream.hpp"
#include "run_benchmarks.hpp"
#include "sample_forests.hpp"
#include "scratch_directory.hpp"
#include "thresholds.hpp"

#include "forest/kernel.hpp"
#include "forest/row_encoder.hpp"

#include <petrify/petrify.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr std::size_t num_rows = 4096;

void require(bool same, const std::string& what) {
  if (!same)
    throw std::runtime_error("answers differ: " + what);
}

// A forest with its rows, as values and as keys.
struct subject {
  std::string name;
  petrify::file file;
  petrify::forest forest;
  std::vector<float> values;
  std::vector<std::uint32_t> keys;
  std::optional<naive::forest> plain; // what has one

  subject(std::string called, petrify::file from)
      : name(std::move(called)), file(std::move(from)), forest(file.forest("model")),
        values(bench::random_rows(forest, num_rows)), keys(num_rows * key_stride()) {
    petrify::row_encoder encoder(forest.data());
    for (std::size_t i = 0; i < num_rows; ++i)
      encoder.encode(rows(0, num_rows), i, 1, keys.data() + i * key_stride());
  }
  subject(const subject&) = delete;
  subject& operator=(const subject&) = delete;

  std::size_t key_stride() const { return forest.data().key_stride(); }
  std::span<const float> row(std::size_t i) const {
    return std::span(values).subspan(i * forest.num_columns(), forest.num_columns());
  }
  petrify::rows rows(std::size_t first, std::size_t count) const {
    return {values.data() + first * forest.num_columns(), count, forest.num_columns()};
  }
};

// Adds the trees of rows [first, first + count) to sums, which hold the start values afterwards as before.
template <class Sum>
void run_kernel(const petrify::kernel& by, const subject& of, std::size_t first, std::size_t count,
                std::vector<Sum>& sums) {
  const petrify::forest_data& data = of.forest.data();
  for (std::size_t i = 0; i < count; ++i)
    std::copy(data.start.begin(), data.start.end(), sums.begin() + static_cast<std::ptrdiff_t>(i * data.sum_width));
  const std::uint32_t* keys = of.keys.data() + first * of.key_stride();
  if constexpr (std::is_same_v<Sum, float>)
    by.add_float32(data, keys, count, sums.data(), nullptr);
  else
    by.add_float64(data, keys, count, sums.data(), nullptr);
}

template <class Sum>
std::vector<Sum> sums_of(const petrify::kernel& by, const subject& of, std::size_t batch) {
  const std::size_t width = of.forest.data().sum_width;
  std::vector<Sum> all;
  std::vector<Sum> sums(batch * width);
  for (std::size_t first = 0; first < num_rows; first += batch) {
    run_kernel(by, of, first, batch, sums);
    all.insert(all.end(), sums.begin(), sums.end());
  }
  return all;
}

// Kernels, one row and many, and the plain forest: all give the same bits.
template <class Sum>
void compare_answers(const subject& of) {
  const auto expected = sums_of<Sum>(petrify::reference_kernel, of, 1);
  for (const std::size_t batch : {std::size_t{1}, std::size_t{256}, num_rows})
    require(sums_of<Sum>(petrify::interleaved_kernel, of, batch) == expected,
            of.name + ": the kernels, batches of " + std::to_string(batch));

  const std::size_t width = of.forest.output_width(petrify::output::proba);
  const std::vector<double> together = of.forest.predict_proba(of.rows(0, num_rows));
  petrify::predictor one_by_one(of.forest);
  std::vector<double> out(width);
  for (std::size_t i = 0; i < num_rows; ++i) {
    const auto from_batch = std::span(together).subspan(i * width, width);
    require(one_by_one.predict_proba(of.row(i), out) && std::ranges::equal(out, from_batch),
            of.name + ": predictor and batch");
    if (of.plain)
      require(std::ranges::equal(of.plain->predict_proba(of.row(i)), from_batch), of.name + ": the plain forest");
  }
}

// body(first): predicts `batch` rows from `first` on.
template <class Body>
void add(const subject& of, const std::string& way, std::size_t batch, Body body) {
  const auto run = [&of, batch, body](benchmark::State& state) mutable {
    std::size_t first = 0;
    for (auto _ : state) {
      body(first);
      first = (first + batch) % num_rows;
    }
    using benchmark::Counter;
    const auto flags = static_cast<Counter::Flags>(Counter::kIsIterationInvariantRate | Counter::kInvert);
    const auto rows = static_cast<double>(batch);
    state.counters["row"] = Counter(rows, flags);
    state.counters["tree"] = Counter(rows * static_cast<double>(of.forest.num_trees()), flags);
  };
  const std::string name = of.name + '/' + way + '/' + (batch == 1 ? "1_row" : std::to_string(batch) + "_rows");
  benchmark::RegisterBenchmark(name.c_str(), run);
}

template <class Sum>
void add_all(const subject& of) {
  compare_answers<Sum>(of);
  add(of, "predictor", 1,
      [&of, work = std::make_shared<petrify::predictor>(of.forest),
       out = std::vector<double>(of.forest.output_width(petrify::output::proba))](std::size_t first) mutable {
        work->predict_proba(of.row(first), out);
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
      });
  for (const std::size_t batch : {std::size_t{256}, num_rows})
    add(of, "forest", batch,
        [&of, batch,
         out = std::vector<double>(batch * of.forest.output_width(petrify::output::proba))](std::size_t first) mutable {
          of.forest.predict_proba(of.rows(first, batch), out);
          benchmark::ClobberMemory();
        });
  for (const petrify::kernel* by : {&petrify::reference_kernel, &petrify::interleaved_kernel})
    for (const std::size_t batch : {std::size_t{1}, std::size_t{256}, num_rows})
      add(of, std::string("kernel_") + by->name, batch,
          [&of, by, batch, sums = std::vector<Sum>(batch * of.forest.data().sum_width)](std::size_t first) mutable {
            run_kernel(*by, of, first, batch, sums);
            benchmark::DoNotOptimize(sums.data());
            benchmark::ClobberMemory();
          });
  if (of.plain)
    add(of, "plain_forest", 1, [&of](std::size_t first) {
      auto probabilities = of.plain->predict_proba(of.row(first));
      benchmark::DoNotOptimize(probabilities.data());
      benchmark::ClobberMemory();
    });
}

petrify::file stored(const petrify::forest_model& model, const std::string& path) {
  petrify::writer out(path);
  out.add("model", model);
  out.commit();
  return petrify::file::open(path);
}

} // namespace

int main(int argc, char** argv) try {
  const bench::scratch_directory scratch;
  subject iris("iris_100x3_classes", bench::make_iris(scratch.file("iris.stone")));
  subject digits("depth8_100x10_classes", stored(bench::make_digits_like(), scratch.file("digits.stone")));
  subject boosted("depth6_100_float32", stored(bench::make_boosted_like(), scratch.file("boosted.stone")));
  iris.plain = naive::copy_of(iris.forest);
  digits.plain = naive::copy_of(digits.forest);
  add_all<double>(iris);
  add_all<double>(digits);
  add_all<float>(boosted);
  return bench::run_benchmarks({argv, argv + argc});
} catch (const std::exception& failure) {
  std::fprintf(stderr, "petrify_bench_predict: %s\n", failure.what());
  return 2;
}
