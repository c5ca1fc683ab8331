#include "import/lightgbm.hpp"

#include "import/lightgbm_categories.hpp"
#include "import/lightgbm_objective.hpp"
#include "import/lightgbm_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace petrify::inline v0 {
namespace lightgbm {

namespace {

// LightGBM's kZeroThreshold: the float literal, widened.
constexpr double zero_threshold = 1e-35f;
// Sums of one model; real ones have thousands at most.
constexpr std::int64_t max_classes = 1 << 20;

// What the Python classes around a Booster know beside it.
struct wrapper {
  std::string_view class_name;
  std::optional<label_list> labels = std::nullopt;
  std::int32_t best_iteration = -1; // counted from 0
  bool is_before_3 = false;         // written by LightGBM 2
  bool stops_early = false;         // pred_early_stop
  category_lists categories = {};   // pandas_categorical

  bool is_classifier() const noexcept { return class_name.ends_with("Classifier"); }
  // Any other estimator gives the transformed score, also of an objective of classes.
  bool gives_scores() const noexcept { return class_name.starts_with("lightgbm.sklearn.") && !is_classifier(); }
};

// `x <= t` for the values that LightGBM compares: in its matrices those of magnitude <= 1e-35f are 0. So a threshold
// among these decides as its neighbour outside does.
double threshold_outside_zero(double t) {
  if (t >= 0 && t < zero_threshold)
    return zero_threshold;
  if (t < 0 && t >= -zero_threshold)
    return std::nextafter(-zero_threshold, -std::numeric_limits<double>::infinity());
  return t;
}

class model_reader {
public:
  model_reader(std::span<const std::byte> bytes, wrapper around, const boosted_options& options)
      : all_(reinterpret_cast<const char*>(bytes.data()), bytes.size()), lines_(all_), around_(std::move(around)),
        options_(options) {}

  forest_model read(const tree_progress& progress) {
    refuse_missing(options_);
    read_header();
    const std::int64_t per_iteration = header_.find("num_tree_per_iteration")
                                           ? header_.integer("num_tree_per_iteration", 1, max_classes)
                                           : header_.integer("num_class", 1, max_classes);
    if (const std::int64_t classes = header_.integer("num_class", 1, max_classes); classes != per_iteration)
      refuse("num_class is ", classes, ", but num_tree_per_iteration is ", per_iteration);
    num_sums_ = static_cast<std::uint32_t>(per_iteration);
    num_columns_ = static_cast<std::uint32_t>(header_.integer("max_feature_idx", 0, 0x7ffffffe) + 1);
    find_parts();
    if (num_trees_ % num_sums_ != 0)
      refuse(num_trees_, " trees, expected a multiple of the ", num_sums_, " of an iteration");
    const std::uint64_t all = num_trees_ / num_sums_;
    // Python's predict stops at the best iteration when training stopped early, if there are still so many.
    const std::uint64_t best =
        around_.best_iteration < 0 ? all : std::min<std::uint64_t>(all, std::uint64_t(around_.best_iteration) + 1);
    num_iterations_ =
        options_.max_iterations ? iterations_asked_for(options_.max_iterations, all) : static_cast<std::uint32_t>(best);
    const std::uint64_t used = std::uint64_t{num_iterations_} * num_sums_;

    forest_builder builder(describe());
    section tree;
    lines_ = lines(trees_);
    std::uint64_t t = 0;
    (void)lines_.next(); // "Tree=0"
    while (t < used) {
      tree.clear();
      while (const auto line = lines_.next()) {
        if (line->starts_with("Tree=") || *line == "end of trees")
          break;
        if (!line->empty())
          tree.add(*line, lines_.number() + header_lines_);
      }
      try {
        add_tree(builder, tree, static_cast<std::uint32_t>(t % num_sums_));
      } catch (const error& failure) {
        throw failure.where().starts_with("tree ") ? failure : failure.at({}, text("tree ", t));
      }
      ++t;
      if (t % num_sums_ == 0)
        builder.end_iteration();
      progress(t, used);
    }
    return builder.build();
  }

private:
  void read_header() {
    if (lines_.next() != "tree")
      refuse("the first line is not \"tree\"");
    while (const auto line = lines_.next()) {
      if (line->starts_with("Tree=") || *line == "end of trees")
        break;
      if (!line->empty())
        header_.add(*line, lines_.number());
    }
    const std::string_view version = header_.find("version").value_or("v1");
    if (version != "v2" && version != "v3" && version != "v4")
      refuse("the model's version is ", quoted(version, 16), ", expected v2, v3 or v4");
    version_ = version;
  }

  // Where trees begin and end, how many there are, and the categories of pandas behind them.
  void find_parts() {
    lines from(all_);
    std::size_t begin = all_.size();
    std::size_t end = all_.size();
    bool ended = false;
    for (std::size_t at = 0; const auto line = from.next(); at = all_.size() - from.bytes_left()) {
      if (!ended && line->starts_with("Tree=")) {
        if (*line != text("Tree=", num_trees_))
          fail(errc::not_importable, text("line ", from.number()), quoted(*line, 32), ", expected Tree=", num_trees_);
        if (num_trees_ == 0) {
          begin = at;
          header_lines_ = from.number() - 1;
        }
        ++num_trees_;
      } else if (!ended && *line == "is_linear=1") {
        has_linear_ = true;
      } else if (!ended && (*line == "end of trees" || *line == "feature importances:")) {
        is_before_2_2_ = *line != "end of trees";
        end = at;
        ended = true;
      } else if (ended && line->starts_with("pandas_categorical:")) {
        pandas_ = line->substr(19);
      } else if (ended && line->starts_with("[categorical_feature: ") && line->ends_with(']')) {
        chosen_ = line->substr(22, line->size() - 23);
      }
    }
    if (!ended)
      refuse("the file ends before \"end of trees\"");
    trees_ = begin < end ? all_.substr(begin, end - begin) : std::string_view();
  }

  forest_spec describe() {
    const objective written(header_.find("objective").value_or(std::string_view()));
    const known_objective& known = known_objective_of(written);
    check_parameters(written);
    forest_spec spec;
    spec.library = "lightgbm";
    spec.layout = options_.layout;
    spec.library_version = version_;
    spec.model_class = around_.class_name;
    spec.objective = written.name;
    spec.task = known.task;
    spec.num_columns = num_columns_;
    for_each_word(header_.find("feature_names").value_or(std::string_view()),
                  [&](std::string_view name) { spec.column_names.emplace_back(name); });
    if (!spec.column_names.empty() && spec.column_names.size() != num_columns_)
      refuse("feature_names has ", spec.column_names.size(), " names, expected ", num_columns_);
    read_column_types(spec);
    if (around_.stops_early && version_ == "v4" && known.task != task::regression && !header_.find("average_output"))
      refuse("the estimator has pred_early_stop, which ends predictions before the last tree, expected one without it");
    spec.best_iteration = around_.best_iteration;
    spec.comparisons = compare_as::float64;
    // In Python a matrix that is neither float32 nor float64 becomes float32.
    spec.steps = {{row_step::operation::narrow_integers, row_step::every_column, 0, 0}};
    spec.linear_leaves = has_linear_;
    spec.start.assign(num_sums_, 0.0);
    using op = epilogue_step::operation;
    if (header_.find("average_output"))
      spec.epilogue.push_back({op::divide, static_cast<double>(num_iterations_), 0});
    // The raw score is the sum all the same: only what is made of it starts from the average. Before 2.2 the trees of a
    // random forest held transformed values.
    const bool is_transformed = is_before_2_2_ && header_.find("average_output");
    switch (is_transformed ? transform::identity : known.output) {
    case transform::identity:
      if (written.parameters.contains("sqrt") && !is_transformed)
        spec.epilogue.push_back({op::signed_square, 0, 0});
      break;
    case transform::exponential: spec.epilogue.push_back({op::exp, 0, 0}); break;
    case transform::sigmoid:
    case transform::sigmoids: spec.epilogue.push_back({op::sigmoid, written.sigmoid(), 0}); break;
    case transform::softmax: spec.epilogue.push_back({op::softmax, 0, 0}); break;
    case transform::log1p_exp: spec.epilogue.push_back({op::log1p_exp, 0, 0}); break;
    }
    add_outputs(spec, known.output);
    return spec;
  }

  // The objective's parameters that the origin refuses a model without.
  void check_parameters(const objective& written) const {
    if ((written.name == "binary" || written.name == "multiclassova") &&
        !(written.parameters.contains("sigmoid") && written.sigmoid() > 0))
      refuse("the objective is ", quoted(header_.require("objective"), 64), ", expected a sigmoid above 0");
    if (written.name != "multiclass" && written.name != "multiclassova")
      return;
    const auto classes = written.parameters.find("num_class");
    if (classes == written.parameters.end() ||
        number_of<std::int64_t>(classes->second, "objective's num_class", 0) != num_sums_)
      refuse("the objective is ", quoted(header_.require("objective"), 64), ", expected num_class:", num_sums_);
  }

  // A column of categories has their numbers in place of a range: "1:5:2" and not "[0.5:3]".
  void read_column_types(forest_spec& spec) {
    const auto found = header_.find("feature_infos");
    if (!found)
      return;
    std::vector<std::string_view> infos;
    for_each_word(*found, [&](std::string_view info) {
      infos.push_back(info);
      spec.column_types.emplace_back(info == "none" ? "none" : info.starts_with('[') ? "numerical" : "categorical");
    });
    if (infos.size() != num_columns_)
      refuse("feature_infos has ", infos.size(), " entries, expected ", num_columns_);
    for (std::uint32_t j = 0; j < num_columns_; ++j)
      spec.categories.push_back({j, categories_as::lightgbm, {}, {}});
    add_dictionaries(spec, infos);
  }

  // The categories of a DataFrame's columns, in the order of these.
  void add_dictionaries(forest_spec& spec, const std::vector<std::string_view>& infos) const {
    category_lists lists = around_.categories;
    if (!pandas_.empty() && pandas_ != "null")
      lists = read_category_lists(pandas_);
    std::vector<std::size_t> sizes;
    for (const std::vector<std::string>& names : lists)
      sizes.push_back(names.size());
    const std::vector<std::uint32_t> columns = columns_of_categories(infos, chosen_, sizes);
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (!lists[i].empty())
        spec.dictionaries.push_back({columns[i], std::move(lists[i])});
  }

  void add_outputs(forest_spec& spec, transform output) const {
    if (output == transform::sigmoid && num_sums_ != 1)
      refuse("the objective is binary, but there are ", num_sums_, " classes");
    // An estimator has the last word. A classifier of one score takes what becomes of it for the second class's
    // probability, whatever the objective. Of a user's own objective it gives the scores alone, since 3.0.
    if (around_.gives_scores() && spec.task == task::classification)
      spec.task = task::regression;
    const bool is_custom = spec.objective.empty() || spec.objective == "custom";
    if (around_.labels && (!is_custom || around_.is_before_3))
      spec.task = task::classification;
    if (spec.task != task::classification) {
      // One of several columns, for a softmax is over the columns of an output.
      spec.outputs.resize(1);
      spec.outputs[0].width = num_sums_;
      return;
    }
    output_spec classes;
    classes.width = num_sums_;
    std::uint32_t count = num_sums_;
    if (output == transform::sigmoid || (around_.labels && num_sums_ == 1)) {
      spec.epilogue.push_back({epilogue_step::operation::complement, 0, 0});
      count = 2;
    }
    spec.decision = decision::argmax_final;
    if (around_.labels) {
      classes.labels = *around_.labels;
      repeat_lone_label(classes.labels, count);
      if (classes.labels.size() != count)
        refuse(classes.labels.size(), " class labels, expected ", count);
    } else {
      classes.labels.type = dtype::int64;
      for (std::uint32_t k = 0; k < count; ++k)
        classes.labels.integers.push_back(k);
    }
    spec.outputs = {std::move(classes)};
  }

  // Leaves have the numbers 0 to num_leaves - 1, as the origin counts them; splits come behind.
  void add_tree(forest_builder& builder, const section& tree, std::uint32_t target) {
    const auto num_leaves = static_cast<std::uint32_t>(tree.integer("num_leaves", 1, 0x3fffffff));
    const std::uint32_t num_splits = num_leaves - 1;
    read_list(tree, "leaf_value", num_leaves, leaf_values_);
    builder.begin_tree(num_leaves + num_splits, target, num_splits == 0 ? 0 : num_leaves);
    if (num_splits != 0)
      add_splits(builder, tree, num_leaves);
    if (tree.find("is_linear") && tree.integer("is_linear", 0, 1) == 1) {
      add_linear_leaves(builder, tree, num_leaves);
    } else {
      for (std::uint32_t i = 0; i < num_leaves; ++i)
        builder.leaf(i, std::span(&leaf_values_[i], 1));
    }
    builder.end_tree();
  }

  // Of how many training rows reached each leaf and split, which no prediction needs.
  void add_covers(forest_builder& builder, const section& tree, std::uint32_t num_leaves) {
    if (!tree.find("leaf_count") || !tree.find("internal_count"))
      return;
    read_list(tree, "leaf_count", num_leaves, covers_);
    for (std::uint32_t i = 0; i < num_leaves; ++i)
      builder.cover(i, covers_[i]);
    read_list(tree, "internal_count", num_leaves - 1, covers_);
    for (std::uint32_t j = 0; j + 1 < num_leaves; ++j)
      builder.cover(num_leaves + j, covers_[j]);
  }

  void add_splits(forest_builder& builder, const section& tree, std::uint32_t num_leaves) {
    add_covers(builder, tree, num_leaves);
    const std::uint32_t num_splits = num_leaves - 1;
    read_list(tree, "split_feature", num_splits, columns_);
    read_list(tree, "threshold", num_splits, thresholds_);
    read_list(tree, "left_child", num_splits, left_);
    read_list(tree, "right_child", num_splits, right_);
    if (tree.find("decision_type"))
      read_list(tree, "decision_type", num_splits, decisions_);
    else
      decisions_.assign(num_splits, 0);
    const std::int64_t num_sets = tree.find("num_cat") ? tree.integer("num_cat", 0, 0x7ffffffe) : 0;
    if (num_sets > 0) {
      read_list(tree, "cat_boundaries", static_cast<std::size_t>(num_sets) + 1, set_ends_);
      const std::int64_t num_words = set_ends_.back();
      if (num_words < 0 || num_words > 0x7fffffff)
        refuse("cat_boundaries end at ", num_words, ", expected 0 to 2147483647");
      read_list(tree, "cat_threshold", static_cast<std::size_t>(num_words), set_words_);
      words_left_ = num_words;
    } else {
      set_ends_.clear();
    }
    const auto child = [&](std::int64_t number, std::uint32_t split, const char* side) {
      if (number < -static_cast<std::int64_t>(num_leaves) || number >= static_cast<std::int64_t>(num_splits))
        fail(errc::not_importable, text("split ", split), side, " is ", number, ", expected -", num_leaves, " to ",
             num_splits - 1);
      return static_cast<std::uint32_t>(number < 0 ? ~number : num_leaves + number);
    };
    for (std::uint32_t j = 0; j < num_splits; ++j) {
      const std::uint32_t left = child(left_[j], j, "left_child");
      const std::uint32_t right = child(right_[j], j, "right_child");
      if (columns_[j] < 0 || columns_[j] >= static_cast<std::int64_t>(num_columns_))
        fail(errc::not_importable, text("split ", j), "split_feature is ", columns_[j], ", expected 0 to ",
             num_columns_ - 1);
      const auto column = static_cast<std::uint32_t>(columns_[j]);
      const std::int64_t decision = decisions_[j];
      if (decision < 0 || decision > 15 || decision >> 2 == 3)
        fail(errc::not_importable, text("split ", j), "decision_type is ", decision,
             ", expected 0 to 11: a kind, a default side and a missing type");
      if ((decision & 1) != 0)
        builder.split_set(num_leaves + j, column, members(j), false, missing::right, left, right);
      else
        builder.split(num_leaves + j, column, comparison::less_equal, threshold_outside_zero(thresholds_[j]),
                      missing_of(decision), left, right);
    }
  }

  static missing missing_of(std::int64_t decision) noexcept {
    const bool default_left = (decision & 2) != 0;
    switch (decision >> 2) {
    case 0: return missing::as_zero;
    case 1: return default_left ? missing::zero_left : missing::zero_right;
    default: return default_left ? missing::left : missing::right;
    }
  }

  // The categories that go left at a split; its threshold is the number of the set.
  std::span<const std::uint32_t> members(std::uint32_t split) {
    const double number = thresholds_[split];
    if (!(number >= 0 && number + 1 < static_cast<double>(set_ends_.size())))
      fail(errc::not_importable, text("split ", split), "tests category set ", number, ", expected less than ",
           set_ends_.empty() ? 0 : set_ends_.size() - 1);
    const auto set = static_cast<std::size_t>(number);
    const std::int64_t begin = set_ends_[set];
    const std::int64_t end = set_ends_[set + 1];
    if (begin < 0 || end < begin || end > static_cast<std::int64_t>(set_words_.size()))
      fail(errc::not_importable, text("split ", split), "category set is words ", begin, " to ", end,
           ", expected 0 to ", set_words_.size());
    words_left_ -= end - begin;
    if (words_left_ < 0)
      fail(errc::not_importable, text("split ", split), "tests category set ", set,
           ", which overlaps those of other splits, expected one of its own");
    members_.clear();
    for (std::int64_t w = begin; w < end; ++w)
      for (std::uint32_t bit = 0; bit < 32; ++bit)
        if ((set_words_[static_cast<std::size_t>(w)] >> bit & 1) != 0)
          members_.push_back(static_cast<std::uint32_t>(w - begin) * 32 + bit);
    return members_;
  }

  void add_linear_leaves(forest_builder& builder, const section& tree, std::uint32_t num_leaves) {
    read_list(tree, "leaf_const", num_leaves, constants_);
    read_list(tree, "num_features", num_leaves, term_counts_);
    std::uint64_t total = 0;
    for (const std::uint32_t count : term_counts_)
      total += count;
    if (total > all_.size())
      refuse("linear leaves have ", total, " terms, expected fewer than the file has bytes");
    read_list(tree, "leaf_features", total, term_columns_);
    read_list(tree, "leaf_coeff", total, coefficients_);
    std::size_t at = 0;
    for (std::uint32_t i = 0; i < num_leaves; ++i) {
      const std::size_t count = term_counts_[i];
      builder.linear_leaf(i, constants_[i], leaf_values_[i], std::span(term_columns_).subspan(at, count),
                          std::span(coefficients_).subspan(at, count));
      at += count;
    }
  }

  std::string_view all_;
  lines lines_;
  wrapper around_;
  boosted_options options_;
  section header_;
  std::string version_;
  std::uint32_t num_sums_ = 1;
  std::uint32_t num_columns_ = 0;
  std::uint32_t num_iterations_ = 0;
  std::uint64_t num_trees_ = 0;
  std::size_t header_lines_ = 0;
  bool has_linear_ = false;
  std::string_view trees_;
  bool is_before_2_2_ = false;
  std::string_view pandas_;
  std::string_view chosen_; // the parameter categorical_feature
  // Of one tree.
  std::vector<double> leaf_values_;
  std::vector<std::int64_t> columns_;
  std::vector<double> thresholds_;
  std::vector<double> covers_;
  std::vector<std::int64_t> left_;
  std::vector<std::int64_t> right_;
  std::vector<std::int64_t> decisions_;
  std::vector<std::int64_t> set_ends_;
  std::vector<std::uint32_t> set_words_;
  std::int64_t words_left_ = 0; // that no split has tested: each has a set of its own
  std::vector<std::uint32_t> members_;
  std::vector<double> constants_;
  std::vector<std::uint32_t> term_counts_;
  std::vector<std::uint32_t> term_columns_;
  std::vector<double> coefficients_;
};

constexpr std::string_view booster_class = "lightgbm.basic.Booster";
constexpr std::array<std::string_view, 4> wrapper_classes = {
    "lightgbm.sklearn.LGBMClassifier", "lightgbm.sklearn.LGBMRegressor", "lightgbm.sklearn.LGBMRanker",
    "lightgbm.sklearn.LGBMModel"};

} // namespace

} // namespace lightgbm

using namespace lightgbm;

bool is_lightgbm_text(std::span<const std::byte> bytes) noexcept {
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 6));
  return start.starts_with("tree\n") || start.starts_with("tree\r\n");
}

forest_model import_lightgbm(std::span<const std::byte> text, const boosted_options& options,
                             const tree_progress& progress) {
  return model_reader(text, {.class_name = booster_class}, options).read(progress);
}

bool is_lightgbm_object(const pickle::value& object) noexcept {
  const std::string_view name = object.class_name();
  return name == booster_class ||
         std::find(wrapper_classes.begin(), wrapper_classes.end(), name) != wrapper_classes.end();
}

forest_model import_lightgbm_object(const pickle::value& object, const boosted_options& options, read_budget& budget,
                                    const tree_progress& progress) {
  wrapper around{.class_name = object.class_name()};
  const bool is_wrapper = around.class_name != booster_class;
  const auto booster = is_wrapper ? object.attr("_Booster") : std::optional(object);
  if (!booster || booster->class_name() != booster_class)
    refuse("the model has no Booster, expected a fitted one");
  std::optional<std::string_view> model;
  for (const std::string_view name : {"_handle", "handle"})
    if (const auto handle = booster->attr(name); handle && !model)
      model = handle->as_text();
  if (!model)
    refuse("the Booster holds no model text, expected one in _handle");
  budget.charge(model->size());
  if (const auto best = booster->attr("best_iteration"))
    if (const auto number = best->as_int(); number && *number > 0 && *number <= 0x7fffffff)
      around.best_iteration = static_cast<std::int32_t>(*number - 1);
  if (const auto lists = booster->attr("pandas_categorical"))
    around.categories = read_category_lists(*lists, budget); // up to 2.1 a pickled text lacks it
  around.is_before_3 = !object.attr("_n_features_in");
  if (const auto others = object.attr("_other_params"))
    if (const auto stops = others->find("pred_early_stop"))
      around.stops_early = !stops->is_none() && stops->as_int().value_or(1) != 0;
  if (around.is_classifier())
    for (const std::string_view name : {"_classes", "_le"})
      if (const auto found = object.attr(name); found && !found->is_none() && !around.labels) {
        const auto classes = name == "_le" ? found->attr("classes_") : found;
        if (classes && classes->as_array())
          around.labels = read_labels(*classes, budget);
      }
  return model_reader(std::as_bytes(std::span(model->data(), model->size())), std::move(around), options)
      .read(progress);
}

} // namespace petrify::inline v0
