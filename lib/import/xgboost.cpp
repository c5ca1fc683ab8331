#include "import/xgboost.hpp"

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

namespace petrify::inline v0 {

namespace {

using json::numbers;

// Raw columns of one model; real ones have thousands at most.
constexpr std::int64_t max_groups = 1 << 20;
constexpr std::int64_t no_child = -1;
// Expectiles of one row keep this distance, and so do the base scores before they become margins.
constexpr float least_gap = 1e-6f;

template <class... Pieces>
[[noreturn]] void refuse(const Pieces&... pieces) {
  fail(errc::not_importable, {}, pieces...);
}

const json::value& require(const json::value& from, std::string_view key) {
  const json::value* const found = from.find(key);
  if (found == nullptr)
    refuse("the model has no ", quoted(key));
  return *found;
}

// Numbers are texts in XGBoost's parameter tables, but not everywhere.
std::optional<std::int64_t> integer_of(const json::value& from) {
  if (const std::string* const digits = from.as_text()) {
    std::int64_t out = 0;
    const auto result = std::from_chars(digits->data(), digits->data() + digits->size(), out);
    return result.ec == std::errc() && result.ptr == digits->data() + digits->size() ? std::optional(out)
                                                                                     : std::nullopt;
  }
  return from.as_int();
}

std::int64_t require_integer(const json::value& table, std::string_view key, std::int64_t least, std::int64_t most) {
  const json::value& found = require(table, key);
  const auto out = integer_of(found);
  if (!out || *out < least || *out > most)
    refuse(key, " is ", found.describe(), ", expected ", least, " to ", most);
  return *out;
}

// A correctly rounded float32 from its text.
float require_float(std::string_view digits, std::string_view name) {
  float out = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (result.ec != std::errc() || result.ptr != digits.data() + digits.size())
    refuse(name, " is ", quoted(digits, 32), ", expected a number");
  return out;
}

// base_score: "5E-1", or since 3.1 "[5E-1]" or "[1E-1,2E-1]"; "(a,b)" has been seen too.
std::vector<float> base_scores_of(const json::value& from) {
  if (const auto number = from.as_real())
    return {static_cast<float>(*number)};
  const std::string* const written = from.as_text();
  if (written == nullptr)
    refuse("base_score is ", from.describe(), ", expected a number");
  std::string_view rest = *written;
  if (!rest.empty() && (rest.front() == '[' || rest.front() == '(')) {
    if (rest.back() != (rest.front() == '[' ? ']' : ')'))
      refuse("base_score is ", quoted(rest, 32), ", expected a closing bracket");
    rest = rest.substr(1, rest.size() - 2);
  }
  std::vector<float> out;
  for (;;) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    std::string_view one = rest.substr(0, comma);
    while (!one.empty() && one.front() == ' ')
      one.remove_prefix(1);
    out.push_back(require_float(one, "base_score"));
    if (comma == rest.size())
      return out;
    rest.remove_prefix(comma + 1);
  }
}

// What an objective does to margins, and what kind of model it makes.
enum class transform { identity, logistic, exponential, softmax, hinge, quantiles, expectiles };
struct objective {
  std::string_view name;
  transform output;
  petrify::task task;
};
constexpr std::array<objective, 21> objectives = {{
    {"reg:squarederror", transform::identity, task::regression},
    {"reg:linear", transform::identity, task::regression}, // read, but not written, by all releases
    {"reg:squaredlogerror", transform::identity, task::regression},
    {"reg:pseudohubererror", transform::identity, task::regression},
    {"reg:absoluteerror", transform::identity, task::regression},
    {"reg:quantileerror", transform::quantiles, task::regression},
    {"reg:expectileerror", transform::expectiles, task::regression},
    {"reg:logistic", transform::logistic, task::regression},
    {"reg:gamma", transform::exponential, task::regression},
    {"reg:tweedie", transform::exponential, task::regression},
    {"count:poisson", transform::exponential, task::regression},
    {"survival:cox", transform::exponential, task::regression},
    {"survival:aft", transform::exponential, task::regression},
    {"binary:logistic", transform::logistic, task::classification},
    {"binary:logitraw", transform::identity, task::classification},
    {"binary:hinge", transform::hinge, task::classification},
    {"multi:softmax", transform::softmax, task::classification},
    {"multi:softprob", transform::softmax, task::classification},
    {"rank:pairwise", transform::identity, task::ranking},
    {"rank:ndcg", transform::identity, task::ranking},
    {"rank:map", transform::identity, task::ranking},
}};

const objective& objective_of(const std::string& name) {
  const auto found = std::find_if(objectives.begin(), objectives.end(), [&](const auto& o) { return o.name == name; });
  if (found == objectives.end())
    refuse("the objective is ", quoted(name, 64), ", which petrify does not know");
  return *found;
}

struct version {
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::int64_t patch = 0;
  bool at_least(std::int64_t a, std::int64_t b, std::int64_t c = 0) const noexcept {
    return major != a ? major > a : minor != b ? minor > b : patch >= c;
  }
};

// What the Python classes around a Booster know beside it.
struct wrapper {
  std::string_view class_name;
  std::optional<label_list> labels; // of a classifier
  std::optional<double> missing;    // counts as missing beside NaN
  std::int64_t parallel_trees = 0;  // of a forest in each iteration; 0: not said

  // An estimator that is no classifier gives what the objective makes of the margin, also of an objective of classes.
  bool gives_scores() const noexcept {
    return class_name.starts_with("xgboost.sklearn.") && !class_name.ends_with("Classifier");
  }
};

// One array of a tree.
const numbers& array_of(const json::value& tree, std::string_view key, std::uint64_t size) {
  const json::value& found = require(tree, key);
  const numbers* const out = found.as_numbers();
  if (out == nullptr || out->size() != size)
    refuse(key, " is ", found.describe(), ", expected ", size, " numbers");
  return *out;
}

template <class... Pieces>
[[noreturn]] void refuse_node(std::uint64_t node, const Pieces&... pieces) {
  fail(errc::not_importable, text("node ", node), pieces...);
}

std::int64_t integer_at(const numbers& from, std::uint64_t i, std::string_view name, std::int64_t least,
                        std::int64_t most) {
  const auto out = from.integer(i);
  if (!out || *out < least || *out > most)
    refuse_node(i, name, " is ", out ? text(*out) : text(from.real(i)), ", expected ", least, " to ", most);
  return *out;
}

// The categories of a tree's nodes: which go right at each node that tests them.
class tree_categories {
public:
  tree_categories(const json::value& tree, std::uint64_t num_nodes) {
    const json::value* const types = tree.find("split_type"); // absent before 1.3
    if (types == nullptr || types->as_numbers() == nullptr || types->as_numbers()->size() == 0)
      return;
    types_ = &array_of(tree, "split_type", num_nodes);
    const json::value* const nodes = tree.find("categories_nodes");
    if (nodes == nullptr)
      return;
    nodes_ = nodes->as_numbers();
    if (nodes_ == nullptr)
      refuse("categories_nodes is ", nodes->describe(), ", expected numbers");
    segments_ = &array_of(tree, "categories_segments", nodes_->size());
    sizes_ = &array_of(tree, "categories_sizes", nodes_->size());
    categories_ = require(tree, "categories").as_numbers();
    if (categories_ == nullptr)
      refuse("categories is ", require(tree, "categories").describe(), ", expected numbers");
    for (std::uint64_t i = 1; i < nodes_->size(); ++i)
      if (nodes_->integer(i).value_or(-1) <= nodes_->integer(i - 1).value_or(-1))
        refuse("categories_nodes do not ascend at entry ", i);
  }

  bool tests(std::uint64_t node) const {
    return types_ != nullptr && integer_at(*types_, node, "split_type", 0, 1) == 1;
  }

  // The members of the set of a node that tests one. They are valid until the next call.
  std::span<const std::uint32_t> members(std::uint64_t node) {
    if (nodes_ == nullptr)
      refuse_node(node, "tests categories, but there are none");
    std::uint64_t low = 0;
    std::uint64_t high = nodes_->size();
    while (low < high) {
      const std::uint64_t middle = (low + high) / 2;
      if (nodes_->integer(middle).value_or(-1) < static_cast<std::int64_t>(node))
        low = middle + 1;
      else
        high = middle;
    }
    if (low == nodes_->size() || nodes_->integer(low) != static_cast<std::int64_t>(node))
      refuse_node(node, "tests categories, but is not among the nodes that have some");
    const std::int64_t all = static_cast<std::int64_t>(categories_->size());
    const std::int64_t begin = segments_->integer(low).value_or(-1);
    const std::int64_t size = sizes_->integer(low).value_or(-1);
    if (begin < 0 || size < 0 || begin > all || size > all - begin)
      refuse_node(node, "has ", size, " categories from ", begin, " on, expected them within ", all);
    members_.clear();
    for (std::int64_t i = begin; i < begin + size; ++i) {
      const auto category = categories_->integer(static_cast<std::uint64_t>(i));
      if (!category || *category < 0 || *category > 0xffffff)
        refuse_node(node, "category ", categories_->real(static_cast<std::uint64_t>(i)), ", expected 0 to 16777215");
      members_.push_back(static_cast<std::uint32_t>(*category));
    }
    return members_;
  }

  // All categories of the words that hold the set, but its members. From 1.6.0 to 1.7.2 a node sent categories beyond
  // these words its default way: where that is right, the set's complement goes left.
  std::span<const std::uint32_t> others(std::uint64_t node) {
    const auto set = members(node);
    std::uint32_t end = 0;
    for (const std::uint32_t member : set)
      end = std::max(end, (member / 32 + 1) * 32);
    std::vector<bool> is_member(end);
    for (const std::uint32_t member : set)
      is_member[member] = true;
    members_.clear();
    for (std::uint32_t category = 0; category < end; ++category)
      if (!is_member[category])
        members_.push_back(category);
    return members_;
  }

private:
  const numbers* types_ = nullptr;
  const numbers* nodes_ = nullptr;
  const numbers* segments_ = nullptr;
  const numbers* sizes_ = nullptr;
  const numbers* categories_ = nullptr;
  std::vector<std::uint32_t> members_;
};

class model_reader {
public:
  model_reader(const json::value& root, wrapper around, std::optional<std::uint32_t> max_iterations)
      : around_(std::move(around)), max_iterations_(max_iterations), learner_(require(root, "learner")) {
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

  // 1.x kept what its Python estimator knew in an attribute, as JSON: labels and the missing value.
  void read_attributes() {
    const json::value* const attributes = learner_.find("attributes");
    const json::value* const found = attributes == nullptr ? nullptr : attributes->find("scikit_learn");
    if (found == nullptr || found->as_text() == nullptr)
      return;
    const std::string& written = *found->as_text();
    if (!json::is_text(std::as_bytes(std::span(written))))
      return;
    const json::document estimator = json::parse_text(std::as_bytes(std::span(written)), json::reals::float64);
    if (const json::value* const missing = estimator.root().find("missing"); missing != nullptr && !around_.missing)
      around_.missing = missing->as_real();
    if (const json::value* const classes = estimator.root().find("classes_"); classes != nullptr && !around_.labels)
      around_.labels = labels_of(*classes);
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
      refuse(base_scores_.size(), " base scores, expected 1 or ", num_groups_);
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
    if (!max_iterations_)
      return all;
    if (*max_iterations_ > all)
      refuse(*max_iterations_, " iterations are asked for, but the model has ", all);
    return *max_iterations_;
  }

  // From 1.6.0 to 1.7.2 a category that is none, or beyond the words of the node's set, goes the node's default way.
  bool checks_categories() const noexcept { return version_.at_least(1, 6) && !version_.at_least(1, 7, 3); }
  // The Booster's output is the index of the class, not probabilities.
  bool is_index() const noexcept { return objective_->name == "multi:softmax"; }
  bool is_logitraw() const noexcept { return objective_->name == "binary:logitraw"; }

  // Margin of a base score, which is kept as what the objective makes of it. In float32, by C's logf, as in the origin.
  float margin_of(float base) const {
    // Until 1.3.0 logitraw took its base score for a probability.
    if (objective_->output == transform::logistic || (is_logitraw() && !version_.at_least(1, 3, 1))) {
      if (version_.at_least(3, 2))
        base = std::min(std::max(base, 1e-6f), 1.0f - 1e-6f);
      if (!(base > 0 && base < 1))
        refuse("base_score is ", base, ", expected a probability between 0 and 1");
      return -std::log(1.0f / base - 1.0f);
    }
    if (objective_->output == transform::exponential)
      return std::log(base);
    return base;
  }

  // Margin of each group. Expectiles behind the first have the margin of their distance to the one before.
  std::vector<float> margins() const {
    std::vector<float> out(num_groups_);
    for (std::uint32_t g = 0; g < num_groups_; ++g)
      out[g] = margin_of(base_scores_[base_scores_.size() == 1 ? 0 : g]);
    if (objective_->output == transform::expectiles)
      for (std::uint32_t g = num_groups_ - 1; g > 0; --g) {
        const float gap = std::max(out[g] - out[g - 1] - least_gap, least_gap);
        out[g] = gap + std::log(-std::expm1(-gap));
      }
    return out;
  }

  std::vector<epilogue_step> transform_steps() const {
    using op = epilogue_step::operation;
    switch (objective_->output) {
    case transform::identity: return {};
    // Since 1.6 the exponent is bounded, so that it does not become infinite.
    case transform::logistic:
      if (!version_.at_least(1, 6))
        return {{op::sigmoid, 1, 0}};
      return {{op::bounded_sigmoid, static_cast<double>(88.7f), 0}};
    case transform::exponential: return {{op::exp, 0, 0}};
    // A classifier whose Booster gives the index of the class makes probabilities of the margins with numpy.
    case transform::softmax:
      return {
          {is_index() && around_.class_name.ends_with("Classifier") ? op::softmax_numpy : op::softmax_wide_sum, 0, 0}};
    case transform::hinge: return {{op::is_positive, 0, 0}};
    // Since 3.4 quantiles do not cross.
    case transform::quantiles:
      if (num_groups_ == 1 || !version_.at_least(3, 4))
        return {};
      return {{op::sort, 0, 0}};
    case transform::expectiles:
      if (num_groups_ == 1)
        return {};
      return {{op::softplus_gaps, static_cast<double>(least_gap), 0}};
    }
    return {};
  }

  forest_spec describe() const {
    forest_spec spec;
    spec.library = "xgboost";
    spec.library_version = text(version_.major, ".", version_.minor, ".", version_.patch);
    spec.model_class = around_.class_name;
    spec.objective = objective_->name;
    spec.task = objective_->task;
    spec.num_columns = num_columns_;
    spec.column_names = texts_of("feature_names");
    spec.column_types = texts_of("feature_types");
    spec.best_iteration = best_iteration();
    spec.vector_leaves = vector_leaves_;
    spec.leaf_type = dtype::float32;
    spec.accumulator = dtype::float32;
    spec.start.resize(num_groups_);
    const std::vector<float> all_margins = margins();
    for (std::uint32_t g = 0; g < num_groups_; ++g) {
      const auto margin = static_cast<double>(all_margins[g]);
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
    for (const epilogue_step& step : transform_steps())
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
      add_dictionaries(spec, *cats);
  }

  // Since 3.1: the categories of the columns that the model was trained on, texts or numbers.
  void add_dictionaries(forest_spec& spec, const json::value& cats) const {
    const json::value& columns = require(cats, "enc");
    const json::list* const list = columns.as_list();
    if (list == nullptr || (!list->empty() && list->size() != num_columns_))
      refuse("the categories are ", columns.describe(), ", expected none or one of each of ", num_columns_, " columns");
    for (std::uint32_t j = 0; j < list->size(); ++j) {
      const json::value& one = (*list)[j];
      const numbers* const values = require(one, "values").as_numbers();
      if (values == nullptr)
        refuse("the categories of column ", j, " are ", require(one, "values").describe(), ", expected numbers");
      category_dictionary names{j, {}};
      // Before 3.4 XGBoost counted characters where it should have counted bytes: behind the first text that is not
      // ASCII the names are cut wrongly. They stay so when 3.4 saves such a model again; then most are no UTF-8.
      bool is_right = true;
      if (const json::value* const offsets = one.find("offsets")) {
        const numbers* const ends = offsets->as_numbers();
        if (ends == nullptr)
          refuse("the offsets of the categories of column ", j, " are ", offsets->describe(), ", expected numbers");
        for (std::uint64_t i = 1; i < ends->size(); ++i) {
          const std::int64_t begin = ends->integer(i - 1).value_or(-1);
          const std::int64_t end = ends->integer(i).value_or(-1);
          if (begin < 0 || end < begin || end > static_cast<std::int64_t>(values->size()))
            refuse("category ", i - 1, " of column ", j, " is bytes ", begin, " to ", end, " of ", values->size());
          std::string name;
          for (std::int64_t at = begin; at < end; ++at) {
            name += static_cast<char>(values->integer(static_cast<std::uint64_t>(at)).value_or(0));
            is_right &= static_cast<signed char>(name.back()) >= 0 || version_.at_least(3, 4);
          }
          is_right &= is_utf8(name);
          names.names.push_back(std::move(name));
        }
        if (!is_right)
          names.names.clear();
      } else {
        for (std::uint64_t i = 0; i < values->size(); ++i) {
          auto whole = values->integer(i);
          // uint16 and uint32, of which UBJSON has the signed ones alone.
          if (const std::int64_t type = whole && *whole < 0 ? integer_of(require(one, "type")).value_or(0) : 0;
              type == 12 || type == 14)
            *whole += type == 12 ? std::int64_t{1} << 16 : std::int64_t{1} << 32;
          names.names.push_back(whole ? text(*whole) : text(values->real(i)));
        }
      }
      if (!names.names.empty())
        spec.dictionaries.push_back(std::move(names));
    }
  }

  void add_outputs(forest_spec& spec) const {
    // A classifier decides whatever the objective is. Without an estimator the objective is all there is to go by, and
    // a model whose raw margin is its output predicts that.
    const bool decides = around_.gives_scores() ? is_index()
                                                : around_.labels || (objective_->task == task::classification &&
                                                                     objective_->name != "binary:logitraw");
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
      spec.decision = is_index() ? decision::argmax_raw : decision::argmax_final;
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
      // Trained on a single class: there is a probability all the same, and one label for both sides of it.
      if (out.labels.size() == 1 && count == 2) {
        const auto twice = [](auto& list) {
          if (!list.empty()) {
            const auto label = list.front();
            list.assign(2, label);
          }
        };
        twice(out.labels.integers);
        twice(out.labels.reals);
        twice(out.labels.texts);
      }
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

  std::int32_t best_iteration() const {
    const json::value* const attributes = learner_.find("attributes");
    const json::value* const found = attributes == nullptr ? nullptr : attributes->find("best_iteration");
    const auto number = found == nullptr ? std::nullopt : integer_of(*found);
    return number && *number >= 0 && *number < 0x7fffffff ? static_cast<std::int32_t>(*number) : -1;
  }

  void add_tree(forest_builder& builder, std::uint64_t t) const {
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
        builder.split_set(i, column, categories.others(i), false, nan_goes, to_left, to_right);
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
  std::optional<std::uint32_t> max_iterations_;
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
};

const json::value& model_in(const json::value& root) {
  const json::value* const inner = root.find("Model"); // beside "Config" in a pickle
  return inner == nullptr ? root : *inner;
}

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

constexpr std::string_view booster_class = "xgboost.core.Booster";
constexpr std::array<std::string_view, 5> wrapper_classes = {
    "xgboost.sklearn.XGBClassifier", "xgboost.sklearn.XGBRegressor", "xgboost.sklearn.XGBRanker",
    "xgboost.sklearn.XGBRFClassifier", "xgboost.sklearn.XGBRFRegressor"};

} // namespace

bool is_xgboost_model(const json::value& root) noexcept { return model_in(root).find("learner") != nullptr; }

forest_model import_xgboost(const json::value& root, const boosted_options& options, const tree_progress& progress) {
  return model_reader(model_in(root), {booster_class, {}, options.missing, 0}, options.max_iterations).read(progress);
}

bool is_xgboost_object(const pickle::value& object) noexcept {
  const std::string_view name = object.class_name();
  return name == booster_class ||
         std::find(wrapper_classes.begin(), wrapper_classes.end(), name) != wrapper_classes.end();
}

forest_model import_xgboost_object(const pickle::value& object, const boosted_options& options, read_budget& budget,
                                   const tree_progress& progress) {
  std::optional<std::uint32_t> max_iterations = options.max_iterations;
  wrapper around{object.class_name(), {}, options.missing, 0};
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
    if (around.class_name.ends_with("Classifier")) {
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
    // Python's predict stops at the best iteration when training stopped early.
    if (!max_iterations) {
      const json::value* const learner = model.find("learner");
      const json::value* const attributes = learner == nullptr ? nullptr : learner->find("attributes");
      const json::value* const best = attributes == nullptr ? nullptr : attributes->find("best_iteration");
      const auto number = best == nullptr ? std::nullopt : integer_of(*best);
      if (number && *number >= 0 && *number < 0x7fffffff)
        max_iterations = static_cast<std::uint32_t>(*number) + 1;
    }
  }
  return model_reader(model, std::move(around), max_iterations).read(progress);
}

} // namespace petrify::inline v0
