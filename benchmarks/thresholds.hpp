// Thresholds back from the nodes of a mapped forest, and random rows that lie among them.
#pragma once

#include "forest/forest_data.hpp"

#include <petrify/forest.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bench {

// The float32 t for which `x <= t` goes left exactly where key_of(x) <= value does, for every x that is not NaN:
// the inverse of petrify::key_of. The node of `x < -inf` gives NaN, with which every x goes right, as it should.
inline float threshold_of(std::uint32_t value) {
  // -0 has the key of +0, so no float has the key below it, which is the node of `x < 0`.
  if (value == 0x7fffffffu)
    return -std::numeric_limits<float>::denorm_min();
  return std::bit_cast<float>((value >> 31) != 0 ? value & 0x7fffffffu : ~value);
}

// Throws: std::invalid_argument for a forest that compares in float64.
inline void require_float32_slots(const petrify::forest_data& forest) {
  for (std::size_t s = 1; s < forest.slots.size(); ++s)
    if (forest.slots[s].kind != petrify::slot_kind::float32)
      throw std::invalid_argument("the forest compares its columns in float64, expected float32");
}

// num_rows rows, row-major, uniform in the range of each column's thresholds and a little beyond, so that rows end in
// many different leaves. Always the same rows for the same forest. Throws: as require_float32_slots.
inline std::vector<float> random_rows(const petrify::forest& of, std::size_t num_rows) {
  const petrify::forest_data& forest = of.data();
  require_float32_slots(forest);
  constexpr float largest = std::numeric_limits<float>::max();
  std::vector<std::pair<float, float>> ranges(forest.num_columns, {largest, -largest});
  petrify::with_layout(forest, [&]<class Layout>(Layout) {
    const auto* nodes = static_cast<const typename Layout::node*>(forest.nodes);
    for (std::uint64_t i = 0; i < forest.num_nodes; ++i) {
      const float t = threshold_of(nodes[i].value);
      if (Layout::offset(nodes[i]) == 0 || !(std::abs(t) <= largest))
        continue;
      auto& [low, high] = ranges[forest.slots[Layout::slot(nodes[i])].column];
      low = std::min(low, t);
      high = std::max(high, t);
    }
  });
  std::mt19937 random(1);
  std::vector<std::uniform_real_distribution<double>> columns;
  for (const auto& [low, high] : ranges) {
    if (low > high) { // no node asks for it
      columns.emplace_back(0.0, 1.0);
      continue;
    }
    const double margin = (static_cast<double>(high) - low) / 16 + 0.01;
    columns.emplace_back(low - margin, high + margin);
  }
  std::vector<float> rows;
  rows.reserve(num_rows * columns.size());
  for (std::size_t i = 0; i < num_rows; ++i)
    for (auto& column : columns)
      rows.push_back(static_cast<float>(column(random)));
  return rows;
}

} // namespace bench
