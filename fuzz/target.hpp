// What every target shares: the counts that say whether inputs get anywhere, and libFuzzer's two functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace petrify::fuzz {

// Executions, those whose input was accepted by the first door (open, parse), and those that went on to compute: a
// prediction, an element of an array, a value, a record, an imported object. Printed when the process ends.
struct counts {
  std::uint64_t runs = 0;
  std::uint64_t accepted = 0;
  std::uint64_t used = 0;
};
extern counts totals;

// Stops the process: an invariant does not hold.
[[noreturn]] void broken(const char* what);
inline void require(bool holds, const char* what) {
  if (!holds)
    broken(what);
}

// Reads bytes in a way that is not optimised away.
void look_at(std::span<const std::byte> bytes);
inline void look_at(std::string_view text) { look_at(std::as_bytes(std::span(text))); }

// What a target does with one input, and how it changes one. Defined by each target.
void run(std::span<const std::byte> input);
std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t room, std::uint32_t seed);

} // namespace petrify::fuzz

extern "C" {
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t room, unsigned int seed);
// libFuzzer's own mutations of raw bytes; the replayer brings a small one of its own.
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t room);
}
