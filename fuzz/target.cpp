#include "target.hpp"

#include "dice.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace petrify::fuzz {

namespace {

// Prints when the process ends, which libFuzzer does by exit().
const struct report {
  report() {
    std::atexit([] {
      const auto share = [](std::uint64_t part) {
        return totals.runs == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(totals.runs);
      };
      std::fprintf(stderr, "executions %llu, accepted %.1f %%, used %.1f %%\n",
                   static_cast<unsigned long long>(totals.runs), share(totals.accepted), share(totals.used));
    });
  }
} print_at_exit;

// Some inputs that were used: a corpus fills with refused ones, each for a reason of its own, and mutations of those
// are refused as well. So half of all mutations begin with one of these.
std::vector<std::vector<std::uint8_t>> used_inputs;
constexpr std::size_t most_used_inputs = 256;

} // namespace

} // namespace petrify::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ++petrify::fuzz::totals.runs;
  using namespace petrify::fuzz;
  const std::uint64_t used_before = totals.used;
  run({reinterpret_cast<const std::byte*>(data), size});
  if (totals.used != used_before) {
    const std::size_t at = totals.used % (4 * most_used_inputs);
    if (used_inputs.size() < most_used_inputs)
      used_inputs.emplace_back(data, data + size);
    else if (at < most_used_inputs)
      used_inputs[at].assign(data, data + size);
  }
  return 0;
}

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t room, unsigned int seed) {
  using namespace petrify::fuzz;
  dice roll(seed ^ 0x5bd1e995u);
  if (!used_inputs.empty() && roll.once_in(2)) {
    const auto& start = used_inputs[roll.below(used_inputs.size())];
    if (start.size() <= room) {
      size = start.size();
      std::memcpy(data, start.data(), size);
    }
  }
  return mutate(data, size, room, seed);
}
