#include "progress.hpp"

#include <algorithm>
#include <cstdio>

#include <unistd.h>

namespace petrify::cli {

namespace {

constexpr auto quiet_time = std::chrono::seconds(1);
constexpr auto redraw_time = std::chrono::milliseconds(100);
constexpr std::size_t bar_width = 30;

} // namespace

progress_bar::progress_bar(std::string_view first_step) : step_(first_step) {
  if (::isatty(STDERR_FILENO) == 1)
    drawer_ = std::thread([this] { draw(); });
}

progress_bar::~progress_bar() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  if (drawer_.joinable())
    drawer_.join();
}

void progress_bar::update(std::string_view step, std::uint64_t done, std::uint64_t total) {
  const std::lock_guard lock(mutex_);
  step_ = step;
  done_ = done;
  total_ = total;
}

void progress_bar::draw() {
  std::unique_lock lock(mutex_);
  bool drawn = false;
  auto next = start_ + quiet_time;
  while (!changed_.wait_until(lock, next, [this] { return stopped_; })) {
    next = std::chrono::steady_clock::now() + redraw_time;
    std::string line = "\r\033[K" + step_;
    if (total_ != 0) {
      const double part = static_cast<double>(std::min(done_, total_)) / static_cast<double>(total_);
      const auto full = static_cast<std::size_t>(part * bar_width);
      line += " [" + std::string(full, '#') + std::string(bar_width - full, '.') + "] " +
              std::to_string(static_cast<int>(part * 100)) + "%";
    } else {
      const auto elapsed = std::chrono::steady_clock::now() - start_;
      line += " " + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(elapsed).count()) + " s";
    }
    std::fputs(line.c_str(), stderr);
    std::fflush(stderr);
    drawn = true;
  }
  if (drawn) {
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
  }
}

} // namespace petrify::cli
