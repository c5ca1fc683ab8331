// A finished forest in memory as predictions see it, without a file.
#pragma once

#include "forest/forest_data.hpp"

#include <cstdint>
#include <vector>

namespace petrify::inline v0 {

// What a view owns beside the model's own tables, which it borrows.
struct model_view {
  forest_data data;
  std::vector<std::int64_t> label_integers;
  std::vector<double> label_reals;
};

} // namespace petrify::inline v0
