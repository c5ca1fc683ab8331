// What LightGBM's objectives make of sums.
#pragma once

#include <petrify/forest.hpp>

#include <map>
#include <string>
#include <string_view>

namespace petrify::inline v0 {
namespace lightgbm {

// "binary sigmoid:0.7": a name and parameters. Borrows the text.
struct objective {
  std::string name;
  std::map<std::string_view, std::string_view> parameters; // "sqrt" has an empty value

  explicit objective(std::string_view written);
  // Throws: not_importable when it is no number.
  double sigmoid() const;
};

enum class transform { identity, exponential, sigmoid, sigmoids, softmax, log1p_exp };
struct known_objective {
  std::string_view name;
  transform output;
  petrify::task task;
};
// Throws: not_importable for one that is not known.
const known_objective& known_objective_of(const objective& written);

} // namespace lightgbm
} // namespace petrify::inline v0
