// Every part of a scikit-learn model that predictions depend on, made wrong in turn: refused, with tree and node or the
// attribute's name. What the origin would take as another model, petrify takes too. Here: trees and forests.
#include "import/sklearn_model_file.hpp"

using namespace petrify;
using namespace petrify::test;

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
    // The origin averages over the trees that there are.
    std::string fewer = model.bytes();
    check_accepted("a tree fewer", fewer.insert(model.edit().at({"estimators_", "1"}).end, "0"));
  }
}
