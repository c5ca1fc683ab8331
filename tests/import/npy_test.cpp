// .npy headers, read strictly and written as numpy does.
#include "import/npy.hpp"

#include <petrify/error.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::string_literals;
using petrify::errc;
using petrify::error;
using petrify::numpy_array;
using petrify::parse_npy;
using petrify::to_vector;

std::string npy(std::string_view literal, std::string_view data, char version = 1) {
  std::string out = "\x93NUMPY";
  out += version;
  out += '\0';
  const std::size_t length = literal.size() + 1;
  for (std::size_t k = 0; k < (version == 1 ? 2U : 4U); ++k)
    out += static_cast<char>(length >> 8 * k & 0xff);
  return out + std::string(literal) + "\n" + std::string(data);
}
std::string npy_of(std::string_view descr, std::string_view shape, std::string_view data) {
  return npy("{'descr': " + std::string(descr) + ", 'fortran_order': False, 'shape': " + std::string(shape) + ", }",
             data);
}

errc code_of(const std::string& bytes) {
  try {
    parse_npy(std::as_bytes(std::span(bytes)));
  } catch (const error& e) {
    CHECK(e.where().starts_with("byte "));
    return e.code();
  }
  FAIL("accepted");
  return errc::io;
}

numpy_array parse(const std::string& bytes) { return parse_npy(std::as_bytes(std::span(bytes))); }

std::string message_of(const std::string& bytes) {
  try {
    parse(bytes);
  } catch (const error& e) {
    return e.what();
  }
  return "accepted";
}

} // namespace

TEST_CASE("NpyArraysAreReadInPlace") {
  const std::string bytes = npy_of("'<u2'", "(2, 3)", "\1\0\2\0\3\0\4\0\5\0\6\0"s);
  const numpy_array array = parse(bytes);
  CHECK(array.shape == std::vector<std::uint64_t>{2, 3});
  CHECK(array.is_row_major());
  CHECK(array.data.data() == std::as_bytes(std::span(bytes)).data() + bytes.size() - 12);
  CHECK(to_vector<int>(array) == std::vector<int>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("NpyHeadersMayBeWrittenInOtherWays") {
  const auto accepts = [](std::string_view literal, std::string_view data) { parse(npy(literal, data)); };
  CHECK_NOTHROW(accepts("{\"shape\":(2,),\"descr\":\"|u1\",\"fortran_order\":True}", "ab"));
  CHECK_NOTHROW(accepts("  { 'descr' : '|S1' , 'fortran_order' : False , 'shape' : ( ) , }     ", "a"));
  CHECK_NOTHROW(accepts("{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 1L)}", "ab"));
  CHECK_NOTHROW(accepts("{'descr': '|u1', 'fortran_order': False, 'shape': (1,2,)}", "ab"));
}

TEST_CASE("NpyVersions2And3HaveALongerLength") {
  const std::string literal = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }";
  for (const char version : {'\2', '\3'})
    CHECK(parse(npy(literal, "ab", version)).num_elements() == 2);
  CHECK(code_of(npy(literal, "ab", '\0')) == errc::unsupported);
  CHECK(code_of(npy(literal, "ab", '\4')) == errc::unsupported);
  CHECK(code_of("\x93NUMPY\1\1"s) == errc::unsupported);
  CHECK(code_of("\x93NUMPY\2\0\xff\xff\xff\xff"s) == errc::limit_exceeded);
}

TEST_CASE("NpyColumnMajorOrderIsKept") {
  const auto bytes = npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2), }", "\1\2\3\4");
  CHECK(to_vector<int>(parse(bytes)) == std::vector<int>{1, 3, 2, 4});
}

TEST_CASE("NpyRecordsAreParsed") {
  const std::string descr = "[('left', '<i2'), ('', '|V1'), (('title', 'x'), '>f4'), ('bits', '<u2', (2, 1)), "
                            "('n', '|u1', 2), ('inner', [('a', '|u1')])]";
  const std::string bytes = npy_of(descr, "(1,)", "\1\0-\x3f\x80\0\0\1\0\2\0\3\4\5"s);
  const numpy_array array = parse(bytes);
  CHECK(array.dtype->item_size == 14);
  REQUIRE(array.dtype->fields.size() == 5);
  CHECK(petrify::numpy_column(array, "left").integer(0) == 1);
  CHECK(petrify::numpy_column(array, "x").real(0) == 1);
  CHECK(petrify::numpy_column(array, "bits").integer(0, 1) == 2);
  CHECK(petrify::numpy_column(array, "n").numbers_per_record() == 2);
  CHECK(array.dtype->find("inner")->dtype.find("a")->name == "a");
}

TEST_CASE("NpyObjectsAreRefusedByName") {
  CHECK(message_of(npy_of("'|O'", "(1,)", "pickle")) ==
        "byte 0: array of Python objects (|O), expected numbers or text");
  CHECK(code_of(npy_of("[('a', '|O')]", "(1,)", "pickle")) == errc::not_importable);
  CHECK(code_of(npy_of("'<x4'", "(1,)", "abcd")) == errc::not_importable);
}

TEST_CASE("NpySizesAreChecked") {
  CHECK(code_of(npy_of("'<u2'", "(2,)", "abc")) == errc::truncated);
  CHECK(message_of(npy_of("'<u2'", "(2,)", "abcdefg")).ends_with(": 3 bytes after the array's end"));
  CHECK(code_of(npy_of("'<u2'", "(9223372036854775807,)", "")) == errc::malformed);
  CHECK(code_of(npy_of("'<u2'", "(4294967296, 4294967296)", "")) == errc::malformed);
  CHECK(code_of(npy_of("'<u2'", "(99999999999999999999,)", "")) == errc::malformed);
  CHECK(code_of(npy_of("'<u2'", "(-1,)", "")) == errc::malformed);
}

TEST_CASE("NpyHeadersThatAreNoneAreRefused") {
  const char* bad[] = {
      "",
      "{",
      "{}",
      "[]",
      "{'descr': '|u1', 'fortran_order': False}",
      "{'descr': '|u1', 'shape': (1,)}",
      "{'fortran_order': False, 'shape': (1,)}",
      "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'other': 1}",
      "{'descr': '|u1', 'fortran_order': 0, 'shape': (1,)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': 1}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (1)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': [1]}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (1,,)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (1 1)}",
      "{'descr': '|u1' 'fortran_order': False, 'shape': (1,)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} x",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (__import__('os'),)}",
      "{'descr': '|u1\\x00', 'fortran_order': False, 'shape': (1,)}",
      "{'descr': |u1, 'fortran_order': False, 'shape': (1,)}",
      "{'descr': [('a', '|u1'), ('a', '|u1')], 'fortran_order': False, 'shape': (1,)}",
      "{'descr': [('a',)], 'fortran_order': False, 'shape': (1,)}",
      "{'descr': ['a'], 'fortran_order': False, 'shape': (1,)}",
  };
  for (const std::string literal : bad) {
    CAPTURE(literal);
    CHECK(code_of(npy(literal, "a")) == errc::malformed);
  }
  std::string deep = "'|u1'";
  for (int level = 0; level < 100; ++level)
    deep = "[('a', " + deep + ")]";
  CHECK(code_of(npy_of(deep, "(1,)", "a")) == errc::malformed);
  std::string wide = "[";
  for (int field = 0; field < 1025; ++field)
    wide += "('f" + std::to_string(field) + "', '|u1'), ";
  CHECK(code_of(npy_of(wide + "]", "(1,)", std::string(1025, 'a'))) == errc::malformed);
  std::string axes = "(";
  for (int axis = 0; axis < 65; ++axis)
    axes += "1, ";
  CHECK(code_of(npy_of("'|u1'", axes + ")", "a")) == errc::malformed);
}

TEST_CASE("TruncatedNpyFilesAreRefusedAtEveryLength") {
  const std::string bytes = npy_of("[('a', '<u2', (2,))]", "(2,)", "abcdefgh");
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(code_of(bytes.substr(0, size)) == (size < 6 ? errc::malformed : errc::truncated));
}

TEST_CASE("DamagedNpyHeadersNeverCrash") {
  const std::string bytes = npy_of("[('a', '<u2', (2,))]", "(2,)", "abcdefgh");
  for (std::size_t at = 0; at < bytes.size(); ++at)
    for (int c = 0; c < 256; ++c) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(c);
      try {
        parse(damaged);
      } catch (const error&) {
      }
    }
}

TEST_CASE("WrittenHeadersAreReadBack") {
  const std::vector<std::uint64_t> shapes[] = {{}, {3}, {2, 3}, {1, 2, 3, 4}, {0, 5}};
  for (const auto& shape : shapes)
    for (const bool fortran : {false, true}) {
      std::string bytes = petrify::npy_header("<f4", fortran, shape);
      CHECK(bytes.size() % 64 == 0);
      CHECK(bytes.back() == '\n');
      std::size_t count = 1;
      for (const std::uint64_t extent : shape)
        count *= extent;
      bytes.append(4 * count, 'x');
      const numpy_array array = parse(bytes);
      CHECK(array.shape == shape);
      CHECK((fortran ? array.is_column_major() : array.is_row_major()));
    }
}

TEST_CASE("WrittenHeadersAreAsNumpyWritesThem") {
  const std::uint64_t shape[] = {3};
  const std::string literal = "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }";
  CHECK(petrify::npy_header("<f8", false, shape) ==
        "\x93NUMPY\1\0\x76\0"s + literal + std::string(128 - 10 - literal.size() - 1, ' ') + "\n");
  const std::string long_type = "V" + std::string(70'000, '0') + "8";
  const std::string header = petrify::npy_header(long_type, false, shape);
  CHECK(header[6] == '\2');
  CHECK(header.size() % 64 == 0);
  CHECK(parse(header + std::string(24, 'x')).dtype->item_size == 8);
}

TEST_CASE("HeadersThatCannotBeWrittenAreRefused") {
  const auto code = [](std::string_view descr, std::span<const std::uint64_t> shape) {
    try {
      petrify::npy_header(descr, false, shape);
    } catch (const error& e) {
      return e.code();
    }
    return errc::io;
  };
  CHECK(code("", {}) == errc::invalid_argument);
  CHECK(code("'", {}) == errc::invalid_argument);
  CHECK(code("<f8\n", {}) == errc::invalid_argument);
  CHECK(code("<f8", std::vector<std::uint64_t>(65, 1)) == errc::invalid_argument);
}

TEST_CASE("NpyFilesOfNumpyAreWrittenBackIdentically") {
  std::size_t num_files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(PETRIFY_TEST_DATA "/models")) {
    if (entry.path().extension() != ".npy")
      continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    CAPTURE(entry.path().string());
    const numpy_array array = parse(bytes);
    const bool fortran = array.is_column_major() && !array.is_row_major();
    const std::string header = petrify::npy_header(describe(*array.dtype), fortran, array.shape);
    CHECK(bytes.starts_with(header));
    CHECK(bytes.size() == header.size() + array.data.size());
    ++num_files;
  }
  CHECK(num_files > 100);
}
