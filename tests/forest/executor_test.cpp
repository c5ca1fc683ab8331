// Batches on other threads: whose they are, how many, and who comes by them, never changes a bit.
#include "support/random_forest.hpp"
#include "support/support.hpp"

#include "forest/batch_plan.hpp"

#include <petrify/predictor.hpp>
#include <petrify/thread_pool.hpp>

#include <atomic>
#include <cstring>
#include <stdexcept>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

using namespace petrify;
using namespace petrify::test;

namespace {

constexpr std::size_t num_rows = 3000;
constexpr std::size_t num_columns = 5;

naive_forest sample_forest() {
  std::mt19937_64 random(21);
  forest_spec spec;
  spec.num_columns = num_columns;
  spec.outputs.resize(1);
  return random_forest(std::move(spec), {}, random);
}

// Whether all bits are the same, those of NaN too.
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

// Each task on a thread of its own, the last one first.
class thread_a_task final : public executor {
public:
  unsigned concurrency() const noexcept override { return 4; }
  void run(std::size_t num_tasks, task_ref task) override {
    ++calls;
    std::vector<std::jthread> threads;
    for (std::size_t i = num_tasks; i-- > 0;)
      threads.emplace_back([=] { task(i); });
  }
  std::atomic<int> calls{0};
};

class one_after_the_other final : public executor {
public:
  unsigned concurrency() const noexcept override { return 4; }
  void run(std::size_t num_tasks, task_ref task) override {
    most_tasks = std::max(most_tasks, num_tasks);
    for (std::size_t i = num_tasks; i-- > 0;)
      task(i);
  }
  std::size_t most_tasks = 0;
};

class refuses final : public executor {
public:
  unsigned concurrency() const noexcept override { return 4; }
  void run(std::size_t, task_ref) override { throw std::runtime_error("the pool is closed"); }
};

// The same values as matrices of every order.
template <class T>
struct matrices {
  std::vector<T> row_major, column_major, strided;
  explicit matrices(std::vector<T> values)
      : row_major(std::move(values)), column_major(row_major.size()), strided(6 * row_major.size(), T{7}) {
    for (std::size_t i = 0; i < num_rows; ++i)
      for (std::size_t j = 0; j < num_columns; ++j) {
        column_major[j * num_rows + i] = row_major[i * num_columns + j];
        strided[i * num_columns * 6 + j * 3] = row_major[i * num_columns + j];
      }
    backwards.assign(row_major.rbegin(), row_major.rend());
  }
  std::vector<T> backwards;

  std::vector<rows> all() const {
    constexpr auto width = static_cast<std::ptrdiff_t>(num_columns);
    return {{row_major.data(), num_rows, num_columns},
            {column_major.data(), num_rows, num_columns, 1, static_cast<std::ptrdiff_t>(num_rows)},
            {strided.data(), num_rows, num_columns, width * 6, 3},
            {backwards.data() + backwards.size() - 1, num_rows, num_columns, -width, -1}};
  }
};

template <class T>
std::vector<T> values_of(const naive_forest& naive) {
  std::mt19937_64 random(5);
  if constexpr (std::is_same_v<T, std::int64_t>) {
    std::vector<T> out(num_rows * num_columns);
    for (T& x : out)
      x = static_cast<T>(random() % 21) - 10;
    return out;
  } else {
    return awkward_rows<T>(naive, num_rows, random);
  }
}

// A forest, rows, and what the calling thread predicts of them.
struct sample {
  naive_forest naive = sample_forest();
  forest_model model = naive.build();
  std::vector<double> x = values_of<double>(naive);
  rows all{x.data(), num_rows, num_columns};
  std::vector<double> expected = model.view().predict(all);
};

template <class T>
void check_every_order() {
  const naive_forest naive = sample_forest();
  const forest_model model = naive.build();
  const forest f = model.view();
  const matrices<T> x(values_of<T>(naive));
  predictor one(f);
  std::vector<double> expected(num_rows);
  std::vector<std::uint32_t> leaves(num_rows * f.num_trees());
  for (std::size_t i = 0; i < num_rows; ++i) {
    const std::span<const T> row = std::span(x.row_major).subspan(i * num_columns, num_columns);
    REQUIRE(one.predict(row, std::span(expected).subspan(i, 1)));
    REQUIRE(one.apply(row, std::span(leaves).subspan(i * f.num_trees(), f.num_trees())));
  }
  for (unsigned threads = 1; threads <= 8; ++threads) {
    thread_pool pool(threads);
    CHECK(pool.concurrency() == threads);
    for (const rows& matrix : x.all()) {
      CHECK(same_bits(f.predict(matrix, pool), expected));
      CHECK(same_bits(f.apply(matrix, pool), leaves));
    }
  }
}

// The child's verdict; -1 when it did not end by itself.
template <class Work>
int status_of_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20); // a child that waits for threads it does not have would wait for ever
    ::_exit(work() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

TEST_CASE("ResultsDoNotDependOnThreadsOrTheOrderOfFloat32") { check_every_order<float>(); }
TEST_CASE("ResultsDoNotDependOnThreadsOrTheOrderOfFloat64") { check_every_order<double>(); }
TEST_CASE("ResultsDoNotDependOnThreadsOrTheOrderOfInt64") { check_every_order<std::int64_t>(); }

TEST_CASE("AnExecutorOfTheCallersOwnRunsTheBatch") {
  const sample some;
  const forest f = some.model.view();
  thread_a_task threads;
  CHECK(same_bits(f.predict(some.all, threads), some.expected));
  CHECK(threads.calls == 1);
  one_after_the_other alone;
  CHECK(same_bits(f.predict(some.all, alone), some.expected));
  CHECK(alone.most_tasks > 1);
  CHECK(alone.most_tasks <= 4);
}

TEST_CASE("WhatAnExecutorThrowsComesOutOfThePrediction") {
  const sample some;
  const forest f = some.model.view();
  refuses closed;
  CHECK_THROWS_WITH_AS(f.predict(some.all, closed), "the pool is closed", std::runtime_error);
  // A batch that is not worth a second thread does not ask.
  CHECK(f.predict(rows(some.x.data(), 1, num_columns), closed).size() == 1);
}

TEST_CASE("EachTaskRunsOnce") {
  for (unsigned threads = 1; threads <= 8; ++threads) {
    thread_pool pool(threads);
    for (const std::size_t num_tasks : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> times(num_tasks);
      pool.run(num_tasks, [&](std::size_t i) { ++times[i]; });
      CHECK(std::all_of(times.begin(), times.end(), [](const auto& n) { return n == 1; }));
    }
  }
}

TEST_CASE("TasksRunOnSeveralThreads") {
  thread_pool pool(2);
  std::atomic<int> inside{0};
  // Each waits for the other, which only two threads can bring about.
  pool.run(2, [&](std::size_t) {
    ++inside;
    while (inside < 2)
      std::this_thread::yield();
  });
  CHECK(inside == 2);
}

TEST_CASE("ATaskMayItselfUseThePool") {
  thread_pool pool(3);
  std::atomic<int> sum{0};
  pool.run(8, [&](std::size_t) { pool.run(8, [&](std::size_t j) { sum += static_cast<int>(j); }); });
  CHECK(sum == 8 * 28);
}

TEST_CASE("ManyCallersShareAPool") {
  const sample some;
  const forest f = some.model.view();
  thread_pool pool(3);
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> callers;
    for (int c = 0; c < 4; ++c)
      callers.emplace_back([&] {
        for (int i = 0; i < 20; ++i)
          wrong += same_bits(f.predict(some.all, pool), some.expected) ? 0 : 1;
      });
  }
  CHECK(wrong == 0);
}

TEST_CASE("APoolEndsWhetherItsThreadsSleepLookForWorkOrHaveNeverHadAny") {
  for (int i = 0; i < 50; ++i) {
    thread_pool pool(4);
    if (i % 2 == 1)
      pool.run(8, [](std::size_t) {});
    if (i % 10 == 9)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

TEST_CASE("AForkedChildPredictsWithoutThePoolsThreads") {
  const sample some;
  const forest f = some.model.view();
  auto pool = std::make_unique<thread_pool>(3);
  CHECK(same_bits(f.predict(some.all, *pool), some.expected));
  for (int i = 0; i < 5; ++i)
    CHECK(status_of_child([&] {
            const bool is_alone = pool->concurrency() == 1;
            const bool is_same = same_bits(f.predict(some.all, *pool), some.expected);
            pool.reset();        // does not wait for them either
#if defined(__SANITIZE_THREAD__) // which allows no threads in a child of a process that has some
            return is_alone && is_same;
#else
            thread_pool own(2);
            return is_alone && is_same && own.concurrency() == 2 && same_bits(f.predict(some.all, own), some.expected);
#endif
          }) == 0);
  CHECK(same_bits(f.predict(some.all, *pool), some.expected));
}

TEST_CASE("APlanCoversTheBatchInEvenTiles") {
  const forest_model model = sample_forest().build();
  forest_data data = model.view().data();
  for (const std::uint64_t nodes : {std::uint64_t{5000}, std::uint64_t{1} << 21}) {
    data.num_nodes = nodes;
    data.num_trees = 500;
    for (const unsigned threads : {1u, 2u, 3u, 8u})
      for (const std::size_t largest : {std::size_t{1}, std::size_t{256}, std::size_t{32768}})
        for (const std::size_t count : {0, 1, 2, 63, 64, 100, 1000, 10000, 100000}) {
          const batch_plan plan = plan_batch(data, count, largest, threads);
          CHECK(plan.num_tasks >= 1);
          CHECK(plan.num_tasks <= threads);
          CHECK(plan.tile_rows >= 1);
          CHECK(plan.tile_rows <= largest);
          const std::size_t tiles = (count + plan.tile_rows - 1) / plan.tile_rows;
          CHECK(tiles >= (count == 0 ? 0 : plan.num_tasks));
        }
  }
  // A large forest's tiles are as large as can be, one for each thread.
  CHECK(plan_batch(data, 10000, 32768, 2).num_tasks == 2);
  CHECK(plan_batch(data, 10000, 32768, 2).tile_rows == 5056);
  // Too little work for a second thread.
  CHECK(plan_batch(data, 1, 32768, 8).num_tasks == 1);
}
