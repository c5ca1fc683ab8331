#include "forest/golden.hpp"

#include "base/fail.hpp"
#include "forest/evaluate.hpp"

#include <bit>
#include <cmath>

namespace petrify::inline v0 {

void check_golden_rows(const forest_data& forest) {
  const std::size_t count = forest.num_golden();
  if (count == 0)
    return;
  const auto matrix = [&] {
    const std::size_t columns = forest.num_columns;
    switch (forest.golden_type) {
    case dtype::float32: return rows(reinterpret_cast<const float*>(forest.golden_rows.data()), count, columns);
    case dtype::int64: return rows(reinterpret_cast<const std::int64_t*>(forest.golden_rows.data()), count, columns);
    default: return rows(reinterpret_cast<const double*>(forest.golden_rows.data()), count, columns);
    }
  }();
  evaluator one(forest, 1);
  std::vector<double> raw(forest.raw_width);
  for (std::size_t i = 0; i < count; ++i) {
    one.numbers(matrix, i, 1, output::raw, raw.data());
    for (std::size_t k = 0; k < raw.size(); ++k) {
      const double expected = forest.golden_raw[i * raw.size() + k];
      if (std::bit_cast<std::uint64_t>(raw[k]) != std::bit_cast<std::uint64_t>(expected) &&
          !(std::isnan(raw[k]) && std::isnan(expected)))
        fail(errc::corrupt, text("golden row ", i), "raw score ", k, " is ", raw[k], ", expected ", expected);
    }
  }
}

} // namespace petrify::inline v0
