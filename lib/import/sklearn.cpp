#include "import/sklearn.hpp"

#include "base/fail.hpp"
#include "import/sklearn_tree.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace petrify::inline v0 {

namespace {

// Outputs of one model; real ones have a few.
constexpr std::uint32_t max_outputs = 65536;

struct model_class {
  std::string_view name;
  bool is_forest;
  bool is_classifier;
};

constexpr std::array<model_class, 8> model_classes = {{
    {"DecisionTreeClassifier", false, true},
    {"DecisionTreeRegressor", false, false},
    {"ExtraTreeClassifier", false, true},
    {"ExtraTreeRegressor", false, false},
    {"RandomForestClassifier", true, true},
    {"RandomForestRegressor", true, false},
    {"ExtraTreesClassifier", true, true},
    {"ExtraTreesRegressor", true, false},
}};

// The modules that these classes live in, now and before scikit-learn 0.22. Others use the same class names with
// another state (daal4py, cuml), so the module counts.
bool is_module_of(std::string_view module, bool is_forest) {
  return is_forest ? module == "sklearn.ensemble._forest" || module == "sklearn.ensemble.forest"
                   : module == "sklearn.tree._classes" || module == "sklearn.tree.tree";
}

const model_class* find_class(std::string_view full_name) {
  const std::size_t dot = full_name.rfind('.');
  if (dot == std::string_view::npos)
    return nullptr;
  for (const model_class& known : model_classes)
    if (full_name.substr(dot + 1) == known.name && is_module_of(full_name.substr(0, dot), known.is_forest))
      return &known;
  return nullptr;
}

template <class... Pieces>
[[noreturn]] void refuse(const Pieces&... pieces) {
  fail(errc::not_importable, {}, pieces...);
}

pickle::value require_attr(const pickle::value& object, std::string_view name) {
  const auto found = object.attr(name);
  if (!found)
    refuse("the model has no ", name, ", expected a fitted one");
  return *found;
}

// A count that scikit-learn keeps as a Python or numpy integer.
std::uint32_t require_count(const pickle::value& value, std::string_view name) {
  const auto number = value.as_int();
  if (!number || *number < 1 || *number > 0x7fffffff)
    refuse(name, " is ", number ? text(*number) : value.describe(), ", expected 1 to 2147483647");
  return static_cast<std::uint32_t>(*number);
}

// "1.10.dev0" as (1, 10); (0, 0) when it has no such form.
struct version {
  unsigned major = 0;
  unsigned minor = 0;
};
version parse_version(std::string_view text) {
  version out;
  const char* const end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, out.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.')
    return {};
  const auto minor = std::from_chars(major.ptr + 1, end, out.minor);
  return minor.ec == std::errc() ? out : version{};
}

// Adds one tree; what add_sklearn_tree says is told which tree it was.
void add_tree(forest_builder& builder, std::size_t index, const pickle::value& tree,
              std::span<const std::uint32_t> widths, const tree_format& format, read_budget& budget) {
  try {
    add_sklearn_tree(builder, tree, widths, format, budget);
  } catch (const error& failure) {
    throw failure.where().starts_with("tree ") ? failure : failure.at({}, text("tree ", index));
  }
}

class model_reader {
public:
  model_reader(const pickle::value& object, const model_class& kind, read_budget& budget)
      : object_(object), kind_(kind), budget_(budget) {}

  forest_model read(const tree_progress& progress) {
    const std::uint32_t num_outputs = require_count(require_attr(object_, "n_outputs_"), "n_outputs_");
    if (num_outputs > max_outputs)
      refuse("n_outputs_ is ", num_outputs, ", expected at most ", max_outputs);
    read_version();
    forest_spec spec = describe(num_outputs);
    std::vector<std::uint32_t> classes;
    for (const output_spec& o : spec.outputs)
      classes.push_back(o.width);

    // A forest averages its trees' probabilities, so that counts are normalised in each leaf; a single tree decides on
    // its counts, so that they are normalised afterwards.
    const tree_format format{kind_.is_classifier, !fractions_, kind_.is_forest};
    if (!kind_.is_forest) {
      forest_builder builder(std::move(spec));
      add_tree(builder, 0, require_attr(object_, "tree_"), classes, format, budget_);
      progress(1, 1);
      return builder.build();
    }
    const pickle::value estimators = require_attr(object_, "estimators_");
    const std::size_t num_trees = estimators.size();
    const bool is_sequence =
        estimators.is(pickle::kind::list) || estimators.is(pickle::kind::tuple) || estimators.is(pickle::kind::array);
    if (!is_sequence || num_trees == 0)
      refuse("estimators_ is ", estimators.describe(), " of ", num_trees, " elements, expected a list of trees");
    spec.epilogue = {{epilogue_step::operation::divide, static_cast<double>(num_trees), 0}};
    spec.num_raw_steps = 1;
    forest_builder builder(std::move(spec));
    for (std::size_t t = 0; t < num_trees; ++t) {
      const pickle::value estimator = estimators[t];
      const model_class* tree_class = find_class(estimator.class_name());
      if (tree_class == nullptr || tree_class->is_forest || tree_class->is_classifier != kind_.is_classifier)
        fail(errc::not_importable, text("tree ", t), estimator.describe(),
             ", expected a decision tree of the same kind");
      add_tree(builder, t, require_attr(estimator, "tree_"), classes, format, budget_);
      progress(t + 1, num_trees);
    }
    return builder.build();
  }

private:
  void read_version() {
    const auto found = object_.attr("_sklearn_version");
    const auto name = found ? found->as_text() : std::nullopt;
    if (!name)
      refuse("the model does not say which scikit-learn wrote it (_sklearn_version), expected one since 0.18");
    version_ = *name;
    const version v = parse_version(version_);
    if (v.major == 0 && v.minor == 0)
      refuse("_sklearn_version is ", quoted(version_), ", expected a version");
    // Since 1.4 a classifier's tree holds fractions of classes, before that weighted counts.
    fractions_ = v.major > 1 || (v.major == 1 && v.minor >= 4);
  }

  forest_spec describe(std::uint32_t num_outputs) const {
    forest_spec spec;
    spec.library = "scikit-learn";
    spec.library_version = version_;
    spec.model_class = object_.class_name();
    if (const auto criterion = object_.attr("criterion"); criterion && criterion->as_text())
      spec.objective = *criterion->as_text();
    spec.task = kind_.is_classifier ? task::classification : task::regression;
    // Called n_features_ before 0.24.
    const auto columns = object_.attr("n_features_in_");
    spec.num_columns = require_count(columns ? *columns : require_attr(object_, "n_features_"), "n_features_in_");
    if (const auto names = object_.attr("feature_names_in_"); names && !names->is_none())
      spec.column_names = pickle::to_strings(*names);
    spec.vector_leaves = kind_.is_classifier || num_outputs > 1;
    // What a tree alone returns is its leaf unchanged, -0.0 included; a forest's sum starts at +0.0.
    const double start = kind_.is_forest ? 0.0 : -0.0;
    if (!kind_.is_classifier) {
      spec.outputs.resize(num_outputs);
      spec.start.assign(num_outputs, start);
      return spec;
    }
    spec.decision = decision::argmax_raw;
    const pickle::value classes = require_attr(object_, "classes_");
    const bool is_list = classes.is(pickle::kind::list) || classes.is(pickle::kind::tuple);
    if (is_list ? classes.size() != num_outputs : num_outputs != 1)
      refuse("classes_ is ", classes.describe(), " for ", num_outputs, " outputs, expected as many");
    for (std::uint32_t k = 0; k < num_outputs; ++k) {
      output_spec o;
      o.labels = read_labels(is_list ? classes[k] : classes, budget_);
      o.width = static_cast<std::uint32_t>(o.labels.size());
      spec.start.insert(spec.start.end(), o.width, start);
      spec.outputs.push_back(std::move(o));
    }
    if (!kind_.is_forest && !fractions_)
      spec.epilogue = {{epilogue_step::operation::normalize, 0, 0}};
    return spec;
  }

  const pickle::value& object_;
  const model_class& kind_;
  read_budget& budget_;
  std::string version_;
  bool fractions_ = false;
};

} // namespace

label_list read_labels(const pickle::value& classes, read_budget& budget) {
  label_list out;
  const auto array = classes.as_array();
  if (!array)
    refuse("classes_ is ", classes.describe(), ", expected an array");
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
          refuse("classes_[", i, "] is ", classes[i].describe(), " among integers");
        out.integers.push_back(*label);
      }
      return out;
    }
    out.type = dtype::string;
    out.texts = pickle::to_strings(classes);
    return out;
  default: break;
  }
  refuse("classes_ is ", classes.describe(), ", expected booleans, integers, floats or texts");
}

bool is_sklearn_model(const pickle::value& object) noexcept { return find_class(object.class_name()) != nullptr; }

std::string known_sklearn_models() {
  std::string out = "scikit-learn's ";
  for (const model_class& known : model_classes)
    out += (&known == model_classes.data() ? "" : ", ") + std::string(known.name);
  return out;
}

void read_budget::charge(std::uint64_t size_bytes) {
  if (size_bytes > left_)
    fail(errc::limit_exceeded, {},
         "the model's arrays together are more than twice the file, expected each to be used once");
  left_ -= size_bytes;
}

forest_model import_sklearn(const pickle::value& object, read_budget& budget, const tree_progress& progress) {
  return model_reader(object, *find_class(object.class_name()), budget).read(progress);
}

} // namespace petrify::inline v0
