// How a batch is shared out among threads.
#pragma once

#include "forest/forest_data.hpp"

#include <cstddef>

namespace petrify::inline v0 {

struct batch_plan {
  std::size_t num_tasks; // threads that the batch is worth, at least 1
  std::size_t tile_rows; // rows that a task takes at a time, at least 1
};

// largest_tile: rows that the forest's kernel likes to have together, at least 1; tiles are never larger.
batch_plan plan_batch(const forest_data& forest, std::size_t num_rows, std::size_t largest_tile, unsigned concurrency);

} // namespace petrify::inline v0
