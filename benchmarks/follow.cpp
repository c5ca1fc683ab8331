// What does it cost to ask for the newest version of a model, before each prediction?
//
// petrify_bench_follow [--benchmark_...]
// `followed` is petrify::followed<T>::current(). Beside it what else a program would share a version by: a shared
// pointer that is loaded atomically, and one under a lock that readers share. Ratios are to `followed`.
#include "run_benchmarks.hpp"
#include "sample_forests.hpp"
#include "scratch_directory.hpp"

#include <petrify/petrify.hpp>

#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr std::size_t num_columns = 30;

petrify::predictor predictor_of(const petrify::file& version) { return petrify::predictor(version.forest("model")); }

// The other ways, with the same thing to get at.
struct shared {
  std::atomic<std::shared_ptr<const int>> atomic{std::make_shared<const int>(1)};
  std::shared_mutex mutex;
  std::shared_ptr<const int> locked = std::make_shared<const int>(1);
};

void register_read(const char* name, void (*run)(benchmark::State&)) {
  benchmark::RegisterBenchmark(name, run)->Unit(benchmark::kNanosecond)->UseRealTime();
}

const petrify::follower* followed_model = nullptr;
shared* shared_model = nullptr;

void read_followed(benchmark::State& state) {
  petrify::followed<const void*> model(*followed_model,
                                       [](const petrify::file& version) -> const void* { return &version; });
  for (auto _ : state) {
    const void* it = *model;
    benchmark::DoNotOptimize(it);
  }
}

void read_atomic(benchmark::State& state) {
  for (auto _ : state) {
    auto it = shared_model->atomic.load(std::memory_order_acquire);
    benchmark::DoNotOptimize(it);
  }
}

void read_locked(benchmark::State& state) {
  for (auto _ : state) {
    const std::shared_lock lock(shared_model->mutex);
    auto it = shared_model->locked;
    benchmark::DoNotOptimize(it);
  }
}

void predict_followed(benchmark::State& state) {
  petrify::followed<petrify::predictor> model(*followed_model, predictor_of);
  const std::vector<float> row(num_columns, 0.3f);
  double score = 0;
  for (auto _ : state) {
    model->predict_raw(row, std::span(&score, 1));
    benchmark::DoNotOptimize(score);
  }
}

void predict_alone(benchmark::State& state) {
  petrify::followed<petrify::predictor> model(*followed_model, predictor_of);
  petrify::predictor& alone = *model;
  const std::vector<float> row(num_columns, 0.3f);
  double score = 0;
  for (auto _ : state) {
    alone.predict_raw(row, std::span(&score, 1));
    benchmark::DoNotOptimize(score);
  }
}

} // namespace

int main(int argc, char** argv) try {
  const bench::scratch_directory scratch;
  const petrify::store models(scratch.file("store"));
  models.publish("m", [](petrify::writer& out) { out.add("model", bench::make_xgboost_like(100, false)); });
  const petrify::follower follower = models.follow("m");
  shared others;
  followed_model = &follower;
  shared_model = &others;
  register_read("read/followed", read_followed);
  register_read("read/atomic_shared_ptr", read_atomic);
  register_read("read/shared_mutex", read_locked);
  register_read("predict/followed", predict_followed);
  register_read("predict/alone", predict_alone);
  return bench::run_benchmarks(std::vector<std::string>(argv, argv + argc), bench::ratios::within_groups);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "petrify_bench_follow: %s\n", failure.what());
  return 2;
}
