// executor: on which threads a batch is computed, or a file verified. Implement it over a pool that you have;
// petrify/thread_pool.hpp is one to start with.
#pragma once

#include <petrify/version.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>

namespace petrify::inline v0 {

// A function of a task's number. Borrows: what it was made from must outlive it. Costs an indirect call and never
// allocates. A function that throws ends the program.
class task_ref {
public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, task_ref> && std::is_invocable_v<F&, std::size_t>) task_ref(F&& f)
  noexcept // implicit: executor.run(2, [&](std::size_t i) { ... })
      : to_(const_cast<void*>(static_cast<const volatile void*>(std::addressof(f)))),
        call_([](void* to, std::size_t i) noexcept { (*static_cast<std::add_pointer_t<F>>(to))(i); }) {}

  void operator()(std::size_t i) const noexcept { call_(to_, i); }

private:
  void* to_;
  void (*call_)(void*, std::size_t) noexcept;
};

// Where tasks run. Thread safety: the forest functions call it as their callers do, so that an executor that several
// threads predict with has to stand several calls of run at once.
class executor {
public:
  virtual ~executor() = default;

  // Threads that can work on one call of run, the caller's own included: at least 1. More tasks than that are never
  // handed over, and fewer where a batch is small.
  virtual unsigned concurrency() const noexcept = 0;

  // Calls task(i) once for each i < num_tasks, on any threads, in any order, one after the other or side by side, and
  // returns when all calls have returned. May throw when it cannot; not while a task is still running. What it throws
  // comes out of the function that was given the executor; a prediction's results are then unspecified.
  virtual void run(std::size_t num_tasks, task_ref task) = 0;

protected:
  executor() = default;
  executor(const executor&) = default;
  executor& operator=(const executor&) = default;
};

// What functions use that are given no other executor: runs all tasks on the thread that calls, one after the other.
executor& calling_thread() noexcept;

} // namespace petrify::inline v0
