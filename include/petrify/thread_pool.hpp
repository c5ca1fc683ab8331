// thread_pool: a few threads that wait for batches.
#pragma once

#include <petrify/executor.hpp>

#include <memory>

namespace petrify::inline v0 {

// Make one a process and predict with it from anywhere: `forest.predict(rows, out, pool)`.
//
// The thread that calls run works too, and takes what is left when the others are busy, so that any number of callers
// may share a pool, a task may itself call run, and no call waits for a thread that has not started on it. Idle
// threads sleep; a thread that has run out of work looks for more for 20 us before it does.
//
// Thread safety: run and concurrency may be called from any number of threads. Destroy it when no call of run is going
// on. Signals are blocked in its threads. After fork() the child has no threads of it, and run computes on the
// caller's.
class thread_pool final : public executor {
public:
  // Starts num_threads - 1 threads; 1: none, 0: as many as the machine can run at a time. Where the system refuses to
  // start them all, the pool has those that it got. Throws: std::bad_alloc.
  explicit thread_pool(unsigned num_threads = 0);
  // Waits for its threads, which have nothing left to do.
  ~thread_pool() override;
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;

  // Threads that it has, and one for the caller.
  unsigned concurrency() const noexcept override;
  // Hands out tasks one by one, so that a slow thread holds back nobody. Does not allocate.
  // Cost: waking threads that sleep. `task` must not throw.
  void run(std::size_t num_tasks, task_ref task) noexcept override;

private:
  class workers;
  std::unique_ptr<workers> workers_; // null: none
};

} // namespace petrify::inline v0
