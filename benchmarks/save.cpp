// How fast is an array saved that is in memory, with and without waiting for the disk?
//
// petrify_bench_save [--dir DIRECTORY] [--sizes-mb N,N,...] [--benchmark_...]
// "write" is what a program could do at best without a library: write(2) in pieces of 4 MiB into a temporary file that
// is renamed. Ratios are to it. Times are those of saving alone; the file of the round before is removed outside.
#include "array_files.hpp"
#include "run_benchmarks.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

int main(int argc, char** argv) try {
  std::vector<std::string> arguments(argv, argv + argc);
  const bench::array_options options = bench::take_array_options(arguments, {1, 64, 256});
  const bench::scratch_directory scratch(options.parent);

  std::map<std::uint64_t, std::vector<float>> memory;
  const auto elements_of = [&memory](std::uint64_t mib) -> const std::vector<float>& {
    std::vector<float>& values = memory[mib];
    if (values.empty()) {
      values.resize((mib << 20) / sizeof(float));
      bench::sample_source::fill(values, 0);
    }
    return values;
  };

  std::set<std::pair<std::string_view, std::uint64_t>> checked;

  struct way {
    const char* name;
    const char* contender;
  };
  constexpr way ways[] = {{"write", "read_bulk"},
                          {"petrify", "petrify"},
                          {"flatbuffer", "flatbuffer"},
                          {"stream_bulk", "stream_bulk"},
                          {"boost_archive", "boost_archive"},
                          {"stream_elements", "stream_elements"}};
  for (const auto wanted : {bench::durability::unsynced, bench::durability::synced})
    for (const std::uint64_t mib : options.sizes_mib)
      for (const way& one : ways) {
        const bench::array_contender& contender = *bench::find_contender(one.contender);
        const auto run = [&contender, &scratch, &elements_of, &checked, mib, wanted](benchmark::State& state) {
          if (const auto reason = contender.why_not(mib << 20))
            throw bench::skipped(*reason);
          scratch.require(mib << 20);
          const std::string path = scratch.file("saved");
          const bench::sample_source source({(mib << 20) / sizeof(float)}, elements_of(mib));
          if (checked.insert({contender.name(), mib}).second) {
            contender.save(path, source, wanted);
            bench::require_sample(*contender.open(path), source.shape(), std::string(contender.name()));
          }
          for (auto _ : state) {
            std::filesystem::remove(path);
            const auto start = std::chrono::steady_clock::now();
            contender.save(path, source, wanted);
            state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
          }
          state.counters["GB"] = bench::gigabytes(mib);
          std::filesystem::remove(path);
        };
        auto* registered =
            bench::register_array(wanted == bench::durability::synced ? "save_synced" : "save", mib, one.name, run);
        registered->UseManualTime();
        if (contender.name() == "stream_elements" && mib >= 256) // takes seconds
          registered->Repetitions(1);
      }
  return bench::run_benchmarks(arguments, bench::ratios::within_groups);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "petrify_bench_save: %s\n", failure.what());
  return 2;
}
