// safetensors files: what the library wrote, the same bytes from petrify, and files that lie.
#include "import/imported.hpp"
#include "import/safetensors.hpp"
#include "support/support.hpp"

#include <petrify/file.hpp>
#include <petrify/import.hpp>
#include <petrify/safetensors.hpp>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace petrify;
using namespace petrify::test;
using bytes = std::vector<std::byte>;

const std::string numpy_folder = PETRIFY_TEST_DATA "/arrays/numpy-2.4/";
const std::string folder = numpy_folder + "safetensors/";

// Header and data, put together.
bytes file_of(std::string_view header, std::size_t data_bytes = 0) {
  bytes out(8 + header.size() + data_bytes);
  const std::uint64_t length = header.size();
  std::memcpy(out.data(), &length, 8);
  std::memcpy(out.data() + 8, header.data(), header.size());
  return out;
}

std::string entry(std::string_view name, std::string_view type, std::string_view shape, std::string_view offsets) {
  return "\"" + std::string(name) + "\":{\"dtype\":\"" + std::string(type) + "\",\"shape\":" + std::string(shape) +
         ",\"data_offsets\":" + std::string(offsets) + "}";
}

std::vector<named_array> arrays_of(const file& from) {
  std::vector<named_array> out;
  for (const object_info& object : from.objects())
    if (object.kind == "array")
      out.push_back({object.name, from.array(object.name)});
  return out;
}

std::optional<safetensors_metadata> metadata_of(const file& from) {
  for (const object_info& object : from.objects())
    if (object.name == "__metadata__") {
      const value_view value = from.value(object.name);
      safetensors_metadata out;
      for (const auto& [key, text] : value.entries())
        out.emplace_back(*key.as_text(), *text.as_text());
      return out;
    }
  return std::nullopt;
}

} // namespace

TEST_CASE("TensorsAreWhatNumpySavedAlone") {
  const temp_dir dir;
  const file made = imported(dir, folder + "all.safetensors");
  CHECK(made.objects().size() == 39);
  std::size_t num_compared = 0;
  for (const object_info& object : made.objects()) {
    CAPTURE(object.name);
    const std::string name = object.name == "größe/猫" ? "other_letters" : object.name;
    if (object.kind != "array" || !std::filesystem::exists(numpy_folder + name + ".npy"))
      continue;
    const npy_file alone(numpy_folder + name + ".npy");
    const any_array seen = made.array(object.name);
    CHECK(seen.type() == alone.array().type());
    CHECK(std::ranges::equal(seen.shape(), alone.array().shape()));
    if (alone.array().order() == axis_order::row_major)
      CHECK(std::ranges::equal(seen.bytes(), alone.array().bytes()));
    ++num_compared;
  }
  CHECK(num_compared == 36);
  CHECK(made.array("bfloat16").type() == dtype::bfloat16);
  const npy_file bits(folder + "bfloat16.npy");
  CHECK(std::ranges::equal(made.array("bfloat16").bytes(), bits.array().bytes()));
  const npy_file turned(numpy_folder + "column_major.npy");
  CHECK(made.array("column_major").as<float>()(2, 1) == turned.array().as<float>()(2, 1));
  CHECK(made.value("__metadata__").at("format").as_text() == "np \"größe\"\n");
}

TEST_CASE("FilesOfTheLibraryAreWrittenBackByteForByte") {
  for (const char* name : {"all", "plain", "empty_texts", "none"}) {
    CAPTURE(name);
    const temp_dir dir;
    const std::string path = folder + name + ".safetensors";
    const file made = imported(dir, path);
    write_safetensors(dir.path("back.safetensors"), arrays_of(made), metadata_of(made));
    CHECK(read_bytes(dir.path("back.safetensors")) == read_bytes(path));
  }
}

TEST_CASE("TextsOfMetadataMayHaveAnEmptyKey") {
  const temp_dir dir;
  // As safetensors.numpy.save({}, {"": "nameless"}) of 0.8.0 gives it.
  const std::string path = dir.path("nameless.safetensors");
  write_bytes(path, file_of("{\"__metadata__\":{\"\":\"nameless\"}}"));
  const file made = imported(dir, path);
  CHECK(*metadata_of(made) == safetensors_metadata{{"", "nameless"}});
  write_safetensors(dir.path("back.safetensors"), arrays_of(made), metadata_of(made));
  CHECK(read_bytes(dir.path("back.safetensors")) == read_bytes(path));
}

TEST_CASE("ColumnMajorArraysAreTurnedWhileTheyAreWritten") {
  const temp_dir dir;
  // As the library wrote them: from row-major copies.
  const file expected = imported(dir, folder + "all.safetensors");
  for (const char* name : {"column_major", "column_major_3d"}) {
    const npy_file turned(numpy_folder + name + ".npy");
    REQUIRE(turned.array().order() == axis_order::column_major);
    const named_array list[] = {{name, turned.array()}};
    write_safetensors(dir.path("turned.safetensors"), list);
    const bytes file = read_bytes(dir.path("turned.safetensors"));
    const auto tensors = safetensors::parse(file).tensors;
    REQUIRE(tensors.size() == 1);
    CHECK(std::ranges::equal(tensors[0].bytes, expected.array(name).bytes()));
  }
}

TEST_CASE("LargeColumnMajorArraysAreTurnedPieceByPiece") {
  const temp_dir dir;
  // Rows that fit in a piece, several at a time; rows that do not; few long columns.
  const std::vector<std::uint64_t> shapes[] = {{3000, 7, 100}, {3, 1500, 1000}, {1000000, 3}};
  for (const auto& shape : shapes) {
    std::uint64_t count = 1;
    for (const std::uint64_t extent : shape)
      count *= extent;
    std::vector<std::uint32_t> values(count);
    for (std::uint64_t i = 0; i < count; ++i)
      values[i] = static_cast<std::uint32_t>(i * 2654435761u);
    const extents places(shape, axis_order::column_major);
    const any_array array(dtype::uint32, axis_order::column_major, places, 4, std::as_bytes(std::span(values)), {});
    const named_array list[] = {{"x", array}};
    write_safetensors(dir.path("x.safetensors"), list);
    const bytes file = read_bytes(dir.path("x.safetensors"));
    const auto tensors = safetensors::parse(file).tensors;
    REQUIRE(tensors[0].bytes.size() == 4 * count);
    const extents rows(shape);
    std::uint64_t wrong = 0;
    std::vector<std::uint64_t> index(shape.size());
    for (std::uint64_t i = 0; i < count; ++i) {
      std::uint32_t seen = 0;
      std::memcpy(&seen, tensors[0].bytes.data() + 4 * i, 4);
      wrong += seen != values[static_cast<std::size_t>(places.offset(index))];
      for (std::size_t axis = shape.size(); axis-- != 0 && ++index[axis] == shape[axis];)
        index[axis] = 0;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("TensorsNeedNotBeAlignedNorInOrder") {
  const temp_dir dir;
  const file made = imported(dir, folder + "odd.safetensors");
  CHECK(made.array<double>("late")(0) == 0.5);
  CHECK(made.array<double>("late")(1) == -2.0);
  CHECK(made.array<std::uint8_t>("early")(4) == 5);
  CHECK(*metadata_of(made) == safetensors_metadata{{"one", "1"}, {"two", "2"}, {"empty", ""}});
}

TEST_CASE("NamesOfTensorsAndTextsBeginWithTheNameThatIsGiven") {
  const temp_dir dir;
  import_options options;
  options.name = "encoder";
  const file made = imported(dir, folder + "odd.safetensors", options);
  CHECK(made.array("encoder/late").size() == 2);
  CHECK(made.value("encoder/__metadata__").at("two").as_text() == "2");
}

TEST_CASE("AHeaderWhoseLengthBeginsLikeACompressedStreamOrAPickleIsStillFound") {
  const temp_dir dir;
  // 78 01, 78 5e: zlib; 80 02: a pickle; 1f 8b: gzip.
  for (const std::size_t length : {0x0178u, 0x5e78u, 0x0280u, 0x8b1fu}) {
    std::string header = "{" + entry("a", "U8", "[3]", "[0,3]") + "}";
    header.resize(length, ' ');
    CHECK_NOTHROW(import_only(dir, file_of(header, 3)));
  }
}

TEST_CASE("TypesThatPetrifyDoesNotHaveAreRefusedByName") {
  const temp_dir dir;
  for (const auto& [name, code] : {std::pair{"float8_e4m3fn", "F8_E4M3"}, {"float8_e5m2", "F8_E5M2"}}) {
    const auto failure = error_of([&] { imported(dir, numpy_folder + "refused/" + name + ".safetensors"); });
    REQUIRE(failure);
    CHECK(failure->code() == errc::not_importable);
    CHECK(failure->where() == "header tensor \"layer.weight\"");
    CHECK(failure->message().starts_with(std::string("holds \"") + code + "\", expected BOOL, U8 to U64"));
    CHECK(failure->message().ends_with("petrify has no floats of 8 bits and fewer"));
  }
  CHECK_REFUSED(import_only(dir, file_of("{" + entry("a", "F128", "[1]", "[0,16]") + "}", 16)), errc::not_importable,
                "holds \"F128\"");
  std::string shape = "[1";
  for (int axis = 1; axis < 33; ++axis)
    shape += ",1";
  CHECK_REFUSED(import_only(dir, file_of("{" + entry("a", "U8", shape + "]", "[0,1]") + "}", 1)), errc::not_importable,
                "33 axes");
}

TEST_CASE("WhatTheFormatCannotHoldIsRefusedBeforeAnythingIsWritten") {
  const temp_dir dir;
  const std::string path = dir.path("no.safetensors");
  const auto refused = [&](std::vector<named_array> tensors, const std::optional<safetensors_metadata>& texts = {}) {
    const auto failure = error_of([&] { write_safetensors(path, tensors, texts); });
    REQUIRE(failure);
    CHECK(failure->path() == path);
    CHECK(dir.list().empty());
    return std::string(failure->what());
  };
  const npy_file wide(numpy_folder + "complex128.npy");
  const npy_file texts(numpy_folder + "text.npy");
  const npy_file items(numpy_folder + "fixed_bytes.npy");
  const npy_file good(numpy_folder + "float32.npy");
  CHECK(refused({{"g", good.array()}, {"x", wide.array()}})
            .ends_with("array \"x\": safetensors has no type for complex128"));
  CHECK(refused({{"x", texts.array()}}).ends_with("no type for string"));
  CHECK(refused({{"x", items.array()}}).ends_with("no type for bytes"));
  CHECK(refused({{"__metadata__", good.array()}}).ends_with("has the name that the format keeps for itself"));
  CHECK(refused({{"g", good.array()}, {"g", good.array()}}).ends_with("expected each name once"));
  CHECK(refused({{"", good.array()}}).find("name of 0 bytes") != std::string::npos);
  CHECK(refused({{"g", good.array()}}, {{{"a", "\xff"}}}).find("metadata \"a\"") != std::string::npos);
  CHECK(refused({{"g", good.array()}}, {{{"a", "1"}, {"a", "2"}}}).find("metadata \"a\"") != std::string::npos);
}

TEST_CASE("TensorsMustFillTheFileWithoutHolesAndWithoutSharingBytes") {
  const temp_dir dir;
  const auto both = [](std::string_view first, std::string_view second) {
    return "{" + entry("a", "U8", "[4]", first) + "," + entry("b", "U8", "[4]", second) + "}";
  };
  CHECK_NOTHROW(import_only(dir, file_of(both("[0,4]", "[4,8]"), 8)));
  CHECK_NOTHROW(import_only(dir, file_of(both("[4,8]", "[0,4]"), 8)));
  CHECK_REFUSED(import_only(dir, file_of(both("[0,4]", "[5,9]"), 9)), errc::malformed,
                "tensor \"b\": begins at 5, expected at 4, where the one before it ends");
  CHECK_REFUSED(import_only(dir, file_of(both("[0,4]", "[3,7]"), 7)), errc::malformed, "begins at 3, expected at 4");
  CHECK_REFUSED(import_only(dir, file_of(both("[0,4]", "[0,4]"), 4)), errc::malformed, "begins at 0, expected at 4");
  CHECK_REFUSED(import_only(dir, file_of(both("[1,5]", "[5,9]"), 9)), errc::malformed, "begins at 1, expected at 0");
  CHECK_REFUSED(import_only(dir, file_of(both("[0,4]", "[4,8]"), 7)), errc::truncated,
                "the file has 7 bytes of tensors, expected 8: a download or copy may have been cut off");
  CHECK_REFUSED(import_only(dir, file_of(both("[0,4]", "[4,8]"), 9)), errc::malformed,
                "1 bytes follow the last tensor");
  CHECK_REFUSED(import_only(dir, file_of("{}", 1)), errc::malformed, "1 bytes follow the last tensor");
}

TEST_CASE("SizesMustBeThoseOfTypeAndShape") {
  const temp_dir dir;
  const auto message = [&](std::string_view shape, std::string_view offsets) {
    const auto failure =
        error_of([&] { import_only(dir, file_of("{" + entry("a", "F32", shape, offsets) + "}", 16)); });
    REQUIRE(failure);
    CHECK(failure->code() == errc::malformed);
    return failure->message();
  };
  CHECK(message("[3]", "[0,16]") == "data_offsets from 0 to 16, expected 12 bytes for its type and shape");
  CHECK(message("[]", "[0,16]") == "data_offsets from 0 to 16, expected 4 bytes for its type and shape");
  CHECK(message("[4294967296,4294967296]", "[0,16]").find("fewer than 2^63") != std::string::npos);
  CHECK(message("[4]", "[16,0]") == "data_offsets is an array of 2 numbers, expected begin and end");
  CHECK(message("[4]", "[0]") == "data_offsets is an array of 1 numbers, expected begin and end");
  CHECK(message("[4]", "[0,16,16]").find("expected begin and end") != std::string::npos);
  CHECK(message("[4]", "[0,18446744073709551615]").find("expected begin and end") != std::string::npos);
  CHECK(message("[4.0]", "[0,16]").find("expected whole numbers from 0 on") != std::string::npos);
  CHECK(message("[-4]", "[0,16]").find("expected whole numbers from 0 on") != std::string::npos);
  CHECK(message("[\"4\"]", "[0,16]").find("expected whole numbers from 0 on") != std::string::npos);
  CHECK(message("4", "[0,16]") == "shape is 4, expected whole numbers from 0 on");
}

TEST_CASE("HeadersThatAreNoneAreRefused") {
  const temp_dir dir;
  const auto refused = [&](std::string_view header, const char* part) {
    CAPTURE(header);
    CHECK_REFUSED(import_only(dir, file_of(header)), errc::malformed, part);
  };
  refused("{\"a\":1}", "tensor \"a\": is 1, expected a dict of dtype, shape and data_offsets");
  refused("{\"a\":{\"shape\":[],\"data_offsets\":[0,0]}}", "dtype is missing");
  refused("{\"a\":{\"dtype\":1,\"shape\":[],\"data_offsets\":[0,0]}}", "dtype is 1");
  refused("{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,0]}}", "shape is missing");
  refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[0]}}", "data_offsets is missing");
  refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0],\"x\":1}}", "has a field \"x\"");
  refused("{" + entry("a", "U8", "[0]", "[0,0]") + "," + entry("a", "U8", "[0]", "[0,0]") + "}", "is given twice");
  refused("{\"__metadata__\":{},\"__metadata__\":{}}", "is given twice");
  refused("{\"__metadata__\":1}", "header __metadata__: is 1, expected a dict of texts");
  refused("{\"__metadata__\":{\"a\":1}}", "header __metadata__ key \"a\": is 1, expected a text");
  refused("{\"a\":}", "no JSON");
  refused("{\"\\ud800\":1}", "header");
  refused("{\"\xff\":1}", "no JSON");
  refused("{} {}", "no JSON");
  std::string deep = "{\"a\":";
  deep += std::string(100000, '[');
  refused(deep, "nested more than");
  CHECK_REFUSED(import_only(dir, file_of("{" + entry(std::string(1025, 'n'), "U8", "[0]", "[0,0]") + "}")),
                errc::not_importable, "name of 1025 bytes");
}

TEST_CASE("LengthsOfHeadersAreChecked") {
  const temp_dir dir;
  import_options options;
  options.from = import_format::safetensors;
  bytes file = file_of("{}      ");
  const auto with_length = [&](std::uint64_t length) {
    bytes out = file;
    std::memcpy(out.data(), &length, 8);
    return out;
  };
  CHECK_REFUSED(import_only(dir, with_length(9)), errc::truncated,
                "header of 9 bytes, but the file ends after 8: a download or copy may have been cut off");
  CHECK_REFUSED(import_only(dir, with_length(100'000'000)), errc::truncated, "header of 100000000 bytes");
  CHECK_REFUSED(import_only(dir, with_length(100'000'001), options), errc::malformed, "no safetensors file");
  CHECK_REFUSED(import_only(dir, with_length(~std::uint64_t{0}), options), errc::malformed, "no safetensors file");
  CHECK_REFUSED(import_only(dir, with_length(1)), errc::truncated, "no JSON");
  CHECK_REFUSED(import_only(dir, with_length(0)), errc::truncated, "no JSON");
}

TEST_CASE("AGitLfsPointerIsCalledOne") {
  const temp_dir dir;
  const std::string_view pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
  import_options options;
  for (const auto from : {import_format::automatic, import_format::safetensors}) {
    options.from = from;
    const auto failure = error_of([&] { import_only(dir, std::as_bytes(std::span(pointer)), options); });
    REQUIRE(failure);
    CHECK(failure->message().find("which is a git-lfs pointer: the file itself was never fetched") !=
          std::string::npos);
  }
}

TEST_CASE("AHundredThousandTensorsAreRead") {
  std::string header = "{";
  for (int i = 0; i < 100000; ++i)
    header += (i == 0 ? "" : ",") +
              entry("t" + std::to_string(i), "U8", "[]", "[" + std::to_string(i) + "," + std::to_string(i + 1) + "]");
  const temp_dir dir;
  const bytes all = file_of(header + "}", 100000);
  CHECK(safetensors::parse(all).tensors.size() == 100000);
  CHECK_NOTHROW(import_only(dir, all));
}

TEST_CASE("ASafetensorsFileThatIsCutAnywhereIsRefused") {
  const temp_dir dir;
  for (const char* name : {"plain", "odd"}) {
    const bytes good = read_bytes(folder + name + ".safetensors");
    for (std::size_t size = 0; size < good.size(); ++size) {
      CAPTURE(size);
      const auto failure = error_of([&] { import_only(dir, std::span(good).first(size)); });
      REQUIRE(failure);
      if (size >= 10)
        CHECK(std::string(failure->what()).find("cut off") != std::string::npos);
    }
  }
}

TEST_CASE("ASafetensorsFileWithAnyByteChangedIsRefusedOrReadAsAFileThatIsSound") {
  const temp_dir dir;
  for (const char* name : {"plain", "odd"}) {
    const bytes good = read_bytes(folder + name + ".safetensors");
    std::uint64_t length = 0;
    std::memcpy(&length, good.data(), 8);
    std::size_t refused = 0;
    for (std::size_t at = 0; at < 8 + length; ++at)
      for (const unsigned change : {0x01u, 0x80u, 0xffu}) {
        bytes bad = good;
        bad[at] ^= static_cast<std::byte>(change);
        refused += error_of([&] { import_only(dir, bad); }) ? 1 : 0;
      }
    // Names and texts may be others; nothing else may.
    CHECK(refused > length * 2);
  }
}
