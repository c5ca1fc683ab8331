// The same for isolation forests, AdaBoost, bagging and pipelines.
#include "import/sklearn_model_file.hpp"

using namespace petrify;
using namespace petrify::test;

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
    const std::uint64_t num_weights = attr(model.root(), "estimator_weights_").as_array()->num_elements();
    for (const double x : {not_a_number, -1.0, infinity, 0.0})
      check_accepted("weights of " + std::to_string(x),
                     model.with({"estimator_weights_"}, reals(std::vector<double>(num_weights, x))));
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
    for (const char* field : {"mean_", "scale_", "with_mean", "with_std"})
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
