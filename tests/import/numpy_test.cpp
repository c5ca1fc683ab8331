// Element types, arrays and exact reading of their elements.
#include "import/numpy.hpp"

#include <petrify/error.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::string_literals;
using petrify::describe;
using petrify::errc;
using petrify::error;
using petrify::make_numpy_array;
using petrify::numpy_array;
using petrify::numpy_column;
using petrify::numpy_dtype;
using petrify::numpy_order;
using petrify::parse_numpy_dtype;
using petrify::to_strings;
using petrify::to_vector;

std::span<const std::byte> bytes_of(const std::string& bytes) { return std::as_bytes(std::span(bytes)); }

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

numpy_array array_of(std::string_view code, std::vector<std::uint64_t> shape, std::span<const std::byte> data,
                     numpy_order order = numpy_order::row_major, std::span<const std::uint64_t> axes = {}) {
  return make_numpy_array(std::make_shared<const numpy_dtype>(parse_numpy_dtype(code)), std::move(shape), order, data,
                          axes);
}
// An array of one axis that has its elements with it.
template <class T>
class row_of {
public:
  row_of(std::string_view code, std::vector<T> values)
      : values_(std::move(values)), array_(array_of(code, {values_.size()}, bytes_of(values_))) {}
  row_of(const row_of&) = delete;
  row_of& operator=(const row_of&) = delete;
  operator const numpy_array&() const { return array_; }

private:
  std::vector<T> values_;
  numpy_array array_;
};

template <class Use>
errc code_of(Use&& use) {
  try {
    use();
  } catch (const error& e) {
    return e.code();
  }
  FAIL("accepted");
  return errc::io;
}

// One record after the other: id i2 at 0, weight f8 at 2, flags u1 x 3 at 10, 16 bytes in all.
numpy_array records(const std::string& data) {
  numpy_dtype record;
  record.item_size = 16;
  record.fields.push_back({"id", 0, parse_numpy_dtype(">i2")});
  record.fields.push_back({"weight", 2, parse_numpy_dtype("<f8")});
  record.fields.push_back({"flags", 10, parse_numpy_dtype("u1")});
  record.fields.back().dtype.subarray = {3};
  record.fields.push_back({"name", 13, parse_numpy_dtype("S2")});
  return make_numpy_array(std::make_shared<const numpy_dtype>(record), {data.size() / 16}, numpy_order::row_major,
                          bytes_of(data));
}
const std::string two_records = "\1\2\0\0\0\0\0\0\xf8\x3f\1\2\3ab\0\xff\xfe\0\0\0\0\0\0\xe0\xbf\4\5\6c\0\0"s;

} // namespace

TEST_CASE("ElementTypesAreParsed") {
  const auto check = [](std::string_view code, char kind, std::uint64_t size, bool swapped) {
    CAPTURE(code);
    const numpy_dtype dtype = parse_numpy_dtype(code);
    CHECK(dtype.kind == kind);
    CHECK(dtype.item_size == size);
    CHECK(dtype.swapped == swapped);
  };
  check("<f8", 'f', 8, false);
  check(">f4", 'f', 4, true);
  check("=i2", 'i', 2, false);
  check("|b1", 'b', 1, false);
  check("u8", 'u', 8, false);
  check("c16", 'c', 16, false);
  check("<U3", 'U', 12, false);
  check("S5", 'S', 5, false);
  check("V0", 'V', 0, false);
  check("O", 'O', 0, false);
  check("O8", 'O', 0, false);
  check("<M8[ns]", 'M', 8, false);
  check(">m8", 'm', 8, true);
  check("f16", 'f', 16, false);
  for (const std::string bad : {"", "<", "f", "f3", "i16", "b2", "x4", "f8x", "f8[ns]", "M8[", "M8[]", "f-8", "<<f8",
                                "f99999999999999999999", "U9999999999999999999", "M4"}) {
    CAPTURE(bad);
    CHECK(code_of([&] { parse_numpy_dtype(bad); }) == errc::not_importable);
  }
}

TEST_CASE("ElementTypesDescribeThemselves") {
  for (const char* code : {"<f8", ">i4", "|b1", "|u1", "<U3", "|S5", "|V7", "|O", "<c16"})
    CHECK(describe(parse_numpy_dtype(code)) == code);
  numpy_dtype sub_array = parse_numpy_dtype("<u4");
  sub_array.subarray = {2, 3};
  CHECK(describe(sub_array) == "<u4 x 2 x 3");
  CHECK(sub_array.total_size() == 24);
}

TEST_CASE("SizesMustFitTheData") {
  const std::string data(24, 'x');
  CHECK(array_of("f8", {3}, bytes_of(data)).num_elements() == 3);
  CHECK(array_of("f8", {3, 1}, bytes_of(data)).num_elements() == 3);
  CHECK(array_of("f8", {0, std::uint64_t{1} << 62}, {}).num_elements() == 0);
  CHECK(code_of([&] { array_of("f8", {4}, bytes_of(data)); }) == errc::malformed);
  CHECK(code_of([&] { array_of("f8", {2}, bytes_of(data)); }) == errc::malformed);
  CHECK(code_of([&] { array_of("f8", {std::uint64_t{1} << 61}, {}); }) == errc::malformed);
  CHECK(code_of([&] { array_of("f8", {std::uint64_t{1} << 32, std::uint64_t{1} << 32}, {}); }) == errc::malformed);
  CHECK(code_of([&] { array_of("u1", std::vector<std::uint64_t>(65, 1), bytes_of("x"s)); }) == errc::malformed);
  CHECK(code_of([&] { array_of("V0", {1 << 20}, {}); }) == errc::limit_exceeded);
}

TEST_CASE("IntegersWidenAndNarrowOnlyExactly") {
  const row_of<std::int32_t> i4("<i4", {-1, 0, 2147483647});
  CHECK(to_vector<std::int64_t>(i4) == std::vector<std::int64_t>{-1, 0, 2147483647});
  CHECK(to_vector<double>(i4) == std::vector<double>{-1, 0, 2147483647});
  CHECK(code_of([&] { to_vector<std::uint64_t>(i4); }) == errc::wrong_type);
  CHECK(code_of([&] { to_vector<std::int16_t>(i4); }) == errc::wrong_type);
  CHECK(code_of([&] { to_vector<float>(i4); }) == errc::wrong_type);
  try {
    to_vector<std::int16_t>(i4);
  } catch (const error& e) {
    CHECK(std::string_view(e.what()) == "element 2: 2147483647 is not exactly a signed integer of 16 bits");
  }
  const row_of<std::uint64_t> u8("<u8", {0, std::numeric_limits<std::uint64_t>::max()});
  CHECK(to_vector<std::uint64_t>(u8).back() == std::numeric_limits<std::uint64_t>::max());
  CHECK(code_of([&] { to_vector<std::int64_t>(u8); }) == errc::wrong_type);
  CHECK(code_of([&] { to_vector<double>(u8); }) == errc::wrong_type);
  CHECK(to_vector<std::uint8_t>(array_of("b1", {3}, bytes_of("\1\0\2"s))) == std::vector<std::uint8_t>{1, 0, 1});
  CHECK(to_vector<float>(row_of<std::int64_t>("<i8", {1 << 24, (1 << 24) + 2, -(1 << 30)})).size() == 3);
  CHECK(code_of([&] { to_vector<float>(row_of<std::int64_t>("<i8", {(1 << 24) + 1})); }) == errc::wrong_type);
}

TEST_CASE("FloatsWidenOnly") {
  const row_of<float> f4("<f4", {0.1f, -0.0f});
  CHECK(to_vector<double>(f4)[0] == double{0.1f});
  CHECK(std::signbit(to_vector<double>(f4)[1]));
  CHECK(code_of([&] { to_vector<float>(row_of<double>("<f8", {0.5})); }) == errc::wrong_type);
  CHECK(code_of([&] { to_vector<std::int64_t>(f4); }) == errc::wrong_type);
  CHECK(code_of([&] { to_vector<double>(array_of("c8", {1}, bytes_of("12345678"s))); }) == errc::wrong_type);
  CHECK(code_of([&] { to_vector<double>(array_of("f16", {1}, bytes_of(std::string(16, '\0')))); }) == errc::wrong_type);
}

TEST_CASE("HalvesAreReadExactly") {
  const std::vector<std::uint16_t> bits{0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x03ff, 0x0400, 0x7c00, 0xfc00};
  const auto values = to_vector<float>(array_of("<f2", {bits.size()}, bytes_of(bits)));
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> expected{0, -0.0f, 1, -2, 65504, 0x1p-24f, 0x1.ff8p-15f, 0x1p-14f, infinity, -infinity};
  CHECK(values == expected);
  CHECK(std::signbit(values[1]));
  CHECK(std::isnan(to_vector<double>(array_of("<f2", {1}, bytes_of("\1\x7e"s)))[0]));
}

TEST_CASE("BitsSurviveWhereNothingIsConverted") {
  const std::vector<std::uint64_t> bits{0x7ff8'0000'0000'0001, 0xfff8'0000'0000'0002, 0x8000'0000'0000'0000, 1};
  const auto values = to_vector<double>(array_of("<f8", {4}, bytes_of(bits)));
  CHECK(std::memcmp(values.data(), bits.data(), 32) == 0);
}

TEST_CASE("BigEndianElementsAreSwapped") {
  CHECK(to_vector<int>(array_of(">i2", {2}, bytes_of("\1\2\xff\xfe"s))) == std::vector<int>{0x102, -2});
  CHECK(to_vector<double>(array_of(">f8", {1}, bytes_of("\x3f\xf8\0\0\0\0\0\0"s))) == std::vector<double>{1.5});
  CHECK(to_vector<double>(array_of(">f4", {1}, bytes_of("\x3f\xc0\0\0"s))) == std::vector<double>{1.5});
  CHECK(to_vector<double>(array_of(">f2", {1}, bytes_of("\x3c\0"s))) == std::vector<double>{1});
}

TEST_CASE("ElementsComeInCOrder") {
  const std::string data("\0\1\2\3\4\5", 6);
  const auto read = [&](numpy_order order, std::span<const std::uint64_t> axes = {}) {
    return to_vector<int>(array_of("u1", {2, 3}, bytes_of(data), order, axes));
  };
  CHECK(read(numpy_order::row_major) == std::vector<int>{0, 1, 2, 3, 4, 5});
  CHECK(read(numpy_order::column_major) == std::vector<int>{0, 2, 4, 1, 3, 5});
  const std::uint64_t turned[] = {1, 0};
  CHECK(read(numpy_order::row_major, turned) == std::vector<int>{0, 3, 1, 4, 2, 5});
  const std::uint64_t twice[] = {0, 0};
  CHECK(code_of([&] { read(numpy_order::row_major, twice); }) == errc::malformed);
  const std::uint64_t past[] = {0, 2};
  CHECK(code_of([&] { read(numpy_order::row_major, past); }) == errc::malformed);
  const std::uint64_t one[] = {0};
  CHECK(code_of([&] { read(numpy_order::row_major, one); }) == errc::malformed);

  std::string cube(24, '\0');
  for (std::size_t i = 0; i < 24; ++i)
    cube[i] = static_cast<char>(i);
  const auto column_major = to_vector<int>(array_of("u1", {2, 3, 4}, bytes_of(cube), numpy_order::column_major));
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 4; ++k)
        CHECK(column_major[static_cast<std::size_t>((i * 3 + j) * 4 + k)] == i + 2 * j + 6 * k);
}

TEST_CASE("OrderIsToldFromTheStrides") {
  const std::string data(6, 'x');
  const auto array = array_of("u1", {2, 3}, bytes_of(data));
  CHECK(array.is_row_major());
  CHECK_FALSE(array.is_column_major());
  const auto row = array_of("u1", {1, 6}, bytes_of(data), numpy_order::column_major);
  CHECK(row.is_row_major());
  CHECK(row.is_column_major());
  const auto empty = array_of("u1", {0, 3}, {});
  CHECK(empty.is_row_major());
  CHECK(empty.is_column_major());
  const auto single = array_of("u1", {}, bytes_of(data).first(1));
  CHECK(single.is_row_major());
  CHECK(single.num_elements() == 1);
  CHECK(to_vector<int>(single) == std::vector<int>{'x'});
}

TEST_CASE("TextIsTurnedIntoUtf8") {
  const std::u32string text = U"aß猫\U0001f600\0b\0\0\0\0"s;
  const std::string bytes(reinterpret_cast<const char*>(text.data()), text.size() * 4);
  CHECK(to_strings(array_of("<U5", {2}, bytes_of(bytes))) == std::vector<std::string>{"aß猫😀", "b"});
  CHECK(to_strings(array_of("S2", {3}, bytes_of("ab\xff\0\0\0"s))) == std::vector<std::string>{"ab", "\xff", ""});
  CHECK(to_strings(array_of("S0", {2}, {})) == std::vector<std::string>{"", ""});
  CHECK(to_strings(array_of("<U2", {1}, bytes_of("\0\0\0\0b\0\0\0"s))) == std::vector<std::string>{"\0b"s});
  CHECK(code_of([&] { to_strings(array_of("<U1", {1}, bytes_of("\0\0\x11\0"s))); }) == errc::malformed);
  CHECK(code_of([&] { to_strings(array_of("<U1", {1}, bytes_of("\0\xd8\0\0"s))); }) == errc::malformed);
  CHECK(code_of([&] { to_strings(array_of("u1", {1}, bytes_of("x"s))); }) == errc::wrong_type);
}

TEST_CASE("PackedTextsAreTheStringsOneBehindTheOther") {
  const std::u32string text = U"aß猫\U0001f600\0b\0\0\0\0"s;
  const std::string bytes(reinterpret_cast<const char*>(text.data()), text.size() * 4);
  const auto array = array_of("<U5", {2}, bytes_of(bytes));
  const petrify::packed_texts packed = petrify::to_packed_texts(array);
  CHECK(packed.text == "aß猫😀b");
  CHECK(packed.ends == std::vector<std::uint64_t>{10, 11});
  CHECK(packed.size_bytes() == 27);
  CHECK(petrify::to_packed_texts(array, 27).text == packed.text);
  CHECK(code_of([&] { petrify::to_packed_texts(array, 26); }) == errc::limit_exceeded);
  const auto inside = petrify::to_packed_texts(array_of("<U2", {2}, bytes_of("\0\0\0\0b\0\0\0\0\0\0\0\0\0\0\0"s)));
  CHECK(inside.text == "\0b"s);
  CHECK(inside.ends == std::vector<std::uint64_t>{2, 2});
  CHECK(petrify::to_packed_texts(array_of(">U1", {1}, bytes_of("\0\0\0z"s))).text == "z");
  CHECK(petrify::to_packed_texts(array_of("S0", {2}, {})).ends == std::vector<std::uint64_t>{0, 0});
  CHECK(petrify::to_packed_texts(array_of("S2", {2}, bytes_of("a\0\xff\1"s))).text == "a\xff\1");
  CHECK(code_of([&] { petrify::to_packed_texts(array_of("<U1", {1}, bytes_of("\0\0\x11\0"s))); }) == errc::malformed);
  CHECK(code_of([&] { petrify::to_packed_texts(array_of("u1", {1}, bytes_of("x"s))); }) == errc::wrong_type);
}

TEST_CASE("NativeBytesAreInCOrderAndLittleEndian") {
  const auto native = [](const numpy_array& array) {
    const auto out = petrify::to_native_bytes(array);
    return std::string(reinterpret_cast<const char*>(out.data()), out.size());
  };
  CHECK(native(array_of(">u2", {2, 2}, bytes_of("\0\1\0\2\0\3\0\4"s), numpy_order::column_major)) ==
        "\1\0\3\0\2\0\4\0"s);
  CHECK(native(array_of(">U1", {1}, bytes_of("\0\0\0a"s))) == "a\0\0\0"s);
  CHECK(native(array_of(">c8", {1}, bytes_of("abcdefgh"s))) == "dcbahgfe");
  CHECK(native(array_of("S2", {2}, bytes_of("abcd"s))) == "abcd");
  CHECK(native(array_of("u4", {0}, {})).empty());
  CHECK(native(records(two_records)).substr(0, 2) == "\2\1");
  CHECK(native(records(two_records)).substr(2, 14) == two_records.substr(2, 14));
}

TEST_CASE("BigEndianFieldsThatOverlapAreRefused") {
  numpy_dtype record;
  record.item_size = 4;
  record.fields.push_back({"a", 0, parse_numpy_dtype(">u2")});
  record.fields.push_back({"b", 1, parse_numpy_dtype(">u2")});
  const std::string data(4, 'x');
  const auto array =
      make_numpy_array(std::make_shared<const numpy_dtype>(record), {1}, numpy_order::row_major, bytes_of(data));
  CHECK(code_of([&] { petrify::to_native_bytes(array); }) == errc::wrong_type);
}

TEST_CASE("ColumnsReadFieldsByName") {
  const auto array = records(two_records);
  const numpy_column id(array, "id");
  CHECK(id.size() == 2);
  CHECK(id.kind() == 'i');
  CHECK(id.item_size() == 2);
  std::vector<std::int64_t> ids(2);
  id.read(0, ids);
  CHECK(ids == std::vector<std::int64_t>{0x102, -2});
  std::vector<double> weights(2);
  numpy_column(array, "weight").read(0, weights);
  CHECK(weights == std::vector<double>{1.5, -0.5});
  const numpy_column flags(array, "flags");
  CHECK(flags.numbers_per_record() == 3);
  CHECK(flags.integer(1, 2) == 6);
  CHECK(flags.real(0, 1) == 2);
  id.read(2, std::span<std::int64_t>());
}

TEST_CASE("ColumnsRefuseWhatTheyCannotRead") {
  const auto array = records(two_records);
  CHECK(code_of([&] { numpy_column(array, "other"); }) == errc::wrong_type);
  CHECK(code_of([&] { numpy_column(array, "name"); }) == errc::wrong_type);
  CHECK(code_of([&] { numpy_column whole(array); }) == errc::wrong_type);
  CHECK(code_of([&] { numpy_column(array, "weight").integer(0); }) == errc::wrong_type);
  const numpy_column id(array, "id");
  CHECK(code_of([&] { id.integer(2); }) == errc::invalid_argument);
  CHECK(code_of([&] { id.integer(std::numeric_limits<std::uint64_t>::max()); }) == errc::invalid_argument);
  CHECK(code_of([&] { id.integer(0, 1); }) == errc::invalid_argument);
  std::vector<std::int64_t> three(3);
  CHECK(code_of([&] { id.read(0, three); }) == errc::invalid_argument);
}

TEST_CASE("ColumnsOfPlainArraysReadInCOrder") {
  const std::vector<std::uint64_t> values{1, 2, std::numeric_limits<std::uint64_t>::max()};
  const row_of<std::uint64_t> array("<u8", values);
  const numpy_column column(array);
  CHECK(column.integer(1) == 2);
  CHECK(code_of([&] { column.integer(2); }) == errc::wrong_type);
  CHECK(code_of([&] { column.real(2); }) == errc::wrong_type);
  const std::string data(6, 'x');
  CHECK(numpy_column(array_of("u1", {2, 3}, bytes_of(data))).size() == 6);
  CHECK(code_of([&] {
          numpy_column(array_of("u1", {2, 3}, bytes_of(data), numpy_order::column_major));
        }) == errc::wrong_type);
  CHECK(numpy_column(array_of("u1", {0}, {})).size() == 0);
}
