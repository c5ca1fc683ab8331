#include <petrify/thread_pool.hpp>

#include "base/blocked_signals.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include <pthread.h>

namespace petrify::inline v0 {

namespace {

using clock = std::chrono::steady_clock;

// How long a thread looks for work, or a caller for the end of it, before it sleeps: docs/design.md, "Threads".
constexpr std::chrono::microseconds longest_spin{20};

void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Waits until done() or for longest_spin; returns done().
template <class Done>
bool spin_until(Done done) noexcept {
  const auto end = clock::now() + longest_spin;
  do {
    for (int i = 0; i < 32; ++i) {
      if (done())
        return true;
      pause();
    }
  } while (clock::now() < end);
  return false;
}

// Counts the forks that led to this process. A child has a copy of each pool's memory but none of its threads, and the
// pool's mutex may be held by one of them for ever.
std::atomic<unsigned> num_forks{0};

void watch_forks() {
  [[maybe_unused]] static const int watched =
      ::pthread_atfork(nullptr, nullptr, [] { num_forks.fetch_add(1, std::memory_order_relaxed); });
}

class only_calling_thread final : public executor {
public:
  unsigned concurrency() const noexcept override { return 1; }
  void run(std::size_t num_tasks, task_ref task) noexcept override {
    for (std::size_t i = 0; i < num_tasks; ++i)
      task(i);
  }
};

// One call of run, on its caller's stack.
struct job {
  task_ref task;
  std::size_t num_tasks;
  std::atomic<std::size_t> next{0};     // the first task that nobody has taken
  std::atomic<unsigned> num_helpers{0}; // threads at work on it, but for the caller; changes under the mutex
  job* behind = nullptr;                // in the list of jobs, under the mutex

  bool has_tasks() const noexcept { return next.load(std::memory_order_relaxed) < num_tasks; }
  void work() noexcept {
    for (std::size_t i = next.fetch_add(1, std::memory_order_relaxed); i < num_tasks;
         i = next.fetch_add(1, std::memory_order_relaxed))
      task(i);
  }
};

} // namespace

executor& calling_thread() noexcept {
  static constinit only_calling_thread it;
  return it;
}

class thread_pool::workers {
public:
  explicit workers(unsigned num_threads) : forks_before_(num_forks.load(std::memory_order_relaxed)) {
    threads_.reserve(num_threads);
    const blocked_signals while_they_start;
    try {
      while (threads_.size() < num_threads)
        threads_.emplace_back([this] { serve(); });
    } catch (const std::exception&) {
      // The system has no more threads to give: the pool is smaller.
    }
  }
  ~workers() {
    {
      const std::lock_guard lock(mutex_);
      stops_ = true;
    }
    wake_.notify_all();
    for (std::thread& one : threads_)
      one.join();
  }
  workers(const workers&) = delete;
  workers& operator=(const workers&) = delete;

  std::size_t size() const noexcept { return threads_.size(); }
  // Whether the threads are those of a process that this one was forked from.
  bool are_elsewhere() const noexcept { return num_forks.load(std::memory_order_relaxed) != forks_before_; }

  void run(std::size_t num_tasks, task_ref task) noexcept {
    job mine{task, num_tasks};
    std::size_t sleepers = 0;
    {
      const std::lock_guard lock(mutex_);
      *end_of_jobs() = &mine;
      num_posted_.fetch_add(1, std::memory_order_relaxed);
      sleepers = std::min(num_sleeping_, num_tasks - 1);
    }
    for (; sleepers != 0; --sleepers)
      wake_.notify_one();
    mine.work();
    // Every task is taken: nobody may start on this job any more, and those who have will come to an end.
    std::unique_lock lock(mutex_);
    forget(mine);
    if (mine.num_helpers == 0)
      return;
    lock.unlock();
    spin_until([&] { return mine.num_helpers.load(std::memory_order_relaxed) == 0; });
    lock.lock();
    finished_.wait(lock, [&] { return mine.num_helpers == 0; });
  }

private:
  // What a thread does all its life.
  void serve() noexcept {
    std::unique_lock lock(mutex_);
    while (!stops_) {
      if (job* found = open_job()) {
        ++found->num_helpers;
        lock.unlock();
        found->work();
        lock.lock();
        // The last word about the job: its caller may return as soon as the mutex is free.
        if (--found->num_helpers == 0)
          finished_.notify_all();
        continue;
      }
      const std::size_t seen = num_posted_.load(std::memory_order_relaxed);
      lock.unlock();
      const bool is_more = spin_until([&] { return num_posted_.load(std::memory_order_relaxed) != seen; });
      lock.lock();
      if (is_more)
        continue;
      ++num_sleeping_;
      wake_.wait(lock, [&] { return stops_ || open_job() != nullptr; });
      --num_sleeping_;
    }
  }

  job* open_job() const noexcept {
    job* at = jobs_;
    while (at != nullptr && !at->has_tasks())
      at = at->behind;
    return at;
  }
  job** end_of_jobs() noexcept {
    job** at = &jobs_;
    while (*at != nullptr)
      at = &(*at)->behind;
    return at;
  }
  void forget(const job& which) noexcept {
    job** at = &jobs_;
    while (*at != &which)
      at = &(*at)->behind;
    *at = which.behind;
  }

  const unsigned forks_before_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable finished_;
  job* jobs_ = nullptr; // oldest first
  std::atomic<std::size_t> num_posted_{0};
  std::size_t num_sleeping_ = 0;
  bool stops_ = false;
  std::vector<std::thread> threads_;
};

thread_pool::thread_pool(unsigned num_threads) {
  watch_forks();
  if (num_threads == 0)
    num_threads = std::max(1u, std::thread::hardware_concurrency());
  if (num_threads > 1)
    workers_ = std::make_unique<workers>(num_threads - 1);
}

thread_pool::~thread_pool() {
  // In a forked child nobody can be waited for, and the mutex may be held: the memory is left as it is.
  if (workers_ && workers_->are_elsewhere())
    static_cast<void>(workers_.release());
}

unsigned thread_pool::concurrency() const noexcept {
  return workers_ && !workers_->are_elsewhere() ? static_cast<unsigned>(workers_->size()) + 1 : 1;
}

void thread_pool::run(std::size_t num_tasks, task_ref task) noexcept {
  if (num_tasks < 2 || concurrency() == 1)
    calling_thread().run(num_tasks, task);
  else
    workers_->run(num_tasks, task);
}

} // namespace petrify::inline v0
