#include "feature_matrix.hpp"

#include "csv_table.hpp"
#include "words.hpp"

#include "base/fail.hpp"

#include <petrify/error.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

namespace petrify::cli {

namespace {

// A cell as a number; nullopt for a text that is none.
std::optional<double> number_of(std::string_view cell) {
  while (!cell.empty() && cell.front() == ' ')
    cell.remove_prefix(1);
  while (!cell.empty() && cell.back() == ' ')
    cell.remove_suffix(1);
  for (const std::string_view missing : {"", "NA", "N/A", "null", "NULL", "None"})
    if (cell == missing)
      return std::numeric_limits<double>::quiet_NaN();
  if (cell == "True" || cell == "true")
    return 1.0;
  if (cell == "False" || cell == "false")
    return 0.0;
  if (cell.starts_with('+'))
    cell.remove_prefix(1);
  double out = 0;
  const auto result = std::from_chars(cell.data(), cell.data() + cell.size(), out);
  if (result.ptr != cell.data() + cell.size())
    return std::nullopt;
  if (result.ec == std::errc::result_out_of_range) // too large is infinite, too small is zero, as Python has it
    out = std::strtod(std::string(cell).c_str(), nullptr);
  return out;
}

// The categories of a column, of which a table's cell is one.
class category_column {
public:
  category_column(const forest& model, std::size_t column)
      : model_(&model), column_(column), has_names_(!model.category_names(column).empty()) {
    // Numbers are the same however they are written: 3 and 3.0. Texts are not: 03 is another one.
    for (const std::string_view name : model.category_names(column)) {
      const auto number = number_of(name);
      const std::string_view digits = name.substr(name.starts_with('-') ? 1 : 0);
      const bool is_padded = digits.size() > 1 && digits[0] == '0' && digits[1] != '.';
      if (!number || !std::isfinite(*number) || is_padded || name.starts_with('+') || name.find(' ') != name.npos ||
          !codes_.emplace(*number, static_cast<double>(codes_.size())).second) {
        codes_.clear();
        break;
      }
    }
  }
  bool has_names() const noexcept { return has_names_; }
  // The category's number; NaN for none that the model knows.
  double code_of(std::string_view cell) const {
    const double code = model_->encode(column_, cell);
    const auto number = std::isnan(code) && !codes_.empty() ? number_of(cell) : std::nullopt;
    const auto found = number && !std::isnan(*number) ? codes_.find(*number) : codes_.end();
    return found == codes_.end() ? code : found->second;
  }

private:
  const forest* model_;
  std::size_t column_;
  bool has_names_;
  std::map<double, double> codes_; // of numbers; empty where the names are not all numbers
};

// What is often wrong with a header, in words that say so; the rest is bind's to find.
void check_header(const std::vector<std::string>& header, const std::string& path, const forest& model) {
  const std::string& first = header[0];
  if (header.size() == 1 && model.num_columns() > 1 && first.find_first_of(";\t") != std::string::npos)
    throw error(errc::malformed, path, {},
                text("the header is one column, ", quoted(first, 64), ", expected cells parted by commas"));
  const auto names = model.column_names();
  if (!names.empty()) {
    if (std::find(header.begin(), header.end(), "") != header.end() &&
        std::find(names.begin(), names.end(), "") == names.end())
      throw error(errc::invalid_argument, path, "column \"\"",
                  text("is not one of the model's ", names.size(), "; was the table written with an index?"));
    return;
  }
  // A model without names takes columns as they come; a table without a header would lose its first row.
  bool are_numbers = true;
  bool are_positions = true;
  for (std::size_t j = 0; j < header.size(); ++j) {
    are_numbers &= !header[j].empty() && number_of(header[j]).has_value();
    are_positions &= header[j] == text(j);
  }
  if (are_numbers && !are_positions)
    throw error(errc::malformed, path, {},
                text("the first row is all numbers, ", quoted(first, 32), " and so on, expected the names of columns"));
}

// A table's cells as the model's columns.
std::vector<double> values_of(const csv_table& table, const std::string& path, const forest& model) {
  std::vector<std::string> header(table.header());
  // LightGBM writes the spaces of a DataFrame's names as underscores.
  if (model.library() == "lightgbm")
    for (std::string& name : header)
      std::replace(name.begin(), name.end(), ' ', '_');
  check_header(header, path, model);
  const std::vector<std::string_view> names(header.begin(), header.end());
  std::vector<std::size_t> places;
  try {
    places = model.bind(names);
  } catch (const error& failure) {
    throw failure.at(path);
  }
  std::vector<category_column> categories;
  categories.reserve(places.size());
  for (std::size_t j = 0; j < places.size(); ++j)
    categories.emplace_back(model, j);
  std::vector<double> out;
  out.reserve(table.num_rows() * places.size());
  for (std::size_t i = 0; i < table.num_rows(); ++i)
    for (std::size_t j = 0; j < places.size(); ++j) {
      const std::string_view cell = table.cell(i, places[j]);
      const auto number = categories[j].has_names() ? std::optional(categories[j].code_of(cell)) : number_of(cell);
      if (!number)
        throw error(errc::wrong_type, path, text("row ", i + 1, " column ", quoted(table.header()[places[j]], 64)),
                    text(quoted(cell, 64), ", expected a number"));
      out.push_back(*number);
    }
  return out;
}

} // namespace

feature_matrix::feature_matrix(const std::string& path) { read_npy(path, std::nullopt); }

feature_matrix::feature_matrix(const std::string& path, const forest& model) {
  if (!is_csv_name(path)) {
    read_npy(path, model.num_columns());
    return;
  }
  const csv_table table(path);
  wide_ = values_of(table, path, model);
  const std::uint64_t shape[] = {table.num_rows(), model.num_columns()};
  view(array_view<double>(wide_.data(), extents(shape)));
}

void feature_matrix::read_npy(const std::string& path, std::optional<std::size_t> num_columns) {
  file_.emplace(path);
  const any_array& array = file_->array();
  if (array.rank() != 2 || (num_columns && array.shape()[1] != *num_columns))
    throw error(errc::wrong_type, path, {},
                text("shape ", shape_words(array.shape()), ", expected (rows, ",
                     num_columns ? text(*num_columns) : "columns", ")"));
  switch (array.type()) {
  case dtype::float32: view(array.as<float>()); break;
  case dtype::float64: view(array.as<double>()); break;
  case dtype::int64: view(array.as<std::int64_t>()); break;
  case dtype::bool8: widen(array.as<bool8>()); break;
  case dtype::int8: widen(array.as<std::int8_t>()); break;
  case dtype::int16: widen(array.as<std::int16_t>()); break;
  case dtype::int32: widen(array.as<std::int32_t>()); break;
  case dtype::uint8: widen(array.as<std::uint8_t>()); break;
  case dtype::uint16: widen(array.as<std::uint16_t>()); break;
  case dtype::uint32: widen(array.as<std::uint32_t>()); break;
  case dtype::float16: widen(array.as<float16>()); break;
  default:
    throw error(
        errc::wrong_type, path, {},
        text("values of type ", to_string(array.type()), ", expected float or integer ones (uint64: as int64)"));
  }
}

template <class T>
void feature_matrix::view(const array_view<T>& array) {
  num_rows_ = array.shape()[0];
  // Strides of 0 rows or columns are not followed.
  make_ = [array](std::size_t first, std::size_t count) {
    const std::ptrdiff_t row_stride = array.strides()[0];
    return rows(array.data() + static_cast<std::ptrdiff_t>(first) * row_stride, count, array.shape()[1], row_stride,
                array.strides()[1]);
  };
}

template <class T>
void feature_matrix::widen(const array_view<T>& array) {
  const extents places(array.shape(), file_->array().order());
  // Integers stay integers: some origins convert these otherwise than floats.
  if constexpr (std::is_integral_v<T>) {
    wide_integers_.reserve(array.size());
    for (const T x : array.elements())
      wide_integers_.push_back(x);
    return view(array_view<std::int64_t>(wide_integers_.data(), places));
  } else {
    wide_.reserve(array.size());
    for (const T& x : array.elements())
      if constexpr (std::is_same_v<T, bool8>)
        wide_.push_back(x.byte != 0 ? 1.0 : 0.0);
      else
        wide_.push_back(static_cast<double>(static_cast<float>(x)));
    view(array_view<double>(wide_.data(), places));
  }
}

} // namespace petrify::cli
