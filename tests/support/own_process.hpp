// What tests ask of their own process: descriptors, mappings, and what other threads have done by now.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

namespace petrify::test {

inline std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

// Mappings of files whose path contains `part`.
inline std::size_t mapped_regions(const std::string& part) {
  std::ifstream in("/proc/self/maps");
  std::size_t out = 0;
  for (std::string line; std::getline(in, line);)
    out += line.find(part) != std::string::npos;
  return out;
}

// Waits until `done`, at most for a time that no machine needs.
template <class Done>
bool eventually(Done done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end)
      return false;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return true;
}

} // namespace petrify::test
