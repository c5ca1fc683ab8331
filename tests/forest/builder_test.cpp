#include "support/support.hpp"

#include "forest/forest_data.hpp"

#include <petrify/forest_builder.hpp>

#include <limits>
#include <vector>

using namespace petrify;

namespace {

forest_spec one_number() {
  forest_spec spec;
  spec.num_columns = 2;
  spec.outputs.resize(1);
  return spec;
}

void split(forest_builder& b, std::uint32_t node, std::uint32_t left, std::uint32_t right, std::uint32_t column = 0,
           double threshold = 0.5) {
  b.split(node, column, comparison::less_equal, threshold, missing::left, left, right);
}

void leaf(forest_builder& b, std::uint32_t node, double value = 1.0) { b.leaf(node, std::vector<double>{value}); }

} // namespace

TEST_CASE("BuilderRefusesAnOrphan") {
  forest_builder b(one_number());
  b.begin_tree(4);
  split(b, 0, 1, 2);
  leaf(b, 1);
  leaf(b, 2);
  leaf(b, 3);
  CHECK_REFUSED(b.end_tree(), errc::invalid_argument, "tree 0 node 3: cannot be reached");
}

TEST_CASE("BuilderRefusesACycle") {
  forest_builder b(one_number());
  b.begin_tree(3);
  split(b, 0, 1, 2);
  split(b, 1, 0, 2);
  leaf(b, 2);
  CHECK_REFUSED(b.end_tree(), errc::invalid_argument, "tree 0 node 1: child 2 has another parent");
}

TEST_CASE("BuilderRefusesACycleApartFromTheRoot") {
  forest_builder b(one_number());
  b.begin_tree(5);
  leaf(b, 0);
  split(b, 1, 2, 3);
  split(b, 2, 1, 4);
  leaf(b, 3);
  leaf(b, 4);
  CHECK_REFUSED(b.end_tree(), errc::invalid_argument, "tree 0 node 1: cannot be reached");
}

TEST_CASE("BuilderRefusesANodeWithTwoParents") {
  forest_builder b(one_number());
  b.begin_tree(4);
  split(b, 0, 1, 2);
  split(b, 1, 2, 3);
  leaf(b, 2);
  leaf(b, 3);
  CHECK_REFUSED(b.end_tree(), errc::invalid_argument, "child 2 has another parent");
}

TEST_CASE("BuilderRefusesASplitWithTheSameChildTwice") {
  forest_builder b(one_number());
  b.begin_tree(2);
  split(b, 0, 1, 1);
  leaf(b, 1);
  CHECK_REFUSED(b.end_tree(), errc::invalid_argument, "tree 0 node 0: child 1");
}

TEST_CASE("BuilderRefusesAMissingNode") {
  forest_builder b(one_number());
  b.begin_tree(3);
  split(b, 0, 1, 2);
  leaf(b, 2);
  CHECK_REFUSED(b.end_tree(), errc::invalid_argument, "tree 0 node 1: was never given");
}

TEST_CASE("BuilderRefusesANodeGivenTwice") {
  forest_builder b(one_number());
  b.begin_tree(1);
  leaf(b, 0);
  CHECK_REFUSED(leaf(b, 0), errc::invalid_argument, "tree 0 node 0: is given twice");
}

TEST_CASE("BuilderRefusesValuesOutOfRange") {
  forest_builder b(one_number());
  b.begin_tree(3);
  CHECK_REFUSED(split(b, 0, 1, 3), errc::invalid_argument, "right child 3 is past the tree's 3 nodes");
  b = forest_builder(one_number());
  b.begin_tree(3);
  CHECK_REFUSED(split(b, 0, 1, 2, 2), errc::invalid_argument, "tests column 2, expected less than 2");
  b = forest_builder(one_number());
  b.begin_tree(3);
  CHECK_REFUSED(split(b, 0, 1, 2, 0, std::numeric_limits<double>::quiet_NaN()), errc::invalid_argument, "NaN");
  b = forest_builder(one_number());
  b.begin_tree(3);
  CHECK_REFUSED(leaf(b, 3), errc::invalid_argument, "node 3: expected a node below 3");
  b = forest_builder(one_number());
  CHECK_REFUSED(b.begin_tree(1, 1), errc::invalid_argument, "target 1, expected less than 1");
  CHECK_REFUSED(b.begin_tree(0), errc::invalid_argument, "has no nodes");
}

TEST_CASE("BuilderRefusesTheCoverOfNoNode") {
  forest_builder b(one_number());
  CHECK_REFUSED(b.cover(0, 1), errc::invalid_argument, "begin_tree first");
  b.begin_tree(3);
  CHECK_REFUSED(b.cover(3, 1), errc::invalid_argument, "tree 0 node 3: expected a node below 3");
}

TEST_CASE("TheChildOfMoreRowsIsLaidFirst") {
  // Where the pairs of the root's left and right child begin.
  const auto pairs = [](double left, double right) {
    forest_builder b(one_number());
    b.begin_tree(7);
    split(b, 0, 1, 4);
    split(b, 1, 2, 3);
    split(b, 4, 5, 6);
    for (const std::uint32_t i : {2u, 3u, 5u, 6u})
      leaf(b, i);
    if (left != 0)
      b.cover(1, left);
    b.cover(4, right);
    b.end_tree();
    const forest_model model = b.build();
    const forest_data& data = model.view().data();
    const auto* nodes = static_cast<const node8*>(data.nodes);
    return std::pair{2 + (nodes[2].meta >> data.slot_bits), 3 + (nodes[3].meta >> data.slot_bits)};
  };
  CHECK(pairs(2, 1) == std::pair{4u, 6u});
  CHECK(pairs(1, 1) == std::pair{4u, 6u});
  CHECK(pairs(1, 2) == std::pair{6u, 4u});
  CHECK(pairs(0, 0.5) == std::pair{6u, 4u});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(pairs(nan, 1) == std::pair{4u, 6u});
  CHECK(pairs(1, nan) == std::pair{4u, 6u});
}

namespace {

// A forest of stumps, of which stump i tests column i % num_columns against i.
forest_model stumps(forest_spec spec, std::uint32_t num_trees) {
  forest_builder b(spec);
  for (std::uint32_t t = 0; t < num_trees; ++t) {
    b.begin_tree(3);
    split(b, 0, 1, 2, t % spec.num_columns, t);
    leaf(b, 1);
    leaf(b, 2, 2);
    b.end_tree();
  }
  return b.build();
}

std::vector<std::string_view> notes(const forest_model& model) { return model.view().layout_notes(); }

} // namespace

TEST_CASE("ALayoutIsTheOneThatIsAskedFor") {
  using list = std::vector<std::string_view>;
  forest_spec spec = one_number();
  const forest_model automatic = stumps(spec, 1000);
  CHECK(automatic.view().layout() == "n8");
  CHECK(automatic.view().dense_levels() == 1);
  CHECK(notes(automatic) == list{"n8: 8 bits for 3 slots, offsets below 2^24", "dense: 1 of 1 level, 4 features"});
  const std::vector<double> row{250, 750.5};
  const double expected = automatic.view().predict(row)[0];
  const auto asked = [&](layout_choice layout) {
    spec.layout = layout;
    forest_model model = stumps(spec, 1000);
    CHECK(model.view().predict(row)[0] == expected);
    return model;
  };
  const forest_model nodes = asked(layout_choice::nodes);
  CHECK(nodes.view().dense_levels() == 0);
  CHECK(notes(nodes) == list{"n8: 8 bits for 3 slots, offsets below 2^24", "no dense layout: not asked for"});
  const forest_model wide = asked(layout_choice::n16);
  CHECK(wide.view().layout() == "n16");
  CHECK(notes(wide) == list{"n16: as asked for", "no dense layout: not asked for"});
  CHECK(notes(asked(layout_choice::n8)) == notes(nodes));
  CHECK(notes(asked(layout_choice::dense)) == notes(automatic));
}

TEST_CASE("TablesThatAreLargerThanTheNodesAreMadeOnRequest") {
  forest_spec spec = one_number();
  const forest_model small = stumps(spec, 2);
  CHECK(small.view().dense_levels() == 0);
  CHECK(notes(small).at(1) == "no dense layout: tables of 1 level would take 432 bytes, more than the nodes' 48");
  spec.layout = layout_choice::dense;
  CHECK(notes(stumps(spec, 2)).at(1) == "dense: 1 of 1 level, 2 features");
}

TEST_CASE("ALayoutThatCannotBeIsRefusedWithTheReason") {
  const auto refused = [](forest_spec spec, layout_choice layout, std::uint32_t num_trees, const char* note,
                          const char* message) {
    CHECK(notes(stumps(spec, num_trees)).at(layout == layout_choice::n8 ? 0 : 1) == note);
    spec.layout = layout;
    CHECK_REFUSED(stumps(spec, num_trees), errc::invalid_argument, message);
  };
  forest_spec many = one_number();
  many.num_columns = 65536;
  refused(many, layout_choice::n8, 65536, "n16: 65537 slots, more than 16 bits can name",
          "layout n8: 65537 slots, more than 16 bits can name, expected another layout");
  many.num_columns = 257;
  refused(many, layout_choice::dense, 257, "no dense layout: nodes on 1 level need more than 256 features",
          "layout dense: nodes on 1 level need more than 256 features, expected another layout");
  forest_spec median = one_number();
  median.combine = combine::weighted_median;
  refused(median, layout_choice::dense, 2, "no dense layout: a median needs each tree's value",
          "layout dense: a median");
  forest_spec linear = one_number();
  linear.linear_leaves = true;
  refused(linear, layout_choice::dense, 2, "no dense layout: leaves are linear", "layout dense: leaves are linear");
  refused(one_number(), layout_choice::dense, 0, "no dense layout: no tree has a split",
          "layout dense: no tree has a split");
  forest_spec sets = one_number();
  sets.categories = {{0, categories_as::xgboost, {}, {}}};
  const auto with_set = [&] {
    forest_builder b(sets);
    b.begin_tree(3);
    b.split_set(0, 0, std::vector<std::uint32_t>{1}, true, missing::left, 1, 2);
    leaf(b, 1);
    leaf(b, 2);
    b.end_tree();
    return b.build();
  };
  CHECK(notes(with_set()).at(0) == "n16: nodes test sets of categories");
  sets.layout = layout_choice::n8;
  CHECK_REFUSED(with_set(), errc::invalid_argument, "layout n8: nodes test sets of categories");
  sets.layout = static_cast<layout_choice>(5);
  CHECK_REFUSED(with_set(), errc::invalid_argument, "layout 5, expected 0 to 4");
}

TEST_CASE("BuilderRefusesALeafOfTheWrongSize") {
  forest_builder b(one_number());
  b.begin_tree(1);
  CHECK_REFUSED(b.leaf(0, std::vector<double>{1, 2}), errc::invalid_argument, "leaf of 2 values, expected 1");
  forest_spec spec = one_number();
  spec.outputs.resize(3);
  spec.vector_leaves = true;
  b = forest_builder(spec);
  b.begin_tree(1);
  CHECK_REFUSED(b.leaf(0, std::vector<double>{1, 2}), errc::invalid_argument, "leaf of 2 values, expected 3");
}

TEST_CASE("BuilderRefusesCallsOutOfOrder") {
  forest_builder b(one_number());
  CHECK_REFUSED(leaf(b, 0), errc::invalid_argument, "begin_tree first");
  CHECK_REFUSED(b.end_tree(), errc::invalid_argument, "begin_tree first");
  b.begin_tree(1);
  CHECK_REFUSED(b.begin_tree(1), errc::invalid_argument, "begins inside tree 0");
  CHECK_REFUSED(b.build(), errc::invalid_argument, "end_tree first");
  leaf(b, 0);
  b.end_tree();
  (void)b.build();
  CHECK_REFUSED(b.build(), errc::invalid_argument, "was built already");
}

TEST_CASE("BuilderRefusesADescriptionThatContradictsItself") {
  const auto make = [](auto change) {
    forest_spec spec = one_number();
    change(spec);
    return [spec] { forest_builder b(spec); };
  };
  CHECK_REFUSED(make([](auto& s) { s.outputs.clear(); })(), errc::invalid_argument, "0 sums");
  CHECK_REFUSED(make([](auto& s) { s.start = {1, 2}; })(), errc::invalid_argument, "2 start values, expected 1");
  CHECK_REFUSED(make([](auto& s) { s.column_names = {"a"}; })(), errc::invalid_argument, "1 column names, expected 2");
  CHECK_REFUSED(make([](auto& s) { s.column_names = {"a", "\xff"}; })(), errc::invalid_argument, "not valid UTF-8");
  CHECK_REFUSED(make([](auto& s) { s.accumulator = dtype::float32; })(), errc::invalid_argument, "narrower");
  CHECK_REFUSED(make([](auto& s) { s.task = static_cast<task>(9); })(), errc::invalid_argument, "task 9");
  CHECK_REFUSED(make([](auto& s) { s.decision = static_cast<decision>(9); })(), errc::invalid_argument, "decision 9");
  CHECK_REFUSED(make([](auto& s) {
                  s.epilogue.assign(17, {epilogue_step::operation::exp, 0, 0});
                })(),
                errc::invalid_argument, "17 others");
  CHECK_REFUSED(make([](auto& s) { s.num_raw_steps = 1; })(), errc::invalid_argument, "1 epilogue operations");
  CHECK_REFUSED(make([](auto& s) { s.decision = decision::argmax_raw; })(), errc::invalid_argument,
                "0 labels, expected 1");
  CHECK_REFUSED(make([](auto& s) {
                  s.outputs[0].labels.type = dtype::string;
                  s.outputs[0].labels.integers = {1, 2};
                })(),
                errc::invalid_argument, "expected only those of type string");
  CHECK_REFUSED(make([](auto& s) {
                  s.epilogue = {{epilogue_step::operation::add, 1.0, 1}};
                })(),
                errc::invalid_argument, "column 1, expected less than 1");
  CHECK_REFUSED(make([](auto& s) {
                  s.epilogue.assign(2, {epilogue_step::operation::complement, 0, 0});
                })(),
                errc::invalid_argument, "changes the number of columns");
  CHECK_REFUSED(make([](auto& s) {
                  s.epilogue = {{epilogue_step::operation::fold_pair, 0, 0}};
                  s.num_raw_steps = 1;
                })(),
                errc::invalid_argument, "on outputs of 1 columns, expected 2");
  CHECK_REFUSED(make([](auto& s) {
                  s.steps = {{row_step::operation::divide, 7, 1, 0}};
                })(),
                errc::invalid_argument, "column 7, expected less than 2");
  CHECK_REFUSED(make([](auto& s) {
                  s.steps.assign(5, {row_step::operation::missing, row_step::every_column, 1, 0});
                })(),
                errc::invalid_argument, "5 steps on every column");
  CHECK_REFUSED(make([](auto& s) {
                  s.categories = {{3, categories_as::xgboost, {}, {}}};
                })(),
                errc::invalid_argument, "expected a column below 2");
  CHECK_REFUSED(make([](auto& s) { s.categories.resize(2); })(), errc::invalid_argument, "given twice");
  CHECK_REFUSED(make([](auto& s) {
                  s.categories = {{1, categories_as::lightgbm, {}, std::vector<std::uint32_t>{1}}};
                })(),
                errc::invalid_argument, "a set of known ones, expected none");
  CHECK_REFUSED(make([](auto& s) {
                  s.categories = {{1, categories_as::listed, {2, 1}, {}}};
                })(),
                errc::invalid_argument, "expected ascending values");
  CHECK_REFUSED(make([](auto& s) {
                  s.dictionaries = {{1, {"a"}}, {0, {"b"}}};
                })(),
                errc::invalid_argument, "expected ascending columns");
  CHECK_REFUSED(make([](auto& s) { s.linear_leaves = s.vector_leaves = true; })(), errc::invalid_argument,
                "expected float64 numbers");
  CHECK_REFUSED(make([](auto& s) {
                  s.combine = combine::weighted_median;
                  s.outputs.resize(2);
                })(),
                errc::invalid_argument, "a weighted median of 2 sums");
}

TEST_CASE("BuilderDoesNotBuildATreeThatItRefused") {
  forest_builder b(one_number());
  b.begin_tree(3);
  for (std::uint32_t node = 0; node < 3; ++node)
    leaf(b, node);
  CHECK_REFUSED(b.end_tree(), errc::invalid_argument, "cannot be reached");
  CHECK_REFUSED(b.build(), errc::invalid_argument, "end_tree first");
  CHECK_REFUSED(b.begin_tree(1), errc::invalid_argument, "begins inside tree 0");
}

TEST_CASE("BuilderIsEmptyAfterBuild") {
  forest_builder b(one_number());
  (void)b.build();
  CHECK_REFUSED(b.begin_tree(1), errc::invalid_argument, "was built already");
}

TEST_CASE("LargeColumnNumbersCostNothing") {
  forest_spec spec = one_number();
  spec.num_columns = 0xffffffffu;
  forest_builder b(spec);
  b.begin_tree(3);
  split(b, 0, 1, 2, 0xfffffffeu);
  leaf(b, 1);
  leaf(b, 2);
  b.end_tree();
  CHECK(b.build().num_nodes() == 3);
}

TEST_CASE("AMedianOfWeightsThatNeverReachHalfIsTheSmallestValue") {
  // Negative weights and NaN, as numpy's argmax of a condition that holds nowhere has it.
  for (const std::vector<double>& weights :
       {std::vector<double>{1, -2}, std::vector<double>{1, std::numeric_limits<double>::quiet_NaN()}}) {
    forest_spec spec = one_number();
    spec.combine = combine::weighted_median;
    forest_builder b(spec);
    for (std::size_t t = 0; t < 2; ++t) {
      b.begin_tree(1, 0, 0, weights[t]);
      leaf(b, 0, t == 0 ? 3.0 : 1.0);
      b.end_tree();
    }
    const forest_model model = b.build();
    CHECK(model.view().predict(std::vector<double>{0, 0})[0] == 1.0);
  }
}
