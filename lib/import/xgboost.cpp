#include "import/xgboost.hpp"

#include "import/xgboost_categories.hpp"
#include "import/xgboost_fields.hpp"
#include "import/xgboost_model.hpp"
#include "import/xgboost_objective.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace petrify::inline v0 {
namespace xgboost {

namespace {

using json::numbers;

// Raw columns of one model; real ones have thousands at most.
constexpr std::int64_t max_groups = 1 << 20;
constexpr std::int64_t no_child = -1;

class model_reader {
public:
  model_reader(const json::value& root, wrapper around, const boosted_options& options)
      : around_(std::move(around)), options_(options), learner_(require(root, "learner")) {
    read_version(root);
    read_attributes();
    read_parameters();
    find_trees();
  }

  forest_model read(const tree_progress& progress) {
    forest_spec spec = describe();
    const std::uint32_t num_iterations = used_iterations();
    const std::uint64_t num_trees = num_iterations == 0 ? 0 : iteration_ends_[num_iterations - 1];
    forest_builder builder(std::move(spec));
    std::uint32_t iteration = 0;
    for (std::uint64_t t = 0; t < num_trees; ++t) {
      try {
        add_tree(builder, t);
      } catch (const error& failure) {
        throw failure.where().starts_with("tree ") ? failure : failure.at({}, text("tree ", t));
      }
      while (iteration < num_iterations && iteration_ends_[iteration] == t + 1) {
        builder.end_iteration();
        ++iteration;
      }
      progress(t + 1, num_trees);
    }
    return builder.build();
  }

private:
  void read_version(const json::value& root) {
    // 1.0 and later have it; the tree arrays say the rest.
    const json::value* const list = root.find("version");
    const numbers* const parts = list == nullptr ? nullptr : list->as_numbers();
    if (parts == nullptr || parts->size() != 3)
      refuse("the model does not say which XGBoost wrote it, expected a version of three numbers");
    version_ = {parts->integer(0).value_or(-1), parts->integer(1).value_or(-1), parts->integer(2).value_or(-1)};
    if (version_.major < 1 || version_.minor < 0 || version_.patch < 0)
      refuse("XGBoost ", version_.major, ".", version_.minor, ", expected 1.0 or later");
  }

  // What the Python estimator that saved the file knew is in an attribute, as JSON: of 1.x labels and the missing
  // value, since 1.5 what kind it was.
  void read_attributes() {
    const json::value* const attributes = learner_.find("attributes");
    const json::value* const found = attributes == nullptr ? nullptr : attributes->find("scikit_learn");
    if (found == nullptr || found->as_text() == nullptr)
      return;
    const std::string& written = *found->as_text();
    if (!json::is_text(std::as_bytes(std::span(written))))
      return;
    const json::document document = json::parse_text(std::as_bytes(std::span(written)), json::reals::float64);
    const json::value& known = document.root();
    if (const json::value* const missing = known.find("missing"); missing != nullptr && !around_.missing)
      around_.missing = missing->as_real();
    if (const json::value* const classes = known.find("classes_"); classes != nullptr && !around_.labels)
      around_.labels = labels_of(*classes);
    const json::value* const type = known.find("_estimator_type"); // since 1.5
    if (type == nullptr || type->as_text() == nullptr || around_.kind != estimator::none)
      return;
    const std::string& name = *type->as_text();
    around_.kind = name == "classifier"  ? estimator::classifier
                   : name == "regressor" ? estimator::regressor
                   : name == "ranker"    ? estimator::ranker
                                         : estimator::none;
  }

  static std::optional<label_list> labels_of(const json::value& classes) {
    label_list out;
    if (const numbers* const all = classes.as_numbers(); all != nullptr && all->size() != 0) {
      const bool is_whole = all->is_whole();
      out.type = is_whole ? dtype::int64 : dtype::float64;
      for (std::size_t i = 0; i < all->size(); ++i)
        if (is_whole)
          out.integers.push_back(*all->integer(i));
        else
          out.reals.push_back(all->wide(i));
      return out;
    }
    const json::list* const list = classes.as_list();
    if (list == nullptr || list->empty())
      return std::nullopt;
    out.type = (*list)[0].as_bool() ? dtype::bool8 : dtype::string;
    for (const json::value& one : *list) {
      if (out.type == dtype::bool8 ? !one.as_bool() : one.as_text() == nullptr)
        refuse("classes_ has ", one.describe(), ", expected labels of one type");
      if (out.type == dtype::bool8)
        out.integers.push_back(*one.as_bool() ? 1 : 0);
      else
        out.texts.push_back(*one.as_text());
    }
    return out;
  }

  void read_parameters() {
    const json::value& parameters = require(learner_, "learner_model_param");
    num_columns_ = static_cast<std::uint32_t>(require_integer(parameters, "num_feature", 0, 0x7fffffff));
    const std::int64_t num_class = require_integer(parameters, "num_class", 0, max_groups);
    num_targets_ = parameters.find("num_target") == nullptr
                       ? 1
                       : static_cast<std::uint32_t>(require_integer(parameters, "num_target", 1, max_groups));
    if (num_class > 1 && num_targets_ > 1)
      refuse(num_class, " classes of ", num_targets_, " targets, expected one of both");
    num_groups_ = static_cast<std::uint32_t>(std::max<std::int64_t>({num_class, num_targets_, 1}));
    const std::string* const name = require(require(learner_, "objective"), "name").as_text();
    if (name == nullptr)
      refuse("the objective's name is ", require(require(learner_, "objective"), "name").describe(),
             ", expected a text");
    objective_ = &objective_of(*name);
    base_scores_ = base_scores_of(require(parameters, "base_score"));
    if (base_scores_.size() != 1 && base_scores_.size() != num_groups_)
      refuse(base_scores_.size(), " base scores, expected ", num_groups_ == 1 ? "1" : text("1 or ", num_groups_));
  }

  // Trees and dart's weights are in different places in different versions.
  void find_trees() {
    const json::value& booster = require(learner_, "gradient_booster");
    const std::string* const name = require(booster, "name").as_text();
    if (name == nullptr || (*name != "gbtree" && *name != "dart"))
      refuse("the booster is ", require(booster, "name").describe(), ", expected gbtree or dart");
    const json::value* const inner = booster.find("gbtree"); // dart up to 3.2
    model_ = &require(inner == nullptr ? booster : *inner, "model");
    for (const json::value* const place : {&booster, model_})
      if (const json::value* const found = place->find("weight_drop")) {
        weights_ = found->as_numbers();
        if (weights_ == nullptr)
          refuse("weight_drop is ", found->describe(), ", expected numbers");
      }
    trees_ = require(*model_, "trees").as_list();
    if (trees_ == nullptr)
      refuse("trees is ", require(*model_, "trees").describe(), ", expected a list");
    if (weights_ != nullptr && weights_->size() != trees_->size())
      refuse("weight_drop has ", weights_->size(), " weights for ", trees_->size(), " trees");
    if (*name == "dart" && weights_ == nullptr)
      refuse("the booster is dart, but there are no weight_drop");
    groups_ = &array_of(*model_, "tree_info", trees_->size());
    const json::value& parameters = require(*model_, "gbtree_model_param");
    const std::int64_t stated = require_integer(parameters, "num_trees", 0, 0x7fffffff);
    if (stated != static_cast<std::int64_t>(trees_->size()))
      refuse("num_trees is ", stated, ", but there are ", trees_->size(), " trees");
    read_vector_leaves();
    read_iterations(parameters);
  }

  void read_vector_leaves() {
    for (std::size_t t = 0; t < trees_->size(); ++t) {
      const std::int64_t width =
          require_integer(require((*trees_)[t], "tree_param"), "size_leaf_vector", 0, max_groups);
      const bool is_vector = width > 1;
      if (is_vector && width != num_groups_)
        fail(errc::not_importable, text("tree ", t), "leaves of ", width, " values, expected ", num_groups_);
      if (t != 0 && is_vector != vector_leaves_)
        fail(errc::not_importable, text("tree ", t), "leaves of ", width, " values, expected all trees to be alike");
      vector_leaves_ = is_vector;
    }
  }

  void read_iterations(const json::value& parameters) {
    const json::value* const stored = model_->find("iteration_indptr"); // since 2.0
    const numbers* const ends = stored == nullptr ? nullptr : stored->as_numbers();
    if (stored != nullptr && ends == nullptr)
      refuse("iteration_indptr is ", stored->describe(), ", expected numbers");
    if (ends != nullptr && ends->size() != 0 && ends->integer(0) != 0)
      refuse("the first iteration begins at tree ", ends->real(0), ", expected 0");
    if (ends != nullptr && (ends->size() > 1 || !trees_->empty())) {
      std::int64_t previous = 0;
      for (std::size_t i = 1; i < ends->size(); ++i) {
        const std::int64_t end = ends->integer(i).value_or(-1);
        if (end < previous || end > static_cast<std::int64_t>(trees_->size()))
          refuse("iteration ", i - 1, " ends at tree ", end, ", expected ", previous, " to ", trees_->size());
        iteration_ends_.push_back(static_cast<std::uint32_t>(end));
        previous = end;
      }
      if (previous != static_cast<std::int64_t>(trees_->size()))
        refuse("iterations end at tree ", previous, ", expected ", trees_->size());
      return;
    }
    // 1.6 and later say it in the model; before, only a pickle does. A model file leaves no way to tell, and nothing
    // depends on it but how many trees an iteration limit keeps.
    const std::int64_t parallel = parameters.find("num_parallel_tree") == nullptr
                                      ? around_.parallel_trees
                                      : require_integer(parameters, "num_parallel_tree", 0, 0x7fffffff);
    const std::uint64_t each =
        static_cast<std::uint64_t>(std::max<std::int64_t>(parallel, 1)) * (vector_leaves_ ? 1 : num_groups_);
    if (trees_->size() % each != 0)
      refuse(trees_->size(), " trees, expected a multiple of the ", each, " of an iteration");
    for (std::uint64_t end = each; end <= trees_->size(); end += each)
      iteration_ends_.push_back(static_cast<std::uint32_t>(end));
  }

  std::uint32_t used_iterations() const {
    const auto all = static_cast<std::uint32_t>(iteration_ends_.size());
    if (!options_.max_iterations && around_.stops_at_best())
      if (const std::int32_t best = best_iteration_of(learner_); best >= 0) {
        if (static_cast<std::uint32_t>(best) >= all)
          refuse("best_iteration is ", best, ", but the model has ", all, " iterations");
        return static_cast<std::uint32_t>(best) + 1;
      }
    return iterations_asked_for(options_.max_iterations, all);
  }

  // From 1.6.0 to 1.7.2 a category that is none, or beyond the words of the node's set, goes the node's default way.
  bool checks_categories() const noexcept { return version_.at_least(1, 6) && !version_.at_least(1, 7, 3); }

  forest_spec describe() const {
    forest_spec spec;
    spec.library = "xgboost";
    spec.layout = options_.layout;
    spec.library_version = text(version_.major, ".", version_.minor, ".", version_.patch);
    spec.model_class = around_.class_name;
    spec.objective = objective_->name;
    spec.task = objective_->task;
    spec.num_columns = num_columns_;
    spec.column_names = texts_of("feature_names");
    spec.column_types = texts_of("feature_types");
    spec.best_iteration = best_iteration_of(learner_);
    spec.vector_leaves = vector_leaves_;
    spec.leaf_type = dtype::float32;
    spec.accumulator = dtype::float32;
    spec.start.resize(num_groups_);
    const std::vector<float> margins = margins_of(*objective_, version_, base_scores_, num_groups_);
    for (std::uint32_t g = 0; g < num_groups_; ++g) {
      const auto margin = static_cast<double>(margins[g]);
      // Without trees there is nothing to add to, but in 1.0.
      const bool has_sum = !version_.at_least(1, 2) || !trees_->empty();
      if (version_.at_least(1, weights_ == nullptr ? 3 : 4) || !has_sum)
        spec.start[g] = margin;
      else // the trees' sum came first
        spec.epilogue.push_back({epilogue_step::operation::add, margin, g});
    }
    spec.num_raw_steps = static_cast<std::uint32_t>(spec.epilogue.size());
    if (around_.missing && !std::isnan(*around_.missing))
      spec.steps = {{row_step::operation::missing, row_step::every_column, *around_.missing, 0}};
    // A classifier whose Booster gives the index of the class makes probabilities of the margins with numpy.
    const bool by_numpy = objective_->is_index() && around_.is_classifier();
    for (const epilogue_step& step : transform_steps(*objective_, version_, num_groups_, by_numpy))
      spec.epilogue.push_back(step);
    add_categories(spec);
    add_outputs(spec);
    return spec;
  }

  void add_categories(forest_spec& spec) const {
    const categories_as rule = checks_categories() ? categories_as::xgboost_strict : categories_as::xgboost;
    std::set<std::uint32_t> has_sets; // by what the trees hold: a file of a few bytes can declare 2^31 columns
    for (const json::value& tree : *trees_) {
      const json::value* const types = tree.find("split_type");
      const numbers* const kinds = types == nullptr ? nullptr : types->as_numbers();
      const json::value* const columns = tree.find("split_indices");
      const numbers* const indices = columns == nullptr ? nullptr : columns->as_numbers();
      if (kinds == nullptr || indices == nullptr || kinds->size() != indices->size())
        continue; // add_tree says what is wrong
      for (std::uint64_t i = 0; i < kinds->size(); ++i)
        if (kinds->integer(i) == 1)
          if (const auto column = indices->integer(i); column && *column >= 0 && *column < num_columns_)
            has_sets.insert(static_cast<std::uint32_t>(*column));
    }
    for (const std::uint32_t column : has_sets)
      spec.categories.push_back({column, rule, {}, {}});
    if (const json::value* const cats = model_->find("cats"))
      spec.dictionaries = category_names(*cats, num_columns_, version_);
  }

  void add_outputs(forest_spec& spec) const {
    // A classifier decides whatever the objective is. Without an estimator the objective is all there is to go by, and
    // a model whose raw margin is its output predicts that.
    const bool decides =
        around_.gives_scores()
            ? objective_->is_index()
            : around_.is_classifier() || (objective_->task == task::classification && !objective_->is_logitraw());
    if (!decides) {
      if (objective_->task == task::classification)
        spec.task = task::regression;
      // A softmax is over the columns of an output.
      const bool is_softmax = objective_->output == transform::softmax;
      spec.outputs.assign(is_softmax ? 1 : num_groups_, number(is_softmax ? num_groups_ : 1));
      return;
    }
    spec.task = task::classification;
    if (objective_->output == transform::softmax) {
      spec.outputs = {classes(num_groups_, num_groups_)};
      spec.decision = objective_->is_index() ? decision::argmax_raw : decision::argmax_final;
      return;
    }
    spec.decision = decision::cut_final;
    spec.cut = 0.5;
    // Several labels at once have one probability each; one label has two.
    if (num_groups_ == 1)
      spec.epilogue.push_back({epilogue_step::operation::complement, 0, 0});
    spec.outputs.assign(num_groups_, classes(1, 2));
  }

  static output_spec number(std::uint32_t width) {
    output_spec out;
    out.width = width;
    out.value_type = dtype::float32;
    return out;
  }

  output_spec classes(std::uint32_t width, std::uint32_t count) const {
    output_spec out;
    out.width = width;
    if (around_.labels && num_targets_ == 1) {
      out.labels = *around_.labels;
      repeat_lone_label(out.labels, count);
      if (out.labels.size() != count)
        refuse(out.labels.size(), " class labels, expected ", count);
      return out;
    }
    // Numbers; a regressor gives them as such.
    out.labels.type = around_.gives_scores() ? dtype::float32 : dtype::int64;
    for (std::uint32_t k = 0; k < count; ++k)
      if (around_.gives_scores())
        out.labels.reals.push_back(k);
      else
        out.labels.integers.push_back(k);
    return out;
  }

  std::vector<std::string> texts_of(std::string_view key) const {
    std::vector<std::string> out;
    const json::value* const found = learner_.find(key);
    if (found == nullptr)
      return out;
    const json::list* const list = found->as_list();
    if (list == nullptr)
      refuse(key, " is ", found->describe(), ", expected a list of texts");
    for (const json::value& one : *list) {
      if (one.as_text() == nullptr)
        refuse(key, " has ", one.describe(), ", expected texts");
      out.push_back(*one.as_text());
    }
    if (!out.empty() && out.size() != num_columns_)
      refuse(key, " has ", out.size(), " texts, expected ", num_columns_);
    return out;
  }

  void add_tree(forest_builder& builder, std::uint64_t t) {
    const json::value& tree = (*trees_)[t];
    // The origin puts each tree at the place that its id says.
    if (tree.find("id") != nullptr)
      require_integer(tree, "id", static_cast<std::int64_t>(t), static_cast<std::int64_t>(t));
    const auto num_nodes =
        static_cast<std::uint32_t>(require_integer(require(tree, "tree_param"), "num_nodes", 1, 0x7fffffff));
    const numbers& left = array_of(tree, "left_children", num_nodes);
    const numbers& right = array_of(tree, "right_children", num_nodes);
    const numbers& columns = array_of(tree, "split_indices", num_nodes);
    const numbers& conditions = array_of(tree, "split_conditions", num_nodes);
    const numbers& default_left = array_of(tree, "default_left", num_nodes);
    tree_categories categories(tree, num_nodes);
    // No prediction needs it, so a tree may do without.
    const json::value* const hessians = tree.find("sum_hessian");
    const numbers* const cover = hessians == nullptr ? nullptr : hessians->as_numbers();
    const std::int64_t target = groups_->integer(t).value_or(-1);
    if (target < 0 || target >= num_groups_)
      refuse("tree_info is ", target, ", expected 0 to ", num_groups_ - 1);
    const float weight = weights_ == nullptr ? 1.0f : weights_->real(t);
    // Up to 3.2 each of dart's trees predicts by itself, added to zero: a leaf of -0.0 then is 0.0.
    const float zero_before_weight = version_.at_least(3, 3) ? -0.0f : 0.0f;

    const std::vector<bool> reached = reachable(left, right, num_nodes);
    builder.begin_tree(num_nodes, vector_leaves_ ? 0 : static_cast<std::uint32_t>(target));
    std::vector<double> values(vector_leaves_ ? num_groups_ : 1);
    for (std::uint32_t i = 0; i < num_nodes; ++i) {
      if (!reached[i]) { // deleted by pruning
        builder.unused(i);
        continue;
      }
      if (cover != nullptr && cover->size() == num_nodes)
        builder.cover(i, static_cast<double>(cover->real(i)));
      if (left.integer(i) == no_child) {
        if (vector_leaves_)
          read_vector(tree, right, i, num_nodes, values);
        else
          values[0] = static_cast<double>(conditions.real(i));
        if (weights_ != nullptr)
          for (double& value : values)
            value = static_cast<double>((zero_before_weight + static_cast<float>(value)) * weight);
        builder.leaf(i, values);
        continue;
      }
      const auto column =
          static_cast<std::uint32_t>(integer_at(columns, i, "split_indices", 0, std::int64_t{num_columns_} - 1));
      const auto to_left = static_cast<std::uint32_t>(*left.integer(i));
      const auto to_right = static_cast<std::uint32_t>(*right.integer(i));
      const missing nan_goes = integer_at(default_left, i, "default_left", 0, 1) == 1 ? missing::left : missing::right;
      if (categories.tests(i) && checks_categories() && nan_goes == missing::right)
        builder.split_set(i, column, categories.others(i, complement_words_), false, nan_goes, to_left, to_right);
      else if (categories.tests(i))
        builder.split_set(i, column, categories.members(i), true, nan_goes, to_left, to_right);
      else
        builder.split(i, column, comparison::less, static_cast<double>(conditions.real(i)), nan_goes, to_left,
                      to_right);
    }
    builder.end_tree();
  }

  // Which nodes the root leads to; pruning leaves others behind. Checks all children that it meets.
  static std::vector<bool> reachable(const numbers& left, const numbers& right, std::uint32_t num_nodes) {
    std::vector<bool> out(num_nodes);
    std::vector<std::uint32_t> pending{0};
    out[0] = true;
    while (!pending.empty()) {
      const std::uint32_t i = pending.back();
      pending.pop_back();
      if (left.integer(i) == no_child)
        continue;
      for (const numbers* const side : {&left, &right}) {
        const auto child = static_cast<std::uint32_t>(
            integer_at(*side, i, side == &left ? "left_children" : "right_children", 0, std::int64_t{num_nodes} - 1));
        // The builder refuses a node with two parents.
        if (!out[child])
          pending.push_back(child);
        out[child] = true;
      }
    }
    return out;
  }

  // A leaf's vector. Until 3.1 it is the leaf's row of base_weights, of one for each node; then leaf_weights has rows
  // for leaves alone, and the leaf's right child is the number of its row.
  void read_vector(const json::value& tree, const numbers& right, std::uint32_t leaf, std::uint32_t num_nodes,
                   std::vector<double>& out) const {
    const json::value* const table = tree.find("leaf_weights");
    const bool own_rows = table != nullptr && table->as_numbers() != nullptr && table->as_numbers()->size() != 0;
    const numbers& rows =
        own_rows ? *table->as_numbers() : array_of(tree, "base_weights", std::uint64_t{num_nodes} * num_groups_);
    if (!own_rows && right.integer(leaf) != no_child)
      refuse_node(leaf, "its row of leaf_weights is ", right.real(leaf), ", but there are none");
    if (rows.size() % num_groups_ != 0)
      refuse("leaf_weights has ", rows.size(), " numbers, expected rows of ", num_groups_);
    const auto row =
        static_cast<std::uint64_t>(own_rows ? integer_at(right, leaf, "right_children of a leaf", 0,
                                                         static_cast<std::int64_t>(rows.size() / num_groups_) - 1)
                                            : leaf);
    for (std::uint32_t k = 0; k < num_groups_; ++k)
      out[k] = static_cast<double>(rows.real(row * num_groups_ + k));
  }

  wrapper around_;
  boosted_options options_;
  const json::value& learner_;
  version version_;
  std::uint32_t num_columns_ = 0;
  std::uint32_t num_targets_ = 1;
  std::uint32_t num_groups_ = 1;
  std::vector<float> base_scores_;
  const objective* objective_ = nullptr;
  const json::value* model_ = nullptr;
  const json::list* trees_ = nullptr;
  const numbers* weights_ = nullptr; // dart
  const numbers* groups_ = nullptr;
  bool vector_leaves_ = false;
  std::vector<std::uint32_t> iteration_ends_;
  std::uint64_t complement_words_ = std::uint64_t{1} << 21; // see tree_categories::others
};

} // namespace

const json::value& model_in(const json::value& root) noexcept {
  const json::value* const inner = root.find("Model");
  return inner == nullptr ? root : *inner;
}

forest_model read_model(const json::value& model, wrapper around, const boosted_options& options,
                        const tree_progress& progress) {
  return model_reader(model, std::move(around), options).read(progress);
}

} // namespace xgboost

bool is_xgboost_model(const json::value& root) noexcept { return xgboost::model_in(root).find("learner") != nullptr; }

forest_model import_xgboost(const json::value& root, const boosted_options& options, const tree_progress& progress) {
  return xgboost::read_model(xgboost::model_in(root), {.missing = options.missing}, options, progress);
}

} // namespace petrify::inline v0
