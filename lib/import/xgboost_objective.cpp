#include "import/xgboost_objective.hpp"

#include "import/xgboost_fields.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace petrify::inline v0 {
namespace xgboost {

namespace {

// Expectiles of one row keep this distance, and so do the base scores before they become margins.
constexpr float least_gap = 1e-6f;

constexpr std::array<objective, 21> objectives = {{
    {"reg:squarederror", transform::identity, task::regression},
    {"reg:linear", transform::identity, task::regression}, // read, but not written, by all releases
    {"reg:squaredlogerror", transform::identity, task::regression},
    {"reg:pseudohubererror", transform::identity, task::regression},
    {"reg:absoluteerror", transform::identity, task::regression},
    {"reg:quantileerror", transform::quantiles, task::regression},
    {"reg:expectileerror", transform::expectiles, task::regression},
    {"reg:logistic", transform::logistic, task::regression},
    {"reg:gamma", transform::exponential, task::regression},
    {"reg:tweedie", transform::exponential, task::regression},
    {"count:poisson", transform::exponential, task::regression},
    {"survival:cox", transform::exponential, task::regression},
    {"survival:aft", transform::exponential, task::regression},
    {"binary:logistic", transform::logistic, task::classification},
    {"binary:logitraw", transform::identity, task::classification},
    {"binary:hinge", transform::hinge, task::classification},
    {"multi:softmax", transform::softmax, task::classification},
    {"multi:softprob", transform::softmax, task::classification},
    {"rank:pairwise", transform::identity, task::ranking},
    {"rank:ndcg", transform::identity, task::ranking},
    {"rank:map", transform::identity, task::ranking},
}};

// A correctly rounded float32 from its text.
float require_float(std::string_view digits, std::string_view name) {
  float out = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (result.ec != std::errc() || result.ptr != digits.data() + digits.size())
    refuse(name, " is ", quoted(digits, 32), ", expected a number");
  return out;
}

// Margin of a base score, which is kept as what the objective makes of it.
float margin_of(const objective& of, const version& by, float base) {
  // Until 1.3.0 logitraw took its base score for a probability.
  if (of.output == transform::logistic || (of.is_logitraw() && !by.at_least(1, 3, 1))) {
    if (by.at_least(3, 2))
      base = std::min(std::max(base, 1e-6f), 1.0f - 1e-6f);
    if (!(base > 0 && base < 1))
      refuse("base_score is ", base, ", expected a probability between 0 and 1");
    return -std::log(1.0f / base - 1.0f);
  }
  if (of.output == transform::exponential)
    return std::log(base);
  return base;
}

} // namespace

const objective& objective_of(const std::string& name) {
  const auto found = std::find_if(objectives.begin(), objectives.end(), [&](const auto& o) { return o.name == name; });
  if (found == objectives.end())
    refuse("the objective is ", quoted(name, 64), ", which petrify does not know");
  return *found;
}

std::vector<float> base_scores_of(const json::value& from) {
  if (const auto number = from.as_real())
    return {static_cast<float>(*number)};
  const std::string* const written = from.as_text();
  if (written == nullptr)
    refuse("base_score is ", from.describe(), ", expected a number");
  std::string_view rest = *written;
  if (!rest.empty() && (rest.front() == '[' || rest.front() == '(')) {
    if (rest.back() != (rest.front() == '[' ? ']' : ')'))
      refuse("base_score is ", quoted(rest, 32), ", expected a closing bracket");
    rest = rest.substr(1, rest.size() - 2);
  }
  std::vector<float> out;
  for (;;) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    std::string_view one = rest.substr(0, comma);
    while (!one.empty() && one.front() == ' ')
      one.remove_prefix(1);
    out.push_back(require_float(one, "base_score"));
    if (comma == rest.size())
      return out;
    rest.remove_prefix(comma + 1);
  }
}

std::vector<float> margins_of(const objective& of, const version& by, const std::vector<float>& base_scores,
                              std::uint32_t num_groups) {
  std::vector<float> out(num_groups);
  for (std::uint32_t g = 0; g < num_groups; ++g)
    out[g] = margin_of(of, by, base_scores[base_scores.size() == 1 ? 0 : g]);
  // Expectiles behind the first have the margin of their distance to the one before.
  if (of.output == transform::expectiles)
    for (std::uint32_t g = num_groups - 1; g > 0; --g) {
      const float gap = std::max(out[g] - out[g - 1] - least_gap, least_gap);
      out[g] = gap + std::log(-std::expm1(-gap));
    }
  return out;
}

std::vector<epilogue_step> transform_steps(const objective& of, const version& by, std::uint32_t num_groups,
                                           bool by_numpy) {
  using op = epilogue_step::operation;
  switch (of.output) {
  case transform::identity: return {};
  // Since 1.6 the exponent is bounded, so that it does not become infinite.
  case transform::logistic:
    if (!by.at_least(1, 6))
      return {{op::sigmoid, 1, 0}};
    return {{op::bounded_sigmoid, static_cast<double>(88.7f), 0}};
  case transform::exponential: return {{op::exp, 0, 0}};
  case transform::softmax: return {{by_numpy ? op::softmax_numpy : op::softmax_wide_sum, 0, 0}};
  case transform::hinge: return {{op::is_positive, 0, 0}};
  // Since 3.4 quantiles do not cross.
  case transform::quantiles:
    if (num_groups == 1 || !by.at_least(3, 4))
      return {};
    return {{op::sort, 0, 0}};
  case transform::expectiles:
    if (num_groups == 1)
      return {};
    return {{op::softplus_gaps, static_cast<double>(least_gap), 0}};
  }
  return {};
}

} // namespace xgboost
} // namespace petrify::inline v0
