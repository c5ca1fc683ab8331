// XGBoost's Python classes in a pickle: the Booster's document, and what the estimator around it knows.
#include "import/xgboost.hpp"
#include "import/xgboost_fields.hpp"
#include "import/xgboost_model.hpp"

#include <algorithm>
#include <array>

namespace petrify::inline v0 {

namespace xgboost {

namespace {

// How many trees a forest of each iteration has, as the configuration in a pickle says; 0 where it does not.
std::int64_t parallel_trees_in(const json::value& root) {
  const json::value* at = &root;
  for (const std::string_view key : {"Config", "learner", "gradient_booster"})
    if (at != nullptr)
      at = at->find(key);
  if (at != nullptr && at->find("gbtree") != nullptr) // dart
    at = at->find("gbtree");
  for (const std::string_view key : {"gbtree_train_param", "num_parallel_tree"})
    if (at != nullptr)
      at = at->find(key);
  const auto out = at == nullptr ? std::nullopt : integer_of(*at);
  return out && *out >= 0 && *out <= 0x7fffffff ? *out : 0;
}

constexpr std::array<std::string_view, 5> wrapper_classes = {
    "xgboost.sklearn.XGBClassifier", "xgboost.sklearn.XGBRegressor", "xgboost.sklearn.XGBRanker",
    "xgboost.sklearn.XGBRFClassifier", "xgboost.sklearn.XGBRFRegressor"};

} // namespace

} // namespace xgboost

using namespace xgboost;

bool is_xgboost_object(const pickle::value& object) noexcept {
  const std::string_view name = object.class_name();
  return name == booster_class ||
         std::find(wrapper_classes.begin(), wrapper_classes.end(), name) != wrapper_classes.end();
}

forest_model import_xgboost_object(const pickle::value& object, const boosted_options& options, read_budget& budget,
                                   const tree_progress& progress) {
  wrapper around{.class_name = object.class_name(), .missing = options.missing};
  const bool is_wrapper = around.class_name != booster_class;
  const auto booster = is_wrapper ? object.attr("_Booster") : std::optional(object);
  if (!booster || booster->class_name() != booster_class)
    refuse("the model has no Booster, expected a fitted one");
  const auto handle = booster->attr("handle");
  const auto bytes = handle ? handle->as_bytes() : std::nullopt;
  if (!bytes)
    refuse("the Booster's handle is ", handle ? handle->describe() : "absent", ", expected bytes");
  budget.charge(bytes->size());
  if (!json::is_text(*bytes) && !json::is_ubjson(*bytes))
    refuse("the Booster's bytes are neither JSON nor UBJSON; written by XGBoost before 1.0, or in its binary format: "
           "save the model as JSON with the XGBoost that reads it");
  const json::document document = json::is_text(*bytes) ? json::parse_text(*bytes) : json::parse_ubjson(*bytes);
  const json::value& model = model_in(document.root());
  around.parallel_trees = parallel_trees_in(document.root());
  if (is_wrapper) {
    if (const auto missing = object.attr("missing"); missing && !around.missing)
      around.missing = missing->as_real();
    around.kind = around.class_name.ends_with("Classifier") ? estimator::classifier
                  : around.class_name.ends_with("Ranker")   ? estimator::ranker
                                                            : estimator::regressor;
    if (around.kind == estimator::classifier) {
      // The labels are the estimator's own in later versions and a LabelEncoder's in earlier ones.
      auto classes = object.attr("classes_");
      for (const std::string_view name : {"_le", "le"})
        if (const auto encoder = object.attr(name); encoder && !encoder->is_none())
          classes = encoder->attr("classes_");
      if (classes && !classes->is_none())
        around.labels = read_labels(*classes, budget);
      else if (const auto count = object.attr("n_classes_"); count && count->as_int().value_or(0) >= 1) {
        label_list numbers;
        numbers.type = dtype::int64;
        budget.charge(8 * static_cast<std::uint64_t>(*count->as_int()));
        for (std::int64_t k = 0; k < *count->as_int(); ++k)
          numbers.integers.push_back(k);
        around.labels = std::move(numbers);
      }
    }
  }
  return read_model(model, std::move(around), options, progress);
}

} // namespace petrify::inline v0
