// What XGBoost's objectives make of margins, and of base scores, by release.
#pragma once

#include "import/json.hpp"

#include <petrify/forest_builder.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::inline v0 {
namespace xgboost {

// The release that wrote a model.
struct version {
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::int64_t patch = 0;
  bool at_least(std::int64_t a, std::int64_t b, std::int64_t c = 0) const noexcept {
    return major != a ? major > a : minor != b ? minor > b : patch >= c;
  }
};

enum class transform { identity, logistic, exponential, softmax, hinge, quantiles, expectiles };
struct objective {
  std::string_view name;
  transform output;
  petrify::task task;

  // The Booster's output is the index of the class, not probabilities.
  bool is_index() const noexcept { return name == "multi:softmax"; }
  // A classification's, whose output is the margin.
  bool is_logitraw() const noexcept { return name == "binary:logitraw"; }
};

// Throws: not_importable for one that is not known.
const objective& objective_of(const std::string& name);

// base_score: "5E-1", or since 3.1 "[5E-1]" or "[1E-1,2E-1]"; "(a,b)" has been seen too. Throws: not_importable.
std::vector<float> base_scores_of(const json::value& from);

// Margin of each group, made of one base score for all, or of one for each. In float32, by C's logf, as in the origin.
// Throws: not_importable for a base score that the objective cannot have.
std::vector<float> margins_of(const objective& of, const version& by, const std::vector<float>& base_scores,
                              std::uint32_t num_groups);

// What becomes of margins in a prediction. `by_numpy`: a softmax is XGBClassifier's, in numpy.
std::vector<epilogue_step> transform_steps(const objective& of, const version& by, std::uint32_t num_groups,
                                           bool by_numpy);

} // namespace xgboost
} // namespace petrify::inline v0
