// main() of the Google benchmarks: what was measured on what, runs that take turns, and a table in a readable order.
#pragma once

#include "environment.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

namespace bench {

// Interleaved benchmarks end in random order; this prints them in the order in which they were registered, one line
// each: the median of the repetitions, or the only one.
class median_reporter : public benchmark::ConsoleReporter {
public:
  median_reporter() : ConsoleReporter(OO_Tabular) {}

  // Called for the repetitions of a benchmark, then for what they amount to.
  void ReportRuns(const std::vector<Run>& runs) override {
    const auto median =
        std::find_if(runs.begin(), runs.end(), [](const Run& run) { return run.aggregate_name == "median"; });
    if (median == runs.end())
      kept_.push_back(runs.front());
    else
      kept_.back() = *median;
    // How often and by which clock is said where the benchmark is registered; without it the names fit.
    kept_.back().run_type = Run::RT_Iteration;
    kept_.back().run_name.iterations.clear();
    kept_.back().run_name.time_type.clear();
  }

  void Finalize() override {
    std::stable_sort(kept_.begin(), kept_.end(),
                     [](const Run& a, const Run& b) { return a.family_index < b.family_index; });
    ConsoleReporter::ReportRuns(kept_);
    ConsoleReporter::Finalize();
  }

private:
  std::vector<Run> kept_;
};

// Runs the registered benchmarks; --benchmark_... in `arguments` overrides the flags that are set here.
// Returns main's exit status.
inline int run_benchmarks(const std::vector<std::string>& arguments) {
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
  median_reporter table;
  benchmark::RunSpecifiedBenchmarks(&table);
  benchmark::Shutdown();
  return 0;
}

} // namespace bench
