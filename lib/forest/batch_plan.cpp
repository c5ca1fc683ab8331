#include "forest/batch_plan.hpp"

#include "forest/kernel.hpp"

#include <algorithm>
#include <bit>

namespace petrify::inline v0 {

namespace {

// Work that is worth a thread: about what it costs to wake one.
constexpr double ns_per_task = 20'000;
// A step down a tree in a batch, and a value turned into a key, when everything is in the cache. Low guesses: a thread
// too few costs more than a thread too many, which finds no work and goes back to sleep.
constexpr double ns_per_step = 1;
constexpr double ns_per_slot = 2;
// Nodes beyond this come from a cache that threads share, or from memory, once a tile: tiles must be large.
constexpr std::uint64_t small_forest_bytes = std::uint64_t{1} << 20;
// Tiles for each thread, so that they end at about the same time, and the rows that one has at least: kernels take
// up to 64 rows at a time.
constexpr std::size_t tiles_per_task = 4;
constexpr std::size_t rows_per_group = 64;

std::size_t quotient_up(std::size_t a, std::size_t b) noexcept { return a / b + (a % b != 0 ? 1 : 0); }

double ns_per_row(const forest_data& forest) noexcept {
  // Dense kernels take all steps of a tree in about the time of one.
  const double steps = kernel_for(forest).is_dense
                           ? 1.0
                           : static_cast<double>(std::bit_width(forest.num_nodes / std::max(forest.num_trees, 1u)));
  return forest.num_trees * steps * ns_per_step + static_cast<double>(forest.slots.size()) * ns_per_slot;
}

} // namespace

batch_plan plan_batch(const forest_data& forest, std::size_t num_rows, std::size_t largest_tile, unsigned concurrency) {
  const double worth = static_cast<double>(num_rows) * ns_per_row(forest) / ns_per_task;
  const std::size_t most = std::min<std::size_t>(std::max(concurrency, 1u), std::max<std::size_t>(num_rows, 1));
  const std::size_t tasks =
      worth < static_cast<double>(most) ? std::max<std::size_t>(1, static_cast<std::size_t>(worth)) : most;
  if (tasks == 1)
    return {1, std::clamp<std::size_t>(num_rows, 1, largest_tile)};
  const std::size_t most_tiles = forest.node_bytes() <= small_forest_bytes ? tiles_per_task : 1;
  const std::size_t each = std::clamp<std::size_t>(num_rows / (tasks * rows_per_group), 1, most_tiles);
  // As many tiles for every thread, all of about one size.
  const std::size_t rounds = std::max(each, quotient_up(quotient_up(num_rows, largest_tile), tasks));
  const std::size_t even = quotient_up(num_rows, tasks * rounds);
  const std::size_t grouped = quotient_up(even, rows_per_group) * rows_per_group;
  // Whole groups, unless that would leave a thread without rows.
  const bool is_enough = grouped <= largest_tile && quotient_up(num_rows, grouped) >= tasks;
  return {tasks, std::clamp<std::size_t>(is_enough ? grouped : even, 1, largest_tile)};
}

} // namespace petrify::inline v0
