// The same for gradient boosting of both kinds.
#include "import/sklearn_model_file.hpp"

using namespace petrify;
using namespace petrify::test;

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
void check_hist_tree(const model_file& model, const std::string& t) {
  const pickle::value tree = attr(model.root(), "_predictors")[1][0];
  const pickle::value nodes = attr(tree, "nodes");
  const numpy_array array = *nodes.as_array();
  const auto num_nodes = static_cast<double>(array.num_elements());
  const auto features = static_cast<double>(*attr(model.root(), "n_features_in_").as_int());
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
          {"a bin mapper that is none", {"_bin_mapper"}, none(), "the model has no is_categorical_"},
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
  check_hist_tree(model, t);
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
