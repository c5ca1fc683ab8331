// A float32 array of any size in a petrify file, made without holding it in memory, whose every element is known.
#pragma once

#include <petrify/writer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

// Integers below 2^24 are exact in float32, and neighbours differ, so that a wrong offset shows.
inline float sample_element(std::uint64_t i) { return static_cast<float>(i & 0xffffff); }

// Writes the file `path` with one array, "array", of rank 1. Memory: 4 MiB, and the writer's buffer.
inline void write_sample_array(const std::string& path, std::uint64_t num_elements) {
  petrify::writer out(path);
  auto stream = out.stream<float>("array");
  std::vector<float> piece;
  for (std::uint64_t first = 0; first < num_elements; first += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(std::uint64_t{1} << 20, num_elements - first)));
    for (std::size_t i = 0; i < piece.size(); ++i)
      piece[i] = sample_element(first + i);
    stream.append(piece);
  }
  stream.finish();
  out.commit();
}

} // namespace bench
