// The rows that a command is given: a .npy file, or a table in a .csv file.
#pragma once

#include <petrify/forest.hpp>
#include <petrify/npy.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace petrify::cli {

// A matrix of feature values as `rows` takes it. Types that it does not take are widened without a change of value.
// A .csv file has a header, whose names are those of the model's columns in any order; empty cells, NA and NaN are
// missing values, and texts in a column of categories stand for these.
class feature_matrix {
public:
  // Throws: errc::wrong_type for another number of columns, or values that are no numbers; errc::invalid_argument for a
  // column that is missing or not the model's.
  feature_matrix(const std::string& path, const forest& model);
  // The rows of a .npy file for a model that is not known yet.
  explicit feature_matrix(const std::string& path);

  std::size_t num_rows() const { return num_rows_; }
  // Rows [first, first + count).
  rows slice(std::size_t first, std::size_t count) const { return make_(first, count); }

private:
  void read_npy(const std::string& path, std::optional<std::size_t> num_columns);
  template <class T>
  void view(const array_view<T>& array);
  template <class T>
  void widen(const array_view<T>& array);

  std::optional<npy_file> file_;
  std::vector<double> wide_;
  std::vector<std::int64_t> wide_integers_;
  std::size_t num_rows_ = 0;
  std::function<rows(std::size_t, std::size_t)> make_;
};

} // namespace petrify::cli
