// A progress bar for work beyond a second, on a terminal only.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace petrify::cli {

// Draws on stderr from its own thread, so that work which reports nothing for a while still shows that it goes on; on
// anything but a terminal it draws nothing. Takes its line away when it is destroyed.
class progress_bar {
public:
  explicit progress_bar(std::string_view first_step);
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;
  ~progress_bar();

  // What is done, and how much of how much; total 0: not known. Cost: a lock.
  void update(std::string_view step, std::uint64_t done, std::uint64_t total);

private:
  void draw();

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::string step_;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::thread drawer_;
};

} // namespace petrify::cli
