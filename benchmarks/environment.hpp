// What a figure was measured on. Printed above every table: a time without its setup says nothing.
#pragma once

#include <petrify/version.hpp>

#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/utsname.h>
#include <unistd.h>

namespace bench {

inline std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name"))
      return line.substr(line.find(':') + 2);
  return "unknown CPU"; // not every architecture names its model there
}

// Facts as (name, value), in the order in which they are printed.
inline std::vector<std::pair<std::string, std::string>> environment() {
  utsname system{};
  ::uname(&system);
  const double memory = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  const auto gib = static_cast<unsigned long long>(memory / (1 << 30) + 0.5);
#if defined(__clang__)
  const std::string compiler = "clang " + std::to_string(__clang_major__) + '.' + std::to_string(__clang_minor__) +
                               '.' + std::to_string(__clang_patchlevel__);
#elif defined(__GNUC__)
  const std::string compiler = "gcc " __VERSION__;
#else
  const std::string compiler = "unknown compiler";
#endif
#ifdef NDEBUG
  const std::string assertions;
#else
  const std::string assertions = ", assertions on: build with -DCMAKE_BUILD_TYPE=Release for figures that count";
#endif
  return {
      {"petrify", PETRIFY_VERSION_STRING ", format " + std::to_string(petrify::format_version)},
      {"machine", cpu_model() + ", " + std::to_string(std::thread::hardware_concurrency()) + " cores, " +
                      std::to_string(gib) + " GiB"},
      {"system", std::string(system.sysname) + ' ' + system.release + ' ' + system.machine},
      {"compiler", compiler + ", " PETRIFY_BENCH_CONFIG + assertions},
  };
}

} // namespace bench
