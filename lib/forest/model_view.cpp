#include "forest/model_view.hpp"

#include "forest/evaluate.hpp"
#include "forest/model_content.hpp"

#include "base/fail.hpp"
#include "base/float_mode.hpp"

#include <petrify/forest_builder.hpp>

#include <bit>
#include <cstring>

namespace petrify::inline v0 {

namespace {

void view_rows(forest_data& out, const forest_model::content& model) {
  const forest_spec& spec = model.spec;
  out.num_columns = spec.num_columns;
  out.column_names.assign(spec.column_names.begin(), spec.column_names.end());
  out.column_types.assign(spec.column_types.begin(), spec.column_types.end());
  for (const category_dictionary& d : spec.dictionaries)
    out.dictionaries.push_back({d.column, {d.names.begin(), d.names.end()}});
  for (const row_step& step : spec.steps)
    out.steps.push_back({static_cast<step_op>(step.op), step.column, step.a, step.b});
  out.category_words = model.category_words;
  std::uint64_t begin = 0;
  for (std::size_t s = 0; s < model.slot_columns.size(); ++s) {
    slot one;
    one.column = model.slot_columns[s];
    one.kind = model.slot_kinds[s];
    one.missing = model.slot_missing[s];
    const std::uint64_t end = model.slot_cut_ends.empty() ? 0 : model.slot_cut_ends[s];
    one.cuts = std::span(model.cuts).subspan(begin, end - begin);
    begin = end;
    if (!model.category_rules.empty()) {
      one.rule = model.category_rules[s];
      if (model.category_known_sets[s] != no_known_set)
        one.known = model.category_words.data() + model.category_known_sets[s];
    }
    out.slots.push_back(one);
  }
}

void view_trees(forest_data& out, const forest_model::content& model) {
  out.num_trees = model.num_trees;
  out.iteration_ends = model.iteration_ends;
  out.best_iteration = model.spec.best_iteration;
  out.layout = model.is_n16 ? layout_kind::n16 : layout_kind::n8;
  out.slot_bits = model.slot_bits;
  out.num_nodes = model.num_nodes();
  out.nodes = model.is_n16 ? static_cast<const void*>(model.nodes16.data()) : model.nodes8.data();
  out.block_shift = static_cast<std::uint8_t>(std::countr_zero(model.block_trees));
  out.blocks = model.blocks;
  out.tree_targets = model.tree_targets;
  out.tree_weights = model.tree_weights;
  out.leaves = model.leaves_are();
  out.leaf_type = model.spec.leaf_type;
  out.leaf_width = model.leaf_width();
  if (model.leaves) {
    out.num_leaf_rows = model.leaves->num_rows();
    out.leaf_values = model.leaves->bytes().data();
  }
  out.linear_ends = model.linear_ends;
  out.linear_columns = model.linear_columns;
  out.linear_coefficients = model.linear_coefficients;
  out.leaf_ids = model.leaf_ids_are();
  out.stored_leaf_ids = stored_ids(model.stored_leaf_ids, out.num_stored_ids());
}

void view_outputs(model_view& view, const forest_model::content& model) {
  const forest_spec& spec = model.spec;
  forest_data& out = view.data;
  for (std::size_t i = 0; i < spec.outputs.size(); ++i) {
    const label_list& labels = spec.outputs[i].labels;
    const column_counts& columns = model.output_columns[i];
    output_data o;
    o.sum_begin = out.sum_width;
    o.sum_width = columns.sums;
    o.raw_begin = out.raw_width;
    o.raw_width = columns.raw;
    o.final_begin = out.final_width;
    o.final_width = columns.final;
    o.first_label = static_cast<std::uint32_t>(view.label_integers.size());
    o.num_classes = static_cast<std::uint32_t>(labels.size());
    o.type = labels.size() != 0 ? labels.type : spec.outputs[i].value_type;
    out.sum_width += o.sum_width;
    out.raw_width += o.raw_width;
    out.final_width += o.final_width;
    out.outputs.push_back(o);
    for (std::size_t k = 0; k < labels.size(); ++k) {
      view.label_integers.push_back(labels.integers.empty() ? 0 : labels.integers[k]);
      view.label_reals.push_back(labels.reals.empty() ? 0.0 : labels.reals[k]);
      out.label_texts.push_back(labels.texts.empty() ? std::string_view() : std::string_view(labels.texts[k]));
    }
  }
  out.label_integers = view.label_integers;
  out.label_reals = view.label_reals;
}

} // namespace

std::unique_ptr<model_view> view_of(const forest_model::content& model) {
  auto view = std::make_unique<model_view>();
  const forest_spec& spec = model.spec;
  forest_data& out = view->data;
  out.library = spec.library;
  out.library_version = spec.library_version;
  out.model_class = spec.model_class;
  out.objective = spec.objective;
  out.task = spec.task;
  view_rows(out, model);
  view_trees(out, model);
  out.sum = static_cast<sum_kind>(spec.combine);
  out.accumulator = spec.accumulator;
  out.start = spec.start;
  for (const epilogue_step& step : spec.epilogue)
    out.epilogue.push_back({static_cast<epilogue_op>(step.op), step.parameter, step.column});
  out.num_raw_ops = spec.num_raw_steps;
  view_outputs(*view, model);
  out.decision = static_cast<decision_rule>(spec.decision);
  out.cut = spec.cut;
  out.cut_tie_is_upper = spec.cut_tie_is_upper;
  return view;
}

forest forest_model::view() const& noexcept { return forest(content_->view->data); }

void forest_model::set_golden_rows(const rows& x) {
  if (x.num_columns() != content_->spec.num_columns)
    fail(errc::invalid_argument, "golden rows", x.num_columns(), " columns, expected ", content_->spec.num_columns);
  if (x.num_rows() > max_golden_rows)
    fail(errc::limit_exceeded, "golden rows", x.num_rows(), " rows, expected at most ", max_golden_rows);
  content& model = *content_;
  model.golden_raw = view().predict_raw(x);
  const auto keep = [&]<class T>(const T* data, dtype type) {
    model.golden_type = type;
    model.golden_rows.resize(x.num_rows() * x.num_columns() * sizeof(T));
    std::byte* to = model.golden_rows.data();
    for (std::size_t i = 0; i < x.num_rows(); ++i)
      for (std::size_t j = 0; j < x.num_columns(); ++j, to += sizeof(T))
        std::memcpy(to,
                    data + static_cast<std::ptrdiff_t>(i) * x.row_stride() +
                        static_cast<std::ptrdiff_t>(j) * x.column_stride(),
                    sizeof(T));
  };
  switch (x.type()) {
  case feature_type::float32: return keep(static_cast<const float*>(x.data()), dtype::float32);
  case feature_type::float64: return keep(static_cast<const double*>(x.data()), dtype::float64);
  case feature_type::int64: return keep(static_cast<const std::int64_t*>(x.data()), dtype::int64);
  }
}

} // namespace petrify::inline v0
