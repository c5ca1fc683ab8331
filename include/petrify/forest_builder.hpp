// forest_builder: the one way in which trees become a petrify forest. Every importer goes through it.
#pragma once

#include <petrify/dtype.hpp>
#include <petrify/error.hpp>
#include <petrify/forest.hpp>
#include <petrify/layout_choice.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace petrify::inline v0 {

// How a node compares its column with its threshold: the row goes left when the comparison holds.
enum class comparison : std::uint8_t { less_equal, less };
// Where a missing value (NaN) goes, and what counts as missing.
enum class missing : std::uint8_t {
  left,
  right,
  as_zero,    // NaN is compared as 0
  zero_left,  // NaN goes left, and so do values of magnitude <= 1e-35f
  zero_right, // they go right
};
// The type in which the origin compares a column: values are converted to it first.
enum class compare_as : std::uint8_t { float32, float64 };

// Which category a value stands for (docs/format.md, "Categories").
enum class categories_as : std::uint8_t {
  xgboost = 1,
  xgboost_strict = 2,
  lightgbm = 3,
  hist_gradient_boosting = 4,
  listed = 5,
  hist_gradient_boosting_wrapped = 6,
};
// A column of categories: what split_set needs to know of it.
struct category_column {
  std::uint32_t column = 0;
  categories_as rule = categories_as::xgboost;
  std::vector<double> values; // listed: ascending; category i is values[i]
  // Categories that do not count as missing; nullopt: all, as always for the rules of XGBoost and LightGBM.
  std::optional<std::vector<std::uint32_t>> known;
};
// Names of a column's categories; category i is names[i].
struct category_dictionary {
  std::uint32_t column = 0;
  std::vector<std::string> names;
};

// A step that a row takes before it is compared, in the row's type: float64 arithmetic, rounded to float32 after each
// step when the row is float32.
struct row_step {
  enum class operation : std::uint8_t {
    subtract = 1,         // x - a
    divide = 2,           // x / a
    multiply = 3,         // x * a
    add = 4,              // x + a
    clip = 5,             // into [a, b]
    replace = 6,          // b where x is a; a may be NaN
    missing = 7,          // NaN where x is a, both as float32
    subtract_typed = 8,   // x - a, with a converted to the row's type first
    divide_typed = 9,     // x / a, with a converted to the row's type first
    replace_typed = 10,   // b where x is a; of b the integer part when the row is int64
    narrow_integers = 11, // float32(x) when the row is int64; only as the first step, on every column
  };
  static constexpr std::uint32_t every_column = 0xffffffff;
  operation op;
  std::uint32_t column = every_column;
  double a = 0;
  double b = 0;
};

// Operations on all columns, in order (formulas: docs/format.md, "Epilogue").
struct epilogue_step {
  enum class operation : std::uint8_t {
    divide = 1,
    add = 2,
    sigmoid = 3,
    softmax = 4,
    exp = 5,
    normalize = 6,
    complement = 7,
    isolation_score = 8,
    bounded_sigmoid = 9,
    softmax_wide_sum = 10,
    softmax_by_logarithm = 11,
    fold_pair = 12,
    is_positive = 13,
    signed_square = 14,
    log1p_exp = 15,
    mirror = 16,
    sort = 17,
    softplus_gaps = 18,
    softmax_numpy = 19,
  };
  operation op;
  double parameter = 0;
  std::uint32_t column = 0; // add: the column
};

// How the trees' values become one.
enum class combine : std::uint8_t {
  sum = 1,
  weighted_median = 4, // of the trees' scalar values, with the weights given to begin_tree
};

// How a classifier decides.
enum class decision : std::uint8_t {
  none = 0,
  argmax_raw = 1,   // first of the largest raw columns
  argmax_final = 2, // first of the largest columns after the whole epilogue
  cut_raw = 3,      // one raw column against `cut`
  cut_final = 4,    // last column after the whole epilogue against `cut`
};

// Class labels of one output: fill the one vector that `type` calls for.
struct label_list {
  dtype type = dtype::none;
  std::vector<std::int64_t> integers; // bool8 and integer types
  std::vector<double> reals;          // float32, float64
  std::vector<std::string> texts;     // string

  std::size_t size() const noexcept { return integers.size() + reals.size() + texts.size(); }
};

// One output of a (multi-output) model.
struct output_spec {
  std::uint32_t width = 1;           // sums; the epilogue may make more or fewer columns of them
  label_list labels;                 // empty for a regression
  dtype value_type = dtype::float64; // of a regression's numbers
};

// Everything about a forest but its trees.
struct forest_spec {
  std::string library;
  std::string library_version;
  std::string model_class;
  std::string objective;
  petrify::task task = petrify::task::regression;

  std::uint32_t num_columns = 0;
  std::vector<std::string> column_names; // empty, or one a column
  std::vector<std::string> column_types; // empty, or one a column, in the origin's words
  std::vector<row_step> steps;
  std::vector<category_column> categories;       // columns that split_set may test
  std::vector<category_dictionary> dictionaries; // ascending by column
  compare_as comparisons = compare_as::float32;
  layout_choice layout = layout_choice::automatic;

  petrify::combine combine = petrify::combine::sum;
  std::int32_t best_iteration = -1;   // counted from 0; -1: the origin has none
  bool vector_leaves = false;         // a leaf has a value for each sum, or one for its tree's target
  bool linear_leaves = false;         // leaves are given by linear_leaf; float64 only
  dtype leaf_type = dtype::float64;   // float32 or float64
  dtype accumulator = dtype::float64; // float32 or float64; not narrower than leaf_type
  std::vector<double> start;          // of each sum; empty: 0. An origin that returns a leaf unchanged: -0.0
  std::vector<epilogue_step> epilogue;
  std::uint32_t num_raw_steps = 0;  // how many of them belong to the raw score
  std::vector<output_spec> outputs; // at least one
  petrify::decision decision = petrify::decision::none;
  double cut = 0;
  bool cut_tie_is_upper = false;
};

// A finished forest in memory, ready for writer::add. Movable.
class forest_model {
public:
  forest_model(forest_model&&) noexcept;
  forest_model& operator=(forest_model&&) noexcept;
  ~forest_model();

  std::size_t num_trees() const noexcept;
  std::uint64_t num_nodes() const noexcept;
  const std::string& model_class() const noexcept;

  // The forest to predict from, without a file. Borrows: this model must outlive it and not be moved from meanwhile.
  forest view() const& noexcept;
  forest view() const&& = delete;

  // Keeps some rows with the raw scores that this forest has for them: writer::add stores them with it, and
  // file::verify compares what it computes with them, bit for bit. At most 4096 rows. Cost: a prediction.
  // Throws: errc::invalid_argument for another number of columns, errc::limit_exceeded for more rows.
  void set_golden_rows(const rows& x);

  struct content;
  // Internal: for writer and forest_builder.
  explicit forest_model(std::unique_ptr<content> built) noexcept;
  const content& get() const noexcept { return *content_; }

private:
  std::unique_ptr<content> content_;
};

// Takes trees node by node. For each tree: begin_tree, then every node once as split, leaf or unused, in any order,
// node 0 being the root unless another one is named; then end_tree. At the end: build.
//
// Node numbers are the origin's; a leaf's number is what apply() returns. All functions throw errc::invalid_argument
// with tree and node for what they refuse: a column or child out of range, a threshold that is NaN, a node given twice
// or not at all, a child that has two parents or is its own ancestor, a leaf of the wrong number of values.
// Memory: 24 bytes a node until build, and the distinct leaf values. Thread safety: one thread at a time.
class forest_builder {
public:
  explicit forest_builder(forest_spec spec);
  forest_builder(forest_builder&&) noexcept;
  forest_builder& operator=(forest_builder&&) noexcept;
  ~forest_builder();

  // A tree of num_nodes > 0 nodes. `target`: the sum that its scalar leaves add to. `weight`: in a weighted median.
  void begin_tree(std::uint32_t num_nodes, std::uint32_t target = 0, std::uint32_t root = 0, double weight = 0);
  void split(std::uint32_t node, std::uint32_t column, comparison test, double threshold, missing nan_goes,
             std::uint32_t left, std::uint32_t right);
  // A split of categories: rows whose category of `column` is among `members` go to one side, all others to the other.
  // The column is one of forest_spec::categories; `nan_goes` is left or right. Throws also errc::limit_exceeded when
  // the sets of all splits would take much more memory than their members.
  void split_set(std::uint32_t node, std::uint32_t column, std::span<const std::uint32_t> members,
                 bool members_go_right, missing nan_goes, std::uint32_t left, std::uint32_t right);
  // Scalar leaves: one value. Vector leaves: one for each sum. float32 leaves are rounded to float32.
  void leaf(std::uint32_t node, std::span<const double> values);
  // constant + coefficients[0] * row[columns[0]] + ..., in this order; fallback when one of these values is NaN.
  void linear_leaf(std::uint32_t node, double constant, double fallback, std::span<const std::uint32_t> columns,
                   std::span<const double> coefficients);
  // How many training rows, or what weight of them, reached a node. Needed for no prediction: of the two children of a
  // split the one with more is laid nearer to it, so that a walk touches less memory. Where neither was given, or both
  // are equal, that is the left one. Takes 8 bytes for each node of the tree until end_tree.
  void cover(std::uint32_t node, double rows);
  // A number that no node of the origin's tree has.
  void unused(std::uint32_t node);
  // Checks the tree. Cost: linear in its nodes.
  void end_tree();
  // Ends a boosting iteration, for origins that count them.
  void end_iteration();

  // Lays the forest out in the form that forest_spec::layout asks for. The builder is empty afterwards.
  // Cost: linear in all nodes. Throws also errc::invalid_argument for a layout that the forest cannot have.
  forest_model build();

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace petrify::inline v0
