#include "import/array_output.hpp"

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/utf8.hpp"
#include "import/array_import.hpp"
#include "import/npy.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace petrify::inline v0 {

namespace {

// What texts may always take in a .npy file.
constexpr std::uint64_t max_free_text_bytes = std::uint64_t{1} << 30;
// Bytes between two calls of a progress function.
constexpr std::uint64_t progress_bytes = std::uint64_t{64} << 20;
// Bytes that are handed over at once.
constexpr std::uint64_t piece_bytes = std::uint64_t{4} << 20;

// The code points of a text. Throws: malformed unless it is UTF-8, which nobody may have looked at before.
std::u32string code_points(std::string_view utf8) {
  if (!is_utf8(utf8))
    fail(errc::malformed, {}, "the text ", quoted(utf8), " is not valid UTF-8");
  std::u32string out;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    char32_t point = length == 1 ? lead : lead & (0x7fu >> length);
    for (std::size_t k = 1; k < length && i + k < utf8.size(); ++k) // who maps a file may see it change
      point = point << 6 | (static_cast<unsigned char>(utf8[i + k]) & 0x3fu);
    out += point;
    i += length;
  }
  return out;
}

void write_as_they_lie(std::span<const std::byte> bytes, const byte_sink& to) {
  for (; !bytes.empty(); bytes = bytes.subspan(std::min<std::uint64_t>(bytes.size(), piece_bytes)))
    to(bytes.first(std::min<std::uint64_t>(bytes.size(), piece_bytes)));
}

// Elements of a column-major array in row-major order, some of them at a time. Those of one first index are a row,
// whose elements lie `rows` apart; so a tile of some rows and columns is read in runs along the first axis.
class row_major_reader {
public:
  explicit row_major_reader(const any_array& array) : array_(array), rows_(array.shape()[0]), columns_(1) {
    for (const std::uint64_t extent : array.shape().subspan(1))
      columns_ *= extent;
  }

  void write(const byte_sink& to) {
    const std::uint64_t item = array_.item_size_bytes();
    const std::uint64_t columns_at_once = std::clamp<std::uint64_t>(piece_bytes / item, 1, columns_);
    const std::uint64_t rows_at_once = std::clamp<std::uint64_t>(piece_bytes / (item * columns_at_once), 1, rows_);
    // Several rows at once only when a row fits.
    std::vector<std::byte> tile(item * columns_at_once * rows_at_once);
    for (std::uint64_t row = 0; row < rows_; row += rows_at_once) {
      const std::uint64_t num_rows = std::min(rows_at_once, rows_ - row);
      for (std::uint64_t column = 0; column < columns_; column += columns_at_once) {
        const std::uint64_t num_columns = std::min(columns_at_once, columns_ - column);
        fill(tile, row, num_rows, column, num_columns);
        to(std::span(tile).first(item * num_rows * num_columns));
      }
    }
  }

private:
  void fill(std::span<std::byte> tile, std::uint64_t row, std::uint64_t num_rows, std::uint64_t column,
            std::uint64_t num_columns) const {
    const std::uint64_t item = array_.item_size_bytes();
    for (std::uint64_t c = 0; c < num_columns; ++c) {
      const std::byte* from = array_.bytes().data() + (place_of(column + c) * rows_ + row) * item;
      std::byte* to = tile.data() + c * item;
      for (std::uint64_t r = 0; r < num_rows; ++r, from += item, to += num_columns * item)
        std::memcpy(to, from, item);
    }
  }

  // Where a column of that row-major number is among the columns as they lie.
  std::uint64_t place_of(std::uint64_t column) const {
    const auto extents = array_.shape().subspan(1);
    std::uint64_t stride = columns_;
    std::uint64_t place = 0;
    for (std::size_t k = extents.size(); k-- != 0; column /= extents[k]) {
      stride /= extents[k];
      place += column % extents[k] * stride;
    }
    return place;
  }

  const any_array& array_;
  std::uint64_t rows_;
  std::uint64_t columns_;
};

} // namespace

void byte_progress::add(std::uint64_t bytes) {
  done_ += bytes;
  if (to_ && (done_ - reported_ >= progress_bytes || done_ == total_)) {
    reported_ = done_;
    to_(done_, total_);
  }
}

npy_output::npy_output(const any_array& array) : array_(array) {
  if (array.type() != dtype::string) {
    const std::string code = numpy_code_of(array.type(), array.item_size_bytes());
    if (code.empty())
      fail(errc::unsupported, {}, "numpy has no type for ", to_string(array.type()));
    header_ = npy_header(code, array.order() == axis_order::column_major, array.shape());
    elements_bytes_ = array.bytes().size();
    return;
  }
  const string_array texts = array.strings();
  text_width_ = 1;
  for (std::uint64_t i = 0; i < texts.size(); ++i) {
    // numpy fills texts up with NULs, and drops all of them when it reads.
    if (texts[i].ends_with('\0'))
      fail(errc::unsupported, text("element ", i), "the text ", quoted(texts[i]),
           " ends in NUL, which numpy's fixed-length form cannot hold");
    text_width_ = std::max(text_width_, code_points(texts[i]).size());
  }
  // numpy gives every text the room of the longest one.
  const auto size = checked_mul(texts.size(), 4 * static_cast<std::uint64_t>(text_width_));
  if (!size || (*size > max_free_text_bytes && *size / 64 > array.text().size()))
    fail(errc::limit_exceeded, {}, texts.size(), " texts of up to ", text_width_,
         " characters would take 64 times their size in numpy's fixed-length form");
  header_ = npy_header(text("<U", text_width_), false, texts.shape());
  elements_bytes_ = *size;
}

void npy_output::write(const byte_sink& to) const {
  to(std::as_bytes(std::span(header_)));
  if (array_.type() != dtype::string)
    return write_as_they_lie(array_.bytes(), to);
  const string_array texts = array_.strings();
  for (std::uint64_t i = 0; i < texts.size(); ++i) {
    std::u32string item = code_points(texts[i]);
    item.resize(text_width_);
    to(std::as_bytes(std::span(item)));
  }
}

void write_row_major(const any_array& array, const byte_sink& to) {
  if (array.order() == axis_order::row_major || array.rank() < 2 || array.size() == 0)
    return write_as_they_lie(array.bytes(), to);
  row_major_reader(array).write(to);
}

} // namespace petrify::inline v0
