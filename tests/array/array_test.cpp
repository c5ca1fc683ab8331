#include "support/reseal.hpp"
#include "support/support.hpp"

#include "container/directory.hpp"

#include <petrify/file.hpp>
#include <petrify/writer.hpp>

#include <complex>
#include <fstream>
#include <numeric>

using namespace petrify;
using namespace petrify::test;

namespace {

// Writes one file and opens it.
struct round_trip {
  temp_dir dir;
  std::string path = dir.path("f.stone");

  template <class F>
  file operator()(F&& add) {
    writer out(path);
    add(out);
    out.commit();
    return file::open(path);
  }
};

template <class T>
std::vector<T> some_values() {
  std::vector<T> out(24);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(&i);
    if constexpr (std::is_arithmetic_v<T>)
      out[i] = static_cast<T>(i * 5 + 1);
    else
      std::memcpy(static_cast<void*>(&out[i]), bytes, std::min(sizeof(T), sizeof i));
  }
  return out;
}

template <class T>
void check_type() {
  round_trip trip;
  const std::vector<T> values = some_values<T>();
  const file from = trip([&](writer& out) {
    out.add("flat", values);
    out.add<T>("cube", values, {2, 3, 4});
    out.add<T>("fortran", values, {2, 3, 4}, axis_order::column_major);
    out.add<T>("empty", {}, {0, 7});
    out.add<T>("scalar", std::span(values).first(1), {});
  });
  CHECK(from.verify().empty());
  const auto cube = from.array<T>("cube");
  CHECK(std::memcmp(cube.data(), values.data(), values.size() * sizeof(T)) == 0);
  CHECK(std::vector<std::uint64_t>(cube.shape().begin(), cube.shape().end()) == std::vector<std::uint64_t>{2, 3, 4});
  CHECK(std::memcmp(&cube(1, 2, 3), &values[23], sizeof(T)) == 0);
  CHECK(std::memcmp(&cube(1, 0, 2), &values[14], sizeof(T)) == 0);
  const auto fortran = from.array<T>("fortran");
  CHECK(std::memcmp(&fortran(1, 2, 3), &values[1 + 2 * 2 + 3 * 6], sizeof(T)) == 0);
  CHECK(from.array<T>("empty").size() == 0);
  CHECK(from.array<T>("scalar").rank() == 0);
  CHECK(std::memcmp(&from.array<T>("scalar")(), &values[0], sizeof(T)) == 0);
  CHECK(from.array("flat").type() == dtype_of<T>);
}

std::pair<std::uintptr_t, std::uintptr_t> mapping_of(const std::string& path) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.ends_with(path)) {
      const std::size_t dash = line.find('-');
      return {std::stoull(line.substr(0, dash), nullptr, 16), std::stoull(line.substr(dash + 1), nullptr, 16)};
    }
  return {0, 0};
}

} // namespace

TEST_CASE_TEMPLATE("EveryElementTypeComesBackAsItWent", T, bool8, std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                   std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t, float16, bfloat16, float, double,
                   std::complex<float>, std::complex<double>) {
  check_type<T>();
}

TEST_CASE("ViewsLieInsideTheMapping") {
  round_trip trip;
  const file from = trip([](writer& out) {
    out.add("small", std::vector<float>(3));
    out.add("large", std::vector<double>(1 << 20));
    out.add("words", std::vector<std::string>{"a", "b"});
  });
  const auto [begin, end] = mapping_of(trip.path);
  REQUIRE(begin != 0);
  const auto inside = [&, begin = begin, end = end](const void* data, std::size_t size) {
    const auto at = reinterpret_cast<std::uintptr_t>(data);
    return at >= begin && at + size <= end;
  };
  CHECK(inside(from.array<float>("small").data(), 12));
  CHECK(inside(from.array<double>("large").data(), 8 << 20));
  const string_array words = from.strings("words");
  CHECK(inside(words[1].data(), 1));
}

TEST_CASE("ViewsOutliveTheFileTheyCameFromAsLongAsACopyLives") {
  round_trip trip;
  auto from = std::make_unique<file>(trip([](writer& out) { out.add("a", std::vector<int>{1, 2, 3}); }));
  const file copy = *from;
  const auto view = from->array<int>("a");
  from.reset();
  CHECK(view(2) == 3);
}

TEST_CASE("StringsOfAnyShape") {
  round_trip trip;
  const std::vector<std::string_view> words{"", "b", "caf\xc3\xa9", std::string_view("nul\0inside", 10), "e", ""};
  const std::uint64_t shape[] = {2, 3};
  const file from = trip([&](writer& out) {
    out.add_strings("grid", words, shape);
    out.add("list", std::vector<std::string>{"x", "yz"});
    out.add("none", std::vector<std::string>{});
    out.add("literals", std::array<const char*, 2>{"one", "two"});
  });
  CHECK(from.verify().empty());
  const string_array grid = from.strings("grid");
  CHECK(grid.rank() == 2);
  for (std::size_t i = 0; i < words.size(); ++i)
    CHECK(grid[i] == words[i]);
  CHECK_REFUSED(grid[6], errc::invalid_argument, "6, expected less than 6");
  CHECK(from.strings("none").size() == 0);
  CHECK(from.strings("literals")[1] == "two");
  CHECK_REFUSED(from.array<float>("grid"), errc::wrong_type, "elements are of type string, expected float32");
}

TEST_CASE("FixedBytesAreItems") {
  round_trip trip;
  const std::string items = "abcdefghijkl";
  const std::uint64_t shape[] = {4};
  const file from = trip([&](writer& out) { out.add_fixed_bytes("keys", 3, std::as_bytes(std::span(items)), shape); });
  const any_array keys = from.array("keys");
  CHECK(keys.item_size_bytes() == 3);
  CHECK(std::memcmp(keys.item(2).data(), "ghi", 3) == 0);
  CHECK(keys.item(2).size() == 3);
  CHECK_REFUSED(keys.item(4), errc::invalid_argument, "4, expected less than 4");
  CHECK_REFUSED(from.array<std::uint8_t>("keys"), errc::wrong_type, "elements are of type bytes, expected uint8");
}

TEST_CASE("TypesAreNotConverted") {
  round_trip trip;
  const file from = trip([](writer& out) { out.add("a", std::vector<float>{1}); });
  CHECK_REFUSED(from.array<double>("a"), errc::wrong_type,
                trip.path + ": object \"a\": elements are of type float32, expected float64");
  CHECK_REFUSED(from.strings("a"), errc::wrong_type, "expected string");
}

TEST_CASE("CheckedAccessRefusesWhatIsOutside") {
  round_trip trip;
  const file from = trip([](writer& out) { out.add<int>("a", std::vector<int>(6), {2, 3}); });
  const auto a = from.array<int>("a");
  CHECK(a.at(1, 2) == 0);
  CHECK_REFUSED(a.at(2, 0), errc::invalid_argument, "index 0: 2, expected less than 2");
  CHECK_REFUSED(a.at(0, 3), errc::invalid_argument, "index 1: 3, expected less than 3");
  CHECK_REFUSED(a.at(0), errc::invalid_argument, "1 indices, expected 2");
}

TEST_CASE("StreamsGrowAlongTheFirstAxis") {
  round_trip trip;
  const file from = trip([](writer& out) {
    auto rows = out.stream<float>("rows", {3});
    std::vector<float> piece(3 * 7001);
    for (int i = 0; i < 20; ++i) {
      std::iota(piece.begin(), piece.end(), static_cast<float>(i) * 21003.0f);
      rows.append(std::span(piece).first(2)); // rows may come in pieces
      rows.append(std::span(piece).subspan(2));
    }
    rows.finish();
    auto none = out.stream<double>("none");
    none.finish();
    out.add("after", std::vector<int>{1});
  });
  CHECK(from.verify().empty());
  const auto rows = from.array<float>("rows");
  CHECK(rows.shape()[0] == 20 * 7001);
  CHECK(rows(20 * 7001 - 1, 2) == 20 * 21003 - 1);
  CHECK(rows.elements()[12345] == 12345);
  CHECK(from.array<double>("none").shape()[0] == 0);
}

TEST_CASE("BytesOfAKnownShapeMayComeInPieces") {
  std::vector<std::uint16_t> values(3 * 50'000);
  std::iota(values.begin(), values.end(), std::uint16_t{0});
  const auto all = std::as_bytes(std::span(values));
  const std::uint64_t shape[] = {3, 50'000};
  round_trip trip;
  const file from = trip([&](writer& out) {
    auto turned = out.stream_bytes("turned", dtype::uint16, 0, shape, axis_order::column_major);
    turned.append(all.first(7)); // not even elements need be whole
    turned.append(all.subspan(7));
    turned.finish();
    auto items = out.stream_bytes("items", dtype::fixed_bytes, 5, {}, axis_order::row_major);
    items.append(all.first(5));
    items.finish();
    out.add("after", std::vector<int>{1});
  });
  CHECK(from.verify().empty());
  const auto turned = from.array<std::uint16_t>("turned");
  CHECK(turned.strides()[1] == 3);
  CHECK(turned(2, 1000) == 3002);
  CHECK(from.array("items").item(0).size() == 5);
}

TEST_CASE("BytesOfAKnownShapeMustBeAsManyAsItSays") {
  const temp_dir dir;
  const std::vector<std::byte> six(6);
  const std::uint64_t shape[] = {2, 4};
  {
    writer made(dir.path("f.stone"));
    auto stream = made.stream_bytes("s", dtype::uint8, 0, shape, axis_order::row_major);
    stream.append(six);
    CHECK_REFUSED(made.add("b", std::vector<int>{1}), errc::invalid_argument, "stream \"s\": is still open");
    CHECK_REFUSED(stream.append(six), errc::invalid_argument, "6 + 6 bytes, expected 8 for the shape");
    CHECK_REFUSED(stream.finish(), errc::invalid_argument, "6 bytes, expected 8 for the shape");
    CHECK_REFUSED(made.commit(), errc::invalid_argument, "is still open");
    // What was too much was not taken.
    stream.append(std::span(six).first(2));
    stream.finish();
    made.commit();
  }
  writer out(dir.path("f.stone"));
  const std::uint64_t large[] = {std::uint64_t{1} << 40, std::uint64_t{1} << 40};
  CHECK_REFUSED((void)out.stream_bytes("s", dtype::uint8, 0, large, axis_order::row_major), errc::invalid_argument,
                "fewer than 2^63");
  CHECK_REFUSED((void)out.stream_bytes("s", dtype::string, 0, shape, axis_order::row_major), errc::invalid_argument,
                "strings given as bytes");
  CHECK_REFUSED((void)out.stream_bytes("", dtype::uint8, 0, shape, axis_order::row_major), errc::invalid_argument,
                "name of 0 bytes");
}

TEST_CASE("WriterRefusesMisuse") {
  const temp_dir dir;
  writer out(dir.path("f.stone"));
  const std::vector<float> six(6);
  CHECK_REFUSED(out.add<float>("a", six, {2, 4}), errc::invalid_argument,
                "24 bytes of float32, expected 32 for the shape");
  CHECK_REFUSED(out.add<float>("a", six, {std::uint64_t{1} << 40, std::uint64_t{1} << 40}), errc::invalid_argument,
                "fewer than 2^63");
  CHECK_REFUSED(out.add<float>("a", std::span(six).first(1), std::vector<std::uint64_t>(33, 1)), errc::invalid_argument,
                "33 axes, expected at most 32");
  CHECK_REFUSED(out.add("", six), errc::invalid_argument, "name of 0 bytes");
  CHECK_REFUSED(out.add("\xff", six), errc::invalid_argument, "not valid UTF-8");
  CHECK_REFUSED(out.add("texts", std::vector<std::string>{"ok", "\xff"}), errc::invalid_argument, "string 1");
  out.add("a", six);
  CHECK_REFUSED(out.add("a", six), errc::invalid_argument, "object \"a\": name is taken already");
  auto stream = out.stream<float>("s", {4});
  CHECK_REFUSED(out.add("b", six), errc::invalid_argument, "stream \"s\": is still open");
  CHECK_REFUSED(out.commit(), errc::invalid_argument, "is still open");
  stream.append(six);
  CHECK_REFUSED(stream.finish(), errc::invalid_argument, "ends inside a row: 24 bytes, expected a multiple of 16");
}

TEST_CASE("WriterIsDoneAfterCommit") {
  const temp_dir dir;
  writer out(dir.path("f.stone"));
  out.commit();
  CHECK_REFUSED(out.commit(), errc::invalid_argument, "was committed already");
  CHECK(file::open(dir.path("f.stone")).objects().empty());
}

TEST_CASE("AbandonedWriterLeavesNothing") {
  const temp_dir dir;
  {
    writer out(dir.path("f.stone"));
    out.add("a", std::vector<double>(1 << 20));
  }
  CHECK(dir.list().empty());
}

TEST_CASE("ArraysGoFromFileToFile") {
  round_trip trip;
  const file from = trip([](writer& out) {
    out.add<int>("a", std::vector<int>{1, 2, 3, 4, 5, 6}, {2, 3}, axis_order::column_major);
    out.add("w", std::vector<std::string>{"x", "yz"});
    const std::uint64_t two = 2;
    out.add_fixed_bytes("f", 3, std::as_bytes(std::span("abcdef", 6)), {&two, 1});
  });
  round_trip second;
  const file copy = second([&](writer& out) {
    for (const object_info& object : from.objects())
      out.add(object.name, from.array(object.name));
  });
  CHECK(read_bytes(trip.path) == read_bytes(second.path));
}

TEST_CASE("DescriptionsThatDoNotFitTheirSegmentsAreRefused") {
  round_trip trip;
  const file made = trip([](writer& out) {
    out.add("a", std::vector<float>{1, 2, 3});
    out.add("w", std::vector<std::string>{"a", "", "bcd"});
  });
  std::vector<std::byte> bytes = read_bytes(trip.path);
  const auto with = [&](array_description a, array_description w) {
    directory_builder b;
    b.add_array("a", 0, a);
    b.add_array("w", 1, w);
    replace_directory(bytes, b.finish(std::vector<extent>{{128, 12}, {192, 24}, {256, 4}}, {320, 24}, 0));
    write_bytes(trip.path, bytes);
    const file from = file::open(trip.path);
    (void)from.array("a");
    (void)from.array("w");
  };
  const std::uint64_t three = 3;
  const std::uint64_t four = 4;
  const std::uint64_t huge[] = {std::uint64_t{1} << 62, 8};
  const std::vector<std::uint64_t> deep(33, 1);
  const array_description a{dtype::float32, axis_order::row_major, {&three, 1}, 0};
  const array_description w{dtype::string, axis_order::row_major, {&three, 1}, 0};
  CHECK_NOTHROW(with(a, w));
  const auto changed = [](array_description d, auto change) {
    change(d);
    return d;
  };
  CHECK_REFUSED(with(changed(a,
                             [&](auto& d) {
                               d.shape = {&four, 1};
                             }),
                     w),
                errc::malformed, "object \"a\": segment of 12 bytes, but the shape needs 16");
  CHECK_REFUSED(with(changed(a, [&](auto& d) { d.shape = huge; }), w), errc::malformed, "more than 2^63 - 1 bytes");
  CHECK_REFUSED(with(changed(a, [&](auto& d) { d.shape = deep; }), w), errc::malformed, "33 axes");
  CHECK_REFUSED(with(changed(a, [&](auto& d) { d.element_type = dtype::none; }), w), errc::unsupported,
                "element type 0");
  CHECK_REFUSED(with(changed(a, [&](auto& d) { d.element_type = static_cast<dtype>(99); }), w), errc::unsupported,
                "element type 99");
  CHECK_REFUSED(with(changed(a, [&](auto& d) { d.order = static_cast<axis_order>(2); }), w), errc::unsupported,
                "axis order 2");
  CHECK_REFUSED(with(changed(a, [&](auto& d) { d.item_size = 4; }), w), errc::malformed, "item size 4");
  CHECK_REFUSED(with(changed(a, [&](auto& d) { d.element_type = dtype::fixed_bytes; }), w), errc::malformed,
                "item size 0");
  CHECK_REFUSED(with(changed(a, [&](auto& d) { d.element_type = dtype::string; }), w), errc::malformed,
                "1 segments, expected 2");
  CHECK_REFUSED(with(a, changed(w, [&](auto& d) { d.element_type = dtype::int64; })), errc::malformed,
                "2 segments, expected 1");
  CHECK_REFUSED(with(a, changed(w, [&](auto& d) { d.order = axis_order::column_major; })), errc::malformed,
                "column-major");
}

TEST_CASE("StringBoundsAreCheckedAtEachAccess") {
  round_trip trip;
  (void)trip([](writer& out) { out.add("w", std::vector<std::string>{"a", "", "bcd"}); });
  std::vector<std::byte> bytes = read_bytes(trip.path);
  const auto access = [&](std::uint64_t end, std::size_t i) {
    poke(bytes, 128 + 8, end); // the second string's end
    write_bytes(trip.path, bytes);
    const file from = file::open(trip.path);
    (void)from.strings("w")[i];
  };
  CHECK_NOTHROW(access(1, 1));
  CHECK_REFUSED(access(5, 1), errc::malformed, "string 1: bytes 1 to 5, expected them in order and within 4");
  CHECK_REFUSED(access(5, 2), errc::malformed, "string 2: bytes 5 to 4");
  CHECK_REFUSED(access(0, 1), errc::malformed, "string 1: bytes 1 to 0");
  CHECK_REFUSED(access(~std::uint64_t{0}, 2), errc::malformed, "string 2");
  CHECK(verify(trip.path).size() == 2); // checksum and texts
}
