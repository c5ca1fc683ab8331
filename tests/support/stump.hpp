// The smallest forest that decides something.
#pragma once

#include <petrify/forest_builder.hpp>

#include <vector>

namespace petrify::test {

// One column, one tree: `value` up to 0.5, -value above.
inline forest_model stump(double value) {
  forest_spec spec;
  spec.num_columns = 1;
  spec.outputs.resize(1);
  forest_builder builder(spec);
  builder.begin_tree(3, 0);
  builder.split(0, 0, comparison::less_equal, 0.5, missing::left, 1, 2);
  builder.leaf(1, std::vector{value});
  builder.leaf(2, std::vector{-value});
  builder.end_tree();
  return builder.build();
}

} // namespace petrify::test
