// IsolationForest, AdaBoost and Bagging over trees.
#include "base/pairwise_sum.hpp"
#include "import/sklearn_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace petrify::inline v0 {
namespace sklearn {

namespace {

constexpr std::uint32_t max_classes = 1 << 20;
constexpr double euler_gamma = 0.5772156649015329;

// Mean length of a path in a tree that was grown from so many rows (Liu, Ting and Zhou, "Isolation Forest", 2008).
double average_path_length(std::int64_t num_samples) {
  if (num_samples <= 1)
    return 0.0;
  if (num_samples == 2)
    return 1.0;
  const auto n = static_cast<double>(num_samples);
  return 2.0 * (std::log(n - 1.0) + euler_gamma) - 2.0 * (n - 1.0) / n;
}

// The features that each tree of an ensemble was given.
class feature_subsets {
public:
  feature_subsets(const source& from, bool used, std::size_t num_trees)
      : from_(from), num_features_(num_features(from.object)) {
    // Also where they are not used: predictions end with the shorter of both lists.
    const pickle::value subsets = require_attr(from.object, "estimators_features_");
    if (subsets.size() != num_trees)
      refuse("estimators_features_ is ", what_is(subsets), ", expected one of each of ", num_trees, " trees");
    if (used)
      subsets_ = subsets;
  }
  // Gives the format of tree t its columns, which are valid until the next call.
  void set(tree_format& format, std::size_t t) {
    format.num_features = num_features_;
    format.columns = all_columns_of(from_.before);
    if (!subsets_)
      return;
    columns_ = in_tree(t, [&] {
      return columns_of(from_.before,
                        require_indices((*subsets_)[t], "estimators_features_", num_features_, from_.budget));
    });
    if (columns_.empty())
      fail(errc::not_importable, text("tree ", t), "estimators_features_ is empty, expected at least one feature");
    format.num_features = static_cast<std::uint32_t>(columns_.size());
    format.columns = columns_;
  }

private:
  const source& from_;
  std::uint32_t num_features_;
  std::optional<pickle::value> subsets_;
  std::vector<std::uint32_t> columns_;
};

// What a leaf of an isolation tree adds: the length of its path, and what its rows would have added to it. Since 1.3
// both are stored for every node, and these are the numbers that the origin adds; before, they come from the tree.
class path_lengths {
public:
  path_lengths(const source& from, std::size_t num_trees) : from_(from) {
    if (!from.object.attr("_decision_path_lengths") && !version_of(from.object).at_least(1, 4))
      return;
    depths_ = require_list(from.object, "_decision_path_lengths", num_trees);
    rests_ = require_list(from.object, "_average_path_length_per_tree", num_trees);
  }

  // Makes the leaves of tree t; valid until the next call.
  void set(tree_format& format, std::size_t t) {
    format.needs_depth = !depths_;
    if (!depths_) {
      format.leaf = [this](std::span<const double>, const leaf_facts& facts) {
        value_ = (static_cast<double>(facts.depth) + average_path_length(facts.num_samples)) - 1.0;
        return std::span<const double>(&value_, 1);
      };
      return;
    }
    in_tree(t, [&] {
      depth_ = require_reals((*depths_)[t], "_decision_path_lengths", from_.budget);
      rest_ = require_reals((*rests_)[t], "_average_path_length_per_tree", from_.budget);
    });
    format.leaf = [this](std::span<const double>, const leaf_facts& facts) {
      if (facts.node >= depth_.size() || facts.node >= rest_.size())
        fail(errc::not_importable, text("node ", facts.node), "has no path length: _decision_path_lengths has ",
             depth_.size(), " numbers, _average_path_length_per_tree ", rest_.size());
      value_ = (depth_[facts.node] + rest_[facts.node]) - 1.0;
      return std::span<const double>(&value_, 1);
    };
  }

private:
  static pickle::value require_list(const pickle::value& object, std::string_view name, std::size_t num_trees) {
    const pickle::value list = require_attr(object, name);
    if (list.size() != num_trees)
      refuse(name, " is ", what_is(list), ", expected one of each of ", num_trees, " trees");
    return list;
  }

  const source& from_;
  std::optional<pickle::value> depths_;
  std::optional<pickle::value> rests_;
  std::vector<double> depth_;
  std::vector<double> rest_;
  double value_ = 0;
};

} // namespace

forest_model read_isolation(const source& from) {
  const pickle::value estimators = require_estimators(from.object);
  const std::size_t num_trees = estimators.size();
  const std::uint32_t max_samples =
      require_count(require_attr(from.object, "_max_samples", "max_samples_"), "max_samples_");
  if (max_samples == 1 && !version_of(from.object).at_least(1, 0))
    refuse("max_samples_ is 1, for which every score is NaN before scikit-learn 1.0, expected 2 or more");
  const double offset = require_real(require_attr(from.object, "offset_"), "offset_");
  if (std::isnan(offset)) // no row is below it, and none is above
    refuse("offset_ is NaN, expected a number");

  forest_spec spec = describe(from);
  spec.task = task::anomaly;
  output_spec output;
  output.labels.type = dtype::int64;
  output.labels.integers = {-1, 1};
  spec.outputs = {output};
  using op = epilogue_step::operation;
  spec.epilogue = {{op::isolation_score, static_cast<double>(num_trees) * average_path_length(max_samples), 0},
                   {op::add, -offset, 0}};
  spec.num_raw_steps = 1;
  // score - offset < 0 exactly when score < offset.
  spec.decision = decision::cut_raw;
  spec.cut = offset;
  spec.cut_tie_is_upper = true;

  tree_format format;
  path_lengths lengths(from, num_trees);
  const std::uint32_t used_features = require_count(require_attr(from.object, "_max_features"), "_max_features");
  feature_subsets subsets(from, used_features != num_features(from.object), num_trees);
  const std::uint32_t one[] = {1};
  forest_builder builder(std::move(spec));
  for (std::size_t t = 0; t < num_trees; ++t) {
    subsets.set(format, t);
    lengths.set(format, t);
    add_tree(builder, t, require_tree(estimators[t], false, t, format.num_features, one), one, format, from.budget);
    from.progress(t + 1, num_trees);
  }
  return builder.build();
}

namespace {

// A classifier: each tree votes with its weight, or (SAMME.R, until 1.5) with the logarithms of its probabilities.
forest_model read_adaboost_classifier(const source& from, const pickle::value& estimators,
                                      std::span<const double> weights) {
  const version v = version_of(from.object);
  const auto algorithm = from.object.attr("algorithm");
  const bool is_real = algorithm && algorithm->as_text() == "SAMME.R" && !v.at_least(1, 6);
  forest_spec spec = describe(from);
  output_spec output;
  output.labels = labels_of(from);
  const std::size_t num_classes = output.labels.size();
  if (num_classes < 2 || num_classes > max_classes)
    refuse("classes_ has ", num_classes, " labels, expected at least two");
  output.width = static_cast<std::uint32_t>(num_classes);
  require_counts(require_attr(from.object, "n_classes_"), "n_classes_", std::array{output.width});
  spec.outputs = {output};
  spec.objective = is_real ? "SAMME.R" : "SAMME";
  spec.vector_leaves = true;
  using op = epilogue_step::operation;
  // Weights of trees that were never grown are zero, and their sum is taken all the same, pairwise.
  spec.epilogue = {{op::divide, pairwise_sum(weights.data(), weights.size()), 0}};
  const auto others = static_cast<double>(num_classes - 1);
  if (num_classes == 2) {
    spec.epilogue.insert(spec.epilogue.end(), {{op::fold_pair, 0, 0}, {op::mirror, 0, 0}, {op::divide, 2, 0}});
    spec.num_raw_steps = 2;
    spec.decision = decision::cut_raw;
  } else {
    spec.epilogue.push_back({op::divide, others, 0});
    spec.num_raw_steps = 1;
    spec.decision = decision::argmax_raw;
  }
  spec.epilogue.push_back({op::softmax, 0, 0});

  std::vector<double> row(num_classes);
  double weight = 0;
  const double against = v.at_least(1, 3, 1) ? -1.0 / others : 0.0;
  tree_format format;
  format.is_classifier = true;
  format.has_counts = !v.at_least(1, 4);
  format.num_features = num_features(from.object);
  format.normalize_leaves = is_real; // a vote is the same for counts and shares
  format.columns = all_columns_of(from.before);
  format.leaf = [&](std::span<const double> values, const leaf_facts&) {
    if (!is_real) {
      const auto best = static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
      for (std::size_t k = 0; k < num_classes; ++k)
        row[k] = k == best ? weight : against * weight;
      return std::span<const double>(row);
    }
    for (std::size_t k = 0; k < num_classes; ++k)
      row[k] = std::log(std::max(values[k], std::ldexp(1.0, -52)));
    const double part = 1.0 / static_cast<double>(num_classes) * pairwise_sum(row.data(), num_classes);
    for (double& x : row)
      x = others * (x - part);
    return std::span<const double>(row);
  };
  const std::uint32_t widths[] = {output.width};
  forest_builder builder(std::move(spec));
  for (std::size_t t = 0; t < estimators.size(); ++t) {
    weight = weights[t];
    const pickle::value tree = require_tree(estimators[t], true, t, format.num_features, widths);
    // Votes are labels: those of a tree that has others would count for nobody.
    in_tree(t, [&] {
      const label_list labels = read_labels(require_attr(estimators[t], "classes_"), from.budget);
      if (labels.integers != output.labels.integers || labels.reals != output.labels.reals ||
          labels.texts != output.labels.texts)
        refuse("classes_ are other labels than those of the model");
    });
    add_tree(builder, t, tree, widths, format, from.budget);
    from.progress(t + 1, estimators.size());
  }
  return builder.build();
}

} // namespace

forest_model read_adaboost(const source& from) {
  const pickle::value estimators = require_estimators(from.object);
  const std::vector<double> weights =
      require_reals(require_attr(from.object, "estimator_weights_"), "estimator_weights_", from.budget);
  if (weights.size() < estimators.size())
    refuse("estimator_weights_ has ", weights.size(), " numbers for ", estimators.size(), " trees");
  if (from.kind.is_classifier)
    return read_adaboost_classifier(from, estimators, weights);
  forest_spec spec = describe(from);
  if (const auto loss = from.object.attr("loss"); loss && loss->as_text())
    spec.objective = *loss->as_text();
  spec.outputs.resize(1);
  spec.combine = combine::weighted_median;
  tree_format format;
  format.num_features = num_features(from.object);
  format.columns = all_columns_of(from.before);
  const std::uint32_t one[] = {1};
  forest_builder builder(std::move(spec));
  for (std::size_t t = 0; t < estimators.size(); ++t) {
    format.weight = weights[t];
    add_tree(builder, t, require_tree(estimators[t], false, t, format.num_features, one), one, format, from.budget);
    from.progress(t + 1, estimators.size());
  }
  return builder.build();
}

forest_model read_bagging(const source& from) {
  const pickle::value estimators = require_estimators(from.object);
  const std::size_t num_trees = estimators.size();
  const version v = version_of(from.object);
  forest_spec spec = describe(from);
  if (from.kind.is_classifier) {
    output_spec output;
    output.labels = labels_of(from);
    output.width = static_cast<std::uint32_t>(output.labels.size());
    spec.outputs = {std::move(output)};
    spec.decision = decision::argmax_raw;
    spec.vector_leaves = true;
  } else {
    // How many numbers it predicts only its trees say.
    const auto outputs = estimators[0].attr("n_outputs_");
    const std::uint32_t count = outputs ? require_count(*outputs, "n_outputs_") : 1;
    if (count > max_outputs)
      refuse("n_outputs_ is ", count, ", expected at most ", max_outputs);
    spec.outputs.resize(count);
    spec.vector_leaves = count > 1;
  }
  // Not the number of trees that there are: the parameter.
  const std::uint32_t divisor = require_count(require_attr(from.object, "n_estimators"), "n_estimators");
  spec.epilogue = {{epilogue_step::operation::divide, static_cast<double>(divisor), 0}};
  spec.num_raw_steps = 1;
  const std::uint32_t num_classes = from.kind.is_classifier ? spec.outputs[0].width : 0;
  if (from.kind.is_classifier)
    require_counts(require_attr(from.object, "n_classes_"), "n_classes_", std::array{num_classes});
  const std::size_t num_outputs = spec.outputs.size();

  tree_format format;
  format.is_classifier = from.kind.is_classifier;
  format.has_counts = from.kind.is_classifier && !v.at_least(1, 4);
  format.normalize_leaves = true;
  std::vector<double> row(num_classes);
  std::vector<std::uint32_t> codes; // a tree that saw fewer classes: which they are
  const auto spread = [&](std::span<const double> values, const leaf_facts&) {
    std::fill(row.begin(), row.end(), 0.0);
    for (std::size_t k = 0; k < codes.size(); ++k)
      row[codes[k]] = values[k];
    return std::span<const double>(row);
  };
  feature_subsets subsets(from, true, num_trees);
  forest_builder builder(std::move(spec));
  for (std::size_t t = 0; t < num_trees; ++t) {
    std::vector<std::uint32_t> widths(num_outputs, 1);
    if (from.kind.is_classifier) {
      // Codes may be floats in the tree.
      in_tree(t, [&] {
        require_tree_class(estimators[t], true);
        codes.clear();
        for (const double code : require_reals(require_attr(estimators[t], "classes_"), "classes_", from.budget)) {
          if (!(code >= 0 && code < num_classes) || std::trunc(code) != code)
            refuse("class ", code, ", expected 0 to ", num_classes - 1);
          codes.push_back(static_cast<std::uint32_t>(code));
        }
        if (codes.empty())
          refuse("no classes, expected at least one");
      });
      widths[0] = static_cast<std::uint32_t>(codes.size());
      if (codes.size() == num_classes)
        format.leaf = nullptr;
      else
        format.leaf = spread;
    }
    subsets.set(format, t);
    add_tree(builder, t, require_tree(estimators[t], from.kind.is_classifier, t, format.num_features, widths), widths,
             format, from.budget);
    from.progress(t + 1, num_trees);
  }
  return builder.build();
}

} // namespace sklearn
} // namespace petrify::inline v0
