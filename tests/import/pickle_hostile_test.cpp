// Streams that are broken, or were made to do harm: an error or a harmless document, never a crash or a hang.
#include "import/decompress.hpp"
#include "import/npy.hpp"
#include "import/pickle.hpp"

#include <petrify/error.hpp>

#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::string_literals;
using petrify::errc;
using petrify::error;
using petrify::pickle::document;
using petrify::pickle::kind;
using petrify::pickle::pickle_limits;
using petrify::pickle::value;
using petrify::pickle::walk;

std::string number(std::uint64_t value, std::size_t size) {
  std::string out(size, '\0');
  std::memcpy(out.data(), &value, size);
  return out;
}

std::string times(std::size_t count, std::string_view piece) {
  std::string out;
  out.reserve(count * piece.size());
  for (std::size_t i = 0; i < count; ++i)
    out += piece;
  return out;
}

errc code_of(const std::string& body, const pickle_limits& limits = {}) {
  const std::string bytes = "\x80\4" + body;
  try {
    petrify::pickle::parse(std::as_bytes(std::span(bytes)), limits);
  } catch (const error& e) {
    return e.code();
  }
  return errc::io; // accepted
}

// Looks at everything that a value gives.
std::size_t use(const value& v, walk& steps) {
  const auto inside = steps.enter();
  v.describe();
  v.as_bool();
  v.as_int();
  v.as_real();
  std::size_t sum = v.class_name().size();
  if (const auto text = v.as_text())
    for (const char c : *text)
      sum += static_cast<unsigned char>(c);
  if (const auto bytes = v.as_bytes())
    for (const std::byte b : *bytes)
      sum += std::to_integer<std::size_t>(b);
  v.attr("n_features_in_");
  v.find("shape");
  if (const auto array = v.as_array(); array && !array->dtype->has_objects()) {
    petrify::to_native_bytes(*array);
    for (const auto& field : array->dtype->fields)
      if (std::string_view("biuf").find(field.dtype.kind) != std::string_view::npos && field.dtype.item_size <= 8) {
        std::vector<double> numbers(array->num_elements());
        if (petrify::numpy_column(*array, field.name).numbers_per_record() > 0)
          petrify::numpy_column(*array, field.name).read(0, numbers);
      }
  }
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (v.is(kind::dict))
      sum += use(v.key(i), steps);
    sum += use(v[i], steps);
  }
  if (v.is(kind::object))
    for (const value& part : {v.args(), v.kwargs(), v.state(), v.items(), v.entries()})
      sum += use(part, steps);
  return sum;
}

// Decompresses, parses and uses; true if nothing was wrong.
bool survives(std::span<const std::byte> bytes) {
  try {
    const auto kind = petrify::detect_compression(bytes);
    const auto plain = petrify::decompress(kind, bytes, {.free_bytes = 1 << 22});
    const document parsed = petrify::pickle::parse(plain.span());
    try {
      walk steps(100'000, 200);
      use(parsed.root(), steps);
    } catch (const error&) {
    }
    return true;
  } catch (const error&) {
    return false;
  }
}

// In memory of exactly this size, so that the sanitizers see every step too far.
std::vector<std::byte> read(const std::string& name) {
  std::ifstream file(PETRIFY_TEST_DATA "/models/" + name, std::ios::binary);
  const std::string all(std::istreambuf_iterator<char>(file), {});
  CAPTURE(name);
  REQUIRE_FALSE(all.empty());
  const auto bytes = std::as_bytes(std::span(all));
  return {bytes.begin(), bytes.end()};
}

const char* const small_files[] = {
    "sklearn-1.2/containers/pickle-2.pkl",       "sklearn-1.9/containers/pickle-5.pkl",
    "sklearn-1.2/containers/joblib-raw.joblib",  "sklearn-1.9/containers/joblib-raw-2.joblib",
    "sklearn-1.9/containers/joblib-zlib.joblib", "sklearn-1.9/containers/joblib-lz4.joblib",
    "sklearn-1.2/arrays/objects_2d.joblib",      "sklearn-1.9/arrays/structured.2.pkl",
    "sklearn-1.9/arrays/f8_3d_axes.5.pkl",       "sklearn-1.9/arrays/mixed.joblib",
};

} // namespace

TEST_CASE("FilesTruncatedAtEveryByteAreRefused") {
  for (const std::string name : small_files) {
    CAPTURE(name);
    const auto whole = read(name);
    CHECK(survives(whole));
    // Shorter prefixes fail no later than longer ones, so that big files are sampled in the middle.
    const std::size_t step = whole.size() < 4000 ? 1 : whole.size() / 2000;
    for (std::size_t size = 0; size < whole.size(); size += size + 500 < whole.size() ? step : 1)
      if (survives(std::vector(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))))
        FAIL_CHECK("accepted at " << size << " bytes");
  }
}

TEST_CASE("FilesWithAnyByteChangedNeverCrash") {
  for (const std::string name : small_files) {
    const auto whole = read(name);
    for (std::size_t at = 0; at < whole.size(); at += 1 + whole.size() / 1500)
      for (const int mask : {0x01, 0xff}) {
        auto damaged = whole;
        damaged[at] ^= static_cast<std::byte>(mask);
        survives(damaged);
      }
  }
}

TEST_CASE("FilesWithManyBytesChangedNeverCrash") {
  std::uint64_t state = 1;
  const auto random = [&](std::size_t below) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (state >> 33) % below;
  };
  constexpr std::string_view opcodes =
      "\x80\x81\x85\x86\x87\x88\x89\x8a\x8f\x90\x91\x92\x93\x94\x95()]}012KMJGXCUhjqrNRabestu.";
  for (const std::string name : small_files) {
    const auto whole = read(name);
    if (petrify::detect_compression(whole) != petrify::compression::none)
      continue;
    for (int round = 0; round < 500; ++round) {
      auto damaged = whole;
      for (std::size_t change = 0, count = 1 + random(8); change < count; ++change)
        damaged[2 + random(whole.size() - 2)] = static_cast<std::byte>(opcodes[random(opcodes.size())]);
      survives(damaged);
    }
  }
}

TEST_CASE("RandomOpcodesNeverCrash") {
  std::uint64_t state = 7;
  const auto random = [&](std::size_t below) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (state >> 33) % below;
  };
  const std::string pieces[] = {"N",
                                "\x88",
                                "K\1",
                                "M\0\1"s,
                                "]",
                                "}",
                                ")",
                                "(",
                                "\x85",
                                "\x86",
                                "\x87",
                                "t",
                                "a",
                                "e",
                                "s",
                                "u",
                                "0",
                                "1",
                                "2",
                                "\x8f",
                                "\x90",
                                "\x91",
                                "\x94",
                                "q\1",
                                "q\2",
                                "q\3",
                                "h\0"s,
                                "h\1",
                                "h\2",
                                "h\3",
                                "h\4",
                                "R",
                                "b",
                                "\x81",
                                "\x92",
                                "\x93",
                                "\x8c\1a",
                                "\x8c\2f8",
                                "\x8c\2O8",
                                "\x8c\1<",
                                "\x8c\1C",
                                "C\x08"
                                "12345678",
                                "C\0"s,
                                "cnumpy\ndtype\n",
                                "cnumpy\nndarray\n",
                                "cnumpy.core.multiarray\n_reconstruct\n",
                                "cnumpy.core.multiarray\nscalar\n",
                                "cnumpy.core.numeric\n_frombuffer\n",
                                "c_codecs\nencode\n",
                                "\x8c\6latin1",
                                "cbuiltins\nset\n",
                                "ccollections\nOrderedDict\n",
                                "ccopyreg\n__newobj__\n",
                                "ccopyreg\n__newobj_ex__\n",
                                "cjoblib.numpy_pickle\nNumpyArrayWrapper\n",
                                "cx\ny\n",
                                "\x8c\5dtype",
                                "\x8c\5shape",
                                "\x8c\5order",
                                "cnumpy\ndtype\n\x8c\2f8\x85R(K\3\x8c\1<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"s};
  for (int round = 0; round < 20'000; ++round) {
    std::string body = "\x80\4";
    for (std::size_t i = 0, count = 5 + random(40); i < count; ++i)
      body += pieces[random(std::size(pieces))];
    body += '.';
    const auto bytes = std::as_bytes(std::span(body));
    survives(std::vector(bytes.begin(), bytes.end()));
  }
}

TEST_CASE("RefusedFilesNeverCrash") {
  for (const char* name : {"deep.pkl", "doubling.pkl", "self_list.pkl", "self_tuple.pkl", "os_system.pkl",
                           "posix_system.pkl", "os_system_beside_array.joblib", "os_system_in_forest.pkl"})
    CHECK(survives(read("refused/"s + name)));
  for (const char* name :
       {"damaged_zlib.joblib", "huge_length.pkl", "joblib_zf.joblib", "lfs_pointer.pkl", "memo_unset.pkl",
        "no_stop.pkl", "page.pkl", "persistent_id.pkl", "protocol_0.pkl", "protocol_9.pkl", "stack_underflow.pkl",
        "text.pkl", "truncated.joblib", "truncated_end.joblib", "truncated_zlib.joblib", "zip.pkl", "bomb_xz.joblib"})
    CHECK_FALSE(survives(read("refused/"s + name)));
}

TEST_CASE("StackAndMarksCannotUnderflow") {
  for (const std::string body :
       {".",    "a.",  "0.",   "1.",  "2.",     "\x85.",  "K\1\x86.", "K\1K\2\x87.", "t.",     "e.",    "u.",
        "s.",   "Ns.", "NNs.", "R.",  "NR.",    "b.",     "Nb.",      "\x81.",       "\x92.",  "\x93.", "\x94.",
        "q\1.", "(.",  "(e.",  "(u.", "(\x90.", "K\1(e.", "](a.",     "((e.",        "](((e.", "\x90.", "\x91."}) {
    CAPTURE(body);
    CHECK(code_of(body) == errc::malformed);
  }
}

TEST_CASE("WrongOperandsAreRefused") {
  for (const std::string body :
       {"NNa.", "N(Ne.", "NNNs.", "}(Nu.", "N(NNu.", "N(N\x90.", ")(Ne.", "NNR.", "]]R.", "NN\x81.", "NNN\x92.",
        "NN\x93.", "K\1\x8c\1a\x93.", "NNb.", "]Nb.", ")Nb.", "\x8f(N\x90N(N\x90."}) {
    CAPTURE(body);
    CHECK(code_of(body) == errc::malformed);
  }
  // Frozen sets take nothing any more.
  CHECK(code_of("(N\x91(N\x90.") == errc::malformed);
}

TEST_CASE("NegativeCountsAreRefused") {
  CHECK(code_of("\x8b\xff\xff\xff\xff.") == errc::malformed);
  CHECK(code_of("T\xff\xff\xff\xff.") == errc::malformed);
}

TEST_CASE("HugeCountsAreRefusedBeforeAnythingIsAllocated") {
  for (const char* opcode : {"B", "X", "T", "\x8b"})
    CHECK(code_of(opcode + "\xff\xff\xff\x7f.."s) == errc::truncated);
  for (const char* opcode : {"\x8d", "\x8e", "\x96", "\x95"}) {
    CHECK(code_of(opcode + number(~std::uint64_t{0}, 8) + ".") == errc::truncated);
    CHECK(code_of(opcode + number(std::uint64_t{1} << 62, 8) + ".") == errc::truncated);
  }
}

TEST_CASE("HugeMemoIndexesAreRefused") {
  CHECK(code_of("Nr\xff\xff\xff\xff.") == errc::malformed);
  CHECK(code_of("Nr\xff\xff\xff\x7f.") == errc::malformed);
  CHECK(code_of("Nj\xff\xff\xff\xff.") == errc::malformed);
  CHECK(code_of("Nh\xff.") == errc::malformed);
  CHECK(code_of("N\x94\x94\x94.", {.max_memo = 2}) == errc::limit_exceeded);
}

TEST_CASE("HugeNamesAreRefused") {
  CHECK(code_of("c" + times(2000, "x") + "\nname\n.") == errc::limit_exceeded);
  CHECK(code_of("c" + times(600, "x") + "\nname\n.") == errc::limit_exceeded);
  CHECK(code_of("cmodule\n" + times(600, "x")) == errc::truncated);
  CHECK(code_of("cmod\xff\nname\n.") == errc::malformed);
  CHECK(code_of("cmod") == errc::truncated);
}

TEST_CASE("MoreValuesThanAllowedAreRefused") {
  CHECK(code_of(times(10, "]0") + "N.", {.max_values = 10}) == errc::io);
  CHECK(code_of(times(11, "]0") + "N.", {.max_values = 10}) == errc::limit_exceeded);
}

TEST_CASE("DeepNestingIsParsedWithoutRecursion") {
  constexpr std::size_t depth = 1'000'000;
  for (const auto& body : {times(depth, "]") + times(depth - 1, "a") + ".", "N" + times(depth, "\x85") + ".",
                           "cx\ny\n" + times(depth, ")R") + ".", times(depth, "(") + times(depth, "t") + "."}) {
    const std::string bytes = "\x80\4" + body;
    const document parsed = petrify::pickle::parse(std::as_bytes(std::span(bytes)));
    walk steps(10 * depth);
    try {
      use(parsed.root(), steps);
    } catch (const error& e) {
      CHECK(e.code() == errc::limit_exceeded);
      CHECK(std::string_view(e.what()) == "values are nested too deep, or contain themselves");
    }
  }
}

TEST_CASE("ValuesThatContainThemselvesAreParsed") {
  const auto parse = [](const std::string& bytes) { return petrify::pickle::parse(std::as_bytes(std::span(bytes))); };
  // l = []; l.append(l)
  const std::string list = "\x80\4]\x94h\0a."s;
  const document list_document = parse(list);
  CHECK(list_document.root()[0].id() == list_document.root().id());
  // t = ([],); t[0].append(t), as Python pickles it
  const std::string tuple = "\x80\4]\x94h\0]0(h\0(h\0t\x94"
                            "1]\x94h\2h\2\x85\x94"
                            "a0h\3."s;
  const document tuple_document = parse(tuple);
  CHECK(tuple_document.root().is(kind::tuple));
  CHECK(tuple_document.root()[0][0].id() == tuple_document.root().id());
  // An object in its own arguments' list and state.
  const std::string object = "\x80\4"
                             "cx\ny\n]\x94\x85R\x94h\0h\1a0h\1b."s;
  const document object_document = parse(object);
  CHECK(object_document.root().state().id() == object_document.root().id());
  CHECK(object_document.root().args()[0][0].id() == object_document.root().id());
  for (const document* each : {&list_document, &tuple_document, &object_document}) {
    walk steps(1000);
    CHECK_THROWS_AS(use(each->root(), steps), error);
  }
}

TEST_CASE("ValuesSharedExponentiallyOftenAreBoundedByAWalk") {
  // 60 lists, each with the one before twice.
  const std::string bytes = "\x80\4]\x94" + [] {
    std::string body;
    for (std::uint64_t i = 0; i < 60; ++i)
      body += "]\x94(h" + number(i, 1) + "h" + number(i, 1) + "e";
    return body;
  }() + ".";
  const document parsed = petrify::pickle::parse(std::as_bytes(std::span(bytes)));
  walk steps(10 * parsed.num_values());
  try {
    use(parsed.root(), steps);
    FAIL("walked");
  } catch (const error& e) {
    CHECK(std::string_view(e.what()) == "values are shared so often that nobody could visit them all");
  }
}

TEST_CASE("TextDecodedOverAndOverCostsNothing") {
  // One megabyte of text, turned into bytes 100 000 times.
  const std::string utf8 = times(500'000, "\xc3\xbf");
  const std::string bytes = "\x80\2"
                            "c_codecs\nencode\nq\0X"s +
                            number(utf8.size(), 4) + utf8 + "\x8c\6latin1\x86q\1]" + times(100'000, "h\0h\1Ra"s) + ".";
  const document parsed = petrify::pickle::parse(std::as_bytes(std::span(bytes)));
  REQUIRE(parsed.root().size() == 100'000);
  CHECK(parsed.root()[0].as_bytes()->size() == 500'000);
  CHECK(parsed.root()[0].as_bytes()->data() == parsed.root()[99'999].as_bytes()->data());
}

TEST_CASE("ScalarTextDecodedOverAndOverIsBounded") {
  const std::string scalar = "cnumpy.core.multiarray\nscalar\nq\0"s;
  const std::string dtype = "cnumpy\ndtype\n\x8c\4U100\x85R(K\3\x8c\1<NNNJ\x90\1\0\0K\4K\x08tbq\1"s;
  std::string text(400, '\0');
  for (std::size_t i = 0; i < 400; i += 4)
    text[i] = 'x';
  const std::string body = "]" + scalar + dtype + "B" + number(400, 4) + text +
                           "q\2"
                           "000" +
                           times(50'000, "h\0h\1h\2\x86Ra"s) + ".";
  CHECK(code_of(body) == errc::limit_exceeded);
}

TEST_CASE("ScalarTextThatDecodesToNothingIsBounded") {
  const std::string start =
      "]cnumpy.core.multiarray\nscalar\nq\0cnumpy\ndtype\n\x8c\6U10000\x85R(K\3\x8c\1<NNNJ\x40\x9c\0\0K\4K\x08tbq\1B"s;
  const std::string body = start + number(40'000, 4) + std::string(40'000, '\0') +
                           "q\2"
                           "000" +
                           times(100'000, "h\0h\1h\2\x86Ra"s) + ".";
  CHECK(code_of(body) == errc::limit_exceeded);
}

TEST_CASE("HugeDescriptionsOfJoblibArraysAreRefused") {
  CHECK(code_of("cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(" + times(33, "K\1N") + "ub.") == errc::malformed);
  CHECK(code_of("cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81Nb.") == errc::malformed);
}

TEST_CASE("BigDictsOfLongKeysAreStillSearched") {
  // All keys are the same two long texts, which no look-up by a short name should have to compare.
  const std::string head = times(100'000, "x");
  const std::string start = "X" + number(head.size() + 1, 4) + head;
  const std::string body = start + "aq\0"s + start +
                           "bq\1"
                           "00}(" +
                           times(50'000, "h\0Nh\1N"s) + "\x8c\4nameK\7u.";
  const std::string bytes = "\x80\4" + body;
  const document parsed = petrify::pickle::parse(std::as_bytes(std::span(bytes)));
  CHECK(parsed.root().size() == 100'001);
  CHECK(parsed.root().find("name")->as_int() == 7);
  CHECK(parsed.root().find(head + "b")->is_none());
  CHECK_FALSE(parsed.root().find(head + "c").has_value());
}

TEST_CASE("ElementTypesThatNobodyKnowsAreBounded") {
  const std::string start = "cnumpy\ndtype\nq\0\x8c\2z8\x85q\1"s;
  CHECK(code_of(start + times(50'000, "h\0h\1R"s) + ".") == errc::io);
  const std::string scalar = "cnumpy.core.multiarray\nscalar\nq\2"s;
  CHECK(code_of(start + scalar + times(50'000, "h\2h\0h\1RN\x86R"s) + ".") == errc::limit_exceeded);
}

TEST_CASE("SharedListsCannotBeCopiedOverAndOver") {
  // A set made of a long list is a view of it, and takes no more.
  const std::string items = "]q\0(" + times(1000, "N") + "e";
  CHECK(code_of(items + "cbuiltins\nset\nh\0\x85R(N\x90."s) == errc::malformed);
}

TEST_CASE("ManyFieldsOfManyTypesAreBounded") {
  // One state of 1000 fields for 10 000 element types, each used for an array.
  std::string fields = "}q\1(";
  std::string names = "(";
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "\x8c\4" + std::to_string(1000 + i);
    names += name;
    fields += name + "h\0K\0\x86"s;
  }
  const std::string u1 = "cnumpy\ndtype\n\x8c\2u1\x85R(K\3\x8c\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tbq\0"s;
  const std::string state = "(K\3\x8c\1|N" + names + "t" + fields + "uK\1K\1K\0tq\2"s;
  const std::string scalar = "cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n\x8c\2V1\x85Rh\2bC\1a\x86R0"s;
  CHECK(code_of(u1 + "0" + state + "0" + times(10'000, scalar) + "N.") == errc::limit_exceeded);
}

TEST_CASE("ObjectsTakeTheirStateOnce") { CHECK(code_of("cx\ny\n)\x81}b}b.") == errc::not_importable); }
