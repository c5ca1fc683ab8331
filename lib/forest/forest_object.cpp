// Forests into and out of files.
#include "array/array_object.hpp"
#include "array/writer_state.hpp"
#include "base/attempt.hpp"
#include "base/fail.hpp"
#include "base/float_mode.hpp"
#include "forest/forest_reader.hpp"
#include "forest/golden.hpp"
#include "forest/model_content.hpp"
#include "forest/structure.hpp"
#include "value/value_object.hpp"

#include <petrify/file.hpp>
#include <petrify/forest.hpp>
#include <petrify/writer.hpp>

namespace petrify::inline v0 {

namespace {

// A list of texts as the directory has it.
class text_list {
public:
  void add(std::string_view one) {
    bytes_ += one;
    if (bytes_.size() > max_directory_size)
      fail(errc::limit_exceeded, "names and labels", "more than ", max_directory_size, " bytes of text");
    ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  }
  std::size_t size() const noexcept { return ends_.size(); }
  text_list_description description() const { return {ends_, bytes_}; }

private:
  std::string bytes_;
  std::vector<std::uint32_t> ends_;
};

// The labels and widths of all outputs as parallel vectors.
struct output_vectors {
  std::vector<std::uint32_t> widths;
  std::vector<std::uint32_t> num_classes;
  std::vector<dtype> types;
  std::vector<std::int64_t> integers;
  std::vector<double> reals;
  text_list texts;

  explicit output_vectors(const forest_spec& spec) {
    bool any_real = false;
    bool any_text = false;
    for (const output_spec& o : spec.outputs) {
      any_real |= !o.labels.reals.empty();
      any_text |= !o.labels.texts.empty();
    }
    for (const output_spec& o : spec.outputs) {
      widths.push_back(o.width);
      const auto count = static_cast<std::uint32_t>(o.labels.size());
      num_classes.push_back(count);
      types.push_back(count != 0 ? o.labels.type : o.value_type);
      for (std::uint32_t i = 0; i < count; ++i) {
        integers.push_back(o.labels.integers.empty() ? 0 : o.labels.integers[i]);
        if (any_real)
          reals.push_back(o.labels.reals.empty() ? 0.0 : o.labels.reals[i]);
        if (any_text)
          texts.add(o.labels.texts.empty() ? std::string_view() : o.labels.texts[i]);
      }
    }
  }
};

// The names of categories as parallel vectors.
struct dictionary_vectors {
  std::vector<std::uint32_t> columns;
  std::vector<std::uint32_t> ends;
  text_list texts;

  explicit dictionary_vectors(const forest_spec& spec) {
    for (const category_dictionary& d : spec.dictionaries) {
      columns.push_back(d.column);
      for (const std::string& name : d.names)
        texts.add(name);
      ends.push_back(static_cast<std::uint32_t>(texts.size()));
    }
  }
};

// The steps on rows as parallel vectors.
struct step_vectors {
  std::vector<step_op> ops;
  std::vector<std::uint32_t> columns;
  std::vector<double> a;
  std::vector<double> b;

  explicit step_vectors(const forest_spec& spec) {
    for (const row_step& step : spec.steps) {
      ops.push_back(static_cast<step_op>(step.op));
      columns.push_back(step.column);
      a.push_back(step.a);
      b.push_back(step.b);
    }
  }
};

task_kind stored(task kind) {
  switch (kind) {
  case task::classification: return task_kind::classification;
  case task::regression: return task_kind::regression;
  case task::ranking: return task_kind::ranking;
  case task::anomaly: return task_kind::anomaly;
  }
  return task_kind::none;
}

void write_forest(container_writer& out, std::string_view name, const forest_model::content& model) {
  const forest_spec& spec = model.spec;
  std::vector<segment_role> roles;
  std::vector<std::uint8_t> layouts;
  out.begin_object(name);
  const auto put = [&](segment_role role, std::uint8_t layout, std::span<const std::byte> bytes) {
    out.add_segment(bytes);
    roles.push_back(role);
    layouts.push_back(layout);
  };
  // The base layout is layout 0. Nodes come first: they are what every prediction reads.
  put(segment_role::nodes, 0,
      model.is_n16 ? std::as_bytes(std::span(model.nodes16)) : std::as_bytes(std::span(model.nodes8)));
  put(segment_role::blocks, 0, std::as_bytes(std::span(model.blocks)));
  if (model.leaves)
    put(segment_role::leaf_values, whole_forest, model.leaves->bytes());
  if (!model.stored_leaf_ids.empty())
    put(segment_role::leaf_ids, 0, model.stored_leaf_ids);
  const auto put_table = [&](segment_role role, const auto& table, std::uint8_t layout = whole_forest) {
    if (!table.empty())
      put(role, layout, std::as_bytes(std::span(table)));
  };
  const bool has_dense = model.dense.levels != 0;
  if (has_dense) {
    put(segment_role::dense_nodes, 1, std::as_bytes(std::span(model.dense.nodes)));
    put_table(segment_role::dense_leaves, model.dense.leaves, 1);
    put_table(segment_role::dense_exits, model.dense.exits, 1);
    put_table(segment_role::dense_features, model.dense.features, 1);
    put_table(segment_role::dense_cuts, model.dense.cuts, 1);
  }
  put_table(segment_role::tree_targets, model.tree_targets);
  put_table(segment_role::tree_weights, model.tree_weights);
  put_table(segment_role::cuts, model.cuts);
  put_table(segment_role::category_words, model.category_words);
  put_table(segment_role::linear_ends, model.linear_ends);
  put_table(segment_role::linear_columns, model.linear_columns);
  put_table(segment_role::linear_coefficients, model.linear_coefficients);
  put_table(segment_role::golden_rows, model.golden_rows);
  put_table(segment_role::golden_raw, model.golden_raw);

  text_list column_names;
  for (const std::string& column : spec.column_names)
    column_names.add(column);
  text_list column_types;
  for (const std::string& column : spec.column_types)
    column_types.add(column);
  text_list layout_notes;
  for (const std::string& note : model.layout_notes)
    layout_notes.add(note);
  const dictionary_vectors dictionaries(spec);
  const step_vectors steps(spec);
  const output_vectors outputs(spec);
  std::vector<epilogue_op> ops;
  std::vector<double> parameters;
  std::vector<std::uint32_t> columns;
  for (const epilogue_step& step : spec.epilogue) {
    ops.push_back(static_cast<epilogue_op>(step.op));
    parameters.push_back(step.parameter);
    columns.push_back(step.op == epilogue_step::operation::add ? step.column : all_raw_columns);
  }
  // Entries of the base layout, and of the dense one beside it.
  const std::size_t num_layouts = has_dense ? 2 : 1;
  const layout_kind kinds[] = {model.is_n16 ? layout_kind::n16 : layout_kind::n8, layout_kind::dense};
  const std::uint8_t slot_bits[] = {model.slot_bits, 0};
  const std::uint8_t block_trees[] = {model.block_trees, 0};
  const std::uint64_t num_nodes[] = {model.num_nodes(), 0};

  forest_description d;
  d.library = spec.library;
  d.library_version = spec.library_version;
  d.model_class = spec.model_class;
  d.objective = spec.objective;
  d.task = stored(spec.task);
  d.num_columns = spec.num_columns;
  d.column_names = column_names.description();
  d.column_types = column_types.description();
  d.step_ops = steps.ops;
  d.step_columns = steps.columns;
  d.step_a = steps.a;
  d.step_b = steps.b;
  d.category_rules = model.category_rules;
  d.category_known_sets = model.category_known_sets;
  d.dictionary_columns = dictionaries.columns;
  d.dictionary_ends = dictionaries.ends;
  d.dictionary_texts = dictionaries.texts.description();
  d.slot_columns = model.slot_columns;
  d.slot_kinds = model.slot_kinds;
  d.slot_missing = model.slot_missing;
  d.slot_cut_ends = model.slot_cut_ends;
  d.num_trees = model.num_trees;
  d.iteration_ends = model.iteration_ends;
  d.best_iteration = spec.best_iteration;
  d.layout_kinds = {kinds, num_layouts};
  d.layout_slot_bits = {slot_bits, num_layouts};
  d.layout_block_trees = {block_trees, num_layouts};
  d.layout_num_nodes = {num_nodes, num_layouts};
  d.dense_levels = static_cast<std::uint8_t>(model.dense.levels);
  d.layout_notes = layout_notes.description();
  d.segment_roles = roles;
  d.segment_layouts = layouts;
  d.leaves = model.leaves_are();
  d.leaf_type = spec.leaf_type;
  d.leaf_width = model.leaf_width();
  d.leaf_ids = model.leaf_ids_are();
  d.sum = static_cast<sum_kind>(spec.combine);
  d.accumulator = spec.accumulator;
  d.start = spec.start;
  d.epilogue_ops = ops;
  d.epilogue_parameters = parameters;
  d.epilogue_columns = columns;
  d.num_raw_ops = spec.num_raw_steps;
  d.output_widths = outputs.widths;
  d.output_num_classes = outputs.num_classes;
  d.output_types = outputs.types;
  d.label_integers = outputs.integers;
  d.label_reals = outputs.reals;
  d.label_texts = outputs.texts.description();
  d.decision = static_cast<decision_rule>(spec.decision);
  d.cut = spec.cut;
  d.cut_tie_is_upper = spec.cut_tie_is_upper;
  d.golden_type = model.golden_raw.empty() ? dtype::none : model.golden_type;
  out.end_object(d);
}

std::string place_of(const container& from, std::size_t index) {
  return text("object ", quoted(from.contents().objects()[index].name));
}

// Appends what `check` throws, if it throws, with the object's path and name.
template <class Check>
void collect(std::vector<error>& faults, const container& from, std::size_t index, Check check) {
  try {
    check();
  } catch (const error& failure) {
    faults.push_back(failure.path().empty() ? failure.at(from.path(), place_of(from, index)) : failure);
  }
}

} // namespace

void writer::add(std::string_view name, const forest_model& model) {
  state_->require_idle();
  try {
    write_forest(state_->out, name, model.get());
  } catch (const error& failure) {
    throw failure.path().empty() ? failure.at(state_->out.path(), text("object ", quoted(name))) : failure;
  }
}

forest file::forest(std::string_view name, trust vouched) const& {
  const exact_float_mode mode;
  const std::size_t index = container_->find(name, object_kind::forest);
  const forest_data& data = container_->decoded<forest_data>(
      index, [&] { return std::shared_ptr<const forest_data>(read_forest(*container_, index)); });
  if (vouched == trust::nothing && !container_->is_vouched_for())
    container_->check_once(index, [&] {
      try {
        check_structure(data);
      } catch (const error& failure) {
        throw failure.at(path(), place_of(*container_, index));
      }
    });
  return v0::forest(data);
}

std::optional<forest> file::try_forest(std::string_view name, std::optional<error>& why,
                                       trust vouched) const& noexcept {
  return attempt(why, [&] { return forest(name, vouched); });
}

std::vector<error> file::verify(const verify_progress& progress, executor& on) const {
  const exact_float_mode mode;
  const container::reading_through pages(*container_);
  std::vector<error> faults;
  container_->verify(faults, on, progress);
  const auto& objects = container_->contents().objects();
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (objects[i].kind == object_kind::array)
      verify_array(*container_, i, faults);
    if (objects[i].kind == object_kind::value)
      verify_value(*container_, i, faults);
    if (objects[i].kind == object_kind::record)
      verify_record(*container_, i, faults);
    if (objects[i].kind == object_kind::forest)
      collect(faults, *container_, i, [&] {
        const auto data = read_forest(*container_, i);
        check_structure(*data);
        check_every_node(*data);
        check_golden_rows(*data);
      });
    verify_attributes(*container_, i, faults);
  }
  return faults;
}

std::vector<error> verify(const std::string& path, const open_options& options, const verify_progress& progress,
                          executor& on) {
  std::optional<file> opened;
  try {
    opened = file::open(path, options);
  } catch (const error& failure) {
    return {failure};
  }
  return opened->verify(progress, on);
}

} // namespace petrify::inline v0
