#include "model_files.hpp"

#include "../stored_scores.hpp"

#include <bit>
#include <cmath>
#include <stdexcept>

namespace compare {

model_files::model_files(const std::filesystem::path& directory, const std::string& called)
    : name(called), base((directory / called).string()) {
  const petrify::npy_file stored_rows(path(".x.npy"));
  const auto rows = stored_rows.array().as<float>();
  if (rows.rank() != 2 || rows.size() == 0)
    throw std::runtime_error(path(".x.npy") + ": holds no rows");
  num_rows = rows.shape()[0];
  num_columns = rows.shape()[1];
  values.assign(rows.elements().begin(), rows.elements().end());
  for (float& x : values)
    if (std::isnan(x))
      x = std::bit_cast<float>(0xFFFFFFFFu);
  scores = bench::scores_in(path(".raw.npy"));
  if (scores.empty() || scores.size() % num_rows != 0)
    throw std::runtime_error(path(".raw.npy") + ": has " + std::to_string(scores.size()) + " scores for " +
                             std::to_string(num_rows) + " rows");
  width = scores.size() / num_rows;
}

} // namespace compare
