// replay FOLDER [MUTATIONS [SEED]]: runs a target without libFuzzer: each file of the folder, then so many mutations of
// them, the same ones for the same seed. Nothing guides it, and it is several times as fast.
#include "dice.hpp"
#include "target.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

petrify::fuzz::dice rolls(0);

std::vector<std::uint8_t> read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

} // namespace

// A few of libFuzzer's mutations of raw bytes.
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t room) {
  const std::size_t at = size == 0 ? 0 : rolls.below(size);
  switch (rolls.below(5)) {
  case 0:
    if (size > 1) {
      std::memmove(data + at, data + at + 1, size - at - 1);
      return size - 1;
    }
    break;
  case 1:
    if (size < room) {
      std::memmove(data + at + 1, data + at, size - at);
      data[at] = static_cast<std::uint8_t>(rolls.next());
      return size + 1;
    }
    break;
  case 2:
    if (size != 0)
      data[at] ^= static_cast<std::uint8_t>(1u << rolls.below(8));
    break;
  default:
    for (std::size_t i = at; i < std::min(size, at + 1 + rolls.below(8)); ++i)
      data[i] = petrify::fuzz::other_number(rolls, data[i]);
  }
  return size;
}

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s FOLDER [MUTATIONS [SEED]]\n", argv[0]);
    return 2;
  }
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1]))
    if (entry.is_regular_file())
      paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  std::vector<std::vector<std::uint8_t>> inputs;
  for (const std::string& path : paths) {
    inputs.push_back(read(path));
    LLVMFuzzerTestOneInput(inputs.back().data(), inputs.back().size());
  }
  if (inputs.empty()) {
    std::fprintf(stderr, "%s: no files in %s\n", argv[0], argv[1]);
    return 1;
  }
  const std::size_t room = 8192;
  const unsigned long mutations = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0;
  const unsigned long seed = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1;
  rolls = petrify::fuzz::dice(seed);
  for (unsigned long i = 0; i < mutations; ++i) {
    std::vector<std::uint8_t> input = inputs[rolls.below(inputs.size())];
    if (input.size() > room)
      continue;
    const std::size_t size = input.size();
    input.resize(room);
    input.resize(LLVMFuzzerCustomMutator(input.data(), size, room, static_cast<unsigned>(rolls.next())));
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("replayed %zu files and %lu mutations\n", inputs.size(), mutations);
}
