#include "golden/golden_samples.hpp"

#include "support/reseal.hpp"
#include "support/sample_files.hpp"
#include "support/support.hpp"

#include "stone_file.hpp"

#include "forest/forest_data.hpp"

#include <petrify/writer.hpp>

#include <algorithm>
#include <cstring>

namespace petrify::test {

namespace {

using samples::regression;
using bytes = std::vector<std::byte>;
using op = epilogue_step::operation;
using step = row_step::operation;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

bytes written(const std::function<void(writer&)>& fill) {
  const temp_dir dir;
  writer out(dir.path("sample"));
  fill(out);
  out.commit();
  return read_bytes(dir.path("sample"));
}

std::uint64_t load_u64(const bytes& from, std::size_t at) {
  std::uint64_t out;
  std::memcpy(&out, &from.at(at), sizeof out);
  return out;
}

// Rows of each type. Of a row's values 64 or so are not 0.
std::vector<row_values> hard_rows(const naive_forest& origin, std::size_t num_rows, unsigned seed) {
  std::mt19937_64 random(seed);
  const auto of = [&](auto type) {
    using T = decltype(type);
    std::vector<T> x = awkward_rows<T>(origin, num_rows, random);
    for (T& value : x)
      if (random() % origin.spec.num_columns >= 64)
        value = T{};
    return x;
  };
  return {of(float{}), of(double{}), of(std::int64_t{})};
}

struct sample_list {
  std::vector<golden_sample> all;

  void add(std::string name, std::function<void(writer&)> fill, rows_by_forest x = {}) {
    all.push_back({std::move(name), [fill = std::move(fill)] { return written(fill); }, std::move(x)});
  }

  using edit = std::function<void(fuzz::stone_file&)>;

  // A random forest "model", the first with nodes of so many slot bits (0: of any layout), and rows of all types;
  // `change` edits the file.
  void add_forest(const std::string& name, const forest_spec& spec, const forest_shape& shape, std::size_t num_rows = 5,
                  const edit& change = {}, unsigned slot_bits = 0) {
    auto seed = static_cast<unsigned>(1000 * all.size());
    std::shared_ptr<const naive_forest> origin;
    const auto has_bits = [&] {
      const forest_model model = origin->build();
      return model.view().data().slot_bits == slot_bits;
    };
    do {
      std::mt19937_64 random(++seed);
      origin = std::make_shared<const naive_forest>(random_forest(spec, shape, random));
    } while (slot_bits != 0 && !has_bits());
    all.push_back({"forest-" + name,
                   [=] {
                     bytes file = written([&](writer& out) { out.add("model", origin->build()); });
                     if (!change)
                       return file;
                     fuzz::stone_file parts = fuzz::stone_file::take_apart(file).value();
                     change(parts);
                     return parts.put_together();
                   },
                   {{"model", hard_rows(*origin, num_rows, seed)}},
                   change || !spec.steps.empty() ? nullptr : origin});
  }
};

// --- arrays and values

// Elements whose bytes all differ.
bytes counted(std::size_t size) {
  bytes out(size);
  for (std::size_t i = 0; i < size; ++i)
    out[i] = static_cast<std::byte>(i * 37 + 1);
  return out;
}

void add_arrays(sample_list& l) {
  l.add("arrays", [](writer& out) {
    const std::array<std::uint64_t, 2> shape{3, 2};
    for (int type = 1; type <= static_cast<int>(dtype::complex128); ++type) {
      const auto of = static_cast<dtype>(type);
      bytes elements = counted(6 * size_bytes(of));
      if (of == dtype::bool8)
        for (std::size_t i = 0; i < elements.size(); ++i)
          elements[i] = static_cast<std::byte>(i % 2);
      for (const axis_order order : {axis_order::row_major, axis_order::column_major})
        out.add_bytes(std::string(to_string(of)) + (order == axis_order::row_major ? " rows" : " columns"), of, 0,
                      elements, shape, order);
    }
    out.add_fixed_bytes("items", 5, counted(30), shape);
    out.add_fixed_bytes("items columns", 7, counted(42), shape, axis_order::column_major);
    const std::array<std::string_view, 6> texts{"a", "", "b\xc3\xbc", "word", "\xf0\x9f\x8c\xb2", "line\nend"};
    out.add_strings("texts", texts, shape);
    out.add_strings("no texts", {}, std::array<std::uint64_t, 1>{0});
    const std::vector<double> one{0x1.8p-3};
    out.add<double>("one", std::span<const double>(one), {});
    out.add<double>("none", std::span<const double>(), {2, 0, 3});
    out.add<double>("many axes", std::span<const double>(one), {1, 1, 1, 1, 1, 1, 1, 1, 1});
    const bytes cube = counted(2 * 3 * 4);
    out.add_bytes("cube", dtype::uint8, 0, cube, std::array<std::uint64_t, 3>{2, 3, 4}, axis_order::column_major);
  });
}

void add_values(sample_list& l) {
  l.add("values", [](writer& out) {
    out.add("null", value_builder().null());
    out.add("yes", value_builder().boolean(true));
    out.add("least", value_builder().integer(std::numeric_limits<std::int64_t>::min()));
    out.add("real", value_builder().real(-0x1.8p-1074));
    out.add("not a number", value_builder().real(nan));
    out.add("text", value_builder().text("t\xc3\xa9xt"));
    out.add("bytes", value_builder().bytes(counted(9)));
    out.add("big", value_builder().big_integer(counted(20)));
    out.add("empty", value_builder().begin_list().end());
    value_builder deep;
    for (std::size_t i = 0; i < 20; ++i)
      deep.begin_list();
    deep.boolean(false);
    for (std::size_t i = 0; i < 20; ++i)
      deep.end();
    out.add("deep", deep);
  });
}

// --- forests

forest_spec of_three_sums(op operation, double parameter = 0, dtype type = dtype::float64) {
  forest_spec spec = regression(compare_as::float32, type);
  spec.outputs = {samples::numbers(3, type)};
  spec.start = {0.25, -0.5, 1};
  spec.epilogue = {{operation, parameter, 0}};
  return spec;
}

void add_operations(sample_list& l) {
  const forest_shape small{.num_columns = 3, .num_trees = 5, .max_splits = 5};
  const struct {
    const char* name;
    op operation;
    double parameter;
    dtype type;
  } list[] = {
      {"divide", op::divide, 3, dtype::float32},
      {"sigmoid", op::sigmoid, 2, dtype::float32},
      {"softmax", op::softmax, 0, dtype::float32},
      {"exp", op::exp, 0, dtype::float32},
      {"normalize", op::normalize, 0, dtype::float64},
      {"isolation_score", op::isolation_score, 5, dtype::float64},
      {"bounded_sigmoid", op::bounded_sigmoid, 88.7, dtype::float32},
      {"softmax_wide_sum", op::softmax_wide_sum, 0, dtype::float32},
      {"softmax_by_logarithm", op::softmax_by_logarithm, 0, dtype::float64},
      {"is_positive", op::is_positive, 0, dtype::float64},
      {"signed_square", op::signed_square, 0, dtype::float64},
      {"log1p_exp", op::log1p_exp, 0, dtype::float64},
      {"sort", op::sort, 0, dtype::float64},
      {"softplus_gaps", op::softplus_gaps, 0.125, dtype::float64},
      {"softmax_numpy", op::softmax_numpy, 0, dtype::float32},
  };
  for (const auto& one : list)
    l.add_forest(std::string("op-") + one.name, of_three_sums(one.operation, one.parameter, one.type), small, 2);
  // More columns than a pairwise sum takes in one run.
  forest_spec wide = of_three_sums(op::normalize);
  wide.vector_leaves = true;
  wide.outputs = {samples::numbers(137, dtype::float64)};
  wide.start.assign(137, 0.1);
  l.add_forest("pairwise-sum", wide, {.num_columns = 3, .num_trees = 2, .max_splits = 2}, 1);
  forest_spec added = of_three_sums(op::add, 0.3);
  added.epilogue = {{op::add, 0.3, 0}, {op::add, -0.7, 2}, {op::divide, 7, 0}};
  added.num_raw_steps = 2;
  l.add_forest("op-add", added, small, 2);
}

void add_missing_rules(sample_list& l) {
  for (const compare_as comparisons : {compare_as::float32, compare_as::float64})
    l.add_forest(comparisons == compare_as::float32 ? "missing-float32" : "missing-rank64",
                 regression(comparisons, dtype::float64),
                 {.num_columns = 3, .num_trees = 9, .max_splits = 25, .all_missing_rules = true}, 8);
}

void add_categories(sample_list& l) {
  forest_spec spec = regression(compare_as::float64, dtype::float64);
  const std::vector<std::uint32_t> known{0, 1, 2, 3, 5, 31, 32, 33, 39};
  for (std::uint32_t column = 0; column < 6; ++column) {
    category_column one;
    one.column = column;
    one.rule = static_cast<categories_as>(column + 1);
    if (one.rule == categories_as::listed)
      one.values = {-2, 1, 2, 4.5, 300.7};
    if (one.rule >= categories_as::hist_gradient_boosting)
      one.known = known;
    spec.categories.push_back(one);
  }
  spec.dictionaries = {{0, {"red", "green", "blue"}}, {4, {"x", "\xc3\xbc", ""}}};
  l.add_forest("categories", spec, {.num_columns = 7, .num_trees = 6, .max_splits = 24}, 12);
  spec.layout = layout_choice::dense;
  l.add_forest("categories-dense", spec, {.num_columns = 7, .num_trees = 5, .max_splits = 9, .max_depth = 3}, 8);
}

void add_steps(sample_list& l) {
  forest_spec spec = regression(compare_as::float64, dtype::float64);
  spec.steps = {{step::narrow_integers},
                {step::subtract, 0, 0.1, 0},
                {step::divide, 1, 0.7, 0},
                {step::multiply, 2, 1.1, 0},
                {step::add, 3, 0.3, 0},
                {step::clip, 4, -0.5, 0.5},
                {step::replace, 5, nan, 0.25},
                {step::missing, row_step::every_column, 0.1, 0},
                {step::subtract_typed, 0, 0.1, 0},
                {step::divide_typed, 1, 0.3, 0},
                {step::replace_typed, 2, 0, 1.75}};
  l.add_forest("steps", spec, {.num_columns = 6, .num_trees = 9, .max_splits = 30}, 8);
}

// One tree with a leaf on both sides of 0 in column 0.
void add_stump(sample_list& l, const std::string& name, forest_spec spec, std::uint32_t num_numbers = 3,
               std::uint32_t left = 1, std::uint32_t right = 2, bool ends_iteration = false) {
  spec.num_columns = 2;
  l.add("forest-" + name,
        [=](writer& out) {
          forest_builder builder(spec);
          for (int tree = 0; tree < 2; ++tree) {
            builder.begin_tree(num_numbers);
            builder.split(0, static_cast<std::uint32_t>(tree), comparison::less_equal, 0, missing::left, left, right);
            builder.leaf(left, std::array<double, 1>{-1.0});
            builder.leaf(right, std::array<double, 1>{2.5});
            for (std::uint32_t i = 1; i < num_numbers; ++i)
              if (i != left && i != right)
                builder.unused(i);
            builder.end_tree();
            if (ends_iteration)
              builder.end_iteration();
          }
          out.add("model", builder.build());
        },
        {{"model",
          {std::vector<float>{-1, 1, 1, -1, 1, 1, static_cast<float>(nan), -0.0f},
           std::vector<double>{0, 1e-300, -1, -1}, std::vector<std::int64_t>{0, 1, 5, -5}}}});
}

void add_leaf_ids(sample_list& l) {
  const forest_spec spec = regression(compare_as::float32, dtype::float32);
  add_stump(l, "ids-8-bits", spec, 200, 199, 7);
  add_stump(l, "ids-16-bits", spec, 300, 299, 7);
  add_stump(l, "ids-32-bits", spec, 70001, 70000, 7);
  add_stump(l, "ids-pairs-8-bits", spec, 200, 7, 8);
  add_stump(l, "ids-pairs-16-bits", spec, 300, 298, 299);
  add_stump(l, "ids-pairs-32-bits", spec, 70001, 69999, 70000);
  // Pairs that do not lie in the order of a walk from left to right.
  l.add_forest("preorder-by-covers", spec, {.num_columns = 3, .num_trees = 5, .max_splits = 25, .covers = true});
}

void add_decisions(sample_list& l) {
  for (const bool is_upper : {false, true}) {
    forest_spec spec = regression(compare_as::float32, dtype::float64);
    spec.task = task::classification;
    spec.outputs = {samples::classes(samples::integers({3, 9}, is_upper ? dtype::uint64 : dtype::int8), 1)};
    spec.decision = decision::cut_raw;
    spec.cut = 1.5; // a row's score
    spec.cut_tie_is_upper = is_upper;
    spec.epilogue = {{op::mirror, 0, 0}};
    add_stump(l, is_upper ? "tie-is-upper" : "tie-is-lower", spec);
  }
  // Three outputs, each with labels of another type.
  forest_spec several = regression(compare_as::float32, dtype::float32);
  several.task = task::classification;
  several.vector_leaves = true;
  label_list texts;
  texts.type = dtype::string;
  texts.texts = {"no", "yes"};
  label_list reals;
  reals.type = dtype::float32;
  reals.reals = {0.5, 1.5, -2};
  several.outputs = {samples::classes(texts, 2), samples::classes(reals, 3),
                     samples::classes(samples::integers({0, 1}, dtype::bool8), 2)};
  several.accumulator = dtype::float64;
  several.epilogue = {{op::divide, 5, 0}};
  several.num_raw_steps = 1;
  several.decision = decision::argmax_raw;
  l.add_forest("three-outputs", several, {.num_columns = 3, .num_trees = 5, .max_splits = 6});
}

void add_facts(sample_list& l) {
  forest_spec spec = regression(compare_as::float32, dtype::float32);
  spec.task = task::ranking;
  spec.library = "a library";
  spec.library_version = "1.2.3";
  spec.model_class = "a.Model";
  spec.objective = "rank:pairwise";
  spec.column_names = {"first", "\xc3\xbc"};
  spec.column_types = {"q", "int"};
  spec.best_iteration = 1;
  add_stump(l, "facts", spec, 3, 1, 2, true);
  spec.task = task::anomaly;
  spec.best_iteration = -1;
  add_stump(l, "facts-anomaly", spec);
}

void add_golden_rows(sample_list& l) {
  const auto add = [&](const std::string& name, const auto& values) {
    l.add("forest-golden-" + name, [=](writer& out) {
      std::mt19937_64 random(12);
      const naive_forest origin = random_forest(regression(compare_as::float32, dtype::float64), {3, 3, 6}, random);
      forest_model model = origin.build();
      model.set_golden_rows(rows(values.data(), values.size() / 3, 3));
      out.add("model", model);
    });
  };
  add("float32", std::vector<float>{0.5f, -1, 0.1f, 0, static_cast<float>(nan), 3});
  add("float64", std::vector<double>{0.5, -1, 0.1, 0, nan, 3});
  add("int64", std::vector<std::int64_t>{0, -1, 1, 1 << 20, 7, -300});
}

// --- layouts

// The nodes of a forest of n8 in one block, once more behind themselves, in blocks of B trees.
sample_list::edit twice_in_blocks_of(std::uint8_t block_trees) {
  return [=](fuzz::stone_file& s) {
    fbs::ForestT& f = *s.directory.objects.at(0)->description.AsForest();
    const auto segment = [&](fbs::SegmentRole role) -> bytes& {
      return s.segments.at(static_cast<std::size_t>(std::find(f.segment_roles.begin(), f.segment_roles.end(), role) -
                                                    f.segment_roles.begin()));
    };
    bytes& nodes = segment(fbs::SegmentRole::nodes);
    const bytes once = nodes;
    nodes.insert(nodes.end(), once.begin(), once.end());
    const std::uint32_t begins[2] = {0, static_cast<std::uint32_t>(f.layout_num_nodes[0] / 2)};
    bytes& blocks = segment(fbs::SegmentRole::blocks);
    blocks.resize(sizeof begins);
    std::memcpy(blocks.data(), begins, sizeof begins);
    f.num_trees *= 2;
    f.layout_num_nodes[0] *= 2;
    f.layout_block_trees[0] = block_trees;
  };
}

// Leaves of float32 in a table of their own; petrify keeps them in the nodes.
void move_leaves_out(fuzz::stone_file& s) {
  fbs::ObjectT& object = *s.directory.objects.at(0);
  fbs::ForestT& f = *object.description.AsForest();
  bytes table;
  // Nodes of 8 bytes, 8 of them slot bits: a value, and 0 in a leaf.
  for (std::size_t at = 0; at < s.segments.at(0).size(); at += 8) {
    std::uint32_t node[2];
    std::memcpy(node, &s.segments[0][at], sizeof node);
    if (node[1] != 0)
      continue;
    const auto* value = reinterpret_cast<const std::byte*>(node);
    const auto row = static_cast<std::uint32_t>(table.size() / 4);
    table.insert(table.end(), value, value + 4);
    std::memcpy(&s.segments[0][at], &row, sizeof row);
  }
  f.leaf_form = fbs::LeafForm::scalar;
  f.segment_roles.push_back(fbs::SegmentRole::leaf_values);
  f.segment_layouts.push_back(255);
  s.segments.push_back(table);
  ++object.num_segments;
}

// What a later petrify may add that readers of format 1 skip.
void add_later_parts(fuzz::stone_file& s) {
  fbs::ObjectT& object = *s.directory.objects.at(0);
  fbs::ForestT& f = *object.description.AsForest();
  const auto add_segment = [&](std::uint8_t role, std::uint8_t layout) {
    f.segment_roles.push_back(static_cast<fbs::SegmentRole>(role));
    f.segment_layouts.push_back(layout);
    s.segments.push_back(counted(100 + role));
    ++object.num_segments;
  };
  f.layout_kinds.push_back(static_cast<fbs::LayoutKind>(9));
  f.layout_slot_bits.push_back(3);
  f.layout_block_trees.push_back(77);
  f.layout_num_nodes.push_back(12345);
  const auto later = static_cast<std::uint8_t>(f.layout_kinds.size() - 1);
  add_segment(1, later);
  add_segment(50, later);
  add_segment(200, later);
  add_segment(64, 0); // an attribute
  add_segment(77, 255);
  add_segment(77, 0);
  f.attribute_name_ends = {5};
  f.attribute_name_bytes = {'c', 'o', 'v', 'e', 'r'};
  f.attribute_types = {fbs::ElementType::float32};
}

// Trees of three splits on one column, 288 cuts in all: more than a feature of the dense layout has.
void add_many_cuts(sample_list& l) {
  forest_spec spec = regression(compare_as::float64, dtype::float32);
  spec.num_columns = 1;
  spec.layout = layout_choice::dense;
  const auto threshold = [](std::uint32_t i) { return 0.37 * (i * 101 % 288); };
  l.add("forest-dense-two-features",
        [=](writer& out) {
          forest_builder builder(spec);
          for (std::uint32_t tree = 0; tree < 96; ++tree) {
            builder.begin_tree(7);
            const std::uint32_t splits[3][3] = {{0, 1, 4}, {1, 2, 3}, {4, 5, 6}};
            for (std::uint32_t k = 0; k < 3; ++k)
              builder.split(splits[k][0], 0, comparison::less_equal, threshold(3 * tree + k), missing::left,
                            splits[k][1], splits[k][2]);
            for (const std::uint32_t leaf : {2u, 3u, 5u, 6u})
              builder.leaf(leaf, std::array<double, 1>{std::ldexp(leaf, -static_cast<int>(tree % 8))});
            builder.end_tree();
          }
          out.add("model", builder.build());
        },
        {{"model",
          {std::vector<float>{50, 106, 94.3f}, std::vector<double>{0, 0.37 * 254, 0.37 * 255, 0.37 * 256},
           std::vector<std::int64_t>{-1, 77}}}});
}

void add_layouts(sample_list& l) {
  const forest_spec plain = regression(compare_as::float32, dtype::float64);
  const auto with = [&](layout_choice layout, forest_spec spec) {
    spec.layout = layout;
    return spec;
  };
  const forest_shape small{.num_columns = 3, .num_trees = 5, .max_splits = 12};
  l.add_forest("n16", with(layout_choice::n16, plain), small);
  l.add_forest("blocks-of-2", with(layout_choice::nodes, plain), {.num_columns = 3, .num_trees = 2, .max_splits = 12},
               5, twice_in_blocks_of(2));
  l.add_forest("blocks-of-4", with(layout_choice::nodes, plain), {.num_columns = 3, .num_trees = 4, .max_splits = 12},
               5, twice_in_blocks_of(4));
  // Nearly every split has a slot of its own. The nodes of the second one are so many that they begin on a page.
  l.add_forest("n8-12-bits", with(layout_choice::nodes, regression(compare_as::float64, dtype::float32)),
               {.num_columns = 2000, .num_trees = 2, .max_splits = 170, .all_missing_rules = true}, 2, {}, 12);
  l.add_forest("n8-16-bits", with(layout_choice::nodes, regression(compare_as::float32, dtype::float32)),
               {.num_columns = 30000, .num_trees = 1, .max_splits = 4400, .num_cuts = 20, .all_missing_rules = true}, 1,
               {}, 16);
  forest_spec vectors = regression(compare_as::float64, dtype::float64);
  vectors.vector_leaves = true;
  vectors.outputs = {samples::numbers(2, dtype::float64)};
  const forest_shape shallow{.num_columns = 3, .num_trees = 66, .max_splits = 6, .max_depth = 3, .num_cuts = 20};
  l.add_forest("dense-leaves-inline", with(layout_choice::dense, regression(compare_as::float32, dtype::float32)),
               shallow, 4);
  l.add_forest("dense-leaves-scalar", plain,
               {.num_columns = 3, .num_trees = 40, .max_splits = 20, .max_depth = 3, .num_cuts = 10}, 3);
  l.add_forest("dense-leaves-vector", with(layout_choice::dense, vectors),
               {.num_columns = 3, .num_trees = 20, .max_splits = 6, .max_depth = 3, .num_cuts = 20}, 3);
  add_many_cuts(l);
  const forest_shape deep{.num_columns = 3, .num_trees = 8, .max_splits = 60, .num_cuts = 20};
  l.add_forest("dense-exits", plain, deep, 6);
  l.add_forest("dense-exits-6-levels", with(layout_choice::dense, plain),
               {.num_columns = 3, .num_trees = 5, .max_splits = 60, .num_cuts = 20}, 6);
  l.add_forest("dense-exits-targets", of_three_sums(op::divide, 3, dtype::float32), deep, 3);
  l.add_forest("dense-exits-stored-ids", plain,
               {.num_columns = 3, .num_trees = 7, .max_splits = 60, .num_cuts = 20, .numbers = numbering::random}, 3);
  // An even number of trees: there is no unused root.
  l.add_forest("scalar-float32", with(layout_choice::nodes, regression(compare_as::float32, dtype::float32)),
               {.num_columns = 3, .num_trees = 4, .max_splits = 12}, 5, move_leaves_out);
  l.add_forest("with-later-parts", plain, small, 5, add_later_parts);
}

// --- files

// An array whose tables have fields that no reader of format 1 knows, beside an object of a kind that none knows.
bytes with_later_fields() {
  namespace fb = flatbuffers;
  bytes file = written([](writer& out) { out.add("a", std::vector<std::int32_t>{1, -2}); });
  const auto place = [](unsigned id) { return static_cast<fb::voffset_t>(4 + 2 * id); };
  fb::FlatBufferBuilder b;
  const auto later_table = [&] {
    const auto begin = b.StartTable();
    b.AddElement<std::uint32_t>(place(3), 77);
    return fb::Offset<void>(b.EndTable(begin));
  };
  const fbs::Directory& was = *fbs::GetDirectory(file.data() + load_u64(file, 24));
  const auto shape = b.CreateVector(std::vector<std::uint64_t>{2});
  const auto begin_array = b.StartTable();
  b.AddElement<std::uint8_t>(fbs::Array::VT_ELEMENT_TYPE, static_cast<std::uint8_t>(fbs::ElementType::int32));
  b.AddOffset(fbs::Array::VT_SHAPE, shape);
  b.AddElement<std::uint64_t>(place(20), ~std::uint64_t{0});
  const fb::Offset<void> array(b.EndTable(begin_array));
  const auto object = [&](const char* text, std::uint8_t kind, fb::Offset<void> description, std::uint32_t first,
                          std::uint32_t count) {
    const auto name = b.CreateString(text);
    const auto more = later_table();
    const auto begin = b.StartTable();
    b.AddOffset(fbs::Object::VT_NAME, name);
    b.AddElement<std::uint8_t>(fbs::Object::VT_DESCRIPTION_TYPE, kind);
    b.AddOffset(fbs::Object::VT_DESCRIPTION, description);
    b.AddElement<std::uint32_t>(fbs::Object::VT_FIRST_SEGMENT, first);
    b.AddElement<std::uint32_t>(fbs::Object::VT_NUM_SEGMENTS, count);
    b.AddOffset(place(9), more);
    return fb::Offset<fbs::Object>(b.EndTable(begin));
  };
  const fb::Offset<fbs::Object> a = object("a", 1, array, 0, 1);
  const fb::Offset<fbs::Object> later = object("later", 9, later_table(), 1, 0);
  const auto objects = b.CreateVector(std::vector<fb::Offset<fbs::Object>>{a, later});
  const auto tables = b.CreateVector(std::vector<fb::Offset<void>>{later_table(), later_table()});
  const auto producer = b.CreateString("a later petrify");
  const auto offsets = b.CreateVector(was.segment_offsets()->data(), was.segment_offsets()->size());
  const auto sizes = b.CreateVector(was.segment_sizes()->data(), was.segment_sizes()->size());
  const auto begin = b.StartTable();
  b.AddOffset(fbs::Directory::VT_PRODUCER, producer);
  b.AddOffset(fbs::Directory::VT_SEGMENT_OFFSETS, offsets);
  b.AddOffset(fbs::Directory::VT_SEGMENT_SIZES, sizes);
  b.AddElement<std::uint64_t>(fbs::Directory::VT_DIGESTS_OFFSET, was.digests_offset());
  b.AddElement<std::uint64_t>(fbs::Directory::VT_NUM_DIGESTS, was.num_digests());
  b.AddElement<std::uint64_t>(fbs::Directory::VT_DIGESTS_CHECKSUM, was.digests_checksum());
  b.AddOffset(fbs::Directory::VT_OBJECTS, objects);
  b.AddOffset(place(15), tables);
  b.AddElement<std::uint32_t>(place(16), 5);
  b.Finish(fb::Offset<fbs::Directory>(b.EndTable(begin)), fbs::DirectoryIdentifier());
  replace_directory(file, std::as_bytes(std::span(b.GetBufferPointer(), b.GetSize())));
  return file;
}

void add_containers(sample_list& l) {
  const auto fill = [](writer& out) {
    out.add("a", std::vector<std::int32_t>{1, -2});
    out.add("b", std::vector<std::int32_t>{3});
    out.add("c", value_builder().text("c"));
  };
  // An object of a later petrify beside others, and a hint for the whole file.
  l.all.push_back({"container-with-later-parts",
                   [=] {
                     fuzz::stone_file s = fuzz::stone_file::take_apart(written(fill)).value();
                     s.directory.objects.at(1)->required_features = std::uint64_t{1} << 40;
                     bytes file = s.put_together();
                     file[48] = std::byte{2};
                     fuzz::seal(file);
                     return file;
                   },
                   {}});
  l.all.push_back({"container-with-later-fields", with_later_fields, {}});
  // Attributes are known of an object that is not.
  l.all.push_back({"container-attributes-of-later-parts",
                   [=] {
                     const bytes file = written([&](writer& out) {
                       fill(out);
                       out.set_attributes("b", value_builder().begin_dict().text("unit").text("K").end());
                     });
                     fuzz::stone_file s = fuzz::stone_file::take_apart(file).value();
                     s.directory.objects.at(1)->required_features = 1;
                     return s.put_together();
                   },
                   {}});
  l.all.push_back({"container-large-alignment",
                   [=] {
                     fuzz::stone_file s = fuzz::stone_file::take_apart(written(fill)).value();
                     s.directory.large_alignment = 16384;
                     return s.put_together();
                   },
                   {}});
}

} // namespace

std::vector<golden_sample> golden_samples() {
  sample_list l;
  unsigned seed = 100;
  for (const sample_file& sample : sample_files()) {
    std::string name = sample.name;
    std::replace(name.begin(), name.end(), '/', '-');
    // Large, or said better below.
    if (name == "forest-dense" || name == "forest-dense_top" || name == "forest-golden" || name == "value-scalars" ||
        name.starts_with("array-"))
      continue;
    rows_by_forest x;
    if (sample.origin)
      x["model"] = hard_rows(*sample.origin, 3, ++seed);
    l.add(name, sample.fill, x);
    if (sample.origin && sample.origin->spec.steps.empty())
      l.all.back().origin = sample.origin;
  }
  add_arrays(l);
  add_values(l);
  add_operations(l);
  add_missing_rules(l);
  add_categories(l);
  add_steps(l);
  add_leaf_ids(l);
  add_decisions(l);
  add_facts(l);
  add_golden_rows(l);
  add_layouts(l);
  add_containers(l);
  return l.all;
}

} // namespace petrify::test
