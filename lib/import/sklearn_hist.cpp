// HistGradientBoostingClassifier and HistGradientBoostingRegressor.
#include "import/sklearn_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <optional>

namespace petrify::inline v0 {
namespace sklearn {

namespace {

constexpr std::uint32_t max_classes = 1 << 20;
constexpr std::size_t bitset_words = 8; // 256 categories

// The columns of a predictor's `nodes`, found by name: their sizes and places differ by version.
struct node_columns {
  // Before 0.24 there are no categories.
  node_columns(const numpy_array& nodes, bool has_categories)
      : value(nodes, "value"), feature(nodes, "feature_idx"),
        threshold(nodes, has_categories ? "num_threshold" : "threshold"), missing_left(nodes, "missing_go_to_left"),
        left(nodes, "left"), right(nodes, "right"), is_leaf(nodes, "is_leaf") {
    if (nodes.dtype->find("count") != nullptr)
      cover.emplace(nodes, "count");
    if (!has_categories)
      return;
    is_categorical.emplace(nodes, "is_categorical");
    bitset.emplace(nodes, "bitset_idx");
  }
  numpy_cursor<double> value;
  numpy_cursor<std::int64_t> feature;
  numpy_cursor<double> threshold;
  numpy_cursor<std::int64_t> missing_left;
  numpy_cursor<std::int64_t> left;
  numpy_cursor<std::int64_t> right;
  numpy_cursor<std::int64_t> is_leaf;
  std::optional<numpy_cursor<double>> cover; // training rows that reached a node
  std::optional<numpy_cursor<std::int64_t>> is_categorical;
  std::optional<numpy_cursor<std::int64_t>> bitset;
};

class model_reader {
public:
  explicit model_reader(const source& from)
      : from_(from), version_(version_of(from.object)), num_features_(counted_features(from)),
        feature_columns_(columns_of(from.before, all_features())) {}

  forest_model read() {
    forest_spec spec = describe(from_);
    const std::string_view loss = require_loss();
    spec.objective = loss;
    spec.comparisons = compare_as::float64;
    const std::uint32_t width =
        require_count(require_attr(from_.object, "n_trees_per_iteration_"), "n_trees_per_iteration_");
    if (width > max_classes)
      refuse("n_trees_per_iteration_ is ", width, ", expected at most ", max_classes);
    const pickle::value baseline = require_attr(from_.object, "_baseline_prediction");
    if (const auto number = baseline.as_real()) // before 1.1, where it is one
      spec.start = {*number};
    else
      spec.start = require_reals(baseline, "_baseline_prediction", from_.budget);
    if (spec.start.size() != width)
      refuse("_baseline_prediction has ", spec.start.size(), " numbers, expected ", width);
    add_output(spec, width, loss);
    read_categories(spec);

    const pickle::value iterations = require_attr(from_.object, "_predictors");
    if (!iterations.is(pickle::kind::list) || iterations.size() == 0)
      refuse("_predictors is ", iterations.describe(), ", expected a list of iterations");
    const std::size_t num_iterations = iterations_asked_for(from_.iterations, iterations.size());
    forest_builder builder(std::move(spec));
    std::size_t number = 0;
    for (std::size_t i = 0; i < num_iterations; ++i) {
      const pickle::value trees = iterations[i];
      if (trees.size() != width)
        refuse("iteration ", i, " is ", what_is(trees), ", expected ", width, width == 1 ? " tree" : " trees");
      for (std::uint32_t k = 0; k < width; ++k, ++number) {
        try {
          add_tree(builder, trees[k], k);
        } catch (const error& failure) {
          throw failure.where().starts_with("tree ") ? failure : failure.at({}, text("tree ", number));
        }
      }
      builder.end_iteration();
      from_.progress(i + 1, num_iterations);
    }
    return builder.build();
  }

private:
  // Every feature has an array of its own in the file: a file of a few bytes can say 2^31.
  static std::uint32_t counted_features(const source& from) {
    const std::uint32_t count = num_features(from.object);
    from.budget.charge(4 * std::uint64_t{count});
    return count;
  }

  // The parameter `loss`. Predictions follow the object _loss, which says the same unless one of both is wrong.
  std::string_view require_loss() const {
    using namespace std::string_view_literals;
    static constexpr std::array classifier = {"log_loss"sv, "auto"sv, "binary_crossentropy"sv,
                                              "categorical_crossentropy"sv};
    static constexpr std::array regressor = {
        "squared_error"sv, "absolute_error"sv,          "poisson"sv, "gamma"sv, "quantile"sv,
        "least_squares"sv, "least_absolute_deviation"sv};
    const pickle::value value = require_attr(from_.object, "loss");
    const auto loss = value.as_text();
    const auto is_one_of = [&](const auto& known) {
      return std::find(known.begin(), known.end(), loss) != known.end();
    };
    if (!loss || !(from_.kind.is_classifier ? is_one_of(classifier) : is_one_of(regressor)))
      refuse("loss is ", loss ? quoted(*loss) : value.describe(), ", expected ",
             from_.kind.is_classifier ? "log_loss" : "squared_error, absolute_error, poisson, gamma or quantile");
    const auto used = from_.object.attr("_loss");
    const auto is_used = [&](std::string_view name) {
      return used->class_name().substr(used->class_name().rfind('.') + 1).find(name) != std::string_view::npos;
    };
    if (used && (is_used("Poisson") != (loss == "poisson") || is_used("Gamma") != (loss == "gamma")))
      refuse("loss is ", quoted(*loss), ", but _loss is ", used->describe());
    return *loss;
  }

  std::vector<std::uint32_t> all_features() const {
    std::vector<std::uint32_t> out(num_features_);
    for (std::uint32_t j = 0; j < num_features_; ++j)
      out[j] = j;
    return out;
  }

  void add_output(forest_spec& spec, std::uint32_t width, std::string_view loss) const {
    using op = epilogue_step::operation;
    output_spec output;
    output.width = width;
    if (!from_.kind.is_classifier) {
      if (width != 1)
        refuse(width, " trees in an iteration of a regression, expected one");
      if (loss == "poisson" || loss == "gamma")
        spec.epilogue = {{op::exp, 0, 0}};
      spec.outputs = {output};
      return;
    }
    output.labels = labels_of(from_);
    const std::size_t expected = width == 1 ? 2 : width;
    if (output.labels.size() != expected)
      refuse("classes_ has ", output.labels.size(), " labels for ", width, " trees in an iteration, expected ",
             expected);
    spec.outputs = {std::move(output)};
    if (width == 1)
      spec.epilogue = {{op::sigmoid, 1, 0}, {op::complement, 0, 0}};
    else
      spec.epilogue = {{version_.at_least(1, 1) ? op::softmax : op::softmax_by_logarithm, 0, 0}};
    // Until 1.4 the class is that of the greatest probability; since then the raw scores decide.
    spec.decision = !version_.at_least(1, 5) ? decision::argmax_final
                    : width == 1             ? decision::cut_raw
                                             : decision::argmax_raw;
  }

  // Columns of categories, of which there are none before 0.24. Since 1.4 an encoder comes first: it puts them in front
  // and numbers their values.
  void read_categories(forest_spec& spec) {
    is_categorical_.resize(num_features_);
    if (!version_.at_least(0, 24))
      return;
    const pickle::value mapper = require_attr(from_.object, "_bin_mapper");
    const auto encoder = from_.object.attr("_preprocessor");
    const bool is_encoded = encoder && !encoder->is_none();
    const auto marked = from_.object.attr("is_categorical_");
    if (is_encoded && (!marked || marked->is_none()))
      refuse("the model has an encoder, but no is_categorical_");
    const std::vector<bool> is_categorical =
        flags_of(require_attr(mapper, "is_categorical_"), "the _bin_mapper's is_categorical_");
    // What the model says of its columns. The encoder puts those of categories first.
    std::vector<bool> expected(num_features_);
    if (marked && !marked->is_none())
      expected = flags_of(*marked, "is_categorical_");
    std::optional<pickle::value> lists;
    if (is_encoded) {
      lists = encoder_categories(*encoder, expected);
      reorder(expected);
      std::stable_sort(expected.begin(), expected.end(), std::greater<>());
    }
    for (std::uint32_t f = 0; f < num_features_; ++f)
      if (is_categorical[f] != expected[f])
        refuse("the _bin_mapper's is_categorical_ says ", is_categorical[f] ? "yes" : "no", " of feature ", f,
               ", but the model's own says ", expected[f] ? "yes" : "no");
    is_categorical_ = is_categorical;
    const pickle::value thresholds = require_attr(mapper, "bin_thresholds_");
    if (thresholds.size() != num_features_)
      refuse("bin_thresholds_ is ", what_is(thresholds), ", expected one of each of ", num_features_, " features");
    std::size_t seen = 0;
    for (std::uint32_t f = 0; f < num_features_; ++f) {
      if (!is_categorical[f])
        continue;
      category_column column;
      column.column = feature_columns_[f];
      // Before 1.2 negative values are cast like all others; since then they are missing.
      column.rule = version_.at_least(1, 2) ? categories_as::hist_gradient_boosting
                                            : categories_as::hist_gradient_boosting_wrapped;
      std::vector<std::uint32_t> known;
      for (const double code : require_reals(thresholds[f], "bin_thresholds_", from_.budget)) {
        if (!(code >= 0 && code < 256) || std::trunc(code) != code)
          refuse("bin_thresholds_ of feature ", f, " has ", code, ", expected categories 0 to 255");
        known.push_back(static_cast<std::uint32_t>(code));
      }
      column.known = std::move(known);
      if (lists) {
        if (seen >= lists->size())
          refuse("the encoder has the categories of ", lists->size(), " columns, expected one of each");
        add_list(spec, column, (*lists)[seen++]);
      }
      spec.categories.push_back(std::move(column));
    }
    if (lists && seen != lists->size())
      refuse("the encoder has the categories of ", lists->size(), " columns, expected ", seen);
    std::sort(spec.dictionaries.begin(), spec.dictionaries.end(),
              [](const category_dictionary& a, const category_dictionary& b) { return a.column < b.column; });
  }

  std::vector<bool> flags_of(const pickle::value& value, std::string_view name) const {
    const std::vector<double> numbers = require_reals(value, name, from_.budget);
    if (numbers.size() != num_features_)
      refuse(name, " has ", numbers.size(), " entries, expected ", num_features_);
    std::vector<bool> out(num_features_);
    for (std::uint32_t j = 0; j < num_features_; ++j)
      out[j] = numbers[j] != 0;
    return out;
  }

  void reorder(const std::vector<bool>& is_categorical) {
    std::vector<std::uint32_t> order;
    for (const bool wanted : {true, false})
      for (std::uint32_t j = 0; j < num_features_; ++j)
        if (is_categorical[j] == wanted)
          order.push_back(feature_columns_[j]);
    feature_columns_ = std::move(order);
  }

  // The categories_ of the OrdinalEncoder inside the ColumnTransformer.
  pickle::value encoder_categories(const pickle::value& transformer, const std::vector<bool>& is_categorical) const {
    if (transformer.class_name() != "sklearn.compose._column_transformer.ColumnTransformer")
      refuse("_preprocessor is ", transformer.describe(), ", expected a ColumnTransformer");
    const pickle::value parts = require_attr(transformer, "transformers_");
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const pickle::value part = parts[i];
      if (part.size() == 3 && part[0].as_text() == "encoder") {
        if (part[1].class_name() != "sklearn.preprocessing._encoders.OrdinalEncoder")
          refuse("the encoder is ", part[1].describe(), ", expected an OrdinalEncoder");
        if (i != 0)
          refuse("the encoder is transformer ", i, ", expected the first one");
        if (flags_of(part[2], "the encoder's columns") != is_categorical)
          refuse("the encoder's columns are others than is_categorical_ says");
        return require_attr(part[1], "categories_");
      }
    }
    refuse("_preprocessor has no encoder");
  }

  // The values that an encoder numbers: numbers are looked up as such; texts come as their numbers, with their names.
  void add_list(forest_spec& spec, category_column& column, const pickle::value& list) const {
    const auto array = list.as_array();
    if (!array)
      refuse("categories_ has ", list.describe(), ", expected arrays");
    column.rule = categories_as::listed;
    const bool is_text =
        array->dtype->kind == 'U' || (array->dtype->kind == 'O' && list.size() != 0 && list[0].as_text().has_value());
    if (!is_text) {
      for (const double x : require_reals(list, "categories_", from_.budget))
        if (!std::isnan(x)) // the category of missing values, at the end
          column.values.push_back(x == 0 ? 0.0 : x);
      return;
    }
    category_dictionary names{column.column, {}};
    if (array->dtype->kind == 'U') {
      names.names = to_strings(*array);
    } else {
      for (std::size_t i = 0; i < list.size(); ++i) {
        if (const auto name = list[i].as_text())
          names.names.emplace_back(*name);
        else if (i + 1 != list.size()) // None or NaN, at the end
          refuse("categories_ has ", list[i].describe(), " among texts");
      }
    }
    for (std::size_t i = 0; i < names.names.size(); ++i)
      column.values.push_back(static_cast<double>(i));
    spec.dictionaries.push_back(std::move(names));
  }

  void add_tree(forest_builder& builder, const pickle::value& predictor, std::uint32_t target) {
    if (!predictor.class_name().ends_with("_hist_gradient_boosting.predictor.TreePredictor"))
      refuse(predictor.describe(), ", expected a TreePredictor");
    const auto nodes = require_attr(predictor, "nodes").as_array();
    if (!nodes || nodes->shape.size() != 1 || nodes->shape[0] == 0 || nodes->shape[0] > 0x7fffffff)
      refuse("the tree's nodes are ", require_attr(predictor, "nodes").describe(),
             ", expected an array of 1 to 2^31 - 1 records");
    from_.budget.charge(nodes->data.size());
    const bool has_categories = version_.at_least(0, 24);
    node_columns columns(*nodes, has_categories);
    const auto num_nodes = static_cast<std::uint32_t>(nodes->shape[0]);
    std::vector<std::int64_t> words;
    if (has_categories) {
      const pickle::value sets = require_attr(predictor, "raw_left_cat_bitsets");
      const auto bitsets = sets.as_array();
      if (!bitsets || bitsets->dtype->kind != 'u' || bitsets->dtype->item_size != 4 || bitsets->shape.size() != 2 ||
          bitsets->shape[1] != bitset_words)
        refuse("raw_left_cat_bitsets is ", sets.describe(), ", expected rows of 8 words of 32 bits");
      from_.budget.charge(bitsets->data.size());
      words = to_vector<std::int64_t>(*bitsets);
    }
    builder.begin_tree(num_nodes, target);
    for (std::uint32_t i = 0; i < num_nodes; ++i)
      add_node(builder, columns, i, num_nodes, words);
    builder.end_tree();
  }

  void add_node(forest_builder& builder, node_columns& columns, std::uint32_t i, std::uint32_t num_nodes,
                std::span<const std::int64_t> words) {
    const auto refuse_node = [i](const auto&... pieces) { fail(errc::not_importable, text("node ", i), pieces...); };
    if (columns.cover)
      builder.cover(i, (*columns.cover)(i));
    if (columns.is_leaf(i) != 0) {
      const double value = columns.value(i);
      builder.leaf(i, std::span(&value, 1));
      return;
    }
    const std::int64_t feature = columns.feature(i);
    if (feature < 0 || feature >= num_features_)
      refuse_node("splits on feature ", feature, ", expected 0 to ", num_features_ - 1);
    const std::uint32_t column = feature_columns_[static_cast<std::size_t>(feature)];
    const std::int64_t left = columns.left(i);
    const std::int64_t right = columns.right(i);
    for (const std::int64_t child : {left, right})
      if (child < 0 || child >= num_nodes)
        refuse_node("child ", child, ", expected 0 to ", num_nodes - 1);
    const missing nan_goes = columns.missing_left(i) != 0 ? missing::left : missing::right;
    const bool tests_set = columns.is_categorical && (*columns.is_categorical)(i) != 0;
    if (tests_set != is_categorical_[static_cast<std::size_t>(feature)])
      refuse_node("tests feature ", feature, " as ", tests_set ? "a category" : "a number", ", which is ",
                  tests_set ? "a number" : "a category");
    if (!tests_set)
      return builder.split(i, column, comparison::less_equal, columns.threshold(i), nan_goes,
                           static_cast<std::uint32_t>(left), static_cast<std::uint32_t>(right));
    const std::int64_t set = (*columns.bitset)(i);
    if (set < 0 || static_cast<std::uint64_t>(set) >= words.size() / bitset_words)
      refuse_node("category set ", set, ", expected less than ", words.size() / bitset_words);
    std::vector<std::uint32_t> members;
    for (std::uint32_t c = 0; c < 32 * bitset_words; ++c)
      if ((words[static_cast<std::size_t>(set) * bitset_words + c / 32] >> c % 32 & 1) != 0)
        members.push_back(c);
    builder.split_set(i, column, members, false, nan_goes, static_cast<std::uint32_t>(left),
                      static_cast<std::uint32_t>(right));
  }

  const source& from_;
  version version_;
  std::uint32_t num_features_;
  // The row's column of each feature that nodes speak of.
  std::vector<std::uint32_t> feature_columns_;
  std::vector<bool> is_categorical_; // of each feature that nodes speak of
};

} // namespace

forest_model read_hist_boosting(const source& from) { return model_reader(from).read(); }

} // namespace sklearn
} // namespace petrify::inline v0
