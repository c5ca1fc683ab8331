// main() of the Google benchmarks: what was measured on what, runs that take turns, and a table in a readable order.
#pragma once

#include "environment.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bench {

// Whether times are put beside others.
enum class ratios {
  none,
  within_groups, // `group/name`: to the first of its group
};

// Interleaved benchmarks end in random order; this prints them in the order in which they were registered, one line
// each: the median of the repetitions, and as parts of it the least ("min") and the largest of them ("max").
class median_reporter : public benchmark::ConsoleReporter {
public:
  explicit median_reporter(ratios wanted) : ConsoleReporter(OO_Tabular), wanted_(wanted) {}

  // Whether a benchmark failed, and was not only skipped.
  bool has_failed() const { return has_failed_; }

  // Called for the repetitions of a benchmark, then for what they amount to.
  void ReportRuns(const std::vector<Run>& runs) override {
    const auto median =
        std::find_if(runs.begin(), runs.end(), [](const Run& run) { return run.aggregate_name == "median"; });
    if (median == runs.end()) {
      kept_.push_back(runs.front());
      for (const Run& run : runs)
        has_failed_ = has_failed_ || (run.error_occurred && !run.error_message.starts_with("skipped"));
      const auto [least, largest] = std::minmax_element(
          runs.begin(), runs.end(), [](const Run& a, const Run& b) { return time_of(a) < time_of(b); });
      spreads_.push_back({time_of(*least), time_of(*largest)});
    } else {
      kept_.back() = *median;
    }
    Run& kept = kept_.back();
    if (!kept.error_occurred) {
      kept.counters["min"] = spreads_.back().first / time_of(kept);
      kept.counters["max"] = spreads_.back().second / time_of(kept);
    }
    // How often and by which clock is said where the benchmark is registered; without it the names fit.
    kept.run_type = Run::RT_Iteration;
    kept.run_name.iterations.clear();
    kept.run_name.repetitions.clear();
    kept.run_name.time_type.clear();
  }

  void Finalize() override {
    std::stable_sort(kept_.begin(), kept_.end(),
                     [](const Run& a, const Run& b) { return a.family_index < b.family_index; });
    std::map<std::string, double> first_of_group;
    for (Run& run : kept_) {
      const std::string name = run.run_name.str();
      if (wanted_ == ratios::none || run.error_occurred)
        continue;
      const double first = first_of_group.try_emplace(name.substr(0, name.rfind('/')), time_of(run)).first->second;
      run.counters["ratio"] = time_of(run) / first;
    }
    // A row of other columns would begin a table of its own: what was skipped has those of the row before.
    for (std::size_t i = 1; i < kept_.size(); ++i)
      if (kept_[i].error_occurred)
        kept_[i].counters = kept_[i - 1].counters;
    ConsoleReporter::ReportRuns(kept_);
    ConsoleReporter::Finalize();
  }

private:
  static double time_of(const Run& run) { return run.GetAdjustedRealTime(); }

  ratios wanted_;
  bool has_failed_ = false;
  std::vector<Run> kept_;
  std::vector<std::pair<double, double>> spreads_;
};

// Runs the registered benchmarks; --benchmark_... in `arguments` overrides the flags that are set here.
// Returns main's exit status: 1 when a benchmark failed.
inline int run_benchmarks(const std::vector<std::string>& arguments, ratios wanted = ratios::none) {
  // Interleaved repetitions: a busy neighbour slows all of them alike.
  std::vector<std::string> words{arguments.at(0), "--benchmark_enable_random_interleaving=true",
                                 "--benchmark_repetitions=5", "--benchmark_min_time=0.03"};
  words.insert(words.end(), arguments.begin() + 1, arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words)
    pointers.push_back(word.data());
  int count = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);
  benchmark::Initialize(&count, pointers.data());
  if (benchmark::ReportUnrecognizedArguments(count, pointers.data()))
    return 2;
  for (const auto& [name, value] : environment())
    benchmark::AddCustomContext(name, value);
  median_reporter table(wanted);
  benchmark::RunSpecifiedBenchmarks(&table);
  benchmark::Shutdown();
  return table.has_failed() ? 1 : 0;
}

} // namespace bench
