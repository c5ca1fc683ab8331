// Every field of a model file that predictions depend on, made wrong in turn: refused, with tree and node.
#include "support/support.hpp"

#include <petrify/import.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>

using namespace petrify;
using namespace petrify::test;
using nlohmann::json;

namespace {

const std::string models = std::string(PETRIFY_TEST_DATA) + "/models/";

std::string text_of(const std::string& path) {
  const std::vector<std::byte> bytes = read_bytes(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<error> import_error(const std::string& model) {
  const temp_dir dir;
  return error_of([&] {
    writer out(dir.path("model.stone"));
    import_bytes(std::as_bytes(std::span(model)), out);
    out.commit();
  });
}

void check_refused(const std::string& name, const std::string& model, const std::string& says) {
  CAPTURE(name);
  const auto failure = import_error(model);
  REQUIRE(failure.has_value());
  const std::string message = failure->what();
  CHECK_MESSAGE(message.find(says) != std::string::npos, message);
  CHECK_MESSAGE(message.find('\n') == std::string::npos, message);
  CHECK((failure->code() == errc::not_importable || failure->code() == errc::invalid_argument ||
         failure->code() == errc::malformed || failure->code() == errc::truncated));
}

struct change {
  const char* name;
  std::function<void(json& model)> edit;
  const char* says;
};

json& booster_of(json& model) { return model["learner"]["gradient_booster"]["model"]; }
json& tree_of(json& model, std::size_t t) { return booster_of(model)["trees"][t]; }
json& param(json& model, const char* key) { return model["learner"]["learner_model_param"][key]; }

} // namespace

TEST_CASE("EveryFieldOfAnXgboostModelIsChecked") {
  // Three trees, the second with a categorical root.
  const std::string source = text_of(models + "xgboost-1.7/categories_one_hot/model.json");
  REQUIRE_FALSE(import_error(source).has_value());
  // NaN is no JSON: nlohmann's reader is given null in its place, and the text NaN is put back.
  std::string readable = source;
  for (std::size_t at = 0; (at = readable.find("NaN", at)) != std::string::npos;)
    readable.replace(at, 3, "null");
  const auto written = [](const json& model) {
    std::string out = model.dump();
    for (std::size_t at = 0; (at = out.find("null", at)) != std::string::npos;)
      out.replace(at, 4, "NaN");
    return out;
  };
  const json sound = json::parse(readable);
  REQUIRE_FALSE(import_error(written(sound)).has_value());
  json probe = sound;
  const std::size_t num_nodes = tree_of(probe, 1)["left_children"].size();
  const auto set = [](const char* field, std::size_t i, json value) {
    return [=](json& m) { tree_of(m, 1)[field][i] = value; };
  };
  std::size_t leaf = 0;
  while (tree_of(probe, 1)["left_children"][leaf] != -1)
    ++leaf;
  std::size_t set_node = 0;
  while (tree_of(probe, 1)["split_type"][set_node] != 1)
    ++set_node;
  const std::string at_set = "tree 1 node " + std::to_string(set_node);
  const std::vector<change> changes = {
      {"a left child past the end", set("left_children", 0, num_nodes), "tree 1 node 0"},
      {"a left child of -2", set("left_children", 0, -2), "tree 1 node 0"},
      {"a left child that is 1.5", set("left_children", 0, 1.5), "tree 1 node 0"},
      {"a left child that is the root", set("left_children", 0, 0), "tree 1 node 0: child 0 has another parent"},
      {"both children the same", set("left_children", 0, 2), "tree 1 node 0: child 2 has another parent"},
      {"a right child past the end", set("right_children", 0, num_nodes), "tree 1 node 0"},
      {"a right child of -1", set("right_children", 0, -1), "tree 1 node 0"},
      {"a column past the last", set("split_indices", 0, 3), "tree 1 node 0: split_indices is 3, expected 0 to 2"},
      {"a negative column", set("split_indices", 0, -1), "tree 1 node 0"},
      {"a threshold that is NaN",
       [](json& m) {
         for (std::size_t i = 0;; ++i)
           if (tree_of(m, 0)["left_children"][i] != -1 && tree_of(m, 0)["split_type"][i] == 0) {
             tree_of(m, 0)["split_conditions"][i] = nullptr;
             return;
           }
       },
       "threshold is NaN"},
      {"a default of 2", set("default_left", 0, 2), "tree 1 node 0: default_left is 2"},
      {"a split type of 2", set("split_type", 0, 2), "tree 1 node 0: split_type is 2"},
      {"a category of -1", [](json& m) { tree_of(m, 1)["categories"][0] = -1; }, "category -1"},
      {"a category of 2^24", [](json& m) { tree_of(m, 1)["categories"][0] = 16777216; }, "category"},
      {"a set past the categories", [](json& m) { tree_of(m, 1)["categories_sizes"][0] = 1000; }, "categories from"},
      {"a set before the categories", [](json& m) { tree_of(m, 1)["categories_segments"][0] = -1; },
       "categories from -1"},
      {"a set of another node", [](json& m) { tree_of(m, 1)["categories_nodes"][0] = 0; }, "tree 1"},
      {"no sets",
       [](json& m) {
         for (const char* key : {"categories_nodes", "categories_sizes", "categories_segments", "categories"})
           tree_of(m, 1)[key] = json::array();
       },
       at_set.c_str()},
      {"a node fewer of one array", [](json& m) { tree_of(m, 1)["split_indices"].erase(0); }, "tree 1: split_indices"},
      {"an array that is a text", [](json& m) { tree_of(m, 1)["left_children"] = "x"; }, "tree 1: left_children"},
      {"an array that is absent", [](json& m) { tree_of(m, 1).erase("default_left"); }, "tree 1"},
      {"a node count of 0", [](json& m) { tree_of(m, 1)["tree_param"]["num_nodes"] = "0"; }, "tree 1: num_nodes"},
      {"a negative node count", [](json& m) { tree_of(m, 1)["tree_param"]["num_nodes"] = "-5"; }, "tree 1: num_nodes"},
      {"a node more than there are",
       [=](json& m) { tree_of(m, 1)["tree_param"]["num_nodes"] = std::to_string(num_nodes + 1); }, "tree 1"},
      {"vector leaves of another width", [](json& m) { tree_of(m, 1)["tree_param"]["size_leaf_vector"] = "7"; },
       "tree 1"},
      {"a group past the last", [](json& m) { booster_of(m)["tree_info"][1] = 1; }, "tree 1: tree_info is 1"},
      {"a group fewer", [](json& m) { booster_of(m)["tree_info"].erase(0); }, "tree_info"},
      {"a tree fewer", [](json& m) { booster_of(m)["trees"].erase(0); }, "expected 2 numbers"},
      {"a tree count that is another", [](json& m) { booster_of(m)["gbtree_model_param"]["num_trees"] = "9"; },
       "num_trees is 9"},
      {"another number of parallel trees",
       [](json& m) { booster_of(m)["gbtree_model_param"]["num_parallel_tree"] = "2"; }, "expected a multiple"},
      {"no columns", [](json& m) { param(m, "num_feature") = "0"; }, "3 texts, expected 0"},
      {"columns that are a text", [](json& m) { param(m, "num_feature") = "many"; }, "num_feature"},
      {"a million classes and more", [](json& m) { param(m, "num_class") = "9999999"; }, "num_class"},
      {"a base score that is no number", [](json& m) { param(m, "base_score") = "x"; }, "base_score"},
      {"a base score that does not end", [](json& m) { param(m, "base_score") = "[1"; }, "base_score"},
      {"two base scores for one", [](json& m) { param(m, "base_score") = "[1,2]"; }, "2 base scores"},
      {"another booster", [](json& m) { m["learner"]["gradient_booster"]["name"] = "gbforest"; }, "gbforest"},
      {"another objective", [](json& m) { m["learner"]["objective"]["name"] = "reg:magic"; }, "reg:magic"},
      // Of XGBoost's plugins, which no wheel has; and of releases before 1.0.
      {"an objective of oneAPI", [](json& m) { m["learner"]["objective"]["name"] = "reg:logistic_oneapi"; },
       "reg:logistic_oneapi"},
      {"an objective of 0.90", [](json& m) { m["learner"]["objective"]["name"] = "gpu:reg:linear"; }, "gpu:reg:linear"},
      {"no objective", [](json& m) { m["learner"].erase("objective"); }, "objective"},
      {"no learner", [](json& m) { m.erase("learner"); }, "learner"},
      {"no version", [](json& m) { m.erase("version"); }, "version"},
      {"version 0.9",
       [](json& m) {
         m["version"] = {0, 9, 0};
       },
       "XGBoost 0.9"},
      {"names of other columns", [](json& m) { m["learner"]["feature_names"] = {"a"}; }, "feature_names has 1"},
  };
  for (const change& one : changes) {
    json model = sound;
    one.edit(model);
    check_refused(one.name, written(model), one.says);
  }
  // Dart's weights.
  json dart = json::parse(text_of(models + "xgboost-1.7/dart/model.json"));
  REQUIRE_FALSE(import_error(dart.dump()).has_value());
  dart["learner"]["gradient_booster"]["weight_drop"].erase(0);
  check_refused("a weight fewer", dart.dump(), "weight_drop has");
  dart["learner"]["gradient_booster"].erase("weight_drop");
  check_refused("no weights", dart.dump(), "weight_drop");
}

TEST_CASE("SplitsThatShareACategorySetAreRefused") {
  // Each split of the origins has a set of its own; a set that many share would cost each of them its whole size.
  const std::string text = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=0\n"
                           "objective=regression\nfeature_names=a\nfeature_infos=0:1:5\n\nTree=0\nnum_leaves=3\n"
                           "num_cat=2\nsplit_feature=0 0\nthreshold=0 1\ndecision_type=1 1\nleft_child=1 -1\n"
                           "right_child=-3 -2\nleaf_value=0.25 1 -2\ncat_boundaries=0 1 2\ncat_threshold=34 2\n\n\n"
                           "end of trees\n";
  REQUIRE_FALSE(import_error(text).has_value());
  std::string shared = text;
  shared.replace(shared.find("threshold=0 1"), 13, "threshold=1 1");
  REQUIRE_FALSE(import_error(shared).has_value()); // the words of the other set are free
  shared.replace(shared.find("cat_boundaries=0 1 2"), 20, "cat_boundaries=0 0 2");
  check_refused("one set for two splits", shared, "tree 0 split 1: tests category set 1, which overlaps");
}

TEST_CASE("SetsOfHugeCategoriesCostNoMoreThanTheirFile") {
  // A chain of splits on sets of one category each: as words they would take 2 MiB each, and their complements 64 MiB
  // while they are made.
  constexpr int num_splits = 5000;
  const auto chain = [](std::vector<int> version, bool all_equal) {
    json model = {{"version", version},
                  {"learner",
                   {{"objective", {{"name", "reg:squarederror"}}},
                    {"learner_model_param", {{"base_score", "0"}, {"num_class", "0"}, {"num_feature", "1"}}},
                    {"gradient_booster",
                     {{"name", "gbtree"},
                      {"model",
                       {{"gbtree_model_param", {{"num_trees", "1"}, {"num_parallel_tree", "1"}}},
                        {"tree_info", {0}},
                        {"trees", json::array({json::object()})}}}}}}}};
    json& tree = tree_of(model, 0);
    constexpr int num_nodes = 2 * num_splits + 1;
    tree["tree_param"] = {{"num_nodes", std::to_string(num_nodes)}, {"size_leaf_vector", "0"}};
    for (int i = 0; i < num_nodes; ++i) {
      const bool is_split = i % 2 == 0 && i + 1 < num_nodes;
      tree["left_children"].push_back(is_split ? i + 1 : -1);
      tree["right_children"].push_back(is_split ? i + 2 : -1);
      tree["split_type"].push_back(is_split ? 1 : 0);
      tree["split_indices"].push_back(0);
      tree["split_conditions"].push_back(0.5);
      tree["default_left"].push_back(0);
    }
    for (int i = 0; i < num_splits; ++i) {
      tree["categories_nodes"].push_back(2 * i);
      tree["categories_segments"].push_back(i);
      tree["categories_sizes"].push_back(1);
      tree["categories"].push_back(all_equal ? 16777215 : 16777215 - i);
    }
    return model.dump();
  };
  const auto start = std::chrono::steady_clock::now();
  CHECK_FALSE(import_error(chain({2, 0, 3}, true)).has_value()); // kept once
  for (const auto& [name, model] : {std::pair("sets", chain({2, 0, 3}, false)),
                                    {"complements", chain({1, 7, 0}, true)},
                                    {"other complements", chain({1, 7, 0}, false)}}) {
    CAPTURE(name);
    const auto failure = import_error(model);
    REQUIRE(failure.has_value());
    CHECK(failure->code() == errc::limit_exceeded);
    CHECK(std::string_view(failure->what()).starts_with("tree 0"));
  }
  // Minutes if each node had its words made.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

TEST_CASE("NestingAndGarbageInJsonAreRefused") {
  check_refused("lists in lists", "{\"learner\": " + std::string(100000, '['), "nested more than 100 deep");
  check_refused(
      "dicts in dicts",
      [] {
        std::string out;
        for (int i = 0; i < 5000; ++i)
          out += "{\"a\":";
        return out;
      }(),
      "nested more than 100 deep");
  check_refused("a key twice", R"({"learner": 1, "learner": 2})", "given twice");
  check_refused("cut off", R"({"learner": {"a")", "byte");
  check_refused("a text that is no UTF-8", "{\"learner\": \"\xff\"}", "byte");
  std::string deep = "{L";
  deep += std::string(7, '\0') + "\x01" + "a";
  for (int i = 0; i < 5000; ++i)
    deep += '[';
  check_refused("lists in lists in UBJSON", deep, "nested more than 100 deep");
  std::string huge = "{L";
  huge += std::string(7, '\0') + "\x01" + "a" + "[$d#L" + std::string(1, '\x7f') + std::string(7, '\xff');
  CHECK(import_error(huge).has_value()); // 2^63 - 1 numbers
}

TEST_CASE("EveryFieldOfALightgbmModelIsChecked") {
  const std::string header =
      "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=1\n"
      "objective=regression\nfeature_names=a b\nfeature_infos=[0:1] 0:1:5\ntree_sizes=1 1\n\n";
  const std::string tree = "num_leaves=3\nnum_cat=1\nsplit_feature=0 1\nthreshold=0.5 0\ndecision_type=2 1\n"
                           "left_child=1 -1\nright_child=-3 -2\nleaf_value=0.25 1 -2\ncat_boundaries=0 1\n"
                           "cat_threshold=34\nis_linear=0\nshrinkage=1\n\n\n";
  const std::string sound = header + "Tree=0\n" + tree + "Tree=1\n" + tree + "end of trees\n";
  REQUIRE_FALSE(import_error(sound).has_value());
  // Replaces the field in the second tree, or in the header.
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string out = sound;
    const std::size_t at = out.rfind(from);
    REQUIRE(at != std::string::npos);
    return out.replace(at, from.size(), to);
  };
  const std::vector<std::tuple<const char*, const char*, const char*>> changes = {
      {"num_leaves=3", "num_leaves=0", "tree 1: num_leaves"},
      {"num_leaves=3", "num_leaves=4", "tree 1: leaf_value has 3 numbers, expected 4"},
      {"num_leaves=3\n", "", "tree 1: the model has no num_leaves"},
      {"split_feature=0 1", "split_feature=0 2", "tree 1 split 1: split_feature is 2, expected 0 to 1"},
      {"split_feature=0 1", "split_feature=0", "tree 1: split_feature has 1 numbers, expected 2"},
      {"split_feature=0 1", "split_feature=0 x", "tree 1: split_feature[1] is \"x\""},
      {"threshold=0.5 0", "threshold=nan 0", "tree 1 node 3: threshold is NaN"},
      {"threshold=0.5 0", "threshold=0.5 1", "tree 1 split 1: tests category set 1"},
      {"threshold=0.5 0", "threshold=0.5 -1", "tree 1 split 1: tests category set -1"},
      {"decision_type=2 1", "decision_type=12 1", "tree 1 split 0: decision_type is 12"},
      {"decision_type=2 1", "decision_type=2 -1", "tree 1 split 1: decision_type is -1"},
      {"left_child=1 -1", "left_child=2 -1", "tree 1 split 0: left_child is 2"},
      {"left_child=1 -1", "left_child=0 -1", "tree 1 node 3: child 3 has another parent"},
      {"left_child=1 -1", "left_child=1 -4", "tree 1 split 1: left_child is -4"},
      {"right_child=-3 -2", "right_child=-3 -1", "tree 1"},
      {"right_child=-3 -2", "right_child=-3", "tree 1: right_child"},
      {"leaf_value=0.25 1 -2", "leaf_value=0.25 1", "tree 1: leaf_value"},
      {"leaf_value=0.25 1 -2", "leaf_value=0.25 1 -2 3", "tree 1: leaf_value has more than 3"},
      {"leaf_value=0.25 1 -2\n", "", "tree 1: leaf_value has no"},
      {"cat_boundaries=0 1", "cat_boundaries=0 2", "tree 1: cat_threshold"},
      {"cat_boundaries=0 1", "cat_boundaries=2 1", "tree 1 split 1: category set is words 2 to 1"},
      {"cat_boundaries=0 1", "cat_boundaries=0 -1", "tree 1: cat_boundaries"},
      {"cat_threshold=34", "cat_threshold=-3", "tree 1: cat_threshold"},
      {"num_cat=1", "num_cat=-1", "tree 1: num_cat"},
      {"is_linear=0", "is_linear=1", "tree 1: leaf_const has no"},
      {"shrinkage=1", "leaf_value=0.25 1 -2", "given twice"},
      {"Tree=1", "Tree=2", "expected Tree=1"},
      {"end of trees", "", "before \"end of trees\""},
      {"version=v4", "version=v9", "v9"},
      {"objective=regression", "objective=magic", "magic"},
      {"max_feature_idx=1", "max_feature_idx=-1", "max_feature_idx"},
      {"max_feature_idx=1", "max_feature_idx=7", "feature_names has 2"},
      {"num_class=1\nnum_tree_per_iteration=1", "num_class=3\nnum_tree_per_iteration=3", "expected a multiple"},
      {"num_tree_per_iteration=1", "num_tree_per_iteration=0", "num_tree_per_iteration"},
      {"feature_infos=[0:1] 0:1:5", "feature_infos=[0:1]", "feature_infos has 1"},
  };
  for (const auto& [from, to, says] : changes)
    check_refused(std::string(from) + " -> " + to, with(from, to), says);
}

TEST_CASE("IterationsAndPlacesOfAnXgboostModelAreChecked") {
  const json sound = json::parse(text_of(models + "xgboost-3.2/vector_leaf/model.json"));
  REQUIRE_FALSE(import_error(sound.dump()).has_value());
  const json& trees = sound["learner"]["gradient_booster"]["model"]["trees"];
  const std::size_t num_trees = trees.size();
  REQUIRE(num_trees > 2);
  std::size_t leaf = 0;
  while (trees[1]["left_children"][leaf] != -1)
    ++leaf;
  const std::string at_leaf = "tree 1 node " + std::to_string(leaf) + ": ";
  const auto indptr = [](json& m) -> json& { return booster_of(m)["iteration_indptr"]; };
  const std::vector<change> changes = {
      {"iterations that descend", [&](json& m) { indptr(m)[1] = 99; }, "iteration 0 ends at tree 99, expected 0 to "},
      {"an iteration that is negative", [&](json& m) { indptr(m)[1] = -1; }, "iteration 0 ends at tree -1"},
      {"an iteration of half a tree", [&](json& m) { indptr(m)[1] = 0.5; }, "iteration 0 ends at tree -1"},
      {"iterations that begin later", [&](json& m) { indptr(m)[0] = 1; }, "the first iteration begins at tree 1"},
      {"an iteration fewer", [&](json& m) { indptr(m).erase(indptr(m).size() - 1); }, "iterations end at tree "},
      {"no iterations", [&](json& m) { indptr(m) = json::array(); }, "iterations end at tree 0, expected "},
      {"iterations that are a text", [&](json& m) { indptr(m) = "x"; }, "iteration_indptr is "},
      {"trees in another order", [](json& m) { std::swap(tree_of(m, 0), tree_of(m, 1)); }, "tree 0: id is 1"},
      {"an id past the last", [](json& m) { tree_of(m, 1)["id"] = 1000; }, "tree 1: id is 1000"},
      {"an id that is a text", [](json& m) { tree_of(m, 1)["id"] = "x"; }, "tree 1: id is "},
      {"rows of leaves cut short", [](json& m) { tree_of(m, 1)["leaf_weights"].erase(0); },
       "tree 1: leaf_weights has "},
      {"no rows of leaves", [](json& m) { tree_of(m, 1)["leaf_weights"] = json::array(); },
       "its row of leaf_weights is 0, but there are none"},
      {"rows of leaves that are a text", [](json& m) { tree_of(m, 1)["leaf_weights"] = "x"; },
       "its row of leaf_weights is 0, but there are none"},
      {"a row past the last", [&](json& m) { tree_of(m, 1)["right_children"][leaf] = 1000; },
       "right_children of a leaf is 1000"},
      {"a row of -1", [&](json& m) { tree_of(m, 1)["right_children"][leaf] = -1; }, "right_children of a leaf is -1"},
      {"leaves of another width", [](json& m) { tree_of(m, 1)["tree_param"]["size_leaf_vector"] = "1"; },
       "tree 1: leaves of 1 values, expected all trees to be alike"},
      {"a base score that is empty", [](json& m) { param(m, "base_score") = ""; }, "base_score"},
      {"base scores that are empty", [](json& m) { param(m, "base_score") = "[]"; }, "base_score"},
      {"no targets", [](json& m) { param(m, "num_target") = "0"; }, "num_target is"},
      {"classes of targets", [](json& m) { param(m, "num_class") = "3"; }, "expected one of both"},
      {"weights of a booster that has none", [](json& m) { booster_of(m)["weight_drop"] = "x"; }, "weight_drop is "},
  };
  for (const change& one : changes) {
    json model = sound;
    one.edit(model);
    check_refused(one.name, model.dump(), one.says);
  }
  {
    json model = sound;
    tree_of(model, 1)["right_children"][leaf] = 1000;
    check_refused("a row past the last", model.dump(), at_leaf);
  }
  // The origin takes any number here and in dart's weights.
  for (const char* number : {"nan", "inf", "-1"}) {
    json model = sound;
    param(model, "base_score") = number;
    CHECK_FALSE(import_error(model.dump()).has_value());
  }
  json dart = json::parse(text_of(models + "xgboost-3.2/dart/model.json"));
  dart["learner"]["gradient_booster"]["weight_drop"][0] = nullptr;
  std::string written = dart.dump();
  written.replace(written.find("null"), 4, "NaN");
  CHECK_FALSE(import_error(written).has_value());
  dart["learner"]["gradient_booster"]["weight_drop"] = "x";
  check_refused("weights that are a text", dart.dump(), "weight_drop is ");
  // Vector leaves of 3.1: a row of base_weights for each node.
  json former = json::parse(text_of(models + "xgboost-3.1/vector_leaf/model.json"));
  REQUIRE_FALSE(import_error(former.dump()).has_value());
  tree_of(former, 1)["base_weights"].erase(0);
  check_refused("a value fewer", former.dump(), "tree 1: base_weights");
}

TEST_CASE("CategoriesOfAnXgboostModelAreChecked") {
  // NaN is no JSON, and no part of what is changed here.
  std::string source = text_of(models + "xgboost-3.2/categories_frame/model.json");
  const json sound = json::parse(source);
  REQUIRE_FALSE(import_error(sound.dump()).has_value());
  const auto enc = [](json& m) -> json& { return booster_of(m)["cats"]["enc"]; };
  json probe = sound;
  std::size_t texts = 0;
  while (!enc(probe)[texts].contains("offsets"))
    ++texts;
  const std::string column = "of column " + std::to_string(texts);
  const std::vector<std::pair<change, std::string>> changes = {
      {{"no encoder", [](json& m) { booster_of(m)["cats"].erase("enc"); }, ""}, "enc"},
      {{"an encoder that is a text", [&](json& m) { enc(m) = "x"; }, ""}, "the categories are "},
      {{"a column fewer", [&](json& m) { enc(m).erase(0); }, ""}, "expected none or one of each of "},
      {{"no values", [&](json& m) { enc(m)[texts].erase("values"); }, ""}, "values"},
      {{"values that are a text", [&](json& m) { enc(m)[texts]["values"] = "x"; }, ""}, "the categories " + column},
      {{"offsets that are a text", [&](json& m) { enc(m)[texts]["offsets"] = "x"; }, ""},
       "the offsets of the categories " + column},
      {{"offsets past the end", [&](json& m) { enc(m)[texts]["offsets"][1] = 9999; }, ""}, "category 0 " + column},
      {{"offsets that descend", [&](json& m) { enc(m)[texts]["offsets"][0] = 5; }, ""}, "category 0 " + column},
      {{"an offset of -1", [&](json& m) { enc(m)[texts]["offsets"][0] = -1; }, ""}, "category 0 " + column},
  };
  for (const auto& [one, says] : changes) {
    json model = sound;
    one.edit(model);
    check_refused(one.name, model.dump(), says);
  }
}

TEST_CASE("LeavesAndObjectivesOfALightgbmModelAreChecked") {
  const auto check = [](const std::string& sound,
                        const std::vector<std::tuple<const char*, const char*, const char*>>& changes) {
    REQUIRE_FALSE(import_error(sound).has_value());
    for (const auto& [from, to, says] : changes) {
      std::string model = sound;
      const std::size_t at = model.rfind(from);
      CAPTURE(from);
      REQUIRE(at != std::string::npos);
      check_refused(std::string(from) + " -> " + to, model.replace(at, std::string_view(from).size(), to), says);
    }
  };
  const auto header = [](const std::string& objective, const std::string& classes) {
    return "tree\nversion=v4\nnum_class=" + classes + "\nnum_tree_per_iteration=" + classes +
           "\nlabel_index=0\nmax_feature_idx=1\nobjective=" + objective +
           "\nfeature_names=a b\nfeature_infos=[0:1] 0:1:5\n\n";
  };
  const std::string tree = "num_leaves=3\nnum_cat=0\nsplit_feature=0 0\nthreshold=0.5 0\ndecision_type=2 2\n"
                           "left_child=1 -1\nright_child=-3 -2\nleaf_value=0.25 1 -2\n";
  const std::string linear = "is_linear=1\nleaf_const=1 2 3\nnum_features=1 0 2\nleaf_features=0 0 1\n"
                             "leaf_coeff=0.5 1.5 2.5\nshrinkage=1\n\n\n";
  check(header("regression", "1") + "Tree=0\n" + tree + linear + "Tree=1\n" + tree + linear +
            "end of trees\n\npandas_categorical:[[\"x\", \"y\"]]\n",
        {{"is_linear=1", "is_linear=2", "tree 1: is_linear is \"2\", expected 0 to 1"},
         {"is_linear=1", "is_linear=yes", "tree 1: is_linear is \"yes\""},
         {"leaf_const=1 2 3", "leaf_const=1 2", "tree 1: leaf_const has 2 numbers, expected 3"},
         {"leaf_const=1 2 3", "leaf_const=1 2 x", "tree 1: leaf_const[2] is \"x\""},
         {"num_features=1 0 2", "num_features=1 0", "tree 1: num_features has 2 numbers, expected 3"},
         {"num_features=1 0 2", "num_features=1 0 3", "tree 1: leaf_features has 3 numbers, expected 4"},
         {"num_features=1 0 2", "num_features=1 0 -1", "tree 1: num_features[2] is \"-1\""},
         {"num_features=1 0 2", "num_features=1 0 4000000000", "tree 1: linear leaves have 4000000001 terms"},
         {"leaf_features=0 0 1", "leaf_features=0 0", "tree 1: leaf_features has 2 numbers, expected 3"},
         {"leaf_features=0 0 1", "leaf_features=0 0 2", "tree 1 node 2: has a coefficient for column 2"},
         {"leaf_features=0 0 1", "leaf_features=0 0 -1", "tree 1: leaf_features[2] is \"-1\""},
         {"leaf_coeff=0.5 1.5 2.5", "leaf_coeff=0.5 1.5", "tree 1: leaf_coeff has 2 numbers, expected 3"},
         {"leaf_coeff=0.5 1.5 2.5", "leaf_coeff=0.5 1.5 .", "tree 1: leaf_coeff[2] is \".\""},
         {"num_class=1", "num_class=2", "num_class is 2, but num_tree_per_iteration is 1"},
         {"num_class=1", "num_class=0", "num_class is \"0\""},
         {"num_class=1\n", "", "the model has no num_class"},
         {"[[\"x\", \"y\"]]", "[[\"x\", \"y\"", "byte"},
         {"[[\"x\", \"y\"]]", "{\"x\": 1}", "pandas_categorical is "},
         {"[[\"x\", \"y\"]]", "[[\"x\", null]]", "pandas_categorical holds null"},
         {"[[\"x\", \"y\"]]", "[7]", "pandas_categorical is "}});
  const std::string plain = tree + "shrinkage=1\n\n\n";
  check(header("binary sigmoid:1", "1") + "Tree=0\n" + plain + "end of trees\n",
        {{"sigmoid:1", "sigmoid:0", "the objective is \"binary sigmoid:0\", expected a sigmoid above 0"},
         {"sigmoid:1", "sigmoid:-1", "expected a sigmoid above 0"},
         {"sigmoid:1", "sigmoid:nan", "expected a sigmoid above 0"},
         {"sigmoid:1", "sigmoid:x", "sigmoid"},
         {"sigmoid:1", "sigmoid:", "sigmoid"},
         {" sigmoid:1", "", "the objective is \"binary\", expected a sigmoid above 0"}});
  for (const char* name : {"multiclass", "multiclassova"})
    check(header(std::string(name) + " num_class:2 sigmoid:1", "2") + "Tree=0\n" + plain + "Tree=1\n" + plain +
              "end of trees\n",
          {{"num_class:2", "num_class:3", "expected num_class:2"},
           {"num_class:2", "num_class:x", "num_class"},
           {" num_class:2", "", "expected num_class:2"},
           {"num_class=2", "num_class=3", "num_class is 3, but num_tree_per_iteration is 2"}});
}
