// GradientBoostingClassifier and GradientBoostingRegressor.
#include "base/pairwise_sum.hpp"
#include "import/sklearn_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace petrify::inline v0 {
namespace sklearn {

namespace {

constexpr std::uint32_t max_classes = 1 << 20;

// scipy's logit. Since 1.15 it has another form around one half.
double logit(double p, bool is_new) {
  if (is_new && p >= 0.3 && p <= 0.65) {
    const double s = 2.0 * (p - 0.5);
    return std::log1p(s) - std::log1p(-s);
  }
  return std::log(p / (1.0 - p));
}

// The probabilities that a DummyClassifier gives for every row.
std::vector<double> prior_of(const pickle::value& dummy, std::size_t num_classes, read_budget& budget) {
  const auto strategy = require_attr(dummy, "strategy").as_text();
  std::vector<double> out = require_reals(require_attr(dummy, "class_prior_"), "class_prior_", budget);
  if (out.size() != num_classes)
    refuse("class_prior_ has ", out.size(), " numbers, expected ", num_classes);
  if (strategy == "prior")
    return out;
  if (strategy == "uniform") {
    std::fill(out.begin(), out.end(), 1.0 / static_cast<double>(num_classes));
    return out;
  }
  if (strategy == "most_frequent") {
    const auto most = std::max_element(out.begin(), out.end());
    const auto at = static_cast<std::size_t>(most - out.begin());
    for (std::size_t k = 0; k < out.size(); ++k)
      out[k] = k == at ? 1.0 : 0.0;
    return out;
  }
  refuse("the model starts from a DummyClassifier of strategy ", quoted(strategy.value_or("?"), 32),
         ", expected prior, uniform or most_frequent");
}

// The scores that the trees' are added to.
std::vector<double> initial_scores(const source& from, std::size_t width, std::size_t num_classes, const version& v,
                                   bool is_exponential) {
  const pickle::value init = require_attr(from.object, "init_");
  if (init.as_text() == "zero")
    return std::vector<double>(width, 0.0);
  if (!from.kind.is_classifier) {
    if (init.class_name() != "sklearn.dummy.DummyRegressor")
      refuse("the model starts from ", init.describe(), ", expected a constant (DummyRegressor or \"zero\")");
    auto constant = require_reals(require_attr(init, "constant_"), "constant_", from.budget);
    if (constant.size() != 1)
      refuse("constant_ has ", constant.size(), " numbers, expected one");
    return constant;
  }
  if (init.class_name() != "sklearn.dummy.DummyClassifier")
    refuse("the model starts from ", init.describe(), ", expected the classes' shares (DummyClassifier or \"zero\")");
  std::vector<double> p = prior_of(init, num_classes, from.budget);
  const double epsilon = std::ldexp(1.0, v.at_least(1, 8) ? -52 : -23);
  for (double& x : p)
    x = std::min(std::max(x, epsilon), 1.0 - epsilon);
  if (width == 1) {
    // The origin computes it at every prediction, with whichever scipy is there: for 1.6 and later that is 1.15 at
    // least.
    const double score = logit(p[1], v.at_least(1, 6));
    return {is_exponential ? 0.5 * score : score};
  }
  std::vector<double> logs;
  logs.reserve(p.size());
  for (const double x : p)
    logs.push_back(std::log(x));
  if (!v.at_least(1, 4))
    return logs;
  const double mean = std::exp(pairwise_sum(logs.data(), logs.size()) / static_cast<double>(p.size()));
  for (double& x : p)
    x = std::log(x / mean);
  return p;
}

void add_class_output(forest_spec& spec, const source& from, std::uint32_t width, const version& v,
                      bool is_exponential) {
  using op = epilogue_step::operation;
  output_spec classes;
  classes.width = width;
  classes.labels = labels_of(from);
  const std::size_t expected = width == 1 ? 2 : width;
  if (classes.labels.size() != expected)
    refuse("classes_ has ", classes.labels.size(), " labels for ", width, " trees in a stage, expected ", expected);
  spec.outputs = {std::move(classes)};
  // Before 1.4 the class is that of the greatest probability; since then the raw scores decide.
  spec.decision = !v.at_least(1, 4) ? decision::argmax_final : width == 1 ? decision::cut_raw : decision::argmax_raw;
  spec.cut_tie_is_upper = true;
  if (width == 1)
    spec.epilogue = {{op::sigmoid, is_exponential ? 2.0 : 1.0, 0}, {op::complement, 0, 0}};
  else
    spec.epilogue = {{v.at_least(1, 4) ? op::softmax : op::softmax_by_logarithm, 0, 0}};
}

// The parameter `loss`. Predictions follow the object _loss, which says the same unless one of both is wrong.
std::string_view require_loss(const source& from) {
  using namespace std::string_view_literals;
  static constexpr std::array classifier = {"log_loss"sv, "exponential"sv, "deviance"sv};
  static constexpr std::array regressor = {
      "squared_error"sv, "absolute_error"sv, "huber"sv, "quantile"sv, "ls"sv, "lad"sv};
  const pickle::value value = require_attr(from.object, "loss");
  const auto loss = value.as_text();
  const auto is_one_of = [&](const auto& known) { return std::find(known.begin(), known.end(), loss) != known.end(); };
  if (!loss || !(from.kind.is_classifier ? is_one_of(classifier) : is_one_of(regressor)))
    refuse("loss is ", loss ? quoted(*loss) : value.describe(), ", expected ",
           from.kind.is_classifier ? "log_loss or exponential" : "squared_error, absolute_error, huber or quantile");
  const auto used = from.object.attr("_loss");
  if (used && (used->class_name().find(".Exponential") != std::string_view::npos) != (loss == "exponential"))
    refuse("loss is ", quoted(*loss), ", but _loss is ", used->describe());
  return *loss;
}

} // namespace

forest_model read_boosting(const source& from) {
  const version v = version_of(from.object);
  const pickle::value estimators = require_estimators(from.object);
  const auto array = estimators.as_array();
  if (!array || array->shape.size() != 2 || array->shape[1] == 0 || array->shape[1] > max_classes)
    refuse("estimators_ is ", estimators.describe(), ", expected an array of stages and classes");
  const auto width = static_cast<std::uint32_t>(array->shape[1]);
  const std::size_t num_trees = width * std::size_t{iterations_asked_for(from.iterations, estimators.size() / width)};

  forest_spec spec = describe(from);
  const std::string_view loss = require_loss(from);
  spec.objective = loss;
  const bool is_exponential = loss == "exponential";
  if (from.kind.is_classifier)
    add_class_output(spec, from, width, v, is_exponential);
  else if (width == 1)
    spec.outputs.resize(1);
  else
    refuse(width, " trees in a stage of a regression, expected one");
  const std::size_t num_classes = from.kind.is_classifier ? spec.outputs[0].labels.size() : 0;
  if (const auto per_stage = from.object.attr("n_trees_per_iteration_")) // since 1.4
    require_counts(*per_stage, "n_trees_per_iteration_", std::array{width});
  if (const auto classes = from.object.attr("n_classes_"); classes && from.kind.is_classifier)
    require_counts(*classes, "n_classes_", std::array{static_cast<std::uint32_t>(num_classes)});
  spec.start = initial_scores(from, width, num_classes, v, is_exponential);
  const double rate = require_real(require_attr(from.object, "learning_rate"), "learning_rate");

  double value = 0;
  tree_format format;
  format.num_features = num_features(from.object);
  format.columns = all_columns_of(from.before);
  // Its predict refuses NaN, and has no branch for it.
  format.ignores_missing = true;
  format.leaf = [&](std::span<const double> values, const leaf_facts&) {
    value = rate * values[0];
    return std::span<const double>(&value, 1);
  };
  const std::uint32_t one[] = {1};
  forest_builder builder(std::move(spec));
  for (std::size_t t = 0; t < num_trees; ++t) {
    format.target = static_cast<std::uint32_t>(t % width);
    add_tree(builder, t, require_tree(estimators[t], false, t, format.num_features, one), one, format, from.budget);
    if (format.target + 1 == width)
      builder.end_iteration();
    from.progress(t + 1, num_trees);
  }
  return builder.build();
}

} // namespace sklearn
} // namespace petrify::inline v0
