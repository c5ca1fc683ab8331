// Arrays, element types and scalars inside pickles, and joblib's payloads.
#include "import/pickle.hpp"

#include <petrify/error.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using petrify::describe;
using petrify::errc;
using petrify::error;
using petrify::numpy_array;
using petrify::numpy_column;
using petrify::to_vector;
using petrify::pickle::document;
using petrify::pickle::kind;
using petrify::pickle::value;

// What NumPy 2.4 and joblib 1.6 write for two records of the type
// [("a", "<i2"), ("b", ">i4"), ("c", "<u4", (2,)), ("f", "<f4")], aligned: a hole after "a".
constexpr std::string_view record_protocol_2 =
    "8002636e756d70792e5f636f72652e6d756c746961727261790a5f7265636f6e7374727563740a7100636e756d70790a6e64"
    "61727261790a71014b00857102635f636f646563730a656e636f64650a7103580100000062710458060000006c6174696e31"
    "7105867106527107877108527109284b014b0285710a636e756d70790a64747970650a710b5803000000563230710c898887"
    "710d52710e284b0358010000007c710f4e285801000000617110580100000062711158010000006371125801000000667113"
    "7471147d7115286810680b5802000000693271168988877117527118284b0358010000003c71194e4e4e4affffffff4affff"
    "ffff4b0074711a624b0086711b6811680b58020000006934711c898887711d52711e284b0358010000003e711f4e4e4e4aff"
    "ffffff4affffffff4b00747120624b048671216812680b5802000000563871228988877123527124284b03680f680b580200"
    "0000753471258988877126527127284b0368194e4e4e4affffffff4affffffff4b00747128624b0285712986712a4e4e4b08"
    "4b044b0074712b624b0886712c6813680b58020000006634712d898887712e52712f284b0368194e4e4e4affffffff4affff"
    "ffff4b00747130624b10867131754b144b044b90747132628968035834000000c3bfc3bf0000c3bfc3bfc3bfc3bd05000000"
    "060000000000003f020000000000000407000000c3bfc3bfc3bfc3bf0000c280c2be71336805867134527135747136622e";
constexpr std::string_view record_protocol_4 =
    "80049590010000000000008c166e756d70792e5f636f72652e6d756c74696172726179948c0c5f7265636f6e737472756374"
    "9493948c056e756d7079948c076e6461727261799493944b0085944301629487945294284b014b02859468038c0564747970"
    "659493948c0356323094898887945294284b038c017c944e288c0161948c0162948c0163948c01669474947d94286811680c"
    "8c02693294898887945294284b038c013c944e4e4e4affffffff4affffffff4b007494624b0086946812680c8c0269349489"
    "8887945294284b038c013e944e4e4e4affffffff4affffffff4b007494624b0486946813680c8c0256389489888794529428"
    "4b036810680c8c02753494898887945294284b03681a4e4e4e4affffffff4affffffff4b007494624b02859486944e4e4b08"
    "4b044b007494624b0886946814680c8c02663494898887945294284b03681a4e4e4e4affffffff4affffffff4b007494624b"
    "108694754b144b044b90749462894328ffff0000fffffffd05000000060000000000003f020000000000000407000000ffff"
    "ffff000080be947494622e";
constexpr std::string_view record_protocol_5 =
    "8005957b010000000000008c136e756d70792e5f636f72652e6e756d65726963948c0b5f66726f6d62756666657294939428"
    "962800000000000000ffff0000fffffffd05000000060000000000003f020000000000000407000000ffffffff000080be94"
    "8c056e756d7079948c0564747970659493948c0356323094898887945294284b038c017c944e288c0161948c0162948c0163"
    "948c01669474947d9428680b68068c02693294898887945294284b038c013c944e4e4e4affffffff4affffffff4b00749462"
    "4b008694680c68068c02693494898887945294284b038c013e944e4e4e4affffffff4affffffff4b007494624b048694680d"
    "68068c02563894898887945294284b03680a68068c02753494898887945294284b0368144e4e4e4affffffff4affffffff4b"
    "007494624b02859486944e4e4b084b044b007494624b088694680e68068c02663494898887945294284b0368144e4e4e4aff"
    "ffffff4affffffff4b007494624b108694754b144b044b907494624b0285948c014394749452942e";
constexpr std::string_view record_joblib =
    "800495b0010000000000008c136a6f626c69622e6e756d70795f7069636b6c65948c114e756d707941727261795772617070"
    "65729493942981947d94288c08737562636c617373948c056e756d7079948c076e6461727261799493948c05736861706594"
    "4b0285948c056f72646572948c0143948c0564747970659468068c0564747970659493948c0356323094898887945294284b"
    "038c017c944e288c0161948c0162948c0163948c01669474947d94286814680f8c02693294898887945294284b038c013c94"
    "4e4e4e4affffffff4affffffff4b007494624b0086946815680f8c02693494898887945294284b038c013e944e4e4e4affff"
    "ffff4affffffff4b007494624b0486946816680f8c02563894898887945294284b036813680f8c0275349489888794529428"
    "4b03681d4e4e4e4affffffff4affffffff4b007494624b02859486944e4e4b084b044b007494624b0886946817680f8c0266"
    "3494898887945294284b03681d4e4e4e4affffffff4affffffff4b007494624b108694754b144b044b907494628c0a616c6c"
    "6f775f6d6d617094888c1b6e756d70795f61727261795f616c69676e6d656e745f6279746573944b10756204ffffffffffff"
    "0000fffffffd05000000060000000000003f020000000000000407000000ffffffff000080be2e";
// numpy.arange(24, dtype="u1").reshape(2, 3, 4).transpose(1, 0, 2) in protocol 5.
constexpr std::string_view axis_order =
    "80059598000000000000008c136e756d70792e5f636f72652e6e756d65726963948c0b5f66726f6d62756666657294939428"
    "961800000000000000000102030405060708090a0b0c0d0e0f1011121314151617948c056e756d7079948c05647479706594"
    "93948c02753194898887945294284b038c017c944e4e4e4affffffff4affffffff4b007494624b024b034b0487948c014b94"
    "4b014b004b028794749452942e";
// joblib: [numpy.array([[1, "b"], [None, 2.5]], dtype=object), numpy.arange(3, dtype="u1")].
constexpr std::string_view objects_joblib =
    "800495d6000000000000005d94288c136a6f626c69622e6e756d70795f7069636b6c65948c114e756d707941727261795772"
    "61707065729493942981947d94288c08737562636c617373948c056e756d7079948c076e6461727261799493948c05736861"
    "7065944b024b0286948c056f72646572948c0146948c0564747970659468078c0564747970659493948c024f389489888794"
    "5294284b038c017c944e4e4e4affffffff4affffffff4b3f7494628c0a616c6c6f775f6d6d617094898c1b6e756d70795f61"
    "727261795f616c69676e6d656e745f6279746573944b1075628005959c000000000000008c166e756d70792e5f636f72652e"
    "6d756c74696172726179948c0c5f7265636f6e7374727563749493948c056e756d7079948c076e6461727261799493944b00"
    "85944301629487945294284b014b024b02869468038c0564747970659493948c024f3894898887945294284b038c017c944e"
    "4e4e4affffffff4affffffff4b3f749462885d94284b018c0162944e474004000000000000657494622e9547000000000000"
    "0068032981947d942868066809680a4b038594680c8c014394680e68108c02753194898887945294284b0368144e4e4e4aff"
    "ffffff4affffffff4b0074946268168868174b10756207ffffffffffffff000102652e";
// numpy.float64(1.5), float32(0.1), float16(0.5), int8(-3), uint64(2**64 - 1), bool_(True), str_("größe"),
// bytes_(b"ab"), datetime64("2020-01-01"), complex128(1j), array([datetime64("2020-01-01")])
constexpr std::string_view scalars =
    "800495bd020000000000005d94288c166e756d70792e5f636f72652e6d756c74696172726179948c067363616c6172949394"
    "8c056e756d7079948c0564747970659493948c02663894898887945294284b038c013c944e4e4e4affffffff4affffffff4b"
    "007494624308000000000000f83f9486945294680368068c02663494898887945294284b03680a4e4e4e4affffffff4affff"
    "ffff4b007494624304cdcccc3d9486945294680368068c02663294898887945294284b03680a4e4e4e4affffffff4affffff"
    "ff4b00749462430200389486945294680368068c02693194898887945294284b038c017c944e4e4e4affffffff4affffffff"
    "4b007494624301fd9486945294680368068c02753894898887945294284b03680a4e4e4e4affffffff4affffffff4b007494"
    "624308ffffffffffffffff9486945294680368068c02623194898887945294284b0368204e4e4e4affffffff4affffffff4b"
    "007494624301019486945294680368068c02553594898887945294284b03680a4e4e4e4b144b044b08749462431467000000"
    "72000000f6000000df000000650000009486945294680368068c02533294898887945294284b0368204e4e4e4b024b014b00"
    "749462430261629486945294680368068c024d3894898887945294284b04680a4e4e4e4affffffff4affffffff4b004e2843"
    "0144944b014b014b0174948694749462430856470000000000009486945294680368068c0363313694898887945294284b03"
    "680a4e4e4e4affffffff4affffffff4b0074946243100000000000000000000000000000f03f948694529468018c0c5f7265"
    "636f6e73747275637494939468048c076e6461727261799493944b0085944301629487945294284b014b01859468068c024d"
    "3894898887945294284b04680a4e4e4e4affffffff4affffffff4b004e2868444b014b014b01749486947494628943085647"
    "00000000000094749462652e";
std::string unhex(std::string_view hex) {
  std::string out;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return out;
}

class parsed {
public:
  explicit parsed(std::string bytes)
      : bytes_(std::move(bytes)), document_(petrify::pickle::parse(std::as_bytes(std::span(bytes_)))) {}
  parsed(const parsed&) = delete;
  parsed& operator=(const parsed&) = delete;

  const std::string& bytes() const { return bytes_; }
  value root() const { return document_.root(); }
  bool holds(std::span<const std::byte> data) const {
    const auto all = std::as_bytes(std::span(bytes_));
    return data.data() >= all.data() && data.data() + data.size() <= all.data() + all.size();
  }

private:
  std::string bytes_;
  document document_;
};

errc code_of(const std::string& bytes) {
  try {
    parsed stream(bytes);
  } catch (const error& e) {
    CHECK(std::string_view(e.where()).starts_with("byte "));
    return e.code();
  }
  FAIL("accepted");
  return errc::io;
}

std::string number(std::uint64_t value, std::size_t size) {
  std::string out(size, '\0');
  std::memcpy(out.data(), &value, size);
  return out;
}
std::string text(std::string_view text) { return "\x8c" + number(text.size(), 1) + std::string(text); }
std::string bytes(std::string_view bytes) { return "B" + number(bytes.size(), 4) + std::string(bytes); }
std::string integer(std::int64_t value) { return "\x8a\x08" + number(static_cast<std::uint64_t>(value), 8); }

// A plain element type as numpy pickles it.
std::string dtype(std::string_view code, std::string_view order = "<", std::int64_t item_size = -1) {
  return "cnumpy\ndtype\n" + text(code) + "\x89\x88\x87R(K\3" + text(order) + "NNN" + integer(item_size) + integer(-1) +
         "K\0tb"s;
}
std::string shape(std::initializer_list<std::int64_t> extents) {
  std::string out = "(";
  for (const std::int64_t extent : extents)
    out += integer(extent);
  return out + "t";
}
const std::string shell = "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85"
                          "C\1b\x87R"s;
std::string array(const std::string& dtype, const std::string& shape, const std::string& data,
                  const std::string& fortran = "\x89") {
  return "\x80\4" + shell + "(K\1" + shape + dtype + fortran + data + "tb.";
}

void check_records(const numpy_array& array) {
  CHECK(describe(*array.dtype) == "record of 4 fields, 20 bytes");
  REQUIRE(array.num_elements() == 2);
  CHECK(numpy_column(array, "a").integer(0) == -1);
  CHECK(numpy_column(array, "a").integer(1) == 2);
  CHECK(array.dtype->find("b")->offset == 4);
  CHECK(array.dtype->find("b")->dtype.swapped);
  CHECK(numpy_column(array, "b").integer(0) == -3);
  CHECK(numpy_column(array, "b").integer(1) == 4);
  const numpy_column sub_array(array, "c");
  REQUIRE(sub_array.numbers_per_record() == 2);
  CHECK(sub_array.integer(0, 1) == 6);
  CHECK(sub_array.integer(1, 0) == 7);
  CHECK(sub_array.integer(1, 1) == 0xffffffff);
  CHECK(numpy_column(array, "f").real(1) == -0.25);
  CHECK_THROWS_AS(numpy_column(array, "g"), error);
}

} // namespace

TEST_CASE("RecordsReadTheSameFromEveryProtocolAndFromJoblib") {
  for (const auto hex : {record_protocol_2, record_protocol_4, record_protocol_5, record_joblib}) {
    const parsed stream(unhex(hex));
    CHECK(stream.root().is(kind::array));
    CHECK(stream.root().class_name() == "numpy.ndarray");
    check_records(stream.root().as_array().value());
    // Only protocol 2 has to decode the elements.
    CHECK(stream.holds(stream.root().as_array()->data) == (hex != record_protocol_2));
  }
}

TEST_CASE("AxisOrderOfProtocol5IsATranspose") {
  const parsed stream(unhex(axis_order));
  const numpy_array array = stream.root().as_array().value();
  CHECK(array.shape == std::vector<std::uint64_t>{3, 2, 4});
  CHECK_FALSE(array.is_row_major());
  CHECK_FALSE(array.is_column_major());
  const auto elements = to_vector<std::uint8_t>(array);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 2; ++j)
      for (std::size_t k = 0; k < 4; ++k)
        CHECK(elements[(i * 2 + j) * 4 + k] == (j * 3 + i) * 4 + k);
}

TEST_CASE("ArraysOfObjectsComeFromANestedPickleOfJoblib") {
  const parsed stream(unhex(objects_joblib));
  const value objects = stream.root()[0];
  REQUIRE(objects.is(kind::array));
  CHECK(objects.as_array()->shape == std::vector<std::uint64_t>{2, 2});
  CHECK(objects.as_array()->data.empty());
  REQUIRE(objects.size() == 4);
  CHECK(objects[0].as_int() == 1);
  CHECK(objects[1].as_text() == "b");
  CHECK(objects[2].is_none());
  CHECK(objects[3].as_real() == 2.5);
  CHECK(to_vector<std::uint8_t>(stream.root()[1].as_array().value()) == std::vector<std::uint8_t>{0, 1, 2});
  CHECK_THROWS_AS(petrify::pickle::to_strings(objects), error);
}

TEST_CASE("ScalarsReadLikePythonsOwnValues") {
  const parsed stream(unhex(scalars));
  const value all = stream.root();
  REQUIRE(all.size() == 11);
  CHECK(all[0].is(kind::scalar));
  CHECK(all[0].as_real() == 1.5);
  CHECK_FALSE(all[0].as_int().has_value());
  CHECK(all[1].as_real() == double{0.1f});
  CHECK(all[2].as_real() == 0.5);
  CHECK(all[3].as_int() == -3);
  CHECK(all[3].as_real() == -3.0);
  CHECK_FALSE(all[3].as_bool().has_value());
  CHECK_FALSE(all[4].as_int().has_value());
  CHECK(all[4].dtype()->kind == 'u');
  CHECK(all[5].as_bool() == true);
  CHECK(all[5].as_int() == 1);
  CHECK(all[6].as_text() == "größe");
  CHECK(all[7].as_bytes()->size() == 2);
  CHECK(all[8].dtype()->kind == 'M');
  CHECK_FALSE(all[8].as_int().has_value());
  CHECK(all[9].describe() == "scalar of <c16");
  CHECK(all[10].as_array()->dtype->kind == 'M');
}

TEST_CASE("BothModulePathsOfNumpyAreKnown") {
  std::string stream = array(dtype("u1", "|"), shape({2}), bytes("ab"));
  CHECK(to_vector<int>(parsed(stream).root().as_array().value()) == std::vector<int>{'a', 'b'});
  stream.replace(stream.find("numpy.core"), 10, "numpy._core");
  CHECK(to_vector<int>(parsed(stream).root().as_array().value()) == std::vector<int>{'a', 'b'});
}

TEST_CASE("Python2StringsAreArrayData") {
  const parsed stream(array(dtype("u1", "|"), shape({2}), "U\2ab"));
  CHECK(to_vector<int>(stream.root().as_array().value()) == std::vector<int>{'a', 'b'});
  CHECK(parsed(array(dtype("u1", "|"), shape({2}), "U\2\xff\xfe")).root().as_array()->data.size() == 2);
}

TEST_CASE("TheOldestArrayStateHasNoVersion") {
  const parsed stream("\x80\4" + shell + "(" + shape({1, 2}) + dtype("u1", "|") + "\x89" + bytes("ab") + "tb.");
  CHECK(stream.root().as_array()->shape == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("SubclassesOfArraysKeepTheirName") {
  std::string stream = array(dtype("u1", "|"), shape({1, 2}), bytes("ab"));
  stream.replace(stream.find("numpy\nndarray"), 13, "numpy\nmatrix");
  const parsed matrix(stream);
  CHECK(matrix.root().class_name() == "numpy.matrix");
  CHECK(matrix.root().as_array().has_value());
}

TEST_CASE("ColumnMajorArraysKeepTheirOrder") {
  const parsed stream(array(dtype("i1", "|"), shape({2, 3}), bytes("\1\4\2\5\3\6"), "\x88"));
  const numpy_array array = stream.root().as_array().value();
  CHECK(array.is_column_major());
  CHECK_FALSE(array.is_row_major());
  CHECK(to_vector<int>(array) == std::vector<int>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("ArraySizesMustFit") {
  CHECK(code_of(array(dtype("f8"), shape({2}), bytes("123456789012345"))) == errc::malformed);
  CHECK(code_of(array(dtype("f8"), shape({2}), bytes("12345678901234567"))) == errc::malformed);
  CHECK(code_of(array(dtype("f8"), shape({-1}), bytes(""))) == errc::malformed);
  CHECK(code_of(array(dtype("f8"), shape({std::int64_t{1} << 62}), bytes(""))) == errc::malformed);
  CHECK(code_of(array(dtype("f8"), shape({std::int64_t{1} << 31, std::int64_t{1} << 31, 1 << 10}), bytes(""))) ==
        errc::malformed);
  CHECK(code_of(array(dtype("f8"), "K\2", bytes("1234567812345678"))) == errc::malformed);
  CHECK(code_of(array(dtype("f8"), "N\x85", bytes("12345678"))) == errc::malformed);
  CHECK(code_of(array(dtype("f8"), shape({1}), text("12345678"))) == errc::malformed);
  CHECK(parsed(array(dtype("f8"), shape({0, std::int64_t{1} << 62}), bytes(""))).root().as_array()->num_elements() ==
        0);
  std::string many_axes = "(";
  for (int i = 0; i < 65; ++i)
    many_axes += "K\1";
  CHECK(code_of(array(dtype("u1"), many_axes + "t", bytes("x"))) == errc::malformed);
}

TEST_CASE("ElementsOfNoBytesAreBounded") {
  CHECK(parsed(array(dtype("S0", "|", 0), shape({10}), bytes(""))).root().as_array()->num_elements() == 10);
  CHECK(code_of(array(dtype("S0", "|", 0), shape({std::int64_t{1} << 40}), bytes(""))) == errc::limit_exceeded);
}

TEST_CASE("ObjectArraysNeedAsManyItemsAsElements") {
  CHECK(parsed(array(dtype("O8", "|"), shape({2}), "](K\1K\2e")).root()[1].as_int() == 2);
  CHECK(code_of(array(dtype("O8", "|"), shape({3}), "](K\1K\2e")) == errc::malformed);
  CHECK(code_of(array(dtype("O8", "|"), shape({1}), bytes("12345678"))) == errc::malformed);
}

TEST_CASE("AnObjectArrayMayContainItself") {
  const parsed stream("\x80\4" + shell + "\x94(K\1" + shape({1}) + dtype("O8", "|") + "\x89]h\0atb."s);
  CHECK(stream.root()[0].id() == stream.root().id());
}

TEST_CASE("AnObjectArrayKeepsItsItemsWhenItsListGrows") {
  // The list is memo entry 0, the array 1; the list grows when the array is done.
  const parsed stream("\x80\4" + shell + "(K\1" + shape({2}) + dtype("O8", "|") +
                      "\x89]\x94(K\1K\2etb\x94"
                      "0h\0(K\3K\4K\5e0h\1."s);
  REQUIRE(stream.root().size() == 2);
  CHECK(stream.root()[1].as_int() == 2);
}

TEST_CASE("TheStateOfAnArrayIsSetOnce") {
  const std::string once = array(dtype("u1"), shape({1}), bytes("a"));
  CHECK(code_of(once.substr(0, once.size() - 1) + "Nb.") == errc::malformed);
  CHECK(code_of("\x80\4" + shell + "Nb.") == errc::malformed);
}

TEST_CASE("AnArrayWithoutStateIsEmpty") {
  const parsed stream("\x80\4" + shell + ".");
  CHECK(stream.root().is(kind::array));
  CHECK_FALSE(stream.root().as_array().has_value());
  CHECK(stream.root().dtype() == nullptr);
  CHECK(stream.root().size() == 0);
  CHECK(stream.root().describe() == "array of unknown type");
}

TEST_CASE("ElementTypesThatAreNotKnownMakeInertObjects") {
  const parsed other_dtype(array("cnumpy.dtypes\nStringDType\n)R", shape({2}), bytes("ab")));
  CHECK(other_dtype.root().is(kind::object));
  CHECK(other_dtype.root().class_name() == "numpy.ndarray");
  const parsed unknown_code(array(dtype("q9"), shape({2}), bytes("ab")));
  CHECK(unknown_code.root().is(kind::object));
  CHECK(unknown_code.root().state().size() == 5);
}

TEST_CASE("ElementTypesMustMakeSense") {
  const auto with = [](const std::string& type) { return array(type, shape({1}), bytes("12345678")); };
  const auto fields = [](const std::string& names, const std::string& dict, std::int64_t size) {
    return "cnumpy\ndtype\n" + text("V8") + "\x85R(K\3" + text("|") + "N" + names + dict + integer(size) + "K\1K\0tb"s;
  };
  const auto entry = [](const std::string& type, std::int64_t offset) { return type + integer(offset) + "\x86"; };
  CHECK_NOTHROW(parsed(with(fields(text("x") + "\x85", "}" + text("x") + entry(dtype("i4"), 4) + "s", 8))));
  CHECK(code_of(with(fields(text("x") + "\x85", "}" + text("x") + entry(dtype("i4"), 5) + "s", 8))) == errc::malformed);
  CHECK(code_of(with(fields(text("x") + "\x85", "}" + text("x") + entry(dtype("i4"), -1) + "s", 8))) ==
        errc::malformed);
  CHECK(code_of(with(fields(text("y") + "\x85", "}" + text("x") + entry(dtype("i4"), 0) + "s", 8))) == errc::malformed);
  CHECK(code_of(with(fields(text("x") + text("x") + "\x86", "}" + text("x") + entry(dtype("i4"), 0) + "s", 8))) ==
        errc::malformed);
  CHECK(code_of(with(fields("K\1", "}", 8))) == errc::malformed);
  CHECK(code_of(with(dtype("V8", "|", -5))) == errc::malformed);
  CHECK(code_of(with(dtype("U2", "<", 7))) == errc::malformed);
  CHECK(code_of(with("cnumpy\ndtype\n" + text("f8") + "\x85R(K\3tb")) == errc::malformed);
  CHECK(code_of(with("cnumpy\ndtype\n" + text("f8") + "\x85RK\3b")) == errc::malformed);
  CHECK(code_of(with(dtype("f8") + "Nb")) == errc::malformed);
}

TEST_CASE("ElementTypesInsideThemselvesAreRefused") {
  // A record whose field is of its own type: the dict of fields is filled after the type is built.
  const std::string type = "cnumpy\ndtype\n" + text("V8") + "\x85R\x94(K\3" + text("|") + "N" + text("x") +
                           "\x85}\x94" + integer(8) + "K\1K\0tb"s + "0h\1"s + text("x") + "h\0K\0\x86s0h\0"s;
  CHECK(code_of(array(type, shape({1}), bytes("12345678"))) == errc::limit_exceeded);
}

TEST_CASE("ElementTypesThatDoubleAreRefused") {
  // Every record has two fields of the type before: 2^k fields in all.
  std::string type = dtype("u1", "|", 1) + "\x94";
  for (std::uint64_t level = 0; level < 12; ++level) {
    const std::string inner = "h" + number(level, 1);
    type += "0cnumpy\ndtype\n" + text("V1") + "\x85R(K\3" + text("|") + "N" + text("x") + text("y") + "\x86}(" +
            text("x") + inner + "K\0\x86"s + text("y") + inner + "K\0\x86u"s + integer(1) + "K\1K\0tb\x94"s;
  }
  CHECK(code_of(array(type, shape({1}), bytes("a"))) == errc::limit_exceeded);
}

TEST_CASE("ScalarsMustHaveTheirSize") {
  const auto scalar = [](const std::string& type, const std::string& data) {
    return "\x80\4"
           "cnumpy.core.multiarray\nscalar\n" +
           type + data + "\x86R.";
  };
  CHECK(parsed(scalar(dtype("i2", ">"), bytes("\1\2"))).root().as_int() == 0x102);
  CHECK(code_of(scalar(dtype("i2"), bytes("\1"))) == errc::malformed);
  CHECK(code_of(scalar(dtype("i2"), "N")) == errc::malformed);
  CHECK(parsed(scalar(dtype("O8", "|"), "K\7")).root().as_int() == 7);
  CHECK(parsed(scalar("N", bytes("\1"))).root().is(kind::object));
}

TEST_CASE("JoblibArraysStandBehindTheirWrapper") {
  const auto dump = [](const std::string& alignment, const std::string& payload, const std::string& module = "joblib") {
    return "\x80\4]c" + module + ".numpy_pickle\nNumpyArrayWrapper\n)\x81}(" + text("subclass") + "cnumpy\nndarray\n" +
           text("shape") + shape({3}) + text("order") + text("C") + text("dtype") + dtype("u1", "|") +
           text("allow_mmap") + "\x88" + alignment + "ub" + payload + "a.";
  };
  const std::string aligned = text("numpy_array_alignment_bytes") + "K\x10";
  const auto check = [](const std::string& stream) {
    const parsed file(stream);
    REQUIRE(file.root().size() == 1);
    CHECK(to_vector<int>(file.root()[0].as_array().value()) == std::vector<int>{'x', 'y', 'z'});
    CHECK(file.holds(file.root()[0].as_array()->data));
  };
  check(dump("", "xyz"));
  check(dump(text("numpy_array_alignment_bytes") + "N", "xyz"));
  check(dump(aligned, "\2\xff\xffxyz"));
  check(dump(aligned, "\0xyz"s));
  check(dump("", "xyz", "sklearn.externals.joblib"));
  // An element that looks like an opcode is none.
  CHECK(to_vector<int>(parsed(dump("", "...")).root()[0].as_array().value()) == std::vector<int>{'.', '.', '.'});
  CHECK(code_of(dump(aligned, "\xff").substr(0, dump(aligned, "\xff").size() - 2)) == errc::truncated);
  CHECK(code_of(dump("", "xy").substr(0, dump("", "xy").size() - 2)) == errc::truncated);
  std::string no_dtype = dump("", "xyz");
  no_dtype.replace(no_dtype.find("dtype\ncnumpy") == no_dtype.npos ? no_dtype.find("\5dtype") + 1 : 0, 5, "DTYPE");
  CHECK(code_of(no_dtype) == errc::not_importable);
}

TEST_CASE("JoblibBefore010IsRefusedByName") {
  for (const char* name : {"joblib.numpy_pickle\nNDArrayWrapper\n", "joblib.numpy_pickle_compat\nZNDArrayWrapper\n"}) {
    try {
      parsed stream("\x80\2c"s + name + ")\x81}b.");
      FAIL("accepted");
    } catch (const error& e) {
      CHECK(e.code() == errc::not_importable);
      CHECK(e.where() == "byte 2");
      CHECK(e.message().starts_with("a dump of joblib before 0.10 "));
    }
  }
}

TEST_CASE("StringsOfArrays") {
  const auto strings = [](const std::string& stream) { return petrify::pickle::to_strings(parsed(stream).root()); };
  CHECK(strings(array(dtype("U2", "<", 8), shape({2}), bytes("a\0\0\0\xe9\0\0\0b\0\0\0\0\0\0\0"sv))) ==
        std::vector<std::string>{"aé", "b"});
  CHECK(strings(array(dtype("U1", ">", 4), shape({1}), bytes("\0\1\xf6\0"sv))) ==
        std::vector<std::string>{"\xf0\x9f\x98\x80"});
  CHECK(strings(array(dtype("S3", "|", 3), shape({2}), bytes("ab\0c\0\0"sv))) == std::vector<std::string>{"ab", "c"});
  CHECK(strings(array(dtype("O8", "|"), shape({2}), "](" + text("x") + text("") + "e")) ==
        std::vector<std::string>{"x", ""});
}
