// forest: a forest of decision trees in a mapped file, and predictions from its bytes.
//
// For one row at a time in a hot path use petrify/predictor.hpp; the functions here allocate their result.
#pragma once

#include <petrify/dtype.hpp>
#include <petrify/executor.hpp>
#include <petrify/rows.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::inline v0 {

struct forest_data;

enum class task { classification, regression, ranking, anomaly };
const char* to_string(task kind) noexcept;

// What to compute of a row.
enum class output {
  predict, // what the origin's predict() returns: a number, or a label, for each output of the model
  proba,   // class probabilities; of a multi-output model one output after the other. Regression: the same as predict
  raw,     // the untransformed score
  leaf,    // for each tree the origin's id of the leaf that the row ends in
};

// The class labels of one output. Borrows from the file.
class class_labels {
public:
  std::size_t size() const noexcept { return num_; }
  // dtype::bool8, an integer type, float32, float64 or string: as the origin has them; none for a regression.
  dtype type() const noexcept { return type_; }
  // Label `i`, which must be below size(), in the form that type() says; the others are 0 or empty. uint64 labels are
  // kept as the int64 of the same bits.
  std::int64_t as_int(std::size_t i) const noexcept;
  double as_real(std::size_t i) const noexcept;
  std::string_view as_text(std::size_t i) const noexcept;
  // Label `i` as Python prints it, whatever its type: setosa, 2, 0.5, 1.0, True.
  std::string text(std::size_t i) const;

private:
  friend class forest;
  const forest_data* data_ = nullptr;
  std::size_t first_ = 0;
  std::size_t num_ = 0;
  dtype type_ = dtype::none;
};

// View of a forest. Borrows: the petrify::file it comes from must outlive it. As cheap to copy as a pointer.
//
// Thread safety: const; any number of threads. Exactness: raw scores equal the origin's bit for bit (x86-64, one
// thread) unless they need exp or log; the order of additions never depends on threads or batch size, and results not
// on the floating-point mode of the calling thread (rounding, FTZ, DAZ), which is set aside while petrify computes.
// Predictions are total: NaN, infinities and values of any size give a result. An origin that refuses such values
// at predict (scikit-learn refuses infinities, and NaN for most models) is not imitated in that.
class forest {
public:
  petrify::task task() const noexcept;
  // "scikit-learn", "1.4.2", "sklearn.ensemble._forest.RandomForestClassifier"; objective may be empty.
  std::string_view library() const noexcept;
  std::string_view library_version() const noexcept;
  std::string_view model_class() const noexcept;
  std::string_view objective() const noexcept;

  std::size_t num_columns() const noexcept;           // values in a row
  std::vector<std::string_view> column_names() const; // empty, or one a column
  std::vector<std::string_view> column_types() const; // in the origin's words; empty, or one a column
  std::size_t num_trees() const noexcept;
  std::size_t num_iterations() const noexcept;                  // of boosting; 0 where the origin does not count them
  std::optional<std::uint32_t> best_iteration() const noexcept; // counted from 0, where the origin knows one
  std::size_t num_golden_rows() const noexcept;                 // rows that verify predicts anew
  std::size_t num_outputs() const noexcept;
  // Labels of output `i` < num_outputs(); empty for a regression.
  class_labels labels(std::size_t i = 0) const noexcept;

  // Where each column of a row is among other names: a table's header, in any order. Throws: errc::invalid_argument,
  // naming the column, when one of this forest is missing, one is there twice, or there is one that it does not know;
  // and when this forest has no column names and their number differs. Without names columns stay in their order.
  std::vector<std::size_t> bind(std::span<const std::string_view> names) const;
  // Names of a column's categories; empty where the origin kept none.
  std::vector<std::string_view> category_names(std::size_t column) const;
  // The number that stands for a category in a row: what the origin makes of that text. NaN, which is missing, for a
  // text that it does not know. Cost: linear in the column's names.
  double encode(std::size_t column, std::string_view category) const noexcept;

  // Type in which the origin has its scores and probabilities: float32 or float64. They are given as double here, which
  // holds both exactly.
  dtype score_type() const noexcept;
  // Type of the numbers that output `i` of a regression has there.
  dtype value_type(std::size_t i = 0) const noexcept;

  // Facts about the encoding, for reports.
  std::string_view layout() const noexcept; // of the nodes: "n8" or "n16"
  // Which layouts the forest has, or has not, and why, in the words of who wrote it: "n8: 8 bits for 31 slots, offsets
  // below 2^24", "no dense layout: leaves are linear".
  std::vector<std::string_view> layout_notes() const;
  std::uint32_t dense_levels() const noexcept;  // levels of splits that are there as byte tables too; 0: none
  std::uint64_t dense_bytes() const noexcept;   // bytes of these tables
  std::string_view kernel() const noexcept;     // what predictions run on here: "dense avx512vbmi", "interleaved"
  std::uint64_t num_nodes() const noexcept;     // nodes of all trees
  std::uint64_t node_bytes() const noexcept;    // bytes of the nodes in the file, with their root table
  std::uint64_t leaf_bytes() const noexcept;    // bytes of the leaf tables
  std::uint64_t num_leaf_rows() const noexcept; // distinct leaf values, or vectors of them

  // Numbers that one row gives.
  std::size_t output_width(output kind) const noexcept;
  // Shape of the origin's result for num_rows rows: (n,) or (n, width).
  std::vector<std::uint64_t> output_shape(output kind, std::uint64_t num_rows) const;

  // Results for all rows, row-major, output_width(kind) numbers each. `on`: the threads that share the rows, for
  // instance a thread_pool (petrify/thread_pool.hpp); the result does not depend on it, and a batch whose work is not
  // worth a second thread stays on this one. No thread is started. Rows are read where they are, in tiles. Cost:
  // `petrify bench`; scratch memory of at most 1 MiB a thread (more for a forest of more than 100,000 columns). `out`
  // must not overlap the rows.
  // Throws: errc::invalid_argument when a row has not num_columns() values; what on.run throws.
  //
  // predict: values of a regression; labels of a classifier as numbers (bool as 0 and 1). Throws also errc::wrong_type
  // when labels are texts: use predict_class and labels().
  std::vector<double> predict(const rows& x, executor& on = calling_thread()) const;
  std::vector<double> predict_proba(const rows& x, executor& on = calling_thread()) const;
  std::vector<double> predict_raw(const rows& x, executor& on = calling_thread()) const;
  // Index into labels(i) for each output i. Throws also errc::wrong_type for a regression.
  std::vector<std::uint32_t> predict_class(const rows& x, executor& on = calling_thread()) const;
  // The origin's leaf ids (what scikit-learn's apply() returns), one a tree.
  std::vector<std::uint32_t> apply(const rows& x, executor& on = calling_thread()) const;

  // The same into the caller's memory, which must hold num_rows * output_width numbers.
  void predict(const rows& x, std::span<double> out, executor& on = calling_thread()) const;
  void predict_proba(const rows& x, std::span<double> out, executor& on = calling_thread()) const;
  void predict_raw(const rows& x, std::span<double> out, executor& on = calling_thread()) const;
  void predict_class(const rows& x, std::span<std::uint32_t> out, executor& on = calling_thread()) const;
  void apply(const rows& x, std::span<std::uint32_t> out, executor& on = calling_thread()) const;

  // A temporary's rows are fine: all functions are done with them when they return.

  // Internal: what predictor and tests work on.
  const forest_data& data() const noexcept { return *data_; }
  explicit forest(const forest_data& data) noexcept : data_(&data) {}

private:
  const forest_data* data_;
};

} // namespace petrify::inline v0
