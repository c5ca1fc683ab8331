// Pipelines: the scalers and imputers before a model become steps on its rows.
#include "import/sklearn_model.hpp"

#include <cmath>

namespace petrify::inline v0 {
namespace sklearn {

namespace {

using operation = row_step::operation;

// Pipelines in pipelines; real ones have one or two.
constexpr int max_depth = 20;

bool require_flag(const pickle::value& object, std::string_view name) {
  const pickle::value value = require_attr(object, name);
  const auto flag = value.as_bool();
  if (!flag)
    refuse(name, " is ", value.describe(), ", expected True or False");
  return *flag;
}

// One that former releases do not have.
bool flag_of(const pickle::value& object, std::string_view name) {
  return object.attr(name).has_value() && require_flag(object, name);
}

// A transformer's numbers for each feature it sees, which must be as many as there are.
std::vector<double> per_feature(const pickle::value& object, std::string_view name, std::size_t count,
                                read_budget& budget) {
  std::vector<double> out = require_reals(require_attr(object, name), name, budget);
  if (out.size() != count)
    refuse(name, " has ", out.size(), " numbers, expected ", count);
  return out;
}

class pipeline_reader {
public:
  pipeline_reader(rows_before& before, read_budget& budget) : before_(before), budget_(budget) {}

  // Takes all steps but the last one, and returns that.
  pickle::value read(const pickle::value& pipeline, int depth = 0) {
    if (depth > max_depth)
      refuse("pipelines nested more than ", max_depth, " deep");
    const pickle::value steps = require_attr(pipeline, "steps");
    if ((!steps.is(pickle::kind::list) && !steps.is(pickle::kind::tuple)) || steps.size() == 0)
      refuse("the pipeline's steps are ", steps.describe(), ", expected a list");
    for (std::size_t i = 0; i + 1 < steps.size(); ++i)
      transform(step_of(steps[i]), depth);
    const pickle::value last = step_of(steps[steps.size() - 1]);
    return is_pipeline(last) ? read(last, depth + 1) : last;
  }

private:
  static pickle::value step_of(const pickle::value& named) {
    if (named.size() != 2)
      refuse("a step of the pipeline is ", named.describe(), ", expected a name and an estimator");
    return named[1];
  }

  void transform(const pickle::value& step, int depth) {
    budget_.charge(64);
    if (step.is_none() || step.as_text() == "passthrough")
      return;
    if (is_pipeline(step)) {
      if (depth > max_depth)
        refuse("pipelines nested more than ", max_depth, " deep");
      const pickle::value inner = require_attr(step, "steps");
      for (std::size_t i = 0; i < inner.size(); ++i)
        transform(step_of(inner[i]), depth + 1);
      return;
    }
    const std::string_view name = step.class_name();
    if (name == "sklearn.preprocessing._data.StandardScaler" || name == "sklearn.preprocessing.data.StandardScaler")
      return standard_scaler(step);
    if (name == "sklearn.preprocessing._data.MinMaxScaler" || name == "sklearn.preprocessing.data.MinMaxScaler")
      return min_max_scaler(step);
    if (name == "sklearn.impute._base.SimpleImputer" || name == "sklearn.impute.SimpleImputer")
      return simple_imputer(step);
    refuse("the pipeline has a step ", step.describe(),
           ", expected StandardScaler, MinMaxScaler, SimpleImputer or passthrough before the model");
  }

  // How many features come to a transformer. The first one says what a row is.
  std::size_t features_of(const pickle::value& step) {
    const std::uint32_t seen = num_features(step);
    if (before_.num_columns == 0) {
      before_.num_columns = seen;
      if (const auto names = step.attr("feature_names_in_"); names && !names->is_none())
        before_.column_names = pickle::to_strings(*names);
      budget_.charge(4 * std::uint64_t{seen});
      for (std::uint32_t j = 0; j < seen; ++j)
        before_.columns.push_back(j);
    }
    if (before_.columns.size() != seen)
      refuse(step.describe(), " expects ", seen, " features, but ", before_.columns.size(), " come to it");
    return seen;
  }

  void add(operation op, std::size_t feature, double a, double b = 0) {
    before_.steps.push_back({op, before_.columns[feature], a, b});
  }

  void standard_scaler(const pickle::value& step) {
    const std::size_t count = features_of(step);
    keeps_integers_ = false;
    // Since 1.8 mean and scale are converted to the rows' type first.
    const bool is_typed = version_of(step).at_least(1, 8);
    if (require_flag(step, "with_mean")) {
      const auto mean = per_feature(step, "mean_", count, budget_);
      for (std::size_t j = 0; j < count; ++j)
        add(is_typed ? operation::subtract_typed : operation::subtract, j, mean[j]);
    }
    if (require_flag(step, "with_std")) {
      const auto scale = per_feature(step, "scale_", count, budget_);
      for (std::size_t j = 0; j < count; ++j)
        add(is_typed ? operation::divide_typed : operation::divide, j, scale[j]);
    }
  }

  void min_max_scaler(const pickle::value& step) {
    const std::size_t count = features_of(step);
    keeps_integers_ = false;
    const auto scale = per_feature(step, "scale_", count, budget_);
    const auto shift = per_feature(step, "min_", count, budget_);
    for (std::size_t j = 0; j < count; ++j)
      add(operation::multiply, j, scale[j]);
    for (std::size_t j = 0; j < count; ++j)
      add(operation::add, j, shift[j]);
    if (!flag_of(step, "clip"))
      return;
    const pickle::value range = require_attr(step, "feature_range");
    if (range.size() != 2)
      refuse("feature_range is ", range.describe(), ", expected two numbers");
    const double low = require_real(range[0], "feature_range");
    const double high = require_real(range[1], "feature_range");
    for (std::size_t j = 0; j < count; ++j)
      add(operation::clip, j, low, high);
  }

  void simple_imputer(const pickle::value& step) {
    const std::size_t count = features_of(step);
    if (flag_of(step, "add_indicator"))
      refuse("SimpleImputer adds indicators of missing values, which petrify does not");
    const version v = version_of(step);
    const auto strategy = require_attr(step, "strategy").as_text();
    if (!strategy ||
        (*strategy != "mean" && *strategy != "median" && *strategy != "most_frequent" && *strategy != "constant"))
      refuse("SimpleImputer's strategy is ", require_attr(step, "strategy").describe(),
             ", expected mean, median, most_frequent or constant");
    const pickle::value missing_values = require_attr(step, "missing_values");
    const auto missing = missing_values.as_real();
    if (!missing)
      refuse("missing_values is ", missing_values.describe(), ", expected a number");
    auto statistics = per_feature(step, "statistics_", count, budget_);
    // Columns that had no value are dropped; since 1.8 with the strategy "constant" too.
    const bool drops = !flag_of(step, "keep_empty_features") && (strategy != "constant" || v.at_least(1, 8));
    if (v.at_least(1, 8))
      convert(statistics, step);
    keeps_integers_ = keeps_integers_ && (strategy == "most_frequent" || strategy == "constant");
    std::vector<std::uint32_t> kept;
    for (std::size_t j = 0; j < count; ++j) {
      if (drops && std::isnan(statistics[j]))
        continue;
      const double value = std::isnan(statistics[j]) ? 0.0 : statistics[j];
      const bool is_cut = keeps_integers_ && value != std::trunc(value);
      add(is_cut ? operation::replace_typed : operation::replace, j, *missing, value);
      kept.push_back(before_.columns[j]);
    }
    if (kept.empty())
      refuse("SimpleImputer keeps no column");
    before_.columns = std::move(kept);
  }

  // Statistics take the type of the data that they were made from.
  static void convert(std::vector<double>& statistics, const pickle::value& step) {
    const auto type = step.attr("_fill_dtype");
    const auto dtype = type ? type->dtype() : nullptr;
    if (!dtype)
      return;
    for (double& x : statistics) {
      if (std::isnan(x))
        continue;
      if (dtype->kind == 'f' && dtype->item_size == 4)
        x = static_cast<double>(static_cast<float>(x));
      else if (dtype->kind == 'i' || dtype->kind == 'u')
        x = std::trunc(x);
      else if (dtype->kind != 'f')
        refuse("SimpleImputer was fitted on ", petrify::describe(*dtype), ", expected numbers");
    }
  }

  rows_before& before_;
  read_budget& budget_;
  // Whether rows of integers are still such behind the steps so far; a scaler, a mean or a median makes floats of them.
  bool keeps_integers_ = true;
};

} // namespace

bool is_pipeline(const pickle::value& object) noexcept { return object.class_name() == "sklearn.pipeline.Pipeline"; }

pickle::value read_pipeline(const pickle::value& pipeline, rows_before& before, read_budget& budget) {
  return pipeline_reader(before, budget).read(pipeline);
}

} // namespace sklearn
} // namespace petrify::inline v0
