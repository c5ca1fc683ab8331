// Opcodes and values: what each leaves behind, from streams written by hand.
#include "import/pickle.hpp"

#include <petrify/error.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using petrify::errc;
using petrify::error;
using petrify::pickle::document;
using petrify::pickle::kind;
using petrify::pickle::value;

// A stream and its document: the document borrows the bytes.
class parsed {
public:
  explicit parsed(std::string body, std::string_view start = "\x80\x04")
      : bytes_(std::string(start) + body), document_(petrify::pickle::parse(std::as_bytes(std::span(bytes_)))) {}
  parsed(const parsed&) = delete;
  parsed& operator=(const parsed&) = delete;

  const std::string& bytes() const { return bytes_; }
  const document& get() const { return document_; }
  value root() const { return document_.root(); }

private:
  std::string bytes_;
  document document_;
};

std::string number(std::uint64_t value, std::size_t size) {
  std::string out(size, '\0');
  std::memcpy(out.data(), &value, size);
  return out;
}
std::string text(std::string_view text) { return "\x8c" + number(text.size(), 1) + std::string(text); }
std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}

errc code_of(const std::string& body) {
  try {
    parsed stream(body);
  } catch (const error& e) {
    CHECK(e.path().empty());
    CHECK(std::string_view(e.where()).starts_with("byte "));
    return e.code();
  }
  FAIL("accepted");
  return errc::io;
}

std::string message_of(const std::string& body) {
  try {
    parsed stream(body);
  } catch (const error& e) {
    return e.what();
  }
  return "accepted";
}

} // namespace

TEST_CASE("NoneAndBooleansAreThemselves") {
  CHECK(parsed("N.").root().is_none());
  CHECK(parsed("\x88.").root().as_bool() == true);
  CHECK(parsed("\x89.").root().as_bool() == false);
  CHECK(parsed("\x88.").root().as_int() == 1);
  CHECK_FALSE(parsed("K\1.").root().as_bool().has_value());
}

TEST_CASE("FixedSizeIntegersAreLittleEndian") {
  CHECK(parsed("K\xff.").root().as_int() == 255);
  CHECK(parsed("M\x34\x12.").root().as_int() == 0x1234);
  CHECK(parsed("J\xfe\xff\xff\xff.").root().as_int() == -2);
  CHECK(parsed("J\x78\x56\x34\x12.").root().as_int() == 0x12345678);
}

TEST_CASE("LongIntegersOfUpTo64BitsAreIntegers") {
  const auto read = [](std::string_view bytes) {
    return parsed("\x8a" + number(bytes.size(), 1) + std::string(bytes) + ".").root().as_int();
  };
  CHECK(read("") == 0);
  CHECK(read("\xff"sv) == -1);
  CHECK(read("\xff\x00"sv) == 255);
  CHECK(read("\xff\xff\xff\x7f\xff"sv) == -2147483649);
  CHECK(read("\0\0\0\0\0\0\0\x80"sv) == std::numeric_limits<std::int64_t>::min());
  CHECK(read("\xff\xff\xff\xff\xff\xff\xff\x7f\0\0"sv) == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("LongerIntegersAreBigIntegers") {
  // 2^70 and 2^63, the first integer that does not fit.
  for (const auto& bytes : {"\0\0\0\0\0\0\0\0\x40"s, "\0\0\0\0\0\0\0\x80\0"s}) {
    const parsed stream("\x8b" + number(bytes.size(), 4) + bytes + ".");
    CHECK(stream.root().is(kind::big_integer));
    CHECK_FALSE(stream.root().as_int().has_value());
    CHECK_FALSE(stream.root().as_real().has_value());
    CHECK(stream.root().as_bytes()->size() == 9);
  }
}

TEST_CASE("FloatsAreBigEndian") {
  CHECK(parsed("G\x40\x04\0\0\0\0\0\0."s).root().as_real() == 2.5);
  CHECK(std::signbit(*parsed("G\x80\0\0\0\0\0\0\0."s).root().as_real()));
  CHECK_FALSE(parsed("G\x40\x04\0\0\0\0\0\0."s).root().as_int().has_value());
}

TEST_CASE("IntegersAreRealsOnlyWhereADoubleHoldsThem") {
  CHECK(parsed("K\7.").root().as_real() == 7.0);
  CHECK(parsed("\x8a\7\0\0\0\0\0\0\x20."s).root().as_real() == 0x1p53);
  CHECK_FALSE(parsed("\x8a\7\1\0\0\0\0\0\x20."s).root().as_real().has_value());
  CHECK(parsed("\x8a\7\2\0\0\0\0\0\x20."s).root().as_real() == 0x1p53 + 2);
  CHECK(parsed("\x8a\x08\0\0\0\0\0\0\0\x80."s).root().as_real() == -0x1p63);
}

TEST_CASE("TextAndBytesStayInTheInput") {
  for (const auto& head : {"\x8c\3"s, "X\3\0\0\0"s, "\x8d\3\0\0\0\0\0\0\0"s}) {
    const parsed stream(head + "abc.");
    CHECK(stream.root().as_text() == "abc");
    CHECK(stream.root().as_text()->data() == stream.bytes().data() + 2 + head.size());
    CHECK_FALSE(stream.root().as_bytes().has_value());
  }
  for (const auto& head : {"C\3"s, "B\3\0\0\0"s, "\x8e\3\0\0\0\0\0\0\0"s, "\x96\3\0\0\0\0\0\0\0"s}) {
    const parsed stream(head + "\xff\0z."s);
    CHECK(stream.root().is(kind::bytes));
    CHECK(stream.root().as_bytes()->data() == std::as_bytes(std::span(stream.bytes())).data() + 2 + head.size());
    CHECK(stream.root().as_bytes()->size() == 3);
    CHECK_FALSE(stream.root().as_text().has_value());
  }
}

TEST_CASE("TextIsUtf8WithSurrogatesAllowed") {
  CHECK(parsed(text("gr\xc3\xb6\xc3\x9f"
                    "e") +
               ".")
            .root()
            .as_text() == "größe");
  CHECK(parsed(text("a\xed\xa0\x80\xed\xbf\xbf") + ".").root().as_text() == "a\xed\xa0\x80\xed\xbf\xbf");
  const std::string longer(300, 'x');
  CHECK(parsed("X" + number(302, 4) + longer + "\xc3\xa9.").root().as_text() == longer + "é");
  for (const char* bad :
       {"\xff", "\xc3", "\xc0\x80", "\xed\xa0", "\xed\xa0\x20", "\xed\xa0\x80\xff", "\xf4\x90\x80\x80"}) {
    CHECK(code_of(text(bad) + ".") == errc::malformed);
    CHECK(code_of("X" + number(300 + std::strlen(bad), 4) + longer + bad + ".") == errc::malformed);
  }
}

TEST_CASE("Python2StringsAreTextWhereAsciiAndBytesAlways") {
  const parsed ascii("U\3abc.");
  CHECK(ascii.root().as_text() == "abc");
  CHECK(ascii.root().as_bytes()->size() == 3);
  const parsed other("T\2\0\0\0\xff\x01."s);
  CHECK(other.root().is(kind::bytes));
  CHECK_FALSE(other.root().as_text().has_value());
}

TEST_CASE("TuplesHoldWhatWasOnTheStack") {
  CHECK(parsed(").").root().size() == 0);
  CHECK(parsed(").").root().is(kind::tuple));
  CHECK(parsed("K\7\x85.").root()[0].as_int() == 7);
  const parsed three("NK\1K\2K\3\x87.");
  REQUIRE(three.root().size() == 3);
  CHECK(three.root()[2].as_int() == 3);
  const parsed marked("(K\1K\2K\3K\4t.");
  REQUIRE(marked.root().size() == 4);
  CHECK(marked.root()[0].as_int() == 1);
  CHECK(parsed("(t.").root().size() == 0);
}

TEST_CASE("ListsGrowOneByOneAndInBatches") {
  const parsed stream("](K\1K\2eK\3a(K\4K\5K\6e.");
  REQUIRE(stream.root().size() == 6);
  for (std::size_t i = 0; i < 6; ++i)
    CHECK(stream.root()[i].as_int() == static_cast<std::int64_t>(i + 1));
  CHECK_THROWS_AS(stream.root()[6], error);
}

TEST_CASE("ListsThatGrowInTurnsKeepTheirItems") {
  // Two lists in the memo, each appended to 500 times, one item after the other.
  std::string body = "]\x94]\x94\x86\x94";
  for (std::uint64_t i = 0; i < 500; ++i)
    body += "h" + number(i % 2, 1) + "M" + number(i, 2) + "a0" + "h" + number(1 - i % 2, 1) + "M" + number(i, 2) + "a0";
  const parsed stream(body + "h\2.");
  for (std::size_t list = 0; list < 2; ++list) {
    REQUIRE(stream.root()[list].size() == 500);
    for (std::size_t i = 0; i < 500; ++i)
      CHECK(stream.root()[list][i].as_int() == static_cast<std::int64_t>(i));
  }
}

TEST_CASE("DictsKeepOrderAndTheLastOfEqualKeys") {
  const parsed stream("}" + text("a") + "K\1s(" + text("b") + "K\2K\7K\3" + text("a") + "K\4u.");
  const value dict = stream.root();
  REQUIRE(dict.size() == 4);
  CHECK(dict.key(0).as_text() == "a");
  CHECK(dict[0].as_int() == 1);
  CHECK(dict.key(2).as_int() == 7);
  CHECK(dict.find("a")->as_int() == 4);
  CHECK(dict.find("b")->as_int() == 2);
  CHECK_FALSE(dict.find("c").has_value());
  CHECK_THROWS_AS(dict.key(4), error);
}

TEST_CASE("BigDictsFindTheSameAsSmallOnes") {
  std::string body = "}(";
  for (std::uint64_t i = 0; i < 1000; ++i)
    body += text("key" + std::to_string(i * 7 % 900)) + "M" + number(i, 2);
  body += "K\5NN" + text("") + "u.";
  const parsed stream(body);
  REQUIRE(stream.root().size() == 1002);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const std::uint64_t last = i < 100 ? i + 900 : i;
    CHECK(stream.root().find("key" + std::to_string(i * 7 % 900))->as_int() == static_cast<std::int64_t>(last));
  }
  CHECK_FALSE(stream.root().find("key900").has_value());
  CHECK_FALSE(stream.root().find("zzz").has_value());
  CHECK_FALSE(stream.root().find("!").has_value());
  CHECK(stream.root().find("").has_value() == false);
}

TEST_CASE("SetsHoldTheirItems") {
  CHECK(parsed("\x8f(K\1K\2\x90(K\3\x90.").root().size() == 3);
  CHECK(parsed("(K\1K\2\x91.").root().is(kind::set));
  const parsed called("c__builtin__\nset\n](K\1K\2e\x85R.");
  CHECK(called.root().is(kind::set));
  CHECK(called.root()[1].as_int() == 2);
}

TEST_CASE("MemoGivesTheSameValueAgain") {
  const parsed put("]q\0h\0\x86."s);
  CHECK(put.root()[0].id() == put.root()[1].id());
  const parsed memoize("]\x94}\x94h\1h\0\x86."s);
  CHECK(memoize.root()[0].is(kind::dict));
  CHECK(memoize.root()[1].is(kind::list));
  CHECK(parsed("K\5r\2\0\0\0j\2\0\0\0."s).root().as_int() == 5);
  // MEMOIZE numbers by how many entries there are, not by the highest.
  CHECK(parsed("K\5q\2K\6\x94"
               "0h\1."s)
            .root()
            .as_int() == 6);
}

TEST_CASE("PopTakesValuesAndMarks") {
  CHECK(parsed("K\1K\2"
               "0.")
            .root()
            .as_int() == 1);
  CHECK(parsed("K\1(K\2K\3"
               "1.")
            .root()
            .as_int() == 1);
  CHECK(parsed("K\1(0.").root().as_int() == 1);
  CHECK(parsed("K\1"
               "2\x86.")
            .root()[1]
            .as_int() == 1);
}

TEST_CASE("FramesAreOnlyChecked") {
  CHECK(parsed("\x95\3\0\0\0\0\0\0\0K\5."s).root().as_int() == 5);
  CHECK(code_of("\x95\4\0\0\0\0\0\0\0K\5."s) == errc::truncated);
  CHECK(code_of("\x95\xff\xff\xff\xff\xff\xff\xff\xffK\5."s) == errc::truncated);
}

TEST_CASE("BytesAfterStopAreCountedAndIgnored") {
  const parsed stream("K\5.rest");
  CHECK(stream.root().as_int() == 5);
  CHECK(stream.get().size_bytes() == stream.bytes().size() - 4);
}

TEST_CASE("AMovedDocumentKeepsItsValues") {
  const std::string bytes = "\x80\4K\5\x85.";
  document first = petrify::pickle::parse(std::as_bytes(std::span(bytes)));
  const value root = first.root();
  const document second = std::move(first);
  CHECK(root[0].as_int() == 5);
  CHECK(second.root()[0].as_int() == 5);
}

TEST_CASE("GlobalsAreNames") {
  const parsed old(global("sklearn.tree._tree", "Tree") + ".");
  CHECK(old.root().is(kind::global));
  CHECK(old.root().class_name() == "sklearn.tree._tree.Tree");
  const parsed stack(text("a.b") + "\x94" + text("C.D") + "\x94\x93h\0h\1\x93\x86."s);
  CHECK(stack.root()[0].class_name() == "a.b.C.D");
  CHECK(stack.root()[0].id() == stack.root()[1].id());
  CHECK(parsed(global("__builtin__", "object") + ".").root().class_name() == "builtins.object");
  CHECK(parsed(global("copy_reg", "x") + ".").root().class_name() == "copyreg.x");
}

TEST_CASE("ObjectsRecordClassArgumentsAndState") {
  const parsed stream(global("m", "C") + "K\1\x85\x81}" + text("x") + "K\2sb.");
  const value object = stream.root();
  CHECK(object.is(kind::object));
  CHECK(object.class_name() == "m.C");
  CHECK(object.args()[0].as_int() == 1);
  CHECK(object.kwargs().is_none());
  CHECK(object.attr("x")->as_int() == 2);
  CHECK_FALSE(object.attr("y").has_value());
  CHECK(object.describe() == "object \"m.C\"");
}

TEST_CASE("NewObjectsMayHaveKeywords") {
  const parsed stream(global("m", "C") + ")}" + text("k") + "K\1s\x92.");
  CHECK(stream.root().kwargs().find("k")->as_int() == 1);
}

TEST_CASE("StateMayBeAPairOfDictAndSlots") {
  const auto object = [](const std::string& state) { return global("m", "C") + ")\x81" + state + "b."; };
  const std::string slots = "}" + text("s") + "K\2s";
  const parsed pair(object("}" + text("d") + "K\1s" + slots + "\x86"));
  CHECK(pair.root().attr("d")->as_int() == 1);
  CHECK(pair.root().attr("s")->as_int() == 2);
  const parsed only_slots(object("N" + slots + "\x86"));
  CHECK(only_slots.root().attr("s")->as_int() == 2);
  CHECK_FALSE(only_slots.root().attr("d").has_value());
  const parsed other(object("K\1"));
  CHECK_FALSE(other.root().attr("d").has_value());
  CHECK(other.root().state().as_int() == 1);
}

TEST_CASE("ListAndDictSubclassesKeepWhatWasPutIn") {
  const parsed list(global("m", "L") + ")\x81(K\1K\2eK\3a.");
  CHECK(list.root().is(kind::object));
  REQUIRE(list.root().items().size() == 3);
  CHECK(list.root().items()[2].as_int() == 3);
  const parsed dict(global("m", "D") + ")\x81" + text("x") + "K\1s}" + text("y") + "K\2sb.");
  CHECK(dict.root().entries().find("x")->as_int() == 1);
  CHECK(dict.root().attr("y")->as_int() == 2);
  const parsed set(global("m", "S") + ")\x81(K\1\x90.");
  CHECK(set.root().items().size() == 1);
}

TEST_CASE("OrderedAndDefaultDictsAreDicts") {
  const parsed ordered(global("collections", "OrderedDict") + ")R(" + text("x") + "K\1u.");
  CHECK(ordered.root().is(kind::dict));
  CHECK(ordered.root().find("x")->as_int() == 1);
  const parsed with_factory(global("collections", "defaultdict") + global("builtins", "list") + "\x85R" + text("x") +
                            "K\1s.");
  CHECK(with_factory.root().find("x")->as_int() == 1);
  // Attributes of its own are dropped.
  CHECK(parsed(global("collections", "OrderedDict") + ")R}" + text("a") + "Nsb.").root().size() == 0);
  CHECK(code_of("}}b.") == errc::malformed);
}

TEST_CASE("UnknownCallsAreRecordedNotExecuted") {
  for (const auto& function : {global("os", "system"), global("posix", "system"), global("builtins", "eval")}) {
    const parsed stream(function + text("touch petrify-was-here") + "\x85R.");
    CHECK(stream.root().is(kind::object));
    CHECK(stream.root().args()[0].as_text() == "touch petrify-was-here");
  }
  // Calls of results of calls too.
  CHECK(parsed(global("m", "f") + ")R)R)R.").root().class_name() == "");
}

TEST_CASE("CopyregCallsMakeObjects") {
  const parsed old(global("copy_reg", "_reconstructor") + global("m", "C") + global("__builtin__", "object") +
                   "N\x87R}" + text("x") + "K\1sb.");
  CHECK(old.root().class_name() == "m.C");
  CHECK(old.root().attr("x")->as_int() == 1);
  const parsed newobj(global("copyreg", "__newobj__") + global("m", "C") + "K\7\x86R.");
  CHECK(newobj.root().class_name() == "m.C");
  REQUIRE(newobj.root().args().size() == 1);
  CHECK(newobj.root().args()[0].as_int() == 7);
  const parsed newobj_ex(global("copyreg", "__newobj_ex__") + global("m", "C") + "K\7\x85}" + text("k") + "K\1s\x87R.");
  CHECK(newobj_ex.root().kwargs().find("k")->as_int() == 1);
}

TEST_CASE("BytesBelowProtocol3AreDecodedFromLatin1") {
  const auto encoded = [](const std::string& utf8) {
    return global("_codecs", "encode") + "X" + number(utf8.size(), 4) + utf8 + text("latin1") + "\x86R.";
  };
  const auto bytes_of = [](const parsed& stream) {
    const auto bytes = stream.root().as_bytes().value();
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  CHECK(bytes_of(parsed(encoded("abc"))) == "abc");
  CHECK(bytes_of(parsed(encoded("\0\xc2\x80\xc3\xbf\x7f"s))) == "\0\x80\xff\x7f"s);
  // Every byte value, at every distance from the end.
  std::string all, utf8;
  for (int i = 0; i < 2000; ++i) {
    const int c = i * 89 % 256;
    all += static_cast<char>(c);
    if (c < 0x80)
      utf8 += static_cast<char>(c);
    else
      (utf8 += static_cast<char>(0xc0 | c >> 6)) += static_cast<char>(0x80 | (c & 0x3f));
    CHECK(bytes_of(parsed(encoded(utf8))) == all);
  }
  CHECK(bytes_of(parsed(global("__builtin__", "bytes") + ")R.")) == "");
  CHECK(bytes_of(parsed(global("builtins", "bytearray") + "C\2ab\x85R.")) == "ab");
  CHECK(bytes_of(parsed(global("__builtin__", "bytearray") + text("\xc3\xbf") + text("latin-1") + "\x86R.")) == "\xff");
  for (const char* bad : {"\xc4\x80", "\xc4\x80 and more text", "\xe2\x82\xac", "aaaaaaaaaaaaaaaaaaa\xe2\x82\xac"})
    CHECK(code_of(encoded(bad)) == errc::malformed);
}

TEST_CASE("LongTextThatIsNoLatin1IsStillChecked") {
  const std::string long_text = std::string(300, 'x') + "\xc3";
  CHECK(code_of(global("_codecs", "encode") + "X" + number(long_text.size(), 4) + long_text + text("latin1") +
                "\x86R.") == errc::malformed);
}

TEST_CASE("ProtocolsOutside2To5AreRefusedByName") {
  for (const char* start : {"\x80\1", "\x80\6", "\x80\xff"}) {
    try {
      parsed stream("N.", start);
      FAIL("accepted");
    } catch (const error& e) {
      CHECK(e.code() == errc::not_importable);
      CHECK(e.where() == "byte 0");
      CHECK(e.message().starts_with("pickle protocol "));
    }
  }
  CHECK_NOTHROW(parsed("N.", "\x80\2"));
  CHECK_NOTHROW(parsed("N.", "\x80\5"));
  for (const char* old : {"(lp0\nI1\na.", "]q\1K\1a.", "cos\nsystem\n(S'x'\ntR."}) {
    try {
      parsed stream(old, "");
      FAIL("accepted");
    } catch (const error& e) {
      CHECK(e.code() == errc::not_importable);
      CHECK(e.message() == "a pickle of protocol 0 or 1, expected 2 to 5");
    }
  }
}

TEST_CASE("OpcodesOutsideOfSelfContainedFilesAreRefusedByName") {
  CHECK(message_of("NQ.") == "byte 3: BINPERSID: the object is outside of the file (persistent id)");
  CHECK(message_of("P1\n.") == "byte 2: PERSID: the object is outside of the file (persistent id)");
  CHECK(message_of("\x97.") == "byte 2: NEXT_BUFFER: the data is outside of the file (out-of-band buffer)");
  CHECK(message_of("N\x98.") == "byte 3: READONLY_BUFFER: the data is outside of the file (out-of-band buffer)");
  CHECK(message_of("\x82\1.") == "byte 2: EXT1: extension codes mean something only to the program that wrote them");
  CHECK(message_of("I1\n.") == "byte 2: INT: an opcode of pickle protocols 0 and 1, expected 2 to 5");
  CHECK(message_of("\xff.") == "byte 2: unknown opcode 255");
}

TEST_CASE("ErrorsSayWhereAndWhatWithNumbers") {
  CHECK(message_of("]q\0]q\1]q\2h\7."s) == "byte 11: BINGET of memo entry 7, but only 3 entries are set");
  CHECK(message_of("C\5abc") == "byte 2: the stream ends inside SHORT_BINBYTES: 5 bytes expected, 3 left");
  CHECK(message_of("K\1K\2") == "byte 6: the stream ends without STOP");
}

TEST_CASE("StringsOfListsAndTuples") {
  CHECK(petrify::pickle::to_strings(parsed("](" + text("a") + text("b") + "e.").root()) ==
        std::vector<std::string>{"a", "b"});
  const parsed mixed(text("a") + "K\1\x86.");
  try {
    petrify::pickle::to_strings(mixed.root());
    FAIL("accepted");
  } catch (const error& e) {
    CHECK(e.code() == errc::wrong_type);
    CHECK(std::string_view(e.what()) == "element 1: integer, expected text");
  }
  CHECK_THROWS_AS(petrify::pickle::to_strings(parsed("K\1.").root()), error);
}
