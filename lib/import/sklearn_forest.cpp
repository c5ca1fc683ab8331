// Single trees, random forests and extra trees.
#include "import/sklearn_model.hpp"

namespace petrify::inline v0 {
namespace sklearn {

namespace {

void add_class_outputs(forest_spec& spec, const source& from, std::uint32_t num_outputs) {
  const pickle::value classes = require_attr(from.object, "classes_");
  const bool is_list = classes.is(pickle::kind::list) || classes.is(pickle::kind::tuple);
  if (is_list ? classes.size() != num_outputs : num_outputs != 1)
    refuse("classes_ is ", what_is(classes), " for ", num_outputs, num_outputs == 1 ? " output" : " outputs",
           ", expected as many");
  spec.decision = decision::argmax_raw;
  for (std::uint32_t k = 0; k < num_outputs; ++k) {
    output_spec o;
    o.labels = read_labels(is_list ? classes[k] : classes, from.budget);
    o.width = static_cast<std::uint32_t>(o.labels.size());
    spec.outputs.push_back(std::move(o));
  }
}

} // namespace

forest_model read_trees(const source& from) {
  const bool is_forest = from.kind.family == family::forest;
  const std::uint32_t num_outputs = require_count(require_attr(from.object, "n_outputs_"), "n_outputs_");
  if (num_outputs > max_outputs)
    refuse("n_outputs_ is ", num_outputs, ", expected at most ", max_outputs);
  // Since 1.4 a classifier's tree holds fractions of classes, before that weighted counts.
  const bool has_counts = from.kind.is_classifier && !version_of(from.object).at_least(1, 4);
  forest_spec spec = describe(from);
  if (const auto criterion = from.object.attr("criterion"); criterion && criterion->as_text())
    spec.objective = *criterion->as_text();
  spec.vector_leaves = from.kind.is_classifier || num_outputs > 1;
  if (from.kind.is_classifier)
    add_class_outputs(spec, from, num_outputs);
  else
    spec.outputs.resize(num_outputs);
  std::vector<std::uint32_t> widths;
  for (const output_spec& o : spec.outputs) {
    widths.push_back(o.width);
    // What a tree alone returns is its leaf unchanged, -0.0 included; a forest's sum starts at +0.0.
    spec.start.insert(spec.start.end(), o.width, is_forest ? 0.0 : -0.0);
  }
  // A forest averages its trees' probabilities, so that counts are normalised in each leaf; a single tree decides on
  // its counts, so that they are normalised afterwards.
  if (from.kind.is_classifier)
    require_counts(require_attr(from.object, "n_classes_"), "n_classes_", widths);
  tree_format format;
  format.is_classifier = from.kind.is_classifier;
  format.num_features = num_features(from.object);
  format.has_counts = has_counts;
  format.normalize_leaves = is_forest;
  format.columns = all_columns_of(from.before);
  if (!is_forest) {
    if (has_counts)
      spec.epilogue = {{epilogue_step::operation::normalize, 0, 0}};
    forest_builder builder(std::move(spec));
    add_tree(builder, 0, require_attr(from.object, "tree_"), widths, format, from.budget);
    from.progress(1, 1);
    return builder.build();
  }
  const pickle::value estimators = require_estimators(from.object);
  const std::size_t num_trees = estimators.size();
  spec.epilogue = {{epilogue_step::operation::divide, static_cast<double>(num_trees), 0}};
  spec.num_raw_steps = 1;
  forest_builder builder(std::move(spec));
  for (std::size_t t = 0; t < num_trees; ++t) {
    add_tree(builder, t, require_tree(estimators[t], from.kind.is_classifier, t, format.num_features, widths), widths,
             format, from.budget);
    from.progress(t + 1, num_trees);
  }
  return builder.build();
}

} // namespace sklearn
} // namespace petrify::inline v0
