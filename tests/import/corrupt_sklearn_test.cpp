// Every part of a scikit-learn model that predictions depend on, made wrong in turn: refused, with tree and node or the
// attribute's name. What the origin would take as another model, petrify takes too.
#include "import/decompress.hpp"
#include "import/pickle.hpp"
#include "support/pickle_editor.hpp"
#include "support/support.hpp"

#include <petrify/file.hpp>
#include <petrify/import.hpp>
#include <petrify/writer.hpp>

#include <cmath>
#include <limits>
#include <memory>
#include <set>

using namespace petrify;
using namespace petrify::test;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

std::optional<error> import_error(const std::string& model) {
  const temp_dir dir;
  return error_of([&] {
    writer out(dir.path("model.stone"));
    import_bytes(std::as_bytes(std::span(model)), out);
    out.commit();
    const file made = file::open(dir.path("model.stone"));
    made.verify();
  });
}

void check_refused(const std::string& name, const std::string& model, std::string_view says) {
  CAPTURE(name);
  const auto failure = import_error(model);
  CHECK_MESSAGE(failure.has_value(), name << " was accepted");
  if (!failure)
    return;
  const std::string message = failure->what();
  CHECK_MESSAGE(message.find(says) != std::string::npos, message);
  CHECK_MESSAGE(message.find('\n') == std::string::npos, message);
  CHECK_MESSAGE((failure->code() == errc::not_importable || failure->code() == errc::invalid_argument ||
                 failure->code() == errc::malformed || failure->code() == errc::limit_exceeded ||
                 failure->code() == errc::truncated),
                message);
}

void check_accepted(const std::string& name, const std::string& model) {
  CAPTURE(name);
  const auto failure = import_error(model);
  CHECK_MESSAGE(!failure.has_value(), failure->what());
}

// A fixture, decompressed, with an editor for it.
class model_file {
public:
  explicit model_file(const std::string& name)
      : bytes_(plain(std::string(PETRIFY_TEST_DATA) + "/models/" + name)),
        document_(pickle::parse(std::as_bytes(std::span(bytes_)))) {
    CAPTURE(name);
    std::vector<pickle_editor::place> payloads;
    std::set<pickle::ref> seen;
    pickle::walk steps(10'000'000);
    collect(document_.root(), payloads, seen, steps);
    edit_ = std::make_unique<pickle_editor>(bytes_, payloads);
    REQUIRE_FALSE(import_error(bytes_).has_value());
  }
  model_file(const model_file&) = delete;
  model_file& operator=(const model_file&) = delete;

  pickle::value root() const { return document_.root(); }
  const pickle_editor& edit() const { return *edit_; }
  const std::string& bytes() const { return bytes_; }

  // One attribute of the model (or along a path) as `program` makes it.
  std::string with(const std::vector<std::string_view>& path, const std::string& program) const {
    return edit_->with(edit_->at(path), program);
  }
  std::string without(std::string_view name) const { return edit_->without(edit_->all(), name); }

  // One number of an array whose elements are in the file.
  std::string with_element(const pickle::value& array, std::uint64_t element, double number) const {
    return with_number(*array.as_array(), *array.dtype(), element, 0, number);
  }
  // A field of a record.
  std::string with_field(const pickle::value& nodes, std::uint64_t node, std::string_view name, double number) const {
    const numpy_array array = *nodes.as_array();
    const numpy_dtype::field* const field = array.dtype->find(name);
    REQUIRE(field != nullptr);
    return with_number(array, field->dtype, node, field->offset, number);
  }

private:
  static std::string plain(const std::string& path) {
    const std::vector<std::byte> bytes = read_bytes(path);
    const byte_buffer decoded = decompress(detect_compression(bytes), bytes, {});
    return {reinterpret_cast<const char*>(decoded.span().data()), decoded.size()};
  }

  void collect(const pickle::value& v, std::vector<pickle_editor::place>& to, std::set<pickle::ref>& seen,
               pickle::walk& steps) {
    const auto inside = steps.enter();
    if (!seen.insert(v.id()).second)
      return;
    if (const auto array = v.as_array(); array && !array->data.empty()) {
      const auto* const begin = reinterpret_cast<const char*>(array->data.data());
      if (begin >= bytes_.data() && begin < bytes_.data() + bytes_.size()) {
        const auto at = static_cast<std::size_t>(begin - bytes_.data());
        to.push_back({at, at + array->data.size()});
      }
    }
    for (std::size_t i = 0; i < v.size(); ++i)
      collect(v[i], to, seen, steps);
    if (v.is(pickle::kind::object))
      for (const pickle::value& part : {v.args(), v.state(), v.items()})
        collect(part, to, seen, steps);
  }

  std::string with_number(const numpy_array& array, const numpy_dtype& type, std::uint64_t element,
                          std::uint64_t offset, double number) const {
    REQUIRE(element < array.num_elements());
    const auto* const begin = reinterpret_cast<const char*>(array.data.data());
    REQUIRE(begin >= bytes_.data());
    REQUIRE(begin < bytes_.data() + bytes_.size());
    const auto at = static_cast<std::size_t>(begin - bytes_.data()) +
                    static_cast<std::size_t>(element * array.dtype->item_size + offset);
    std::string data = type.kind != 'f'
                           ? pickled::bytes_of(static_cast<std::uint64_t>(static_cast<std::int64_t>(number)), 8)
                           : pickled::bytes_of(std::bit_cast<std::uint64_t>(number), 8);
    if (type.kind == 'f')
      REQUIRE(type.item_size == 8);
    return edit_->with_bytes(at, data.substr(0, type.item_size));
  }

  std::string bytes_;
  pickle::document document_;
  std::unique_ptr<pickle_editor> edit_;
};

pickle::value attr(const pickle::value& object, std::string_view name) {
  CAPTURE(std::string(name));
  const auto found = object.attr(name);
  REQUIRE(found.has_value());
  return *found;
}

struct field_change {
  const char* name;
  std::uint64_t node;
  const char* field;
  double number;
  const char* says;
};

struct change {
  const char* name;
  std::vector<std::string_view> path;
  std::string program;
  const char* says;
};

void check_all(const model_file& model, std::initializer_list<change> changes) {
  for (const change& one : changes)
    check_refused(one.name, model.with(one.path, one.program), one.says);
}

// The attributes that every model has.
void check_common(const model_file& model) {
  using namespace pickled;
  check_all(
      model,
      {
          {"no features", {"n_features_in_"}, integer(0), "n_features_in_ is 0"},
          {"negative features", {"n_features_in_"}, integer(-3), "n_features_in_ is -3"},
          {"features that are a text", {"n_features_in_"}, text("4"), "n_features_in_ is text"},
          {"features that are 4.5", {"n_features_in_"}, real(4.5), "n_features_in_ is real"},
          {"a version that is none",
           {"_sklearn_version"},
           text("new"),
           "_sklearn_version is \"new\", expected a version"},
          {"a version of one number", {"_sklearn_version"}, text("1"), "_sklearn_version is \"1\", expected a version"},
          {"a negative version", {"_sklearn_version"}, text("-1.2"), "_sklearn_version is \"-1.2\""},
          {"a version that is a number", {"_sklearn_version"}, real(1.9), "_sklearn_version"},
          {"names of fewer columns", {"n_features_in_"}, "N", "n_features_in_ is none"},
      });
  if (!model.root().attr("estimators_features_")) // of subsets of more columns the origin predicts, too
    for (const std::int64_t more : {-1, 1})
      check_refused("other features",
                    model.with({"n_features_in_"}, integer(*attr(model.root(), "n_features_in_").as_int() + more)),
                    ", expected ");
  for (const char* name : {"n_features_in_", "_sklearn_version"})
    check_refused(std::string("without ") + name, model.without(name), name);
}

// The fields of tree `t`, whose tree_ is given, of a model that tests `num_features` features. The tree must have a
// split at its root and node 1, in the order of a walk.
void check_tree(const model_file& model, const pickle::value& tree, const std::string& t, double num_features) {
  const pickle::value nodes = *tree.state().find("nodes");
  const numpy_array array = *nodes.as_array();
  const auto num_nodes = static_cast<double>(array.num_elements());
  const auto right = static_cast<double>(numpy_column(array, "right_child").integer(0));
  std::uint64_t leaf = 0;
  while (numpy_column(array, "left_child").integer(leaf) != -1)
    ++leaf;
  const std::string at_leaf = t + " node " + std::to_string(leaf) + ": ";
  const std::string at_root = t + " node 0: ";
  const std::vector<std::tuple<const char*, std::uint64_t, const char*, double, std::string>> changes = {
      {"a left child past the end", 0, "left_child", num_nodes, at_root + "child "},
      {"a left child of -2", 0, "left_child", -2, at_root + "child -2"},
      {"a left child of 2^40", 0, "left_child", 1099511627776.0, at_root + "child 1099511627776"},
      {"a left child of -1 only", 0, "left_child", -1, at_root + "child -1"},
      {"a right child of -1 only", 0, "right_child", -1, at_root + "child -1"},
      {"a left child that is the node", 0, "left_child", 0, t + " node 0: child 0 has another parent"},
      {"both children the same", 0, "left_child", right, t + " node 0: child "},
      {"a right child past the end", 0, "right_child", num_nodes, at_root + "child "},
      {"a child that is its ancestor", leaf - 1, "left_child", 0, "child 0 has another parent or is an ancestor"},
      {"a leaf with a left child", leaf, "left_child", 1, at_leaf + "child "},
      {"a leaf with a right child", leaf, "right_child", 1, at_leaf + "child -1"},
      {"a feature past the last", 0, "feature", num_features, at_root},
      {"a negative feature", 0, "feature", -2, at_root + "splits on feature -2"},
      {"a feature of 2^40", 0, "feature", 1099511627776.0, at_root + "splits on feature 1099511627776"},
      {"a threshold that is NaN", 0, "threshold", not_a_number, at_root + "threshold is NaN"},
  };
  for (const auto& [name, node, field, number, says] : changes)
    check_refused(name, model.with_field(nodes, node, field, number), says);
  // Nobody points to the nodes below a root that is a leaf.
  {
    const numpy_dtype::field* const left = array.dtype->find("left_child");
    const auto* const begin = reinterpret_cast<const char*>(array.data.data());
    const auto at = static_cast<std::size_t>(begin - model.bytes().data());
    std::string orphans = model.edit().with_bytes(at + left->offset, std::string(16, '\xff'));
    check_refused("orphans", orphans, t + " node 1: cannot be reached");
  }
  // Other finite thresholds and values are other models.
  check_accepted("another threshold", model.with_field(nodes, 0, "threshold", 1e300));
  check_accepted("an infinite threshold", model.with_field(nodes, 0, "threshold", infinity));
  if (array.dtype->find("missing_go_to_left") != nullptr)
    check_accepted("another side for missing values", model.with_field(nodes, 0, "missing_go_to_left", 1));
  const pickle::value values = *tree.state().find("values");
  const std::uint64_t first = leaf * (values.as_array()->num_elements() / array.num_elements());
  for (const double x : {not_a_number, infinity, -1e308})
    check_accepted("a value of " + std::to_string(x), model.with_element(values, first, x));
  // NaN among others is what numpy's argmax takes, and no comparison does.
  if (model.root().attr("classes_") && values.as_array()->shape[2] > 1)
    check_refused("a class of NaN", model.with_element(values, first + 1, not_a_number),
                  at_leaf + "the value of class 1 is NaN");
}

// What a tree_ says beside its nodes. `path` leads to it.
void check_tree_object(const model_file& model, const std::vector<std::string_view>& path, const std::string& t) {
  using namespace pickled;
  const pickle_editor::place tree = model.edit().at(path);
  const auto with = [&](std::string_view name, const std::string& program) {
    return model.edit().with(model.edit().entry(tree, name), program);
  };
  const std::vector<std::tuple<const char*, const char*, std::string, std::string>> changes = {
      {"no nodes", "nodes", array("f8", {0}, ""), t + ": the tree's nodes are "},
      {"nodes that are numbers", "nodes", reals({1, 2, 3}), t},
      {"nodes that are a text", "nodes", text("x"), t + ": the tree's nodes are text"},
      {"nodes of two axes", "nodes", array("f8", {1, 1}, std::string(8, 'x')), t + ": the tree's nodes are"},
      {"another node count", "node_count", integer(2), t + ": node_count is 2, expected "},
      {"a node count of none", "node_count", none(), t + ": node_count is none"},
      {"values of one axis", "values", reals({1, 2, 3}),
       t + ": the tree's values are an array of shape (3), expected shape ("},
      {"values of another length", "values", array("f8", {2, 1, 1}, std::string(16, '\0')),
       t + ": the tree's values are an array of shape (2, 1, 1), expected shape ("},
      {"values of float32", "values", array("f4", {2, 1, 1}, std::string(8, '\0')),
       t + ": the tree's values are array of <f4"},
      {"values that are none", "values", none(), t + ": the tree's values are none"},
  };
  for (const auto& [name, entry, program, says] : changes)
    check_refused(name, with(entry, program), says);
  for (const char* name : {"nodes", "values", "node_count"})
    check_refused(std::string("without ") + name, model.edit().without(tree, name),
                  t + ": the tree's state has no " + name);
  check_refused("another class", model.edit().with(tree, "csklearn.tree._tree\nLeaf\n)R"), t + ": tree_ is object");
  check_refused("none", model.edit().with(tree, none()), t + ": tree_ is none");
}

} // namespace

TEST_CASE("EveryFieldOfASingleSklearnTreeIsChecked") {
  using namespace pickled;
  for (const char* name : {"sklearn-1.2/dt_balanced_12/model.joblib", "sklearn-1.9/dt_balanced_12/model.joblib"}) {
    CAPTURE(name);
    const model_file model(name);
    const double features = static_cast<double>(*attr(model.root(), "n_features_in_").as_int());
    check_tree(model, attr(model.root(), "tree_"), "tree 0", features);
    check_tree_object(model, {"tree_"}, "tree 0");
    check_common(model);
    check_all(model, {
                         {"no outputs", {"n_outputs_"}, integer(0), "n_outputs_ is 0"},
                         {"two outputs of one", {"n_outputs_"}, integer(2), "outputs"},
                         {"a million outputs", {"n_outputs_"}, integer(1000000), "n_outputs_ is 1000000"},
                         {"classes of another number", {"n_classes_"}, integer(2), "n_classes_ is 2, expected "},
                         {"classes that are none", {"n_classes_"}, none(), "n_classes_ is none"},
                         {"labels of another number", {"classes_"}, integers({0, 1}), "n_classes_"},
                         {"no labels", {"classes_"}, integers({}), "classes_"},
                         {"labels that are none", {"classes_"}, none(), "classes_ is none"},
                         {"labels that are a list", {"classes_"}, list({integer(0), integer(1)}), "classes_ is list"},
                         {"labels that are dates", {"classes_"}, array("M8", {1}, std::string(8, '\0')), "classes_"},
                         {"no tree", {"tree_"}, none(), "tree_ is none"},
                     });
    for (const char* field : {"n_outputs_", "n_classes_", "classes_", "tree_"})
      check_refused(std::string("without ") + field, model.without(field), std::string("the model has no ") + field);
  }
  const model_file regressor("sklearn-1.9/dtr_two_outputs/model.joblib");
  check_tree(regressor, attr(regressor.root(), "tree_"), "tree 0",
             static_cast<double>(*attr(regressor.root(), "n_features_in_").as_int()));
  check_tree_object(regressor, {"tree_"}, "tree 0");
  check_common(regressor);
  check_refused("one output of two", regressor.with({"n_outputs_"}, integer(1)),
                "tree 0: the tree's n_outputs is 2, expected 1");
}

TEST_CASE("EveryFieldOfARandomForestIsChecked") {
  using namespace pickled;
  for (const char* name : {"sklearn-1.2/rf_best_first/model.joblib", "sklearn-1.9/nan_rf/model.joblib",
                           "sklearn-1.9/rf_two_outputs/model.joblib"}) {
    CAPTURE(name);
    const model_file model(name);
    const pickle::value second = attr(model.root(), "estimators_")[1];
    check_tree(model, attr(second, "tree_"), "tree 1",
               static_cast<double>(*attr(model.root(), "n_features_in_").as_int()));
    check_tree_object(model, {"estimators_", "1", "tree_"}, "tree 1");
    check_common(model);
    check_all(
        model,
        {
            {"no outputs", {"n_outputs_"}, integer(0), "n_outputs_ is 0"},
            {"outputs that are none", {"n_outputs_"}, none(), "n_outputs_ is none"},
            {"an output more", {"n_outputs_"}, integer(3), "3 outputs"},
            {"classes of another number", {"n_classes_"}, integer(7), "n_classes_ is 7"},
            {"labels of another number", {"classes_"}, integers({0, 1, 2, 3, 4}), "classes_"},
            {"labels that are none", {"classes_"}, none(), "classes_ is none"},
            {"trees that are none", {"estimators_"}, none(), "estimators_ is none, expected a list of trees"},
            {"no trees", {"estimators_"}, "]", "estimators_ is list of 0 elements"},
            {"trees that are a text", {"estimators_"}, text("trees"), "estimators_ is text"},
            {"a tree that is none", {"estimators_", "1"}, none(), "tree 1: none, expected a decision tree"},
            {"a tree that is a number", {"estimators_", "1"}, integer(1), "tree 1: integer, expected a decision tree"},
            {"a tree that calls a function",
             {"estimators_", "1"},
             "cos\nsystem\n" + text("true") + "\x85R",
             "tree 1: object \"os.system\""},
            {"a tree that is a regression",
             {"estimators_", "1"},
             "csklearn.tree._classes\nDecisionTreeRegressor\n)\x81}b",
             "tree 1"},
            {"a tree without state",
             {"estimators_", "1"},
             "csklearn.tree._classes\nDecisionTreeClassifier\n)\x81}b",
             "tree 1"},
            {"a tree of other features",
             {"estimators_", "1", "n_features_in_"},
             integer(2),
             "tree 1: n_features_in_ is 2, expected "},
            {"a tree of other outputs",
             {"estimators_", "1", "n_outputs_"},
             integer(3),
             "tree 1: n_outputs_ is 3, expected "},
            {"a tree of other classes", {"estimators_", "1", "n_classes_"}, integer(7), "tree 1: n_classes_ is 7"},
            {"a tree without tree_", {"estimators_", "1", "tree_"}, none(), "tree 1: tree_ is none"},
        });
    for (const char* field : {"n_outputs_", "n_classes_", "classes_", "estimators_"})
      check_refused(std::string("without ") + field, model.without(field), std::string("the model has no ") + field);
  }
}

TEST_CASE("EveryFieldOfGradientBoostingIsChecked") {
  using namespace pickled;
  for (const char* name :
       {"ensembles-1.2/gbc_multiclass/model.joblib.z", "ensembles-1.9/gbc_multiclass/model.joblib.z"}) {
    CAPTURE(name);
    const model_file model(name);
    const bool is_new = std::string_view(name).find("1.9") != std::string_view::npos;
    check_common(model);
    check_all(
        model,
        {
            {"a rate that is a text", {"learning_rate"}, text("0.1"), "learning_rate is text, expected a number"},
            {"a rate that is none", {"learning_rate"}, none(), "learning_rate is none"},
            {"a loss that nobody knows",
             {"loss"},
             text("hinge"),
             "loss is \"hinge\", expected log_loss or exponential"},
            {"a loss that is none", {"loss"}, none(), "loss is none"},
            {"another loss than the model's",
             {"loss"},
             text("exponential"),
             "loss is \"exponential\", but _loss is object"},
            {"a regression's loss", {"loss"}, text("huber"), "loss is \"huber\""},
            {"classes of another number", {"n_classes_"}, integer(4), "n_classes_ is 4, expected 3"},
            {"labels fewer",
             {"classes_"},
             integers({0, 1}),
             "classes_ has 2 labels for 3 trees in a stage, expected 3"},
            {"labels more",
             {"classes_"},
             integers({0, 1, 2, 3}),
             "classes_ has 4 labels for 3 trees in a stage, expected 3"},
            {"no labels", {"classes_"}, integers({}), "classes_"},
            {"a start that is none", {"init_"}, none(), "the model starts from none"},
            {"a start that is another model",
             {"init_"},
             "csklearn.svm._classes\nSVC\n)R",
             "the model starts from object"},
            {"a start of another strategy", {"init_", "strategy"}, text("stratified"), "strategy \"stratified\""},
            {"a start without a strategy", {"init_", "strategy"}, none(), "strategy \"?\""},
            {"shares of fewer classes",
             {"init_", "class_prior_"},
             reals({0.5, 0.5}),
             "class_prior_ has 2 numbers, expected 3"},
            {"shares that are none", {"init_", "class_prior_"}, none(), "class_prior_ is none"},
            {"shares that are texts", {"init_", "class_prior_"}, list({text("x")}), "class_prior_ is list"},
            {"trees that are a list", {"estimators_"}, list({none()}), "estimators_ is list"},
            {"trees that are none", {"estimators_"}, none(), "estimators_ is none"},
            {"trees that are numbers", {"estimators_"}, array("f8", {1, 3}, std::string(24, '\0')), "estimators_"},
            {"a tree that is none", {"estimators_", "4"}, none(), "tree 4: none, expected a decision tree of numbers"},
            {"a tree that is a text", {"estimators_", "4"}, text("x"), "tree 4: text, expected a decision tree"},
            {"a tree of other features",
             {"estimators_", "4", "n_features_in_"},
             integer(2),
             "tree 4: n_features_in_ is 2"},
            {"a tree of two outputs", {"estimators_", "4", "n_outputs_"}, integer(2), "tree 4: n_outputs_ is 2"},
        });
    if (is_new)
      for (const std::int64_t count : {1, 2, 4})
        check_refused("other trees in a stage", model.with({"n_trees_per_iteration_"}, integer(count)),
                      "n_trees_per_iteration_ is " + std::to_string(count) + ", expected 3");
    for (const char* field : {"learning_rate", "loss", "init_", "estimators_", "classes_"})
      check_refused(std::string("without ") + field, model.without(field), std::string("the model has no ") + field);
    check_tree_object(model, {"estimators_", "4", "tree_"}, "tree 4");
    // The origin takes any number, and so does petrify.
    for (const double x : {not_a_number, infinity, 0.0, -0.1})
      check_accepted("a rate of " + std::to_string(x), model.with({"learning_rate"}, real(x)));
    for (const double x : {not_a_number, 0.0, 2.0})
      check_accepted("shares of " + std::to_string(x), model.with({"init_", "class_prior_"}, reals({x, x, x})));
    if (is_new) // before joblib 1.6 these trees' arrays are text, whose bytes are not in the file
      check_tree(model, attr(attr(model.root(), "estimators_")[4], "tree_"), "tree 4",
                 static_cast<double>(*attr(model.root(), "n_features_in_").as_int()));
  }
  for (const char* name : {"ensembles-1.2/gbr_huber/model.joblib.z", "ensembles-1.9/gbr_huber/model.joblib.z"}) {
    CAPTURE(name);
    const model_file model(name);
    check_common(model);
    check_all(
        model,
        {
            {"a classifier's loss", {"loss"}, text("log_loss"), "loss is \"log_loss\", expected squared_error"},
            {"a start that is none", {"init_"}, none(), "the model starts from none"},
            {"a start of two numbers", {"init_", "constant_"}, reals({1, 2}), "constant_ has 2 numbers, expected one"},
            {"a start of no number", {"init_", "constant_"}, none(), "constant_ is none"},
        });
    check_accepted("a start of NaN", model.with({"init_", "constant_"}, reals({not_a_number})));
  }
}

namespace {

// The fields of the second iteration's first tree.
void check_hist_tree(const model_file& model, const std::string& t, std::size_t width) {
  const pickle::value tree = attr(model.root(), "_predictors")[1][0];
  const pickle::value nodes = attr(tree, "nodes");
  const numpy_array array = *nodes.as_array();
  const auto num_nodes = static_cast<double>(array.num_elements());
  const auto features = static_cast<double>(*attr(model.root(), "n_features_in_").as_int());
  (void)width;
  std::uint64_t leaf = 0;
  while (numpy_column(array, "is_leaf").integer(leaf) == 0)
    ++leaf;
  std::uint64_t number = 0;
  while (numpy_column(array, "is_leaf").integer(number) != 0 ||
         numpy_column(array, "is_categorical").integer(number) != 0)
    ++number;
  const std::string at_root = t + " node 0: ";
  const std::string at_leaf = t + " node " + std::to_string(leaf) + ": ";
  const std::string at_number = t + " node " + std::to_string(number) + ": ";
  const std::vector<std::tuple<const char*, std::uint64_t, const char*, double, std::string>> changes = {
      {"a left child past the end", 0, "left", num_nodes, at_root + "child "},
      {"a left child of 2^32 - 1", 0, "left", 4294967295.0, at_root + "child 4294967295"},
      {"a left child that is the node", 0, "left", 0, at_root + "child 0 has another parent"},
      {"both children the same", 0, "left", numpy_column(array, "right").real(0), at_root + "child "},
      {"a right child past the end", 0, "right", num_nodes, at_root + "child "},
      {"a child that is its ancestor", leaf - 1, "left", 0, "child 0 has another parent or is an ancestor"},
      {"a leaf that is none", leaf, "is_leaf", 0, t + " node "},
      {"a split that is a leaf", 0, "is_leaf", 1, t + " node 1: cannot be reached from the root"},
      {"a feature past the last", 0, "feature_idx", features, at_root + "splits on feature "},
      {"a negative feature", 0, "feature_idx", -1, at_root + "splits on feature "},
      {"a threshold that is NaN", number, "num_threshold", not_a_number, at_number + "threshold is NaN"},
      {"a number tested as a category", number, "is_categorical", 1, at_number + "tests feature "},
  };
  for (const auto& [name, node, field, x, says] : changes)
    check_refused(name, model.with_field(nodes, node, field, x), says);
  std::uint64_t set = 0;
  while (set != array.num_elements() && numpy_column(array, "is_categorical").integer(set) == 0)
    ++set;
  if (set != array.num_elements()) {
    const std::string at_set = t + " node " + std::to_string(set) + ": ";
    check_refused("a set past the last", model.with_field(nodes, set, "bitset_idx", 1000),
                  at_set + "category set 1000");
    check_refused("a set of 2^32 - 1", model.with_field(nodes, set, "bitset_idx", 4294967295.0),
                  at_set + "category set 4294967295");
    check_refused("a category tested as a number", model.with_field(nodes, set, "is_categorical", 0),
                  at_set + "tests feature ");
    check_accepted("another set of categories", model.with_element(attr(tree, "raw_left_cat_bitsets"), 0, 5));
  }
  check_accepted("another threshold", model.with_field(nodes, number, "num_threshold", 1e300));
  check_accepted("another side for missing values", model.with_field(nodes, 0, "missing_go_to_left", 1));
  for (const double x : {not_a_number, infinity})
    check_accepted("a value of " + std::to_string(x), model.with_field(nodes, leaf, "value", x));
  // No prediction looks at these.
  for (const char* field : {"count", "depth", "bin_threshold"})
    check_accepted(field, model.with_field(nodes, 0, field, 200));
}

void check_hist_common(const model_file& model) {
  using namespace pickled;
  check_common(model);
  check_all(
      model,
      {
          {"no trees in an iteration", {"n_trees_per_iteration_"}, integer(0), "n_trees_per_iteration_ is 0"},
          {"seven trees in an iteration", {"n_trees_per_iteration_"}, integer(7), "_baseline_prediction has "},
          {"a billion trees in an iteration",
           {"n_trees_per_iteration_"},
           integer(1000000000),
           "n_trees_per_iteration_ is 1000000000"},
          {"a loss that nobody knows", {"loss"}, text("hinge"), "loss is \"hinge\", expected "},
          {"a loss that is none", {"loss"}, none(), "loss is none, expected "},
          {"a start that is none", {"_baseline_prediction"}, none(), "_baseline_prediction is none"},
          {"a start of two numbers",
           {"_baseline_prediction"},
           reals({1, 2}),
           "_baseline_prediction has 2 numbers, expected"},
          {"iterations that are none", {"_predictors"}, none(), "_predictors is none, expected a list of iterations"},
          {"no iterations", {"_predictors"}, "]", "_predictors is list"},
          {"an iteration that is none", {"_predictors", "1"}, none(), "iteration 1 is none, expected "},
          {"an iteration without trees", {"_predictors", "1"}, "]", "iteration 1 is list"},
          {"a bin mapper that is none", {"_bin_mapper"}, none(), "is_categorical_"},
          {"marks of fewer columns",
           {"_bin_mapper", "is_categorical_"},
           integers({0, 1}),
           "the _bin_mapper's is_categorical_ has 2 entries, expected "},
          {"marks that are none",
           {"_bin_mapper", "is_categorical_"},
           none(),
           "the _bin_mapper's is_categorical_ is none"},
          {"bins of fewer columns", {"_bin_mapper", "bin_thresholds_"}, list({none()}), "bin_thresholds_ is list"},
          {"bins that are none", {"_bin_mapper", "bin_thresholds_"}, none(), "bin_thresholds_ is none"},
      });
  for (const char* field : {"n_trees_per_iteration_", "loss", "_baseline_prediction", "_predictors", "_bin_mapper"})
    check_refused(std::string("without ") + field, model.without(field), std::string("the model has no ") + field);
  const std::size_t width = attr(model.root(), "_predictors")[1].size();
  const std::string t = "tree " + std::to_string(width);
  check_all(model,
            {
                {"a tree that is none", {"_predictors", "1", "0"}, none(), "expected a TreePredictor"},
                {"a tree without nodes", {"_predictors", "1", "0", "nodes"}, none(), "the tree's nodes are none"},
                {"a tree of no nodes",
                 {"_predictors", "1", "0", "nodes"},
                 array("f8", {0}, ""),
                 "the tree's nodes are array of <f8"},
                {"nodes that are numbers", {"_predictors", "1", "0", "nodes"}, reals({1, 2}), "field"},
                {"sets that are none",
                 {"_predictors", "1", "0", "raw_left_cat_bitsets"},
                 none(),
                 "raw_left_cat_bitsets is none, expected rows of 8 words"},
                {"sets of four words",
                 {"_predictors", "1", "0", "raw_left_cat_bitsets"},
                 array("u4", {4, 4}, std::string(64, '\0')),
                 "raw_left_cat_bitsets is array of <u4"},
                {"sets of one axis",
                 {"_predictors", "1", "0", "raw_left_cat_bitsets"},
                 array("u4", {8}, std::string(32, '\0')),
                 "raw_left_cat_bitsets"},
                {"sets of 64-bit words",
                 {"_predictors", "1", "0", "raw_left_cat_bitsets"},
                 array("u8", {1, 8}, std::string(64, '\0')),
                 "raw_left_cat_bitsets"},
            });
  check_refused("a tree's name", model.with({"_predictors", "1", "0", "nodes"}, none()), t + ": ");
  check_hist_tree(model, t, width);
  check_accepted("a start of NaN",
                 model.with({"_baseline_prediction"}, reals(std::vector<double>(width, not_a_number))));
}

} // namespace

TEST_CASE("EveryFieldOfHistGradientBoostingIsChecked") {
  using namespace pickled;
  for (const char* name :
       {"ensembles-1.2/hgbc_multiclass/model.joblib.z", "ensembles-1.9/hgbc_multiclass/model.joblib.z"}) {
    CAPTURE(name);
    const model_file model(name);
    check_hist_common(model);
    check_all(model, {
                         {"labels fewer",
                          {"classes_"},
                          integers({0, 1}),
                          "classes_ has 2 labels for 3 trees in an iteration, expected 3"},
                         {"labels that are none", {"classes_"}, none(), "classes_ is none"},
                         {"one tree in an iteration",
                          {"n_trees_per_iteration_"},
                          integer(1),
                          "_baseline_prediction has 3 numbers, expected 1"},
                         {"a tree fewer in an iteration",
                          {"_predictors", "1"},
                          list({none(), none()}),
                          "iteration 1 is list of 2 elements, expected 3 trees"},
                         {"a regression's loss", {"loss"}, text("poisson"), "loss is \"poisson\", expected log_loss"},
                     });
  }
  for (const char* name : {"ensembles-1.2/hgbr_poisson/model.joblib.z", "ensembles-1.9/hgbr_poisson/model.joblib.z"}) {
    const model_file model(name);
    check_hist_common(model);
    check_refused("another link", model.with({"loss"}, text("squared_error")),
                  "loss is \"squared_error\", but _loss is object");
    check_refused("gamma's link", model.with({"loss"}, text("gamma")), "loss is \"gamma\", but _loss is object");
  }
}

TEST_CASE("CategoriesOfHistGradientBoostingAreChecked") {
  using namespace pickled;
  for (const char* name :
       {"ensembles-1.2/hgbr_category_mask/model.joblib", "ensembles-1.9/hgbr_category_mask/model.joblib"}) {
    CAPTURE(name);
    const model_file model(name);
    check_hist_common(model);
    const auto features = static_cast<std::size_t>(*attr(model.root(), "n_features_in_").as_int());
    check_refused("no categories",
                  model.with({"_bin_mapper", "is_categorical_"}, integers(std::vector<std::int64_t>(features, 0))),
                  "the _bin_mapper's is_categorical_ says no of feature ");
    check_refused("all categories",
                  model.with({"_bin_mapper", "is_categorical_"}, integers(std::vector<std::int64_t>(features, 1))),
                  "the _bin_mapper's is_categorical_ says yes of feature ");
    check_refused("no categories by the model", model.with({"is_categorical_"}, none()), "is_categorical_");
    const pickle::value thresholds = attr(attr(model.root(), "_bin_mapper"), "bin_thresholds_");
    const std::vector<double> marks =
        to_vector<double>(*attr(attr(model.root(), "_bin_mapper"), "is_categorical_").as_array());
    std::size_t f = 0;
    while (marks[f] == 0)
      ++f;
    for (const double code : {-1.0, 256.0, 1.5, not_a_number})
      check_refused("a category of " + std::to_string(code), model.with_element(thresholds[f], 0, code),
                    "bin_thresholds_ of feature " + std::to_string(f));
    check_refused("categories that are none", model.with({"_bin_mapper", "bin_thresholds_", std::to_string(f)}, none()),
                  "bin_thresholds_");
  }
  const model_file model("ensembles-1.9/hgbr_table_from_dtype/model.joblib.z");
  check_hist_common(model);
  check_all(
      model,
      {
          {"no marks", {"is_categorical_"}, none(), "the model has an encoder, but no is_categorical_"},
          {"marks of fewer columns", {"is_categorical_"}, integers({1}), "is_categorical_ has 1 entries, expected 5"},
          {"other marks",
           {"is_categorical_"},
           integers({1, 1, 1, 0, 0}),
           "the encoder's columns are others than is_categorical_ says"},
          {"another encoder",
           {"_preprocessor"},
           "csklearn.preprocessing._encoders\nOneHotEncoder\n)R",
           "_preprocessor is object"},
          {"no encoder", {"_preprocessor"}, none(), "is_categorical_"},
          {"an encoder without parts", {"_preprocessor", "transformers_"}, "]", "_preprocessor has no encoder"},
          {"parts that are none", {"_preprocessor", "transformers_"}, none(), "_preprocessor has no encoder"},
          {"no lists",
           {"_preprocessor", "transformers_", "categories_"},
           "]",
           "the encoder has the categories of 0 columns"},
          {"lists that are none",
           {"_preprocessor", "transformers_", "categories_"},
           list({none(), none(), none()}),
           "categories_ has none, expected arrays"},
          {"a list more",
           {"_preprocessor", "transformers_", "categories_"},
           list({reals({1}), reals({1}), reals({1}), reals({1})}),
           "the encoder has the categories of 4 columns, expected 3"},
          {"a list that descends",
           {"_preprocessor", "transformers_", "categories_", "2"},
           reals({3, 2, 1}),
           "expected ascending values"},
          {"a list of one value twice",
           {"_preprocessor", "transformers_", "categories_", "2"},
           reals({3, 3}),
           "expected ascending values"},
      });
}

TEST_CASE("EveryFieldOfAnIsolationForestIsChecked") {
  using namespace pickled;
  for (const char* name :
       {"ensembles-1.2/if_half_features/model.joblib.z", "ensembles-1.4/if_half_features/model.joblib.z",
        "ensembles-1.9/if_half_features/model.joblib.z", "ensembles-1.2/if_default/model.joblib",
        "ensembles-1.9/if_default/model.joblib"}) {
    CAPTURE(name);
    const model_file model(name);
    check_common(model);
    const pickle::value subsets = attr(model.root(), "estimators_features_");
    const auto features = static_cast<double>(*attr(model.root(), "n_features_in_").as_int());
    const bool has_subsets = std::string_view(name).find("half") != std::string_view::npos;
    check_all(model,
              {
                  {"no samples", {"_max_samples"}, integer(0), "max_samples_ is 0"},
                  {"negative samples", {"_max_samples"}, integer(-1), "max_samples_ is -1"},
                  {"samples that are none", {"_max_samples"}, none(), "max_samples_ is none"},
                  {"no features", {"_max_features"}, integer(0), "_max_features is 0"},
                  {"features that are none", {"_max_features"}, none(), "_max_features is none"},
                  {"an offset that is none", {"offset_"}, none(), "offset_ is none, expected a number"},
                  {"an offset that is NaN", {"offset_"}, real(not_a_number), "offset_ is NaN, expected a number"},
                  {"an offset that is NaN", {"offset_"}, real(not_a_number), "offset_ is NaN, expected a number"},
                  {"an offset that is a text", {"offset_"}, text("x"), "offset_ is text"},
                  {"subsets that are none", {"estimators_features_"}, none(), "estimators_features_ is none"},
                  {"subsets fewer",
                   {"estimators_features_"},
                   list({integers({0})}),
                   "estimators_features_ is list of 1 element, expected one of each"},
                  {"no trees", {"estimators_"}, "]", "estimators_ is list of 0"},
                  {"a tree that is none", {"estimators_", "2"}, none(), "tree 2: none"},
              });
    for (const char* field : {"offset_", "_max_features", "estimators_features_", "estimators_"})
      check_refused(std::string("without ") + field, model.without(field), "the model has no ");
    if (has_subsets) {
      check_refused("as many features as there are",
                    model.with({"_max_features"}, integer(static_cast<std::int64_t>(features))),
                    "tree 0: n_features_in_ is ");
      check_refused("a feature past the last", model.with_element(subsets[2], 0, features),
                    "tree 2: estimators_features_ has " + std::to_string(static_cast<int>(features)) +
                        ", expected 0 to ");
      check_refused("a negative feature", model.with_element(subsets[2], 0, -1),
                    "tree 2: estimators_features_ has -1, expected 0 to ");
      check_all(
          model,
          {
              {"a subset that is none", {"estimators_features_", "2"}, none(), "tree 2: estimators_features_ is none"},
              {"a subset of numbers",
               {"estimators_features_", "2"},
               reals({0, 1}),
               "tree 2: estimators_features_ is array of <f8"},
              {"an empty subset", {"estimators_features_", "2"}, integers({}), "tree 2: estimators_features_ is empty"},
              {"a smaller subset", {"estimators_features_", "2"}, integers({0}), "tree 2: n_features_in_ is "},
              {"a greater subset", {"estimators_features_", "2"}, integers({0, 1, 2, 3}), "tree 2: n_features_in_ is "},
          });
    }
    const pickle::value tree = attr(attr(model.root(), "estimators_")[2], "tree_");
    check_tree(model, tree, "tree 2",
               has_subsets ? static_cast<double>(subsets[2].as_array()->num_elements()) : features);
    check_tree_object(model, {"estimators_", "2", "tree_"}, "tree 2");
    if (model.root().attr("_decision_path_lengths")) {
      check_all(
          model,
          {
              {"lengths that are none",
               {"_decision_path_lengths"},
               none(),
               "_decision_path_lengths is none, expected one of each"},
              {"lengths of fewer trees",
               {"_average_path_length_per_tree"},
               list({reals({1})}),
               "_average_path_length_per_tree is list of 1 element, expected one of each"},
              {"lengths of fewer nodes", {"_decision_path_lengths", "#2"}, integers({1}), "tree 2 node "},
              {"more lengths of fewer nodes", {"_average_path_length_per_tree", "#2"}, reals({1}), "tree 2 node "},
              {"lengths that are texts",
               {"_decision_path_lengths", "#2"},
               text("x"),
               "tree 2: _decision_path_lengths is text"},
          });
      check_refused("one kind of length only", model.without("_average_path_length_per_tree"),
                    "the model has no _average_path_length_per_tree");
    }
    check_accepted("other samples in a leaf", model.with_field(*tree.state().find("nodes"), 0, "n_node_samples", -5));
    check_accepted("another offset", model.with({"offset_"}, real(-0.25)));
  }
}

TEST_CASE("EveryFieldOfAdaBoostIsChecked") {
  using namespace pickled;
  for (const char* name : {"ensembles-1.2/ada_samme_stumps/model.joblib", "ensembles-1.4/ada_r_three/model.joblib.z",
                           "ensembles-1.9/ada_samme_stumps/model.joblib"}) {
    CAPTURE(name);
    const model_file model(name);
    check_common(model);
    const auto features = static_cast<double>(*attr(model.root(), "n_features_in_").as_int());
    check_tree(model, attr(attr(model.root(), "estimators_")[1], "tree_"), "tree 1", features);
    check_tree_object(model, {"estimators_", "1", "tree_"}, "tree 1");
    check_all(
        model,
        {
            {"weights fewer", {"estimator_weights_"}, reals({1}), "estimator_weights_ has 1 numbers for "},
            {"weights that are none", {"estimator_weights_"}, none(), "estimator_weights_ is none"},
            {"weights that are texts", {"estimator_weights_"}, list({text("x")}), "estimator_weights_ is list"},
            {"one label", {"classes_"}, integers({0}), "classes_ has 1 labels, expected at least two"},
            {"other labels", {"classes_"}, integers({7, 8, 9}), "classes_"},
            {"labels that are none", {"classes_"}, none(), "classes_ is none"},
            {"classes of another number", {"n_classes_"}, integer(9), "n_classes_ is 9, expected "},
            {"a tree that is none", {"estimators_", "1"}, none(), "tree 1: none"},
            {"a tree of other labels",
             {"estimators_", "1", "classes_"},
             integers({5, 6, 7}),
             "tree 1: classes_ are other labels"},
            {"a tree of other classes", {"estimators_", "1", "n_classes_"}, integer(9), "tree 1: n_classes_ is 9"},
            {"a tree of other features",
             {"estimators_", "1", "n_features_in_"},
             integer(9),
             "tree 1: n_features_in_ is 9"},
        });
    for (const char* field : {"estimator_weights_", "classes_", "n_classes_", "estimators_"})
      check_refused(std::string("without ") + field, model.without(field), std::string("the model has no ") + field);
  }
  for (const char* name : {"ensembles-1.2/adar_linear/model.joblib.z", "ensembles-1.9/adar_linear/model.joblib.z"}) {
    const model_file model(name);
    check_common(model);
    check_refused("weights fewer", model.with({"estimator_weights_"}, reals({1})),
                  "estimator_weights_ has 1 numbers for ");
    check_refused("a tree that classifies",
                  model.with({"estimators_", "1"}, "csklearn.tree._classes\nDecisionTreeClassifier\n)R"),
                  "tree 1: object");
    const std::vector<double> weights = to_vector<double>(*attr(model.root(), "estimator_weights_").as_array());
    for (const double x : {not_a_number, -1.0, infinity, 0.0})
      check_accepted("weights of " + std::to_string(x),
                     model.with({"estimator_weights_"}, reals(std::vector<double>(weights.size(), x))));
  }
}

TEST_CASE("EveryFieldOfBaggingIsChecked") {
  using namespace pickled;
  for (const char* name :
       {"ensembles-1.2/bagc_half_features/model.joblib", "ensembles-1.9/bagc_half_features/model.joblib"}) {
    CAPTURE(name);
    const model_file model(name);
    check_common(model);
    const pickle::value subsets = attr(model.root(), "estimators_features_");
    const auto features = static_cast<double>(*attr(model.root(), "n_features_in_").as_int());
    check_tree(model, attr(attr(model.root(), "estimators_")[1], "tree_"), "tree 1",
               static_cast<double>(subsets[1].as_array()->num_elements()));
    check_tree_object(model, {"estimators_", "1", "tree_"}, "tree 1");
    check_all(
        model,
        {
            {"no trees to divide by", {"n_estimators"}, integer(0), "n_estimators is 0"},
            {"trees to divide by that are none", {"n_estimators"}, none(), "n_estimators is none"},
            {"subsets that are none", {"estimators_features_"}, none(), "estimators_features_ is none"},
            {"subsets fewer",
             {"estimators_features_"},
             list({integers({0})}),
             "estimators_features_ is list of 1 element, expected one of each"},
            {"a subset that is none", {"estimators_features_", "1"}, none(), "tree 1: estimators_features_ is none"},
            {"a greater subset", {"estimators_features_", "1"}, integers({0, 1, 2, 3}), "tree 1: n_features_in_ is "},
            {"an empty subset", {"estimators_features_", "1"}, integers({}), "tree 1: estimators_features_ is empty"},
            {"labels fewer", {"classes_"}, integers({0}), "n_classes_ is "},
            {"labels that are none", {"classes_"}, none(), "classes_ is none"},
            {"classes of another number", {"n_classes_"}, integer(9), "n_classes_ is 9, expected "},
            {"a tree that is none", {"estimators_", "1"}, none(), "tree 1: none"},
            {"a tree of a class too many",
             {"estimators_", "1", "classes_"},
             integers({0, 9}),
             "tree 1: class 9, expected 0 to "},
            {"a tree of a class that is negative",
             {"estimators_", "1", "classes_"},
             integers({0, -1}),
             "tree 1: class -1, expected 0 to "},
            {"a tree of half a class",
             {"estimators_", "1", "classes_"},
             reals({0, 0.5}),
             "tree 1: class 0.5, expected 0 to "},
            {"a tree of no class", {"estimators_", "1", "classes_"}, integers({}), "tree 1: no classes"},
            {"a tree of classes that are none", {"estimators_", "1", "classes_"}, none(), "tree 1: classes_ is none"},
        });
    check_refused("a feature past the last", model.with_element(subsets[1], 0, features),
                  "tree 1: estimators_features_ has ");
    check_refused("a negative feature", model.with_element(subsets[1], 0, -1), "tree 1: estimators_features_ has -1");
    for (const char* field : {"n_estimators", "classes_", "n_classes_", "estimators_", "estimators_features_"})
      check_refused(std::string("without ") + field, model.without(field), std::string("the model has no ") + field);
  }
  const model_file regressor("ensembles-1.9/bagr_two_outputs/model.joblib.z");
  check_common(regressor);
  check_refused("a tree of other outputs", regressor.with({"estimators_", "1", "n_outputs_"}, integer(1)),
                "tree 1: n_outputs_ is 1, expected 2");
  check_refused("first a tree of other outputs", regressor.with({"estimators_", "0", "n_outputs_"}, integer(1)),
                "tree 0: ");
  check_refused("a tree of no outputs", regressor.with({"estimators_", "0", "n_outputs_"}, integer(0)),
                "n_outputs_ is 0");
}

TEST_CASE("EveryFieldOfAPipelineIsChecked") {
  using namespace pickled;
  for (const char* name :
       {"ensembles-1.2/pipe_standard_rf/model.joblib", "ensembles-1.9/pipe_standard_rf/model.joblib"}) {
    CAPTURE(name);
    const model_file model(name);
    check_all(
        model,
        {
            {"no steps", {"steps"}, "]", "the pipeline's steps are list"},
            {"steps that are none", {"steps"}, none(), "the pipeline's steps are none"},
            {"a step that is none at all", {"steps", "0"}, none(), "a step of the pipeline is none"},
            {"a step that is a number",
             {"steps", "0"},
             text("s") + integer(7) + "\x86",
             "the pipeline has a step integer"},
            {"a step that calls a function",
             {"steps", "0"},
             text("s") + "cos\nsystem\n" + text("true") + "\x85R\x86",
             "the pipeline has a step object \"os.system\""},
            {"a model that is none", {"steps", "1"}, text("m") + none() + "\x86", "the pipeline ends with none"},
            {"means of fewer columns", {"mean_"}, reals({1, 2}), "mean_ has 2 numbers, expected "},
            {"means that are none", {"mean_"}, none(), "mean_ is none"},
            {"scales of fewer columns", {"scale_"}, reals({1, 2}), "scale_ has 2 numbers, expected "},
            {"scales that are none", {"scale_"}, none(), "scale_ is none"},
            {"a scaler of other columns",
             {"steps", "0", "n_features_in_"},
             integer(3),
             "mean_ has 4 numbers, expected 3"},
            {"a model of other columns",
             {"steps", "1", "n_features_in_"},
             integer(3),
             "the model expects 3 features, but the steps before it give 4"},
            {"a switch that is a number",
             {"steps", "0", "with_mean"},
             integer(0),
             "with_mean is integer, expected True or False"},
            {"a switch that is none", {"steps", "0", "with_std"}, none(), "with_std is none, expected True or False"},
            {"a scaler of no version", {"steps", "0", "_sklearn_version"}, none(), "_sklearn_version"},
            {"a scaler of a version that is none",
             {"steps", "0", "_sklearn_version"},
             text("x.y"),
             "_sklearn_version is \"x.y\""},
        });
    for (const char* field : {"mean_", "scale_", "with_mean", "with_std", "n_features_in_"})
      check_refused(std::string("without ") + field, model.edit().without(model.edit().at({"steps", "0"}), field),
                    std::string("the model has no ") + field);
    check_refused("without steps", model.without("steps"), "the model has no steps");
    // The origin takes any number.
    for (const double x : {0.0, not_a_number, infinity})
      check_accepted("scales of " + std::to_string(x), model.with({"scale_"}, reals({x, x, x, x})));
  }
  for (const char* name :
       {"ensembles-1.2/pipe_minmax_clip/model.joblib.z", "ensembles-1.9/pipe_minmax_clip/model.joblib.z"}) {
    CAPTURE(name);
    const model_file model(name);
    check_all(model,
              {
                  {"scales of fewer columns", {"scale_"}, reals({1, 2}), "scale_ has 2 numbers, expected "},
                  {"shifts of fewer columns", {"min_"}, reals({1, 2}), "min_ has 2 numbers, expected "},
                  {"a range of one number", {"feature_range"}, real(0) + "\x85", "feature_range is tuple"},
                  {"a range of texts", {"feature_range"}, text("a") + text("b") + "\x86", "feature_range is text"},
                  {"a range that is none", {"feature_range"}, none(), "feature_range is none"},
                  {"a switch that is a text", {"clip"}, text("yes"), "clip is text, expected True or False"},
              });
    check_refused("without a range", model.without("feature_range"), "feature_range");
  }
  for (const char* name :
       {"ensembles-1.2/pipe_impute_mean/model.joblib.z", "ensembles-1.9/pipe_impute_mean/model.joblib.z"}) {
    CAPTURE(name);
    const model_file model(name);
    const auto count = to_vector<double>(*attr(attr(model.root(), "steps")[0][1], "statistics_").as_array()).size();
    std::vector<double> dropped(count, 1.0);
    dropped[0] = not_a_number;
    check_all(
        model,
        {
            {"statistics of fewer columns", {"statistics_"}, reals({1, 2}), "statistics_ has 2 numbers, expected "},
            {"statistics that are none", {"statistics_"}, none(), "statistics_ is none"},
            {"a column that had no values", {"statistics_"}, reals(dropped), "but the steps before it give "},
            {"no column that had values",
             {"statistics_"},
             reals(std::vector<double>(count, not_a_number)),
             "SimpleImputer keeps no column"},
            {"a strategy that nobody knows",
             {"steps", "0", "strategy"},
             text("guess"),
             "SimpleImputer's strategy is text"},
            {"a strategy that is none", {"steps", "0", "strategy"}, none(), "SimpleImputer's strategy is none"},
            {"a missing value that is none", {"missing_values"}, none(), "missing_values is none, expected a number"},
            {"indicators", {"add_indicator"}, boolean(true), "SimpleImputer adds indicators"},
            {"a switch that is a number",
             {"keep_empty_features"},
             integer(1),
             "keep_empty_features is integer, expected True or False"},
            {"other columns", {"steps", "0", "n_features_in_"}, integer(2), "statistics_ has "},
        });
    for (const char* field : {"statistics_", "strategy", "missing_values"})
      check_refused(std::string("without ") + field, model.without(field), std::string("the model has no ") + field);
    check_accepted("other statistics", model.with({"statistics_"}, reals(std::vector<double>(count, infinity))));
  }
}
