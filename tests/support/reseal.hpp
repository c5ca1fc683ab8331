// Makes an edited file's checksums right again, so that what is tested is the check behind them.
#pragma once

#include "base/checksum.hpp"
#include "container/header.hpp"

#include <cstring>
#include <span>
#include <vector>

namespace petrify::test {

// Recomputes the directory's and the header's checksum for the directory that the header points to.
inline void reseal(std::vector<std::byte>& file) {
  std::uint64_t at = 0;
  std::uint64_t size = 0;
  std::memcpy(&at, file.data() + 24, sizeof at);
  std::memcpy(&size, file.data() + 32, sizeof size);
  const std::uint64_t directory = checksum(std::span(file).subspan(at, size));
  std::memcpy(file.data() + 56, &directory, sizeof directory);
  const std::uint64_t header = checksum(std::span(file).first(120));
  std::memcpy(file.data() + 120, &header, sizeof header);
}

// Overwrites `at` with the bytes of `value`.
template <class T>
void poke(std::vector<std::byte>& file, std::size_t at, T value) {
  std::memcpy(file.data() + at, &value, sizeof value);
}

// Replaces the file's directory and makes header and checksums fit it.
inline void replace_directory(std::vector<std::byte>& file, std::span<const std::byte> directory) {
  std::uint64_t at = 0;
  std::memcpy(&at, file.data() + 24, sizeof at);
  file.resize(at);
  file.insert(file.end(), directory.begin(), directory.end());
  poke<std::uint64_t>(file, 16, file.size());
  poke<std::uint64_t>(file, 32, directory.size());
  reseal(file);
}

} // namespace petrify::test
