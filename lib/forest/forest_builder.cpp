#include <petrify/forest_builder.hpp>

#include "base/fail.hpp"
#include "base/float_mode.hpp"
#include "base/utf8.hpp"
#include "forest/labels.hpp"
#include "forest/layout_builder.hpp"
#include "forest/model_content.hpp"
#include "forest/source_tree.hpp"

#include <cmath>
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

std::uint32_t raw_width_of(const forest_spec& spec) {
  std::uint64_t width = 0;
  for (const output_spec& o : spec.outputs)
    width += o.raw_width;
  if (width == 0 || width > 0xffffffu)
    refuse("forest", width, " raw columns, expected 1 to 2^24 - 1");
  return static_cast<std::uint32_t>(width);
}

// What read_forest refuses in a file is refused here too, before it is written; this says it in the caller's words.
void check_spec(forest_spec& spec) {
  for (const std::string* value : {&spec.library, &spec.library_version, &spec.model_class, &spec.objective})
    require_utf8(*value, "a name");
  for (const std::string& name : spec.column_names)
    require_utf8(name, "a column name");
  if (!spec.column_names.empty() && spec.column_names.size() != spec.num_columns)
    refuse("forest", spec.column_names.size(), " column names, expected ", spec.num_columns, " or none");
  if (spec.task < task::classification || spec.task > task::anomaly)
    refuse("forest", "task ", static_cast<int>(spec.task), ", expected 0 to 3");
  const auto is_float = [](dtype type) { return type == dtype::float32 || type == dtype::float64; };
  if (!is_float(spec.leaf_type) || !is_float(spec.accumulator) || spec.leaf_type > spec.accumulator)
    refuse("forest", "leaves of ", to_string(spec.leaf_type), " added as ", to_string(spec.accumulator),
           ", expected float32 or float64, not added in a narrower type");
  const std::uint32_t width = raw_width_of(spec);
  if (spec.start.empty())
    spec.start.resize(width, 0.0);
  if (spec.start.size() != width)
    refuse("forest", spec.start.size(), " start values, expected ", width, " or none");
  if (spec.num_raw_steps > spec.epilogue.size())
    refuse("forest", spec.num_raw_steps, " epilogue steps of the raw score, expected at most ", spec.epilogue.size());
  bool widened = false;
  std::size_t num_adds = 0;
  for (std::size_t i = 0; i < spec.epilogue.size(); ++i) {
    const epilogue_step& step = spec.epilogue[i];
    if (step.op < epilogue_step::operation::divide || step.op > epilogue_step::operation::complement)
      refuse(text("epilogue step ", i), "operation ", static_cast<unsigned>(step.op), ", expected 1 to 7");
    num_adds += step.op == epilogue_step::operation::add;
    if (step.op == epilogue_step::operation::add && step.column >= width)
      refuse(text("epilogue step ", i), "column ", step.column, ", expected less than ", width);
    if (step.op == epilogue_step::operation::complement) {
      widened = true;
      if (i < spec.num_raw_steps || i + 1 != spec.epilogue.size())
        refuse(text("epilogue step ", i), "complement, expected it last and not in the raw score");
    }
  }
  if (num_adds > 2 * std::size_t{width} || spec.epilogue.size() - num_adds > max_wide_epilogue_ops)
    refuse("forest", num_adds, " add steps and ", spec.epilogue.size() - num_adds,
           " others, expected at most two a raw column and ", max_wide_epilogue_ops);
  for (std::size_t i = 0; i < spec.outputs.size(); ++i) {
    const output_spec& o = spec.outputs[i];
    check_labels(o.labels, i);
    if (o.raw_width == 0)
      refuse(text("output ", i), "no raw column, expected at least one");
    if (o.labels.size() == 0 && (o.value_type < dtype::bool8 || o.value_type > dtype::float64 ||
                                 o.value_type == dtype::float16 || o.value_type == dtype::bfloat16))
      refuse(text("output ", i), "numbers of type ", to_string(o.value_type), ", expected integers or floats");
    if (widened && o.raw_width != 1)
      refuse(text("output ", i), o.raw_width, " raw columns, expected one for complement");
    const std::size_t final_width = widened ? 2 : o.raw_width;
    std::size_t classes = 0;
    switch (spec.decision) {
    case decision::none: break;
    case decision::argmax_raw: classes = o.raw_width; break;
    case decision::argmax_final: classes = final_width; break;
    case decision::cut_raw:
    case decision::cut_final: classes = 2; break;
    default: refuse("forest", "decision ", static_cast<unsigned>(spec.decision), ", expected 0 to 4");
    }
    if (spec.decision == decision::cut_raw && o.raw_width != 1)
      refuse(text("output ", i), o.raw_width, " raw columns, expected one to cut");
    if (o.labels.size() != classes)
      refuse(text("output ", i), o.labels.size(), " labels, expected ", classes, " for its decision");
  }
}

} // namespace

struct forest_builder::state {
  std::unique_ptr<forest_model::content> model;
  std::uint32_t raw_width = 0;
  std::vector<source_tree> trees;
  bool in_tree = false;
  std::uint32_t num_set = 0;

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
};

forest_builder::forest_builder(forest_spec spec) : state_(std::make_unique<state>()) {
  check_spec(spec);
  state_->raw_width = raw_width_of(spec);
  state_->model = std::make_unique<forest_model::content>();
  // A scalar float32 fits into its leaf.
  if (spec.vector_leaves || spec.leaf_type != dtype::float32)
    state_->model->leaves.emplace(spec.leaf_type, spec.vector_leaves ? state_->raw_width : 1);
  state_->model->spec = std::move(spec);
}

forest_builder::forest_builder(forest_builder&&) noexcept = default;
forest_builder& forest_builder::operator=(forest_builder&&) noexcept = default;
forest_builder::~forest_builder() = default;

void forest_builder::begin_tree(std::uint32_t num_nodes, std::uint32_t target) {
  state& s = *state_;
  if (!s.model)
    refuse("forest_builder", "was built already, expected a new builder");
  const std::string where = text("tree ", s.trees.size());
  if (s.in_tree)
    refuse(where, "begins inside tree ", s.trees.size() - 1, ", expected end_tree first");
  if (num_nodes == 0)
    refuse(where, "has no nodes, expected at least one");
  if (target >= s.raw_width)
    refuse(where, "target ", target, ", expected less than ", s.raw_width);
  if (target != 0 && s.model->spec.vector_leaves)
    refuse(where, "target ", target, ", expected none: its leaves have a value for every raw column");
  s.trees.push_back({std::vector<source_node>(num_nodes), target});
  s.in_tree = true;
  s.num_set = 0;
}

void forest_builder::split(std::uint32_t node, std::uint32_t column, comparison test, double threshold,
                           missing nan_goes, std::uint32_t left, std::uint32_t right) {
  state& s = *state_;
  source_node& to = s.take(node);
  const std::size_t num_nodes = s.trees.back().nodes.size();
  if (column >= s.model->spec.num_columns)
    refuse(s.place(node), "tests column ", column, ", expected less than ", s.model->spec.num_columns);
  if (std::isnan(threshold))
    refuse(s.place(node), "threshold is NaN, expected a number");
  for (const auto& [child, side] : {std::pair{left, "left"}, std::pair{right, "right"}})
    if (child >= num_nodes)
      refuse(s.place(node), side, " child ", child, " is past the tree's ", num_nodes, " nodes");
  to = {threshold, left, right, column, source_node::state::split, test, nan_goes};
}

void forest_builder::leaf(std::uint32_t node, std::span<const double> values) {
  const exact_float_mode mode;
  state& s = *state_;
  source_node& to = s.take(node);
  const std::size_t expected = s.model->spec.vector_leaves ? s.raw_width : 1;
  if (values.size() != expected)
    refuse(s.place(node), "leaf of ", values.size(), " values, expected ", expected);
  to.kind = source_node::state::leaf;
  to.column_or_payload =
      s.model->leaves ? s.model->leaves->intern(values) : std::bit_cast<std::uint32_t>(static_cast<float>(values[0]));
}

void forest_builder::end_tree() {
  state& s = *state_;
  if (!s.in_tree)
    refuse("forest_builder", "end_tree outside a tree, expected begin_tree first");
  const std::vector<source_node>& nodes = s.trees.back().nodes;
  if (s.num_set != nodes.size())
    for (std::uint32_t i = 0; i < nodes.size(); ++i)
      if (nodes[i].kind == source_node::state::unset)
        refuse(s.place(i), "was never given, expected all ", nodes.size(), " nodes");
  // A walk from the root that meets no node twice and all of them: then each has one parent and there is no cycle.
  std::vector<bool> seen(nodes.size());
  std::vector<std::uint32_t> pending{0};
  std::uint32_t num_seen = 0;
  seen[0] = true;
  while (!pending.empty()) {
    const std::uint32_t i = pending.back();
    pending.pop_back();
    s.model->ids_are_preorder &= i == num_seen;
    ++num_seen;
    if (nodes[i].kind == source_node::state::leaf)
      continue;
    for (const std::uint32_t child : {nodes[i].right, nodes[i].left}) {
      if (seen[child])
        refuse(s.place(i), "child ", child, " has another parent or is an ancestor, expected a tree");
      seen[child] = true;
      pending.push_back(child);
    }
  }
  if (num_seen != nodes.size())
    for (std::uint32_t i = 0; i < nodes.size(); ++i)
      if (!seen[i])
        refuse(s.place(i), "cannot be reached from the root, expected no orphans");
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
