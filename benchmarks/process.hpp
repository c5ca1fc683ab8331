// What the parts of petrify_process share: what was asked, and the record that is printed.
#pragma once

#include "process_status.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/resource.h>

namespace bench {

using json = nlohmann::ordered_json;

constexpr int exit_skipped = 77; // what CTest's SKIP_RETURN_CODE is set to by convention

// The command line says something that cannot be.
struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A question that a contender cannot be asked. The process ends with exit_skipped.
struct not_applicable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct process_request {
  std::string contender;
  std::string question;
  std::string file;
  std::optional<std::uint64_t> floats;
  std::optional<std::uint64_t> row_floats;
  std::optional<std::uint64_t> index;
  double seconds = 0.2;
  std::vector<double> row;    // of a forest
  std::string from;           // a petrify file with a forest
  std::string output = "raw"; // of a prediction: raw, proba or predict
  bool is_trusted = false;
};

class stopwatch {
public:
  double elapsed() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// What the process takes from its beginning on, which is right before the file is touched.
class resources {
public:
  resources() {
    status_now();
    before_ = status_now();
    ::getrusage(RUSAGE_SELF, &usage_before_);
  }
  // peak_rss_kib is VmHWM; page faults are those since the beginning.
  void add_to(json& record) const {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    record["peak_rss_kib"] = status_now().peak_kib;
    record["rss_before_kib"] = before_.resident_kib;
    record["minor_faults"] = usage.ru_minflt - usage_before_.ru_minflt;
    record["major_faults"] = usage.ru_majflt - usage_before_.ru_majflt;
  }

private:
  process_status before_;
  rusage usage_before_{};
};

// Calls run again and again for so many seconds, at least once unless that is 0; it returns the seconds that count. The
// median and the number of calls become "again_s" and "again_n". At most 4096 calls: their times must not be seen in
// peak_rss_kib.
template <class Run>
void run_again(json& record, double seconds, Run run) {
  if (!(seconds > 0))
    return;
  std::vector<double> times;
  times.reserve(4096);
  const stopwatch all;
  do
    times.push_back(run());
  while (times.size() < times.capacity() && all.elapsed() < seconds);
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  record["again_s"] = *middle;
  record["again_n"] = times.size();
}

// Each adds its findings to a record that names contender, question and file. Throw: std::exception.
void answer_array_question(const process_request& request, json& record);
void answer_forest_question(const process_request& request, json& record);

// One line on stdout, at once.
void print_record(const json& record);

} // namespace bench
