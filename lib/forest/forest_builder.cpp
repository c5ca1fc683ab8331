#include <petrify/forest_builder.hpp>

#include "base/fail.hpp"
#include "base/float_mode.hpp"
#include "base/utf8.hpp"
#include "forest/category_sets.hpp"
#include "forest/choose_layout.hpp"
#include "forest/labels.hpp"
#include "forest/layout_builder.hpp"
#include "forest/model_content.hpp"
#include "forest/source_tree.hpp"

#include <cmath>
#include <unordered_map>
#include <utility>

namespace petrify::inline v0 {

namespace {

template <class... Pieces>
[[noreturn]] void refuse(std::string where, const Pieces&... pieces) {
  fail(errc::invalid_argument, std::move(where), pieces...);
}

void require_utf8(std::string_view value, const char* field) {
  if (!is_utf8(value))
    refuse("forest", field, " is not valid UTF-8: ", quoted(value));
}

void check_labels(const label_list& labels, std::size_t output) {
  const std::string where = text("output ", output);
  const bool real = labels.type == dtype::float32 || labels.type == dtype::float64;
  const bool integer = labels.type >= dtype::bool8 && labels.type <= dtype::uint64;
  const std::size_t expected = real                           ? labels.reals.size()
                               : integer                      ? labels.integers.size()
                               : labels.type == dtype::string ? labels.texts.size()
                                                              : 0;
  if (expected != labels.size())
    refuse(where, labels.integers.size(), " integer, ", labels.reals.size(), " real and ", labels.texts.size(),
           " text labels, expected only those of type ", to_string(labels.type));
  for (const std::string& label : labels.texts)
    require_utf8(label, "a label");
  for (const std::int64_t label : labels.integers)
    if (!label_fits(labels.type, label))
      refuse(where, "label ", label, ", expected a value of type ", to_string(labels.type));
}

std::uint32_t num_sums_of(const forest_spec& spec) {
  std::uint64_t width = 0;
  for (const output_spec& o : spec.outputs)
    width += o.width;
  if (width == 0 || width > 0xffffffu)
    refuse("forest", width, " sums, expected 1 to 2^24 - 1");
  return static_cast<std::uint32_t>(width);
}

void check_columns(const forest_spec& spec) {
  for (const auto* list : {&spec.column_names, &spec.column_types}) {
    const char* const what = list == &spec.column_names ? "column names" : "column types";
    for (const std::string& name : *list)
      require_utf8(name, what);
    if (!list->empty() && list->size() != spec.num_columns)
      refuse("forest", list->size(), " ", what, ", expected ", spec.num_columns, " or none");
  }
  std::size_t num_wide = 0;
  for (std::size_t i = 0; i < spec.steps.size(); ++i) {
    const row_step& step = spec.steps[i];
    if (step.op < row_step::operation::subtract || step.op > row_step::operation::narrow_integers)
      refuse(text("step ", i), "operation ", static_cast<unsigned>(step.op), ", expected 1 to 11");
    if (step.op == row_step::operation::narrow_integers && (i != 0 || step.column != row_step::every_column))
      refuse(text("step ", i), "narrow_integers, expected it as the first step and on every column");
    num_wide += step.column == row_step::every_column;
    if (step.column != row_step::every_column && step.column >= spec.num_columns)
      refuse(text("step ", i), "column ", step.column, ", expected less than ", spec.num_columns);
  }
  if (num_wide > max_wide_steps)
    refuse("forest", num_wide, " steps on every column, expected at most ", max_wide_steps);
  for (const category_column& c : spec.categories) {
    const std::string where = text("categories of column ", c.column);
    if (c.column >= spec.num_columns)
      refuse(where, "expected a column below ", spec.num_columns);
    if (c.rule < categories_as::xgboost || c.rule > categories_as::hist_gradient_boosting_wrapped)
      refuse(where, "rule ", static_cast<unsigned>(c.rule), ", expected 1 to 6");
    if (c.rule != categories_as::listed && !c.values.empty())
      refuse(where, c.values.size(), " values, expected none but for listed categories");
    if (c.known && c.rule < categories_as::hist_gradient_boosting)
      refuse(where, "a set of known ones, expected none for rules of XGBoost and LightGBM, which know all");
    for (std::size_t i = 0; i < c.values.size(); ++i)
      if (std::isnan(c.values[i]) || (i != 0 && !(c.values[i - 1] < c.values[i])))
        refuse(where, "value ", i, " is ", c.values[i], ", expected ascending values");
  }
  for (std::size_t i = 0; i < spec.dictionaries.size(); ++i) {
    const category_dictionary& d = spec.dictionaries[i];
    if (d.column >= spec.num_columns || (i != 0 && d.column <= spec.dictionaries[i - 1].column))
      refuse(text("category names of column ", d.column), "expected ascending columns below ", spec.num_columns);
    for (const std::string& name : d.names)
      require_utf8(name, "a category's name");
  }
}

// What read_forest refuses in a file is refused here too, before it is written; this says it in the caller's words.
void check_spec(forest_spec& spec, forest_model::content& model) {
  for (const std::string* value : {&spec.library, &spec.library_version, &spec.model_class, &spec.objective})
    require_utf8(*value, "a name");
  check_columns(spec);
  if (spec.task < task::classification || spec.task > task::anomaly)
    refuse("forest", "task ", static_cast<int>(spec.task), ", expected 0 to 3");
  if (spec.layout > layout_choice::dense)
    refuse("forest", "layout ", static_cast<unsigned>(spec.layout), ", expected 0 to 4");
  if (spec.best_iteration < -1)
    refuse("forest", "best iteration ", spec.best_iteration, ", expected -1 or more");
  const auto is_float = [](dtype type) { return type == dtype::float32 || type == dtype::float64; };
  if (!is_float(spec.leaf_type) || !is_float(spec.accumulator) || spec.leaf_type > spec.accumulator)
    refuse("forest", "leaves of ", to_string(spec.leaf_type), " added as ", to_string(spec.accumulator),
           ", expected float32 or float64, not added in a narrower type");
  if (spec.linear_leaves && (spec.vector_leaves || spec.leaf_type != dtype::float64))
    refuse("forest", "linear leaves of ", to_string(spec.leaf_type), spec.vector_leaves ? " vectors" : "",
           ", expected float64 numbers");
  const std::uint32_t width = num_sums_of(spec);
  if (spec.combine != combine::sum &&
      (spec.combine != combine::weighted_median || width != 1 || spec.vector_leaves || spec.linear_leaves))
    refuse("forest", "a weighted median of ", width, " sums, expected one, of scalar leaves");
  if (spec.start.empty())
    spec.start.resize(width, 0.0);
  if (spec.start.size() != width)
    refuse("forest", spec.start.size(), " start values, expected ", width, " or none");
  std::vector<std::uint32_t> widths;
  for (const output_spec& o : spec.outputs) {
    if (o.width == 0)
      refuse(text("output ", widths.size()), "no sum, expected at least one");
    widths.push_back(o.width);
  }
  std::vector<epilogue_entry> epilogue;
  for (const epilogue_step& step : spec.epilogue)
    epilogue.push_back({static_cast<epilogue_op>(step.op), step.parameter,
                        step.op == epilogue_step::operation::add ? step.column : all_raw_columns});
  model.output_columns = check_epilogue(epilogue, spec.num_raw_steps, widths, errc::invalid_argument);
  for (std::size_t i = 0; i < spec.outputs.size(); ++i) {
    const output_spec& o = spec.outputs[i];
    check_labels(o.labels, i);
    if (o.labels.size() == 0 && (o.value_type < dtype::bool8 || o.value_type > dtype::float64 ||
                                 o.value_type == dtype::float16 || o.value_type == dtype::bfloat16))
      refuse(text("output ", i), "numbers of type ", to_string(o.value_type), ", expected integers or floats");
    const column_counts& columns = model.output_columns[i];
    std::size_t classes = 0;
    switch (spec.decision) {
    case decision::none: break;
    case decision::argmax_raw: classes = columns.raw; break;
    case decision::argmax_final: classes = columns.final; break;
    case decision::cut_raw:
    case decision::cut_final: classes = 2; break;
    default: refuse("forest", "decision ", static_cast<unsigned>(spec.decision), ", expected 0 to 4");
    }
    if (spec.decision == decision::cut_raw && columns.raw != 1)
      refuse(text("output ", i), columns.raw, " raw columns, expected one to cut");
    if (o.labels.size() != classes)
      refuse(text("output ", i), o.labels.size(), " labels, expected ", classes, " for its decision");
  }
}

} // namespace

struct forest_builder::state {
  std::unique_ptr<forest_model::content> model;
  std::uint32_t num_sums = 0;
  std::vector<source_tree> trees;
  bool in_tree = false;
  std::uint32_t num_set = 0;
  std::vector<double> covers;                                  // of the tree's nodes; empty until one is given
  std::unordered_map<std::uint32_t, categories_as> categories; // column -> rule
  category_sets sets;

  std::string place(std::uint32_t node) const { return text("tree ", trees.size() - 1, " node ", node); }

  source_node& take(std::uint32_t node) {
    if (!in_tree)
      refuse("forest_builder", "a node outside a tree, expected begin_tree first");
    std::vector<source_node>& nodes = trees.back().nodes;
    if (node >= nodes.size())
      refuse(place(node), "expected a node below ", nodes.size());
    if (nodes[node].kind != source_node::state::unset)
      refuse(place(node), "is given twice, expected each node once");
    ++num_set;
    return nodes[node];
  }

  // What all kinds of splits have in common.
  source_node& take_split(std::uint32_t node, std::uint32_t column, std::uint32_t left, std::uint32_t right) {
    source_node& to = take(node);
    const std::size_t num_nodes = trees.back().nodes.size();
    if (column >= model->spec.num_columns)
      refuse(place(node), "tests column ", column, ", expected less than ", model->spec.num_columns);
    for (const auto& [child, side] : {std::pair{left, "left"}, std::pair{right, "right"}})
      if (child >= num_nodes)
        refuse(place(node), side, " child ", child, " is past the tree's ", num_nodes, " nodes");
    to.left = left;
    to.right = right;
    to.column_or_payload = column;
    return to;
  }
};

forest_builder::forest_builder(forest_spec spec) : state_(std::make_unique<state>()) {
  state_->model = std::make_unique<forest_model::content>();
  check_spec(spec, *state_->model);
  state_->num_sums = num_sums_of(spec);
  for (const category_column& column : spec.categories)
    if (!state_->categories.emplace(column.column, column.rule).second)
      refuse(text("categories of column ", column.column), "are given twice, expected once");
  // A scalar float32 fits into its leaf.
  if (spec.vector_leaves || spec.leaf_type != dtype::float32)
    state_->model->leaves.emplace(spec.leaf_type, spec.vector_leaves ? state_->num_sums : spec.linear_leaves ? 2 : 1);
  state_->model->spec = std::move(spec);
}

forest_builder::forest_builder(forest_builder&&) noexcept = default;
forest_builder& forest_builder::operator=(forest_builder&&) noexcept = default;
forest_builder::~forest_builder() = default;

void forest_builder::begin_tree(std::uint32_t num_nodes, std::uint32_t target, std::uint32_t root, double weight) {
  state& s = *state_;
  if (!s.model)
    refuse("forest_builder", "was built already, expected a new builder");
  const std::string where = text("tree ", s.trees.size());
  if (s.in_tree)
    refuse(where, "begins inside tree ", s.trees.size() - 1, ", expected end_tree first");
  if (num_nodes == 0)
    refuse(where, "has no nodes, expected at least one");
  if (root >= num_nodes)
    refuse(where, "root ", root, ", expected a node below ", num_nodes);
  if (target >= s.num_sums)
    refuse(where, "target ", target, ", expected less than ", s.num_sums);
  if (target != 0 && s.model->spec.vector_leaves)
    refuse(where, "target ", target, ", expected none: its leaves have a value for every sum");
  s.trees.push_back({std::vector<source_node>(num_nodes), target, root, 0});
  if (s.model->spec.combine == combine::weighted_median)
    s.model->tree_weights.push_back(weight);
  s.in_tree = true;
  s.num_set = 0;
  s.covers.clear();
}

void forest_builder::split(std::uint32_t node, std::uint32_t column, comparison test, double threshold,
                           missing nan_goes, std::uint32_t left, std::uint32_t right) {
  state& s = *state_;
  source_node& to = s.take_split(node, column, left, right);
  if (std::isnan(threshold))
    refuse(s.place(node), "threshold is NaN, expected a number");
  to.threshold = threshold;
  to.kind = source_node::state::split;
  to.test = test;
  to.nan_goes = nan_goes;
}

void forest_builder::split_set(std::uint32_t node, std::uint32_t column, std::span<const std::uint32_t> members,
                               bool members_go_right, missing nan_goes, std::uint32_t left, std::uint32_t right) {
  state& s = *state_;
  source_node& to = s.take_split(node, column, left, right);
  const auto found = s.categories.find(column);
  if (found == s.categories.end())
    refuse(s.place(node), "tests a set of categories of column ", column, ", which is no column of categories");
  if (nan_goes > missing::right)
    refuse(s.place(node), "missing categories go left or right, expected no other rule");
  to.threshold = static_cast<double>(s.sets.intern(members, s.model->category_words));
  to.kind = members_go_right ? source_node::state::members_right : source_node::state::members_left;
  // These values go right whatever else the node says.
  to.nan_goes = found->second == categories_as::lightgbm ? missing::right : nan_goes;
}

void forest_builder::leaf(std::uint32_t node, std::span<const double> values) {
  state& s = *state_;
  const std::size_t expected = s.model && s.model->spec.vector_leaves ? s.num_sums : 1;
  if (values.size() != expected)
    refuse(s.place(node), "leaf of ", values.size(), " values, expected ", expected);
  if (s.model && s.model->spec.linear_leaves)
    return linear_leaf(node, values[0], values[0], {}, {});
  const exact_float_mode mode;
  source_node& to = s.take(node);
  to.kind = source_node::state::leaf;
  if (s.model->leaves)
    s.model->leaves->intern(values, to.column_or_payload);
  else
    to.column_or_payload = std::bit_cast<std::uint32_t>(static_cast<float>(values[0]));
}

void forest_builder::linear_leaf(std::uint32_t node, double constant, double fallback,
                                 std::span<const std::uint32_t> columns, std::span<const double> coefficients) {
  state& s = *state_;
  source_node& to = s.take(node);
  forest_model::content& model = *s.model;
  if (!model.spec.linear_leaves)
    refuse(s.place(node), "is a linear leaf, expected one of a forest of linear leaves");
  if (columns.size() != coefficients.size())
    refuse(s.place(node), columns.size(), " columns and ", coefficients.size(),
           " coefficients, expected as many of both");
  for (const std::uint32_t column : columns)
    if (column >= model.spec.num_columns)
      refuse(s.place(node), "has a coefficient for column ", column, ", expected less than ", model.spec.num_columns);
  if (model.linear_columns.size() + columns.size() > 0xffffffffu)
    fail(errc::limit_exceeded, s.place(node), "more than 2^32 - 1 coefficients in the forest");
  model.linear_columns.insert(model.linear_columns.end(), columns.begin(), columns.end());
  model.linear_coefficients.insert(model.linear_coefficients.end(), coefficients.begin(), coefficients.end());
  model.linear_ends.push_back(static_cast<std::uint32_t>(model.linear_columns.size()));
  to.kind = source_node::state::leaf;
  const double values[] = {constant, fallback};
  to.column_or_payload = model.leaves->append(values);
}

void forest_builder::cover(std::uint32_t node, double rows) {
  state& s = *state_;
  if (!s.in_tree)
    refuse("forest_builder", "the cover of a node outside a tree, expected begin_tree first");
  const std::size_t num_nodes = s.trees.back().nodes.size();
  if (node >= num_nodes)
    refuse(s.place(node), "expected a node below ", num_nodes);
  if (s.covers.empty())
    s.covers.resize(num_nodes);
  s.covers[node] = rows;
}

void forest_builder::unused(std::uint32_t node) { state_->take(node).kind = source_node::state::unused; }

void forest_builder::end_iteration() {
  state& s = *state_;
  if (!s.model || s.in_tree)
    refuse("forest_builder", "end_iteration inside a tree or after build");
  s.model->iteration_ends.push_back(static_cast<std::uint32_t>(s.trees.size()));
}

void forest_builder::end_tree() {
  state& s = *state_;
  if (!s.in_tree)
    refuse("forest_builder", "end_tree outside a tree, expected begin_tree first");
  if (s.model->leaves)
    s.model->leaves->settle();
  source_tree& tree = s.trees.back();
  const std::vector<source_node>& nodes = tree.nodes;
  if (s.num_set != nodes.size())
    for (std::uint32_t i = 0; i < nodes.size(); ++i)
      if (nodes[i].kind == source_node::state::unset)
        refuse(s.place(i), "was never given, expected all ", nodes.size(), " nodes");
  // A walk from the root that meets no node twice and all of them: then each has one parent and there is no cycle.
  std::vector<bool> seen(nodes.size());
  std::vector<std::uint32_t> pending{tree.root};
  std::uint32_t num_seen = 0;
  seen[tree.root] = true;
  while (!pending.empty()) {
    const std::uint32_t i = pending.back();
    pending.pop_back();
    s.model->ids_are_preorder &= i == num_seen;
    ++num_seen;
    if (nodes[i].kind == source_node::state::leaf) {
      s.model->ids_are_pairs &= i != tree.root || i == 0;
      continue;
    }
    if (nodes[i].kind == source_node::state::unused)
      refuse(s.place(i), "is the child of a node, but said to be unused");
    for (const std::uint32_t child : {nodes[i].right, nodes[i].left}) {
      if (seen[child])
        refuse(s.place(i), "child ", child, " has another parent or is an ancestor, expected a tree");
      seen[child] = true;
      pending.push_back(child);
    }
    const auto [left, right] = std::pair{nodes[i].left, nodes[i].right};
    if (nodes[right].kind == source_node::state::leaf)
      s.model->ids_are_pairs &= right != 0 && (nodes[left].kind != source_node::state::leaf || right == left + 1);
  }
  tree.num_used = num_seen;
  if (num_seen != nodes.size())
    for (std::uint32_t i = 0; i < nodes.size(); ++i)
      if (!seen[i] && nodes[i].kind != source_node::state::unused)
        refuse(s.place(i), "cannot be reached from the root, expected no orphans");
  if (!s.covers.empty())
    for (source_node& node : tree.nodes)
      node.right_is_near = node.is_split() && s.covers[node.right] > s.covers[node.left];
  // Only now: a tree that was refused stays open, and build() refuses it too.
  s.in_tree = false;
}

forest_model forest_builder::build() {
  const exact_float_mode mode;
  state& s = *state_;
  if (s.in_tree)
    refuse("forest_builder", "build inside a tree, expected end_tree first");
  if (!s.model)
    refuse("forest_builder", "was built already, expected a new builder");
  lay_out(s.trees, *s.model);
  s.trees.clear();
  s.model->view = view_of(*s.model);
  forest_data& view = s.model->view->data;
  choose_tables(view, *s.model);
  view.dense = s.model->dense.view();
  view.layout_notes.assign(s.model->layout_notes.begin(), s.model->layout_notes.end());
  return forest_model(std::move(s.model));
}

forest_model::forest_model(std::unique_ptr<content> built) noexcept : content_(std::move(built)) {}
forest_model::forest_model(forest_model&&) noexcept = default;
forest_model& forest_model::operator=(forest_model&&) noexcept = default;
forest_model::~forest_model() = default;

std::size_t forest_model::num_trees() const noexcept { return content_->num_trees; }
std::uint64_t forest_model::num_nodes() const noexcept { return content_->num_used_nodes; }
const std::string& forest_model::model_class() const noexcept { return content_->spec.model_class; }

} // namespace petrify::inline v0
