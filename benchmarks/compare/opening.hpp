// From a file to the first prediction: petrify and the origins, with the file in the page cache and out of it.
#pragma once

#include "model_files.hpp"

#include <string>
#include <vector>

namespace compare {

struct opening {
  std::string name;
  bool is_cold = false;
  // Medians since the start, in nanoseconds.
  double open_ns = 0;
  double first_row_ns = 0;
  std::size_t runs = 0;
};

// `xgboost` and `lightgbm` are the paths of their libraries; empty: without them.
std::vector<opening> time_openings(const model_files& model, const std::string& xgboost, const std::string& lightgbm);

} // namespace compare
