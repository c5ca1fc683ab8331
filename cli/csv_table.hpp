// A .csv file in memory: a header and rows of as many cells.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::cli {

// Whether a file's name says that it is a table: .csv.
bool is_csv_name(std::string_view path) noexcept;

class csv_table {
public:
  // Reads the whole file (RFC 4180: cells may be quoted). Throws: errc::io; errc::malformed for a file without header
  // and for a row of another number of cells.
  explicit csv_table(const std::string& path);

  const std::vector<std::string>& header() const noexcept { return header_; }
  std::size_t num_rows() const noexcept { return header_.empty() ? 0 : cells_.size() / header_.size(); }
  std::string_view cell(std::size_t row, std::size_t column) const noexcept {
    return cells_[row * header_.size() + column];
  }

private:
  std::vector<std::string> header_;
  std::vector<std::string> cells_;
};

} // namespace petrify::cli
