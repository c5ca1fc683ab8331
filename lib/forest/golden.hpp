// Golden rows: rows with the raw scores that the forest had for them when it was written.
#pragma once

#include "forest/forest_data.hpp"

namespace petrify::inline v0 {

// Predicts each golden row and compares the bits. Cost: a prediction a row. Needs a forest that passed check_structure.
// Throws: errc::corrupt, naming the first row that differs.
void check_golden_rows(const forest_data& forest);

} // namespace petrify::inline v0
