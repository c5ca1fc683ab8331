#include "import/lightgbm_objective.hpp"

#include "import/lightgbm_text.hpp"

#include <algorithm>
#include <array>

namespace petrify::inline v0 {
namespace lightgbm {

namespace {

constexpr std::array<known_objective, 21> known_objectives = {{
    {"", transform::identity, task::regression}, // the user's own
    {"custom", transform::identity, task::regression},
    {"regression", transform::identity, task::regression},
    {"regression_l2", transform::identity, task::regression},
    {"regression_l1", transform::identity, task::regression},
    {"huber", transform::identity, task::regression},
    {"fair", transform::identity, task::regression},
    {"quantile", transform::identity, task::regression},
    {"mape", transform::identity, task::regression},
    {"poisson", transform::exponential, task::regression},
    {"gamma", transform::exponential, task::regression},
    {"tweedie", transform::exponential, task::regression},
    {"binary", transform::sigmoid, task::classification},
    {"multiclass", transform::softmax, task::classification},
    {"multiclassova", transform::sigmoids, task::classification},
    {"cross_entropy", transform::sigmoids, task::regression},
    {"cross_entropy_lambda", transform::log1p_exp, task::regression},
    {"xentropy", transform::sigmoids, task::regression}, // their names until 2.3
    {"xentlambda", transform::log1p_exp, task::regression},
    {"lambdarank", transform::identity, task::ranking},
    {"rank_xendcg", transform::identity, task::ranking},
}};

} // namespace

objective::objective(std::string_view written) {
  for_each_word(written, [&](std::string_view word) {
    const std::size_t colon = word.find(':');
    if (name.empty())
      name = word;
    else
      parameters.emplace(word.substr(0, colon),
                         colon == std::string_view::npos ? std::string_view() : word.substr(colon + 1));
  });
}

double objective::sigmoid() const {
  const auto found = parameters.find("sigmoid");
  return found == parameters.end() ? 1.0 : number_of<double>(found->second, "objective's sigmoid", 0);
}

const known_objective& known_objective_of(const objective& written) {
  const auto known = std::find_if(known_objectives.begin(), known_objectives.end(),
                                  [&](const known_objective& o) { return o.name == written.name; });
  if (known == known_objectives.end())
    refuse("the objective is ", quoted(written.name, 64), ", which petrify does not know");
  return *known;
}

} // namespace lightgbm
} // namespace petrify::inline v0
