// CSV by libcsv.
#include "csv_table.hpp"

#include "base/fail.hpp"
#include "mapping/input_file.hpp"

#include <petrify/error.hpp>

#include <csv.h>

#include <fstream>

namespace petrify::cli {

namespace {

// What libcsv's calls add to; exceptions do not pass through C, so a fault is kept.
struct reading {
  std::vector<std::string> header;
  std::vector<std::string> cells;
  std::size_t line = 0; // rows that have ended
  std::size_t in_row = 0;
  std::string fault;

  void cell(std::string_view text) {
    ++in_row;
    (line == 0 ? header : cells).emplace_back(text);
  }
  void row() {
    if (line != 0 && in_row != header.size() && fault.empty())
      fault = petrify::text("row ", line, ": ", in_row, " cells, expected ", header.size());
    ++line;
    in_row = 0;
  }
};

} // namespace

bool is_csv_name(std::string_view path) noexcept { return path.ends_with(".csv") || path.ends_with(".CSV"); }

csv_table::csv_table(const std::string& path) {
  const input_file source(path); // a regular file, or its error
  std::ifstream in(path, std::ios::binary);
  csv_parser parser;
  if (csv_init(&parser, CSV_APPEND_NULL) != 0)
    throw error(errc::io, path, {}, "no memory for the CSV parser");
  // Spaces around a cell belong to it: " a" is another category than "a".
  csv_set_space_func(&parser, [](unsigned char) { return 0; });
  reading to;
  const auto cell = [](void* text, std::size_t size, void* data) {
    static_cast<reading*>(data)->cell({static_cast<const char*>(text), size});
  };
  const auto row = [](int, void* data) { static_cast<reading*>(data)->row(); };
  // Of spreadsheets: a mark of UTF-8 in front of everything, quotes included.
  char mark[3] = {};
  if (!in.read(mark, sizeof mark) || std::string_view(mark, sizeof mark) != "\xef\xbb\xbf") {
    in.clear();
    in.seekg(0);
  }
  std::vector<char> buffer(std::size_t{1} << 16);
  bool went = true;
  while (went && in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto count = static_cast<std::size_t>(in.gcount());
    went = csv_parse(&parser, buffer.data(), count, cell, row, &to) == count;
  }
  if (went)
    went = csv_fini(&parser, cell, row, &to) == 0;
  const std::string why = went ? std::string() : csv_strerror(csv_error(&parser));
  csv_free(&parser);
  if (in.bad())
    throw error(errc::io, path, {}, "read failed");
  if (!went)
    throw error(errc::malformed, path, {}, "no CSV: " + why);
  if (to.header.empty())
    throw error(errc::malformed, path, {}, "no header, expected the names of the columns in the first row");
  if (!to.fault.empty())
    throw error(errc::malformed, path, {}, to.fault);
  header_ = std::move(to.header);
  cells_ = std::move(to.cells);
}

} // namespace petrify::cli
