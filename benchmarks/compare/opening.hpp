// From a file to the first prediction: petrify and the origins, with the file in the page cache and out of it.
#pragma once

#include "contender.hpp"

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

// petrify with and without its check of the nodes, then the model's own library if it is among the peers.
std::vector<opening> time_openings(const model_files& model, const peer_choice& peers);

} // namespace compare
