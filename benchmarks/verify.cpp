// How fast is every byte of a file checked, on one thread and on several?
//
// petrify_bench_verify [--dir DIRECTORY] [--sizes-mb N,N,...] [--benchmark_...]
// One array, with the file in the page cache; it is opened anew each time, page faults included. "checksums" is what
// XXH3 alone takes for bytes in memory of the process's own. Ratios are to verify on one thread.
#include "array_files.hpp"
#include "base/checksum.hpp"
#include "run_benchmarks.hpp"

#include <petrify/file.hpp>
#include <petrify/thread_pool.hpp>

#include <cstddef>
#include <cstdio>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

int main(int argc, char** argv) try {
  std::vector<std::string> arguments(argv, argv + argc);
  const bench::array_options options = bench::take_array_options(arguments, {16, 1024});
  bench::array_files files(options.parent);
  const bench::array_contender& petrify = *bench::find_contender("petrify");
  for (const std::uint64_t mib : options.sizes_mib) {
    for (const unsigned threads : {1u, 2u, 4u}) {
      if (threads > 1 && threads > std::thread::hardware_concurrency())
        continue;
      bench::register_array("verify", mib, std::to_string(threads) + (threads == 1 ? "_thread" : "_threads"),
                            [&files, &petrify, mib, threads](benchmark::State& state) {
                              const std::string& path = files.path(petrify, mib);
                              petrify::thread_pool pool(threads);
                              for (auto _ : state)
                                if (!petrify::verify(path, {}, {}, pool).empty())
                                  throw std::runtime_error("a sound file has faults");
                              state.counters["GB"] = bench::gigabytes(mib);
                            })
          ->UseRealTime();
    }
    bench::register_array("verify", mib, "checksums", [mib](benchmark::State& state) {
      const std::vector<std::byte> bytes(std::size_t{mib} << 20, std::byte{1});
      constexpr std::size_t chunk = std::size_t{1} << 20;
      for (auto _ : state)
        for (std::size_t at = 0; at < bytes.size(); at += chunk) {
          std::uint64_t digest = petrify::checksum(std::span(bytes).subspan(at, chunk));
          benchmark::DoNotOptimize(digest);
        }
      state.counters["GB"] = bench::gigabytes(mib);
    })->UseRealTime();
  }
  return bench::run_benchmarks(arguments, bench::ratios::within_groups);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "petrify_bench_verify: %s\n", failure.what());
  return 2;
}
