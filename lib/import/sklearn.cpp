#include "import/sklearn_model.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace petrify::inline v0 {

namespace sklearn {

namespace {

constexpr std::array<model_class, 17> model_classes = {{
    {"DecisionTreeClassifier", family::tree, true},
    {"DecisionTreeRegressor", family::tree, false},
    {"ExtraTreeClassifier", family::tree, true},
    {"ExtraTreeRegressor", family::tree, false},
    {"RandomForestClassifier", family::forest, true},
    {"RandomForestRegressor", family::forest, false},
    {"ExtraTreesClassifier", family::forest, true},
    {"ExtraTreesRegressor", family::forest, false},
    {"GradientBoostingClassifier", family::boosting, true},
    {"GradientBoostingRegressor", family::boosting, false},
    {"HistGradientBoostingClassifier", family::hist_boosting, true},
    {"HistGradientBoostingRegressor", family::hist_boosting, false},
    {"IsolationForest", family::isolation, false},
    {"AdaBoostClassifier", family::adaboost, true},
    {"AdaBoostRegressor", family::adaboost, false},
    {"BaggingClassifier", family::bagging, true},
    {"BaggingRegressor", family::bagging, false},
}};

// The modules that these classes live in, now and before scikit-learn 0.22. Others use the same class names with
// another state (daal4py, cuml), so the module counts.
bool is_module_of(std::string_view module, family kind) noexcept {
  const auto is = [&](std::string_view now, std::string_view before) { return module == now || module == before; };
  switch (kind) {
  case family::tree: return is("sklearn.tree._classes", "sklearn.tree.tree");
  case family::forest: return is("sklearn.ensemble._forest", "sklearn.ensemble.forest");
  case family::boosting: return is("sklearn.ensemble._gb", "sklearn.ensemble.gradient_boosting");
  case family::hist_boosting: return module == "sklearn.ensemble._hist_gradient_boosting.gradient_boosting";
  case family::isolation: return is("sklearn.ensemble._iforest", "sklearn.ensemble.iforest");
  case family::adaboost: return is("sklearn.ensemble._weight_boosting", "sklearn.ensemble.weight_boosting");
  case family::bagging: return is("sklearn.ensemble._bagging", "sklearn.ensemble.bagging");
  }
  return false;
}

} // namespace

const model_class* find_class(std::string_view full_name) noexcept {
  const std::size_t dot = full_name.rfind('.');
  if (dot == std::string_view::npos)
    return nullptr;
  for (const model_class& known : model_classes)
    if (full_name.substr(dot + 1) == known.name && is_module_of(full_name.substr(0, dot), known.family))
      return &known;
  return nullptr;
}

pickle::value require_attr(const pickle::value& object, std::string_view name) {
  const auto found = object.attr(name);
  if (!found)
    refuse("the model has no ", name, ", expected a fitted one");
  return *found;
}

pickle::value require_attr(const pickle::value& object, std::string_view name, std::string_view former_name) {
  const auto found = object.attr(name);
  const auto former = object.attr(former_name);
  return !found && former ? *former : require_attr(object, name);
}

std::uint32_t require_count(const pickle::value& value, std::string_view name) {
  const auto number = value.as_int();
  if (!number || *number < 1 || *number > 0x7fffffff)
    refuse(name, " is ", number ? text(*number) : value.describe(), ", expected 1 to 2147483647");
  return static_cast<std::uint32_t>(*number);
}

double require_real(const pickle::value& value, std::string_view name) {
  const auto number = value.as_real();
  if (!number)
    refuse(name, " is ", value.describe(), ", expected a number");
  return *number;
}

std::vector<double> require_reals(const pickle::value& value, std::string_view name, read_budget& budget) {
  const auto array = value.as_array();
  if (!array)
    refuse(name, " is ", value.describe(), ", expected an array of numbers");
  budget.charge(8 * array->num_elements());
  std::vector<double> out;
  if (array->dtype->kind == 'O') { // numbers as Python objects
    for (std::size_t i = 0; i < value.size(); ++i)
      out.push_back(require_real(value[i], name));
    return out;
  }
  const numpy_column numbers(*array);
  out.resize(numbers.size());
  if (numbers.kind() == 'f')
    numbers.read(0, std::span(out));
  else
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<double>(numbers.integer(i));
  return out;
}

std::vector<std::uint32_t> require_indices(const pickle::value& value, std::string_view name, std::uint32_t limit,
                                           read_budget& budget) {
  const auto array = value.as_array();
  if (!array || (array->dtype->kind != 'i' && array->dtype->kind != 'u'))
    refuse(name, " is ", value.describe(), ", expected an array of integers");
  budget.charge(8 * array->num_elements());
  std::vector<std::uint32_t> out;
  for (const std::int64_t index : to_vector<std::int64_t>(*array)) {
    if (index < 0 || index >= limit)
      refuse(name, " has ", index, ", expected 0 to ", limit - 1);
    out.push_back(static_cast<std::uint32_t>(index));
  }
  return out;
}

namespace {

std::string version_text(const pickle::value& object) {
  const auto found = object.attr("_sklearn_version");
  const auto name = found ? found->as_text() : std::nullopt;
  if (!name)
    refuse("the model does not say which scikit-learn wrote it (_sklearn_version), expected one since 0.18");
  return std::string(*name);
}

} // namespace

version version_of(const pickle::value& object) {
  const std::string name = version_text(object);
  version out;
  const char* at = name.data();
  const char* const end = at + name.size();
  unsigned* const parts[] = {&out.major, &out.minor, &out.patch};
  std::size_t read = 0;
  for (; read < 3; ++read) { // "1.10.dev0" has two numbers
    const auto part = std::from_chars(at, end, *parts[read]);
    if (part.ec != std::errc())
      break;
    at = part.ptr;
    if (at == end || *at != '.')
      return ++read < 2 ? (refuse("_sklearn_version is ", quoted(name), ", expected a version"), out) : out;
    ++at;
  }
  if (read < 2)
    refuse("_sklearn_version is ", quoted(name), ", expected a version");
  return out;
}

namespace {

// 0.22 has no n_features_in_, and AdaBoost and the transformers have no n_features_ either.
std::optional<std::uint64_t> num_features_by_parts(const pickle::value& object) {
  for (const char* name : {"statistics_", "scale_", "mean_"})
    if (const auto found = object.attr(name))
      if (const auto array = found->as_array())
        return array->num_elements();
  if (const auto estimators = object.attr("estimators_"); estimators && estimators->size() != 0)
    if (const auto count = (*estimators)[0].attr("n_features_"))
      return require_count(*count, "n_features_");
  return std::nullopt;
}

} // namespace

std::uint32_t num_features(const pickle::value& object) {
  if (!object.attr("n_features_in_") && !object.attr("n_features_"))
    if (const auto count = num_features_by_parts(object); count && *count >= 1 && *count <= 0x7fffffff)
      return static_cast<std::uint32_t>(*count);
  return require_count(require_attr(object, "n_features_in_", "n_features_"), "n_features_in_");
}

forest_spec describe(const source& from) {
  forest_spec spec;
  spec.library = "scikit-learn";
  spec.layout = from.layout;
  version_of(from.object); // refuses what is none, whether or not this model depends on it
  spec.library_version = version_text(from.object);
  spec.model_class = from.object.class_name();
  spec.task = from.kind.is_classifier ? task::classification : task::regression;
  const std::uint32_t seen = num_features(from.object);
  const rows_before& before = from.before;
  const std::size_t given = before.columns.empty() ? before.num_columns : before.columns.size();
  if (before.num_columns != 0 && given != seen)
    refuse("the model expects ", seen, " features, but the steps before it give ", given);
  spec.num_columns = before.num_columns == 0 ? seen : before.num_columns;
  spec.column_names = before.column_names;
  spec.steps = before.steps;
  if (before.num_columns == 0)
    if (const auto names = from.object.attr("feature_names_in_"); names && !names->is_none())
      spec.column_names = pickle::to_strings(*names);
  return spec;
}

std::vector<std::uint32_t> columns_of(const rows_before& before, std::vector<std::uint32_t> features) {
  if (!before.columns.empty())
    for (std::uint32_t& feature : features) {
      if (feature >= before.columns.size())
        refuse("feature ", feature, ", expected less than ", before.columns.size());
      feature = before.columns[feature];
    }
  return features;
}

std::span<const std::uint32_t> all_columns_of(const rows_before& before) noexcept { return before.columns; }

label_list labels_of(const source& from) {
  label_list out = read_labels(require_attr(from.object, "classes_"), from.budget);
  if (out.size() == 0)
    refuse("classes_ is empty, expected at least one label");
  return out;
}

void require_tree_class(const pickle::value& estimator, bool is_classifier) {
  const model_class* const found = find_class(estimator.class_name());
  if (found == nullptr || found->family != family::tree || found->is_classifier != is_classifier)
    refuse(estimator.describe(), ", expected a decision tree", is_classifier ? " that classifies" : " of numbers");
}

pickle::value require_tree(const pickle::value& estimator, bool is_classifier, std::size_t index,
                           std::uint32_t num_features, std::span<const std::uint32_t> widths) {
  return in_tree(index, [&] {
    require_tree_class(estimator, is_classifier);
    if (const auto seen = estimator.attr("n_features_in_"))
      require_counts(*seen, "n_features_in_", std::array{num_features});
    if (const auto seen = estimator.attr("n_outputs_"))
      require_counts(*seen, "n_outputs_", std::array{static_cast<std::uint32_t>(widths.size())});
    if (is_classifier)
      require_counts(require_attr(estimator, "n_classes_"), "n_classes_", widths);
    return require_attr(estimator, "tree_");
  });
}

void add_tree(forest_builder& builder, std::size_t index, const pickle::value& tree,
              std::span<const std::uint32_t> widths, const tree_format& format, read_budget& budget) {
  in_tree(index, [&] { add_sklearn_tree(builder, tree, widths, format, budget); });
}

pickle::value require_estimators(const pickle::value& object) {
  const pickle::value estimators = require_attr(object, "estimators_");
  const std::size_t num_trees = estimators.size();
  const bool is_sequence =
      estimators.is(pickle::kind::list) || estimators.is(pickle::kind::tuple) || estimators.is(pickle::kind::array);
  if (!is_sequence || num_trees == 0)
    refuse("estimators_ is ", what_is(estimators), ", expected a list of trees");
  return estimators;
}

} // namespace sklearn

bool is_sklearn_model(const pickle::value& object) noexcept {
  return sklearn::find_class(object.class_name()) != nullptr || sklearn::is_pipeline(object);
}

std::string known_sklearn_models() {
  std::string out = "scikit-learn's ";
  for (const sklearn::model_class& known : sklearn::model_classes)
    out += (&known == sklearn::model_classes.data() ? "" : ", ") + std::string(known.name);
  return out;
}

void read_budget::charge(std::uint64_t size_bytes) {
  if (size_bytes > left_)
    fail(errc::limit_exceeded, {},
         "the model's arrays together are more than twice the file, expected each to be used once");
  left_ -= size_bytes;
}

label_list read_labels(const pickle::value& classes, read_budget& budget) {
  label_list out;
  const auto array = classes.as_array();
  if (!array)
    sklearn::refuse("classes_ is ", classes.describe(), ", expected an array");
  budget.charge(8 * array->num_elements() + array->data.size());
  switch (array->dtype->kind) {
  case 'b':
  case 'i':
  case 'u':
    out.type = dtype_of_numpy(*array->dtype);
    if (array->dtype->kind == 'u' && array->dtype->item_size == 8)
      for (const std::uint64_t label : to_vector<std::uint64_t>(*array))
        out.integers.push_back(static_cast<std::int64_t>(label));
    else
      out.integers = to_vector<std::int64_t>(*array);
    return out;
  case 'f':
    if (array->dtype->item_size != 4 && array->dtype->item_size != 8)
      break;
    out.type = dtype_of_numpy(*array->dtype);
    out.reals = to_vector<double>(*array);
    return out;
  case 'U':
    out.type = dtype::string;
    out.texts = to_strings(*array);
    return out;
  case 'O':
    // Labels given as Python objects: texts, mostly. Integers are kept as such.
    if (array->num_elements() != 0 && classes[0].as_int()) {
      out.type = dtype::int64;
      for (std::size_t i = 0; i < classes.size(); ++i) {
        const auto label = classes[i].as_int();
        if (!label)
          sklearn::refuse("classes_[", i, "] is ", classes[i].describe(), " among integers");
        out.integers.push_back(*label);
      }
      return out;
    }
    out.type = dtype::string;
    out.texts = pickle::to_strings(classes);
    return out;
  default: break;
  }
  sklearn::refuse("classes_ is ", classes.describe(), ", expected booleans, integers, floats or texts");
}

namespace sklearn {
namespace {

forest_model read_model(const pickle::value& object, const boosted_options& options, read_budget& budget,
                        const tree_progress& progress) {
  rows_before before;
  const pickle::value model = is_pipeline(object) ? read_pipeline(object, before, budget) : object;
  const model_class* const kind = find_class(model.class_name());
  if (kind == nullptr)
    refuse("the pipeline ends with ", model.describe(), ", expected one of ", known_sklearn_models());
  // Earlier AdaBoosts and isolation forests answer otherwise; the rest was not tried.
  const bool is_plain = !is_pipeline(object) && (kind->family == family::tree || kind->family == family::forest);
  if (!version_of(model).at_least(0, is_plain ? 21 : 22))
    refuse("the model was written by scikit-learn ", version_text(model), ", expected ", is_plain ? "0.21" : "0.22",
           " or later");
  const bool is_boosted = kind->family == family::boosting || kind->family == family::hist_boosting;
  if (options.max_iterations && !is_boosted)
    fail(errc::invalid_argument, {}, "a number of iterations is given, which ", kind->name, " does not have");
  refuse_missing(options);
  const source from{model, *kind, std::move(before), options.max_iterations, options.layout, budget, progress};
  switch (kind->family) {
  case family::tree:
  case family::forest: return read_trees(from);
  case family::boosting: return read_boosting(from);
  case family::hist_boosting: return read_hist_boosting(from);
  case family::isolation: return read_isolation(from);
  case family::adaboost: return read_adaboost(from);
  case family::bagging: return read_bagging(from);
  }
  refuse(model.describe(), " is not a model petrify knows");
}

} // namespace
} // namespace sklearn

forest_model import_sklearn(const pickle::value& object, const boosted_options& options, read_budget& budget,
                            const tree_progress& progress) {
  try {
    return sklearn::read_model(object, options, budget, progress);
  } catch (const error& failure) {
    // What readers of arrays say of an array that has other elements than a model's: here, the file is at fault.
    if (failure.code() != errc::wrong_type)
      throw;
    throw error(errc::not_importable, failure.path(), failure.where(), failure.message());
  }
}

} // namespace petrify::inline v0
