#include "forest/forest_reader.hpp"

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/utf8.hpp"
#include "forest/labels.hpp"

#include <algorithm>
#include <bit>
#include <tuple>
#include <utility>

namespace petrify::inline v0 {

namespace {

// Reads one forest; each function decodes one part of the description and refuses what is wrong with it.
class reader {
public:
  reader(const container& from, std::size_t index)
      : d_(from.contents().describe_forest(index)), segments_(from.segments_of(index)),
        out_(std::make_unique<forest_data>()) {}

  std::unique_ptr<forest_data> read() {
    read_origin();
    read_columns();
    read_steps();
    read_layout();
    read_trees();
    read_slots();
    read_dictionaries();
    read_outputs();
    read_leaves();
    read_dense();
    read_labels();
    read_decision();
    read_golden_rows();
    return std::move(out_);
  }

private:
  template <class... Pieces>
  [[noreturn]] static void refuse(const Pieces&... pieces) {
    fail(errc::malformed, {}, pieces...);
  }
  template <class... Pieces>
  [[noreturn]] static void unknown(const Pieces&... pieces) {
    fail(errc::unsupported, {}, pieces..., " is not known to petrify " PETRIFY_VERSION_STRING);
  }

  // The texts of a list, checked: ends ascending, the last one at the end, valid UTF-8.
  static std::vector<std::string_view> texts_of(const text_list_description& list, const char* field) {
    std::vector<std::string_view> out;
    out.reserve(list.ends.size());
    std::uint32_t begin = 0;
    for (const std::uint32_t end : list.ends) {
      if (end < begin || end > list.bytes.size())
        refuse(field, ": text ", out.size(), " ends at byte ", end, ", expected ", begin, " to ", list.bytes.size());
      out.push_back(list.bytes.substr(begin, end - begin));
      if (!is_utf8(out.back()))
        refuse(field, ": text ", out.size() - 1, " is not valid UTF-8: ", quoted(out.back()));
      begin = end;
    }
    if (begin != list.bytes.size())
      refuse(field, ": texts end at byte ", begin, ", expected ", list.bytes.size());
    return out;
  }

  // The one segment of a role, as elements of T; empty when absent.
  template <class T>
  std::span<const T> segment(segment_role role, const char* name, std::uint8_t layout = whole_forest) const {
    std::span<const std::byte> found;
    bool seen = false;
    for (std::size_t i = 0; i < d_.segment_roles.size(); ++i) {
      if (d_.segment_roles[i] != role || d_.segment_layouts[i] != layout)
        continue;
      if (std::exchange(seen, true))
        refuse("two segments of ", name, ", expected one");
      found = segments_[i];
    }
    if (found.size() % sizeof(T) != 0)
      refuse(name, " of ", found.size(), " bytes, expected a multiple of ", sizeof(T));
    return {reinterpret_cast<const T*>(found.data()), found.size() / sizeof(T)};
  }

  void read_origin() {
    out_->library = d_.library;
    out_->library_version = d_.library_version;
    out_->model_class = d_.model_class;
    out_->objective = d_.objective;
    switch (d_.task) {
    case task_kind::classification: out_->task = task::classification; break;
    case task_kind::regression: out_->task = task::regression; break;
    case task_kind::ranking: out_->task = task::ranking; break;
    case task_kind::anomaly: out_->task = task::anomaly; break;
    default: unknown("task ", static_cast<unsigned>(d_.task));
    }
  }

  void read_columns() {
    out_->num_columns = d_.num_columns;
    out_->column_names = texts_of(d_.column_names, "column names");
    if (!out_->column_names.empty() && out_->column_names.size() != d_.num_columns)
      refuse(out_->column_names.size(), " column names, expected ", d_.num_columns, " or none");
    out_->column_types = texts_of(d_.column_types, "column types");
    if (!out_->column_types.empty() && out_->column_types.size() != d_.num_columns)
      refuse(out_->column_types.size(), " column types, expected ", d_.num_columns, " or none");
    out_->layout_notes = texts_of(d_.layout_notes, "layout notes");
  }

  void read_steps() {
    const std::size_t count = d_.step_ops.size();
    if (d_.step_columns.size() != count || d_.step_a.size() != count || d_.step_b.size() != count)
      refuse(count, " steps with ", d_.step_columns.size(), " columns and ", d_.step_a.size(), " and ",
             d_.step_b.size(), " parameters, expected as many of each");
    std::size_t num_wide = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (d_.step_ops[i] == step_op::none || d_.step_ops[i] > step_op::narrow_integers)
        unknown("step ", i, ": operation ", static_cast<unsigned>(d_.step_ops[i]));
      num_wide += d_.step_columns[i] == all_columns;
      if (d_.step_ops[i] == step_op::narrow_integers && (i != 0 || d_.step_columns[i] != all_columns))
        refuse("step ", i, ": narrow_integers on column ", d_.step_columns[i],
               ", expected it as the first step and on every column");
      if (d_.step_columns[i] != all_columns && d_.step_columns[i] >= d_.num_columns)
        refuse("step ", i, ": column ", d_.step_columns[i], ", expected less than ", d_.num_columns);
      out_->steps.push_back({d_.step_ops[i], d_.step_columns[i], d_.step_a[i], d_.step_b[i]});
    }
    // What a row costs stays linear in the directory: a column is in the file as a name or a step, or is just counted.
    if (num_wide > max_wide_steps)
      refuse(num_wide, " steps on every column, expected at most ", max_wide_steps);
  }

  void read_dictionaries() {
    const std::vector<std::string_view> names = texts_of(d_.dictionary_texts, "category names");
    if (d_.dictionary_columns.size() != d_.dictionary_ends.size())
      refuse(d_.dictionary_columns.size(), " columns with category names and ", d_.dictionary_ends.size(),
             " ends, expected as many of each");
    std::uint32_t begin = 0;
    for (std::size_t i = 0; i < d_.dictionary_columns.size(); ++i) {
      const std::uint32_t column = d_.dictionary_columns[i];
      const std::uint32_t end = d_.dictionary_ends[i];
      if (column >= d_.num_columns || (i != 0 && column <= d_.dictionary_columns[i - 1]))
        refuse("category names of column ", column, ", expected ascending columns below ", d_.num_columns);
      if (end < begin || end > names.size())
        refuse("category names of column ", column, " end at ", end, ", expected ", begin, " to ", names.size());
      out_->dictionaries.push_back({column, {names.begin() + begin, names.begin() + end}});
      begin = end;
    }
    if (begin != names.size())
      refuse("category names end at ", begin, ", expected ", names.size());
  }

  void read_golden_rows() {
    out_->golden_type = d_.golden_type;
    out_->golden_rows = segment<std::byte>(segment_role::golden_rows, "golden rows");
    out_->golden_raw = segment<double>(segment_role::golden_raw, "golden scores");
    if (d_.golden_type != dtype::none && d_.golden_type != dtype::float32 && d_.golden_type != dtype::float64 &&
        d_.golden_type != dtype::int64)
      refuse("golden rows of ", to_string(d_.golden_type), ", expected float32, float64 or int64");
    if (out_->num_golden() > max_golden_rows)
      refuse(out_->num_golden(), " golden rows, expected at most ", max_golden_rows);
    if (d_.golden_type == dtype::none ? !out_->golden_rows.empty() || !out_->golden_raw.empty()
                                      : out_->golden_raw.size() % out_->raw_width != 0 ||
                                            checked_mul(out_->num_golden() * size_bytes(d_.golden_type),
                                                        d_.num_columns) != out_->golden_rows.size())
      refuse(out_->golden_rows.size(), " bytes of golden rows with ", out_->golden_raw.size(), " scores, expected ",
             out_->raw_width, " for each row of ", d_.num_columns, " columns");
  }

  // A segment that means something must be where it is looked for; one that is not known may only be skipped when its
  // role says that it never changes a prediction.
  void check_roles() const {
    std::size_t num_attributes = 0;
    for (std::size_t i = 0; i < d_.segment_roles.size(); ++i) {
      const segment_role role = d_.segment_roles[i];
      const std::uint8_t layout = d_.segment_layouts[i];
      // What belongs to a layout of a later version is skipped with it.
      if (layout != 0 && layout < d_.layout_kinds.size() && d_.layout_kinds[layout] > layout_kind::dense &&
          role != segment_role::attribute)
        continue;
      const bool is_shared = layout == whole_forest;
      bool is_in_place = false;
      switch (role) {
      case segment_role::nodes:
      case segment_role::blocks:
      case segment_role::leaf_ids: is_in_place = layout == 0; break;
      case segment_role::dense_nodes:
      case segment_role::dense_features:
      case segment_role::dense_cuts:
      case segment_role::dense_leaves:
      case segment_role::dense_exits:
        is_in_place = layout < d_.layout_kinds.size() && d_.layout_kinds[layout] == layout_kind::dense;
        break;
      case segment_role::leaf_values:
      case segment_role::tree_targets:
      case segment_role::tree_weights:
      case segment_role::cuts:
      case segment_role::category_words:
      case segment_role::linear_ends:
      case segment_role::linear_columns:
      case segment_role::linear_coefficients:
      case segment_role::golden_rows:
      case segment_role::golden_raw: is_in_place = is_shared; break;
      case segment_role::sparse_leaves:
        // Tables that predictions would have to look at, if this version knew how.
        if (!segments_[i].empty())
          unknown("segment ", i, ": a table of role ", static_cast<unsigned>(role));
        is_in_place = is_shared;
        break;
      default:
        if (role < segment_role::attribute)
          unknown("segment ", i, ": role ", static_cast<unsigned>(role));
        num_attributes += role == segment_role::attribute;
        is_in_place = is_shared || layout < d_.layout_kinds.size();
      }
      if (!is_in_place)
        refuse("segment ", i, " of role ", static_cast<unsigned>(role), " belongs to layout ", unsigned{layout},
               ", expected the one of ", d_.layout_kinds.size(),
               " layouts that its role is for or, for what all layouts share, 255");
    }
    if (d_.attribute_types.size() != num_attributes || d_.attribute_names.ends.size() != num_attributes)
      refuse(d_.attribute_types.size(), " types and ", d_.attribute_names.ends.size(), " names for ", num_attributes,
             " attribute segments");
    (void)texts_of(d_.attribute_names, "attribute names");
  }

  void read_layout() {
    if (d_.segment_roles.size() != segments_.size() || d_.segment_layouts.size() != segments_.size())
      refuse(d_.segment_roles.size(), " segment roles and ", d_.segment_layouts.size(), " segment layouts for ",
             segments_.size(), " segments");
    check_roles();
    if (d_.layout_kinds.empty() || d_.layout_slot_bits.size() != d_.layout_kinds.size() ||
        d_.layout_block_trees.size() != d_.layout_kinds.size() || d_.layout_num_nodes.size() != d_.layout_kinds.size())
      refuse(d_.layout_kinds.size(), " layouts with ", d_.layout_slot_bits.size(), " slot bits, ",
             d_.layout_block_trees.size(), " block sizes and ", d_.layout_num_nodes.size(),
             " node counts, expected at least one and as many of each");
    for (std::size_t i = 1; i < d_.layout_kinds.size(); ++i)
      if (d_.layout_kinds[i] < layout_kind::dense)
        refuse("layout ", i, " of kind ", static_cast<unsigned>(d_.layout_kinds[i]),
               " beside the base layout, expected a dense one");
    out_->layout = d_.layout_kinds[0];
    out_->slot_bits = d_.layout_slot_bits[0];
    out_->num_nodes = d_.layout_num_nodes[0];
    const unsigned bits = out_->slot_bits;
    std::uint64_t node_bytes = 0;
    if (out_->layout == layout_kind::n8) {
      if (bits != 8 && bits != 12 && bits != 16)
        refuse("n8 layout with ", bits, " slot bits, expected 8, 12 or 16");
      node_bytes = sizeof(node8);
    } else if (out_->layout == layout_kind::n16) {
      if (bits != 0)
        refuse("n16 layout with ", bits, " slot bits, expected 0");
      node_bytes = sizeof(node16);
    } else if (out_->layout > layout_kind::dense) {
      unknown("base layout ", static_cast<unsigned>(out_->layout));
    } else {
      refuse("base layout ", static_cast<unsigned>(out_->layout), ", expected n8 or n16");
    }
    const auto nodes = segment<std::byte>(segment_role::nodes, "nodes", 0);
    // Node indices are 32 bits wide in prediction and in the root table.
    if (checked_mul(out_->num_nodes, node_bytes) != nodes.size() || out_->num_nodes % 2 != 0 ||
        out_->num_nodes > 0xffffffffu)
      refuse(out_->num_nodes, " nodes in ", nodes.size(), " bytes, expected an even number below 2^32, of ", node_bytes,
             " bytes each");
    out_->nodes = nodes.data();
    out_->category_words = segment<std::uint32_t>(segment_role::category_words, "category words");
    if (!out_->category_words.empty() && out_->layout != layout_kind::n16)
      refuse("category words with an n8 layout, expected n16");
  }

  void read_trees() {
    // Tree numbers are 32 bits wide in kernels, with room for a group past the last one.
    if (d_.num_trees > 0x7fffffffu)
      refuse(d_.num_trees, " trees, expected at most 2147483647");
    out_->num_trees = d_.num_trees;
    const unsigned block_trees = d_.layout_block_trees[0];
    if (block_trees != 2 && block_trees != 4 && block_trees != 8)
      refuse("blocks of ", block_trees, " trees, expected 2, 4 or 8");
    out_->block_shift = static_cast<std::uint8_t>(std::countr_zero(block_trees));
    out_->blocks = segment<std::uint32_t>(segment_role::blocks, "blocks", 0);
    if (out_->blocks.size() != (std::uint64_t{d_.num_trees} + block_trees - 1) / block_trees)
      refuse(out_->blocks.size(), " blocks for ", d_.num_trees, " trees, expected one for every ", block_trees);
    out_->tree_targets = segment<std::uint32_t>(segment_role::tree_targets, "tree targets");
    if (!out_->tree_targets.empty() && out_->tree_targets.size() != d_.num_trees)
      refuse(out_->tree_targets.size(), " tree targets, expected ", d_.num_trees, " or none");
    std::uint32_t previous = 0;
    for (const std::uint32_t end : d_.iteration_ends) {
      if (end < previous || end > d_.num_trees)
        refuse("iteration ends at tree ", end, ", expected ", previous, " to ", d_.num_trees);
      previous = end;
    }
    out_->iteration_ends = d_.iteration_ends;
    out_->best_iteration = d_.best_iteration;
    if (d_.best_iteration < -1)
      refuse("best iteration ", d_.best_iteration, ", expected -1 for none or more");
  }

  void read_slots() {
    const std::size_t count = d_.slot_columns.size();
    if (count == 0 || d_.slot_kinds.size() != count || d_.slot_missing.size() != count)
      refuse(count, " slot columns, ", d_.slot_kinds.size(), " kinds and ", d_.slot_missing.size(),
             " missing rules, expected at least one and as many of each");
    const auto cuts = segment<double>(segment_role::cuts, "cuts");
    if (!d_.slot_cut_ends.empty() && d_.slot_cut_ends.size() != count)
      refuse(d_.slot_cut_ends.size(), " slot cut ends, expected ", count, " or none");
    if (cuts.size() != (d_.slot_cut_ends.empty() ? 0 : d_.slot_cut_ends.back()))
      refuse(cuts.size(), " cuts, expected as many as the last slot's end says");
    const std::size_t num_categories =
        static_cast<std::size_t>(std::count(d_.slot_kinds.begin(), d_.slot_kinds.end(), slot_kind::category));
    const std::size_t num_rules = num_categories == 0 ? 0 : count;
    if (d_.category_rules.size() != num_rules || d_.category_known_sets.size() != num_rules)
      refuse(d_.category_rules.size(), " category rules and ", d_.category_known_sets.size(),
             " known sets, expected one of each for every slot, or none without slots of categories");
    out_->slots.resize(count);
    std::uint64_t begin = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const slot_kind kind = d_.slot_kinds[i];
      if (kind > slot_kind::category)
        unknown("slot ", i, ": kind ", static_cast<unsigned>(kind));
      if ((kind == slot_kind::zero) != (i == 0))
        refuse("slot ", i, ": kind ", static_cast<unsigned>(kind), ", expected the zero slot first and only there");
      if (d_.slot_missing[i] > missing_rule::zero_right)
        unknown("slot ", i, ": missing rule ", static_cast<unsigned>(d_.slot_missing[i]));
      if (kind != slot_kind::zero && d_.slot_columns[i] >= d_.num_columns)
        refuse("slot ", i, ": column ", d_.slot_columns[i], ", expected less than ", d_.num_columns);
      // Each combination once and in order: there is one way to write a forest's slots, and few of them.
      const auto rank = [&](std::size_t s) {
        return std::tuple(s != 0, d_.slot_columns[s], d_.slot_missing[s], d_.slot_kinds[s]);
      };
      if (i == 0 ? rank(0) != std::tuple(false, 0u, missing_rule::left, slot_kind::zero) : !(rank(i - 1) < rank(i)))
        refuse("slot ", i, ": column ", d_.slot_columns[i], " with missing rule ",
               static_cast<unsigned>(d_.slot_missing[i]), ", expected slots in ascending order, each once");
      const std::uint64_t end = d_.slot_cut_ends.empty() ? 0 : d_.slot_cut_ends[i];
      const category_rule rule = num_rules == 0 ? category_rule::none : d_.category_rules[i];
      if (rule > category_rule::hist_gradient_boosting_wrapped)
        unknown("slot ", i, ": category rule ", static_cast<unsigned>(rule));
      if ((rule != category_rule::none) != (kind == slot_kind::category) ||
          (kind == slot_kind::category && d_.slot_missing[i] > missing_rule::right))
        refuse("slot ", i, ": category rule ", static_cast<unsigned>(rule), " with missing rule ",
               static_cast<unsigned>(d_.slot_missing[i]),
               ", expected a rule for categories only, missing left or right");
      const bool has_cuts = kind == slot_kind::rank64 || rule == category_rule::listed;
      if (end < begin || end > cuts.size() || (end != begin && !has_cuts) || end - begin > 0xfffffff0u)
        refuse("slot ", i, ": cuts end at ", end, ", expected ", begin, " to ", cuts.size(),
               " and none but for rank64 and listed categories");
      const std::uint32_t known = num_rules == 0 ? no_known_set : d_.category_known_sets[i];
      const auto words = out_->category_words;
      // The rules before these know all categories.
      if (known != no_known_set && rule < category_rule::hist_gradient_boosting)
        refuse("slot ", i, ": known categories at word ", known, " with category rule ", static_cast<unsigned>(rule),
               ", expected none");
      if (known != no_known_set && (known >= words.size() || words[known] > words.size() - known - 1))
        refuse("slot ", i, ": known categories at word ", known, ", expected a set within ", words.size(), " words");
      out_->slots[i] = {d_.slot_columns[i],
                        kind,
                        d_.slot_missing[i],
                        cuts.subspan(begin, end - begin),
                        rule,
                        known == no_known_set ? nullptr : words.data() + known};
      begin = end;
    }
  }

  void read_outputs() {
    const std::size_t count = d_.output_widths.size();
    if (count == 0 || d_.output_num_classes.size() != count || d_.output_types.size() != count)
      refuse(count, " output widths with ", d_.output_num_classes.size(), " class counts and ", d_.output_types.size(),
             " types, expected at least one and as many of each");
    std::uint64_t sums = 0;
    for (std::size_t i = 0; i < count; ++i) {
      sums += d_.output_widths[i];
      if (d_.output_widths[i] == 0)
        refuse("output ", i, ": 0 sums, expected at least one");
    }
    // Each sum has a start value in the directory, so this also bounds what a prediction allocates.
    if (sums != d_.start.size())
      refuse(sums, " sums of all outputs with ", d_.start.size(), " start values, expected one a sum");
    const std::vector<column_counts> counts = read_epilogue();
    std::uint64_t labels = 0;
    for (std::size_t i = 0; i < count; ++i) {
      output_data o;
      o.sum_begin = out_->sum_width;
      o.sum_width = counts[i].sums;
      o.raw_begin = out_->raw_width;
      o.raw_width = counts[i].raw;
      o.final_begin = out_->final_width;
      o.final_width = counts[i].final;
      o.first_label = static_cast<std::uint32_t>(labels);
      o.num_classes = d_.output_num_classes[i];
      o.type = d_.output_types[i];
      out_->sum_width += o.sum_width;
      out_->raw_width += o.raw_width;
      out_->final_width += o.final_width;
      labels += o.num_classes;
      out_->outputs.push_back(o);
    }
    out_->start.assign(d_.start.begin(), d_.start.end());
  }

  std::vector<column_counts> read_epilogue() {
    const std::size_t count = d_.epilogue_ops.size();
    if (d_.epilogue_parameters.size() != count || d_.epilogue_columns.size() != count)
      refuse(count, " epilogue operations, ", d_.epilogue_parameters.size(), " parameters, ",
             d_.epilogue_columns.size(), " columns, expected as many of each");
    for (std::size_t i = 0; i < count; ++i)
      out_->epilogue.push_back({d_.epilogue_ops[i], d_.epilogue_parameters[i], d_.epilogue_columns[i]});
    out_->num_raw_ops = d_.num_raw_ops;
    return check_epilogue(out_->epilogue, d_.num_raw_ops, d_.output_widths, errc::malformed);
  }

  void read_leaves() {
    if (d_.sum != sum_kind::sum && d_.sum != sum_kind::weighted_median)
      unknown("sum kind ", static_cast<unsigned>(d_.sum));
    out_->sum = d_.sum;
    out_->tree_weights = segment<double>(segment_role::tree_weights, "tree weights");
    const bool is_median = d_.sum == sum_kind::weighted_median;
    if (out_->tree_weights.size() != (is_median ? out_->num_trees : 0))
      refuse(out_->tree_weights.size(), " tree weights for ", out_->num_trees,
             " trees, expected one a tree for a weighted median, else none");
    if (is_median && (out_->sum_width != 1 || d_.leaves > leaf_form::scalar))
      refuse("a weighted median of ", out_->sum_width, " sums, expected one, of scalar leaves");
    out_->accumulator = d_.accumulator;
    out_->leaves = d_.leaves;
    out_->leaf_type = d_.leaf_type;
    out_->leaf_width = d_.leaf_width;
    const bool is_float32 = d_.leaf_type == dtype::float32;
    if ((!is_float32 && d_.leaf_type != dtype::float64) ||
        (d_.accumulator != dtype::float64 && !(d_.accumulator == dtype::float32 && is_float32)))
      refuse("leaves of ", to_string(d_.leaf_type), " added as ", to_string(d_.accumulator),
             ", expected float32 or float64, not added in a narrower type");
    const auto values = segment<std::byte>(segment_role::leaf_values, "leaf values");
    const bool is_linear = d_.leaves == leaf_form::linear;
    if ((d_.leaves > leaf_form::vector && !is_linear) || d_.leaves == leaf_form::none)
      unknown("leaf form ", static_cast<unsigned>(d_.leaves));
    const std::uint32_t expected_width = d_.leaves == leaf_form::vector ? out_->sum_width : is_linear ? 2 : 1;
    if (d_.leaf_width != expected_width)
      refuse("leaves of ", d_.leaf_width, " values, expected ", expected_width);
    if (d_.leaves == leaf_form::inline_float32) {
      if (!is_float32 || !values.empty())
        refuse("inline leaves of ", to_string(d_.leaf_type), " with ", values.size(),
               " bytes of leaf values, expected float32 and none");
    } else {
      const std::uint64_t row_bytes = std::uint64_t{d_.leaf_width} * size_bytes(d_.leaf_type);
      if (values.size() % row_bytes != 0)
        refuse(values.size(), " bytes of leaf values, expected a multiple of ", row_bytes);
      out_->num_leaf_rows = values.size() / row_bytes;
      out_->leaf_values = values.data();
    }
    out_->linear_ends = segment<std::uint32_t>(segment_role::linear_ends, "ends of linear leaves");
    out_->linear_columns = segment<std::uint32_t>(segment_role::linear_columns, "columns of linear leaves");
    out_->linear_coefficients = segment<double>(segment_role::linear_coefficients, "coefficients of linear leaves");
    if (out_->linear_ends.size() != (is_linear ? out_->num_leaf_rows : 0) ||
        out_->linear_coefficients.size() != out_->linear_columns.size() || (is_linear && is_float32))
      refuse(out_->linear_ends.size(), " linear leaves with ", out_->linear_columns.size(), " columns and ",
             out_->linear_coefficients.size(), " coefficients, expected as many of both and a leaf for each of ",
             is_linear ? out_->num_leaf_rows : 0, " rows of float64");
    out_->leaf_ids = d_.leaf_ids;
    const auto ids = segment<std::byte>(segment_role::leaf_ids, "leaf ids", 0);
    if (d_.leaf_ids == leaf_id_rule::none || d_.leaf_ids > leaf_id_rule::stored_pairs)
      unknown("leaf id rule ", static_cast<unsigned>(d_.leaf_ids));
    const std::uint64_t num_ids = out_->num_stored_ids();
    if (!is_size_of_ids(ids.size(), num_ids))
      refuse(ids.size(), " bytes of stored leaf ids for ", out_->num_nodes, " nodes, expected ", num_ids,
             " ids of 1, 2 or 4 bytes each");
    out_->stored_leaf_ids = stored_ids(ids, num_ids);
  }

  // The dense layout, if there is one beside the base layout.
  void read_dense() {
    const auto first = std::find(d_.layout_kinds.begin() + 1, d_.layout_kinds.end(), layout_kind::dense);
    const std::uint32_t levels = d_.dense_levels;
    if (first == d_.layout_kinds.end()) {
      if (levels != 0)
        refuse(levels, " dense levels, but no dense layout");
      return;
    }
    if (std::find(first + 1, d_.layout_kinds.end(), layout_kind::dense) != d_.layout_kinds.end())
      refuse("two dense layouts, expected one");
    if (levels == 0 || levels > max_dense_levels)
      refuse("dense layout of ", levels, " levels, expected 1 to ", max_dense_levels);
    if (!out_->kernel_adds())
      refuse("dense layout of a forest whose leaves are not just added, expected none");
    const auto index = static_cast<std::uint8_t>(first - d_.layout_kinds.begin());
    if (d_.layout_slot_bits[index] != 0 || d_.layout_block_trees[index] != 0 || d_.layout_num_nodes[index] != 0)
      refuse("dense layout with ", unsigned{d_.layout_slot_bits[index]}, " slot bits, blocks of ",
             unsigned{d_.layout_block_trees[index]}, " trees and ", d_.layout_num_nodes[index],
             " nodes, expected 0 of each");
    dense_view& dense = out_->dense;
    dense.levels = levels;
    dense.nodes = segment<std::uint8_t>(segment_role::dense_nodes, "dense nodes", index);
    dense.features = segment<dense_feature>(segment_role::dense_features, "dense features", index);
    dense.cuts = segment<std::uint32_t>(segment_role::dense_cuts, "dense cuts", index);
    dense.leaves = segment<std::uint32_t>(segment_role::dense_leaves, "dense leaves", index);
    dense.exits = segment<std::uint32_t>(segment_role::dense_exits, "dense exits", index);
    const std::uint64_t num_ends = out_->num_trees * dense.tree_ways();
    if (dense.nodes.size() != dense_view::num_groups(out_->num_trees) * dense.group_bytes() ||
        std::max(dense.leaves.size(), dense.exits.size()) != num_ends ||
        std::min(dense.leaves.size(), dense.exits.size()) != 0)
      refuse(dense.nodes.size(), " bytes of dense nodes, ", dense.leaves.size(), " leaves and ", dense.exits.size(),
             " exits, expected ", dense.group_bytes(), " bytes for every 64 of ", out_->num_trees, " trees and ",
             dense.tree_ways(), " leaves, or exits, for each of them");
    if (dense.features.size() > max_dense_features || dense.cuts.size() % dense_line != 0)
      refuse(dense.features.size(), " dense features with ", dense.cuts.size(), " cuts, expected at most ",
             max_dense_features, " and lines of ", dense_line);
  }

  void read_labels() {
    std::uint64_t total = 0;
    for (const output_data& o : out_->outputs)
      total += o.num_classes;
    out_->label_integers = d_.label_integers;
    out_->label_reals = d_.label_reals;
    out_->label_texts = texts_of(d_.label_texts, "labels");
    if (d_.label_integers.size() != total || (!d_.label_reals.empty() && d_.label_reals.size() != total) ||
        (!out_->label_texts.empty() && out_->label_texts.size() != total))
      refuse(d_.label_integers.size(), " integer, ", d_.label_reals.size(), " real and ", out_->label_texts.size(),
             " text labels for ", total, " classes");
    for (const output_data& o : out_->outputs) {
      const bool numeric =
          (o.type >= dtype::bool8 && o.type <= dtype::uint64) || o.type == dtype::float32 || o.type == dtype::float64;
      const bool real = o.type == dtype::float32 || o.type == dtype::float64;
      if (!numeric && !(o.type == dtype::string && o.num_classes != 0))
        refuse("output of type ", to_string(o.type), ", expected numbers or labels");
      for (std::uint32_t k = 0; k < o.num_classes; ++k)
        if (!label_fits(o.type, d_.label_integers[o.first_label + k]))
          refuse("label ", d_.label_integers[o.first_label + k], ", expected a value of type ", to_string(o.type));
      if (o.num_classes != 0 &&
          ((real && d_.label_reals.empty()) || (o.type == dtype::string && out_->label_texts.empty())))
        refuse("output with labels of type ", to_string(o.type), ", but no such labels");
    }
  }

  void read_decision() {
    out_->decision = d_.decision;
    out_->cut = d_.cut;
    out_->cut_tie_is_upper = d_.cut_tie_is_upper;
    for (const output_data& o : out_->outputs) {
      std::uint32_t expected = 0;
      switch (d_.decision) {
      case decision_rule::none: break;
      case decision_rule::argmax_raw: expected = o.raw_width; break;
      case decision_rule::argmax_final: expected = o.final_width; break;
      case decision_rule::cut_raw:
        if (o.raw_width != 1)
          refuse("cut of ", o.raw_width, " raw columns, expected one");
        expected = 2;
        break;
      case decision_rule::cut_final: expected = 2; break;
      default: unknown("decision rule ", static_cast<unsigned>(d_.decision));
      }
      if (o.num_classes != expected)
        refuse("output of ", o.num_classes, " classes, but its decision chooses among ", expected);
    }
  }

  forest_description d_;
  std::vector<std::span<const std::byte>> segments_;
  std::unique_ptr<forest_data> out_;
};

} // namespace

std::unique_ptr<forest_data> read_forest(const container& from, std::size_t index) {
  try {
    return reader(from, index).read();
  } catch (const error& failure) {
    throw failure.at(from.path(), text("object ", quoted(from.contents().objects()[index].name)));
  }
}

} // namespace petrify::inline v0
