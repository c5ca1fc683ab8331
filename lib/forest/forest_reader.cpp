#include "forest/forest_reader.hpp"

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/utf8.hpp"
#include "forest/labels.hpp"

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
    read_layout();
    read_trees();
    read_slots();
    read_outputs();
    read_epilogue();
    read_leaves();
    read_labels();
    read_decision();
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
    if (!d_.unsupported_part.empty())
      unknown("a forest with ", d_.unsupported_part);
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
  }

  // A segment that means something must be where it is looked for; one that is not known may only be skipped when its
  // role says that it never changes a prediction.
  void check_roles() const {
    std::size_t num_attributes = 0;
    for (std::size_t i = 0; i < d_.segment_roles.size(); ++i) {
      const segment_role role = d_.segment_roles[i];
      const std::uint8_t layout = d_.segment_layouts[i];
      bool of_a_layout = layout != whole_forest;
      switch (role) {
      case segment_role::nodes:
      case segment_role::blocks:
      case segment_role::leaf_ids:
      case segment_role::dense_tables: break;
      case segment_role::leaf_values:
      case segment_role::tree_targets:
      case segment_role::cuts: of_a_layout = !of_a_layout; break;
      case segment_role::tree_weights:
      case segment_role::category_words:
      case segment_role::sparse_leaves:
      case segment_role::linear_leaves:
        // Tables that predictions would have to look at, if this version knew how.
        if (!segments_[i].empty())
          unknown("segment ", i, ": a table of role ", static_cast<unsigned>(role));
        of_a_layout = !of_a_layout;
        break;
      default:
        if (role < segment_role::attribute)
          unknown("segment ", i, ": role ", static_cast<unsigned>(role));
        num_attributes += role == segment_role::attribute;
        of_a_layout = true;
      }
      if (!of_a_layout || (layout != whole_forest && layout >= d_.layout_kinds.size()))
        refuse("segment ", i, " of role ", static_cast<unsigned>(role), " belongs to layout ", layout,
               ", expected one of ", d_.layout_kinds.size(), " layouts or, for what all layouts share, 255");
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
    out_->slots.resize(count);
    std::uint64_t begin = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const slot_kind kind = d_.slot_kinds[i];
      if (kind > slot_kind::rank64)
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
      if (end < begin || end > cuts.size() || (end != begin && kind != slot_kind::rank64) || end - begin > 0xfffffff0u)
        refuse("slot ", i, ": cuts end at ", end, ", expected ", begin, " to ", cuts.size(),
               " and none but for rank64");
      out_->slots[i] = {d_.slot_columns[i], kind, d_.slot_missing[i], cuts.subspan(begin, end - begin)};
      begin = end;
    }
  }

  void read_outputs() {
    const std::size_t count = d_.output_raw_widths.size();
    if (count == 0 || d_.output_final_widths.size() != count || d_.output_num_classes.size() != count ||
        d_.output_types.size() != count)
      refuse(count, " outputs with ", d_.output_final_widths.size(), " final widths, ", d_.output_num_classes.size(),
             " class counts and ", d_.output_types.size(), " types, expected at least one and as many of each");
    std::uint64_t raw = 0;
    std::uint64_t final = 0;
    std::uint64_t labels = 0;
    for (std::size_t i = 0; i < count; ++i) {
      output_data o;
      o.raw_begin = static_cast<std::uint32_t>(raw);
      o.raw_width = d_.output_raw_widths[i];
      o.final_begin = static_cast<std::uint32_t>(final);
      o.final_width = d_.output_final_widths[i];
      o.first_label = static_cast<std::uint32_t>(labels);
      o.num_classes = d_.output_num_classes[i];
      o.type = d_.output_types[i];
      raw += o.raw_width;
      final += o.final_width;
      labels += o.num_classes;
      if (o.raw_width == 0 || o.final_width == 0)
        refuse("output ", i, ": ", o.raw_width, " raw and ", o.final_width, " final columns, expected at least one");
      out_->outputs.push_back(o);
    }
    // Each raw column has a start value in the directory, so this also bounds what a prediction allocates.
    if (raw != d_.start.size() || final > 2 * raw)
      refuse(raw, " raw and ", final, " final columns with ", d_.start.size(),
             " start values, expected one a raw column");
    out_->raw_width = static_cast<std::uint32_t>(raw);
    out_->final_width = static_cast<std::uint32_t>(final);
    out_->start.assign(d_.start.begin(), d_.start.end());
  }

  void read_epilogue() {
    const std::size_t count = d_.epilogue_ops.size();
    if (d_.epilogue_parameters.size() != count || d_.epilogue_columns.size() != count || d_.num_raw_ops > count)
      refuse(count, " epilogue operations, ", d_.epilogue_parameters.size(), " parameters, ",
             d_.epilogue_columns.size(), " columns, ", d_.num_raw_ops, " of the raw score, expected as many of each");
    bool widened = false;
    std::size_t num_adds = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const epilogue_entry e{d_.epilogue_ops[i], d_.epilogue_parameters[i], d_.epilogue_columns[i]};
      switch (e.op) {
      case epilogue_op::divide:
      case epilogue_op::sigmoid:
      case epilogue_op::softmax:
      case epilogue_op::exp:
      case epilogue_op::normalize: break;
      case epilogue_op::add:
        ++num_adds;
        if (e.column >= out_->raw_width)
          refuse("epilogue operation ", i, ": column ", e.column, ", expected less than ", out_->raw_width);
        break;
      case epilogue_op::complement:
        if (i < d_.num_raw_ops || i + 1 != count)
          refuse("epilogue operation ", i, ": complement, expected it last and not in the raw score");
        widened = true;
        break;
      default: unknown("epilogue operation ", static_cast<unsigned>(e.op));
      }
      if (e.op != epilogue_op::add && e.column != all_raw_columns)
        unknown("epilogue operation ", i, " on column ", e.column, " alone");
      out_->epilogue.push_back(e);
    }
    // An add costs one addition, every other operation one for each column: this keeps a row's cost linear.
    if (num_adds > 2 * std::uint64_t{out_->raw_width} || count - num_adds > max_wide_epilogue_ops)
      refuse(num_adds, " add operations and ", count - num_adds, " others, expected at most two a raw column and ",
             max_wide_epilogue_ops);
    out_->num_raw_ops = d_.num_raw_ops;
    for (const output_data& o : out_->outputs)
      if (o.final_width != (widened ? 2 : o.raw_width) || (widened && o.raw_width != 1))
        refuse("output of ", o.raw_width, " raw and ", o.final_width, " final columns, expected ",
               widened ? "1 and 2, for its complement" : "as many of each");
  }

  void read_leaves() {
    if (d_.sum != sum_kind::sum)
      unknown("sum kind ", static_cast<unsigned>(d_.sum));
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
    if (d_.leaves > leaf_form::vector || d_.leaves == leaf_form::none)
      unknown("leaf form ", static_cast<unsigned>(d_.leaves));
    const std::uint32_t expected_width = d_.leaves == leaf_form::vector ? out_->raw_width : 1;
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
    out_->leaf_ids = d_.leaf_ids;
    out_->stored_leaf_ids = segment<std::uint32_t>(segment_role::leaf_ids, "leaf ids", 0);
    if (d_.leaf_ids != leaf_id_rule::preorder && d_.leaf_ids != leaf_id_rule::stored)
      unknown("leaf id rule ", static_cast<unsigned>(d_.leaf_ids));
    if (out_->stored_leaf_ids.size() != (d_.leaf_ids == leaf_id_rule::stored ? out_->num_nodes : 0))
      refuse(out_->stored_leaf_ids.size(), " stored leaf ids for ", out_->num_nodes,
             " nodes, expected one a node, or none when they follow from the order");
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
