#include "import/npy.hpp"

#include "base/checked.hpp"
#include "base/fail.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

namespace petrify::inline v0 {
namespace {

constexpr std::string_view magic("\x93NUMPY", 6);
constexpr std::uint64_t max_header = std::uint64_t{1} << 20;
constexpr int max_depth = 16;

// Reads the header's Python literal: a dict of exactly the three keys, each value of exactly its type.
class header_parser {
public:
  header_parser(std::string_view literal, std::size_t offset) : text_(literal), offset_(offset) {}

  void parse() {
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr" && !dtype_)
        dtype_ = accept('[') ? record(0) : type_string();
      else if (key == "fortran_order" && !fortran_order_)
        fortran_order_ = boolean();
      else if (key == "shape" && !shape_)
        shape_ = tuple();
      else
        refuse(quoted(key), "each of 'descr', 'fortran_order' and 'shape' once");
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size())
      refuse(rest(), "nothing after the dict");
    if (!dtype_ || !fortran_order_ || !shape_)
      refuse("the end", !dtype_ ? "'descr'" : !shape_ ? "'shape'" : "'fortran_order'");
  }

  numpy_dtype& dtype() { return *dtype_; }
  bool fortran_order() const { return *fortran_order_; }
  std::vector<std::uint64_t>& shape() { return *shape_; }

private:
  template <class Seen>
  [[noreturn]] void refuse(const Seen& seen, std::string_view expected) const {
    fail(errc::malformed, petrify::text("byte ", offset_ + at_), "header has ", seen, ", expected ", expected);
  }

  std::string rest() const { return at_ == text_.size() ? "its end" : quoted(text_.substr(at_), 20); }

  void skip_space() {
    while (at_ != text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c)
      return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c))
      refuse(rest(), std::string_view(&c, 1));
  }

  // Escapes do not occur in what numpy writes, unless a field has a very odd name.
  std::string string() {
    skip_space();
    const char quote = at_ == text_.size() ? '\0' : text_[at_];
    if (quote != '\'' && quote != '"')
      refuse(rest(), "a string");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == text_.npos)
      refuse(rest(), "a closing quote");
    std::string out(text_.substr(at_ + 1, end - at_ - 1));
    if (out.find_first_of("\\\n") != out.npos)
      refuse(rest(), "a string without escapes");
    at_ = end + 1;
    return out;
  }

  bool boolean() {
    skip_space();
    for (const auto& [word, truth] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}})
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return truth;
      }
    refuse(rest(), "True or False");
  }

  std::uint64_t number() {
    skip_space();
    std::uint64_t value = 0;
    const auto [end, status] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (status != std::errc() || value > max_size)
      refuse(rest(), "a number below 2^63");
    at_ = static_cast<std::size_t>(end - text_.data());
    // Python 2 wrote long integers as 3L.
    if (at_ != text_.size() && text_[at_] == 'L')
      ++at_;
    return value;
  }

  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> out;
    expect('(');
    while (!accept(')')) {
      if (out.size() == max_numpy_axes)
        refuse(rest(), "at most 64 axes");
      out.push_back(number());
      if (accept(','))
        continue;
      if (out.size() == 1)
        refuse(rest(), "a comma, as a tuple of one number has");
      expect(')');
      break;
    }
    return out;
  }

  numpy_dtype type_string() {
    const std::size_t start = at_;
    const std::string code = string();
    try {
      return parse_numpy_dtype(code);
    } catch (const error& e) {
      throw e.at({}, petrify::text("byte ", offset_ + start));
    }
  }

  // The fields after '[': (name, type) or (name, type, shape); a name may be (title, name). Numpy writes holes between
  // fields as raw bytes without a name.
  numpy_dtype record(int depth) {
    if (depth == max_depth)
      refuse(rest(), "records nested at most 16 deep");
    numpy_dtype out;
    while (!accept(']')) {
      if (++num_fields_ > max_numpy_fields)
        refuse(rest(), "at most 1024 fields");
      numpy_dtype::field field = one_field(depth);
      field.offset = out.item_size;
      const auto size = checked_add(out.item_size, field.dtype.total_size());
      if (!size)
        refuse(rest(), "records below 2^63 bytes");
      out.item_size = *size;
      if (out.find(field.name) != nullptr)
        refuse(quoted(field.name), "every field once");
      if (!field.name.empty() || field.dtype.kind != 'V')
        out.fields.push_back(std::move(field));
      if (!accept(',')) {
        expect(']');
        break;
      }
    }
    return out;
  }

  numpy_dtype::field one_field(int depth) {
    numpy_dtype::field field;
    expect('(');
    if (accept('(')) {
      string();
      expect(',');
      field.name = string();
      expect(')');
    } else {
      field.name = string();
    }
    expect(',');
    field.dtype = accept('[') ? record(depth + 1) : type_string();
    if (accept(',')) {
      if (accept(')'))
        return field;
      skip_space();
      const bool is_tuple = at_ != text_.size() && text_[at_] == '(';
      field.dtype.subarray = is_tuple ? tuple() : std::vector{number()};
      accept(',');
    }
    expect(')');
    return field;
  }

  std::string_view text_;
  std::size_t offset_;
  std::size_t at_ = 0;
  std::size_t num_fields_ = 0;
  std::optional<numpy_dtype> dtype_;
  std::optional<bool> fortran_order_;
  std::optional<std::vector<std::uint64_t>> shape_;
};

std::uint64_t little_endian(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

} // namespace

bool is_npy(std::span<const std::byte> bytes) noexcept {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

namespace {

void need(std::span<const std::byte> bytes, std::uint64_t size, std::string_view what) {
  if (bytes.size() < size)
    fail(errc::truncated, petrify::text("byte ", bytes.size()), "file ends inside ", what, ", expected ", size,
         " bytes");
}

} // namespace

std::uint64_t npy_header_bytes(std::span<const std::byte> start) {
  if (!is_npy(start))
    fail(errc::malformed, "byte 0", "no .npy file: does not start with \"\\x93NUMPY\"");
  need(start, 8, "the version");
  const auto version = std::to_integer<unsigned>(start[6]);
  if (version < 1 || version > 3 || start[7] != std::byte{0})
    fail(errc::unsupported, "byte 6", ".npy version ", version, ".", std::to_integer<unsigned>(start[7]),
         ", expected 1.0, 2.0 or 3.0");
  const std::size_t length_size = version == 1 ? 2 : 4;
  need(start, 8 + length_size, "the header's length");
  const std::uint64_t length = little_endian(start.subspan(8, length_size));
  if (length > max_header)
    fail(errc::limit_exceeded, "byte 8", "header of ", length, " bytes, at most ", max_header, " are allowed");
  return 8 + length_size + length;
}

npy_description parse_npy_header(std::span<const std::byte> start) {
  npy_description out;
  out.header_bytes = npy_header_bytes(start);
  need(start, out.header_bytes, "the header");
  const std::size_t at = start[6] == std::byte{1} ? 10 : 12;
  header_parser header({reinterpret_cast<const char*>(start.data()) + at, out.header_bytes - at}, at);
  header.parse();
  if (header.dtype().has_objects())
    fail(errc::not_importable, "byte 0", "array of Python objects (", describe(header.dtype()),
         "), expected numbers or text");
  const auto count = checked_product(header.shape());
  const auto size = count ? checked_mul(*count, header.dtype().item_size) : std::nullopt;
  if (!size || *size > max_size - out.header_bytes)
    fail(errc::malformed, "byte 0", "array's size overflows 64 bits");
  out.elements_bytes = *size;
  out.dtype = std::move(header.dtype());
  out.shape = std::move(header.shape());
  out.order = header.fortran_order() ? numpy_order::column_major : numpy_order::row_major;
  return out;
}

numpy_array parse_npy(std::span<const std::byte> bytes) {
  npy_description found = parse_npy_header(bytes);
  const std::uint64_t end = found.header_bytes + found.elements_bytes;
  need(bytes, end, "the array");
  if (bytes.size() > end)
    fail(errc::malformed, petrify::text("byte ", end), bytes.size() - end, " bytes after the array's end");
  return make_numpy_array(std::make_shared<const numpy_dtype>(std::move(found.dtype)), std::move(found.shape),
                          found.order, bytes.subspan(found.header_bytes));
}

std::string npy_header(std::string_view descr, bool fortran_order, std::span<const std::uint64_t> shape) {
  const auto is_plain = [](char c) { return c >= ' ' && c <= '~' && c != '\'' && c != '\\'; };
  if (descr.empty() || !std::ranges::all_of(descr, is_plain))
    fail(errc::invalid_argument, {}, "element type ", quoted(descr), " cannot stand in a .npy header");
  if (shape.size() > max_numpy_axes)
    fail(errc::invalid_argument, {}, "array of ", shape.size(), " axes, a .npy file has at most ", max_numpy_axes);
  std::string literal =
      text("{'descr': '", descr, "', 'fortran_order': ", fortran_order ? "True" : "False", ", 'shape': (");
  for (std::size_t axis = 0; axis < shape.size(); ++axis)
    literal += text(axis == 0 ? "" : ", ", shape[axis]);
  literal += shape.size() == 1 ? ",), }" : "), }";
  // numpy leaves room for the axis that grows when rows are appended.
  constexpr std::size_t growth_digits = 21;
  if (!shape.empty())
    literal.append(growth_digits - text(fortran_order ? shape.back() : shape.front()).size(), ' ');

  // At least one byte of padding, as numpy has it.
  const auto padded = [&](std::size_t start) { return align_up(start + literal.size() + 2, 64); };
  const bool is_long = padded(10) - 10 > 0xffff;
  const std::size_t start = is_long ? 12 : 10;
  const std::size_t total = padded(start);
  literal.append(total - start - literal.size() - 1, ' ');
  literal += '\n';
  std::string out(magic);
  out += is_long ? '\2' : '\1';
  out += '\0';
  for (std::size_t k = 0; k < start - 8; ++k)
    out += static_cast<char>(literal.size() >> 8 * k & 0xff);
  return out + literal;
}

} // namespace petrify::inline v0
