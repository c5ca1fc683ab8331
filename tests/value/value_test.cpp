// Nested data: what goes in comes out, and a file cannot say anything that is not a value.
#include "support/reseal.hpp"
#include "support/support.hpp"

#include <petrify/file.hpp>
#include <petrify/writer.hpp>

#include "container/container_writer.hpp"
#include "value/value_node.hpp"

#include <cmath>
#include <cstring>
#include <functional>

using namespace petrify;
using namespace petrify::test;

namespace {

std::vector<std::byte> as_bytes(std::initializer_list<unsigned> values) {
  std::vector<std::byte> out;
  for (const unsigned value : values)
    out.push_back(static_cast<std::byte>(value));
  return out;
}

// A configuration with every kind of value in it.
value_builder everything() {
  value_builder v;
  v.begin_dict();
  v.text("nothing").null();
  v.text("yes").boolean(true);
  v.text("no").boolean(false);
  v.text("least").integer(std::numeric_limits<std::int64_t>::min());
  v.text("big").big_integer(as_bytes({0, 0, 0, 0, 0, 0, 0, 128, 0}));
  v.text("real").real(-0.0);
  v.text("").text("empty key, text with \xc3\xbc");
  v.text("raw").bytes(as_bytes({0, 255, 10}));
  v.text("list").begin_list().integer(1).begin_list().end().real(2.5).begin_dict().end().text("x").end();
  v.integer(7).text("a number as key");
  v.begin_list().integer(1).integer(2).end().text("a list as key");
  v.end();
  return v;
}

struct saved_value {
  temp_dir dir;
  std::string path = dir.path("v.stone");
  std::vector<std::byte> bytes;

  explicit saved_value(const value_builder& value) {
    writer out(path);
    out.add("v", value);
    out.commit();
    bytes = read_bytes(path);
  }
};

// A value as text, by the view's own walk.
std::string words(const value_view& v) {
  switch (v.kind()) {
  case value_kind::null: return "null";
  case value_kind::boolean: return *v.as_bool() ? "true" : "false";
  case value_kind::integer: return std::to_string(*v.as_int());
  case value_kind::big_integer: return "big of " + std::to_string(v.as_bytes()->size());
  case value_kind::real: return std::to_string(*v.as_real());
  case value_kind::text: return "'" + std::string(*v.as_text()) + "'";
  case value_kind::bytes: return std::to_string(v.as_bytes()->size()) + " bytes";
  case value_kind::list: {
    std::string out = "[";
    for (const value_view element : v.elements())
      out += words(element) + " ";
    return out + "]";
  }
  case value_kind::dict: {
    std::string out = "{";
    for (const auto& [key, value] : v.entries())
      out += words(key) + ": " + words(value) + " ";
    return out + "}";
  }
  }
  return "?";
}

// The file with node `i` changed, all checksums right.
void edit_node(saved_value& s, std::size_t i, const std::function<void(value_node&)>& change) {
  value_node node;
  std::byte* at = s.bytes.data() + 128 + i * sizeof node;
  std::memcpy(&node, at, sizeof node);
  change(node);
  std::memcpy(at, &node, sizeof node);
  write_bytes(s.path, s.bytes);
}

void open_value(const saved_value& s) {
  const file from = file::open(s.path);
  (void)from.value("v");
}

} // namespace

TEST_CASE("WhatGoesInComesOut") {
  const saved_value s(everything());
  const file from = file::open(s.path);
  const value_view v = from.value("v");
  CHECK(words(v) == "{'nothing': null 'yes': true 'no': false 'least': -9223372036854775808 'big': big of 9 "
                    "'real': -0.000000 '': 'empty key, text with \xc3\xbc' 'raw': 3 bytes "
                    "'list': [1 [] 2.500000 {} 'x' ] 7: 'a number as key' [1 2 ]: 'a list as key' }");
  CHECK(v.size() == 11);
  CHECK(std::signbit(*v.at("real").as_real()));
  CHECK(v.at("big").as_bytes()->size() == 9);
  CHECK(v.at("list")[2].as_real() == 2.5);
  CHECK(v.at("list")[4].as_text() == "x");
  CHECK_FALSE(v.find("missing").has_value());
  CHECK(from.verify().empty());
  CHECK(from.objects()[0].kind == "value");
  // The text lies in the mapping.
  const auto mapped = reinterpret_cast<const char*>(v.at("").as_text()->data());
  CHECK(std::string_view(mapped, 5) == "empty");
}

TEST_CASE("AccessorsOfTheWrongKindGiveNothing") {
  const saved_value s(everything());
  const file from = file::open(s.path);
  const value_view v = from.value("v");
  CHECK_FALSE(v.as_bool().has_value());
  CHECK_FALSE(v.as_int().has_value());
  CHECK_FALSE(v.as_real().has_value());
  CHECK_FALSE(v.as_text().has_value());
  CHECK_FALSE(v.as_bytes().has_value());
  CHECK_FALSE(v.at("yes").as_int().has_value());
  CHECK(v.at("yes").size() == 0);
  CHECK(v.elements().begin() == v.elements().end());
  CHECK(v.at("list").entries().begin() == v.at("list").entries().end());
  CHECK(v.at("least").as_real() == -0x1p63); // exactly representable
  CHECK_REFUSED(v[0], errc::invalid_argument, "element 0 of a dict");
  CHECK_REFUSED(v.at("list")[5], errc::invalid_argument, "element 5 of a list with 5 elements");
  CHECK_REFUSED(v.at("list").at("x"), errc::wrong_type, "key \"x\" of a list, expected a dict");
  CHECK_REFUSED(v.at("missing"), errc::not_found, "key \"missing\": no such key");
  CHECK_REFUSED(from.array("v"), errc::wrong_type, "is of kind value, expected array");
  std::optional<error> why;
  CHECK_FALSE(from.try_value("w", why).has_value());
  CHECK(why->code() == errc::not_found);
  CHECK(from.try_value("v", why)->size() == 11);
}

TEST_CASE("IntegersKeepTheirLeastForm") {
  value_builder v;
  v.begin_list();
  v.big_integer({});
  v.big_integer(as_bytes({5}));
  v.big_integer(as_bytes({0xfe}));
  v.big_integer(as_bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0}));       // greatest int64
  v.big_integer(as_bytes({0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0xff}));                      // least
  v.big_integer(as_bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff})); // one below it
  v.integer((std::int64_t{1} << 53) + 1);
  v.integer(std::numeric_limits<std::int64_t>::max());
  v.end();
  const saved_value s(v);
  const file from = file::open(s.path);
  const value_view list = from.value("v");
  CHECK(words(list) == "[0 5 -2 9223372036854775807 -9223372036854775808 big of 9 9007199254740993 "
                       "9223372036854775807 ]");
  CHECK_FALSE(list[6].as_real().has_value()); // no double is 2^53 + 1
  CHECK_FALSE(list[7].as_real().has_value());
}

TEST_CASE("ABuilderRefusesWhatIsNoValue") {
  CHECK_REFUSED(value_builder().null().null(), errc::invalid_argument, "after the whole value");
  CHECK_REFUSED(value_builder().end(), errc::invalid_argument, "end() without");
  CHECK_REFUSED(value_builder().begin_dict().text("key").end(), errc::invalid_argument, "ends after a key");
  CHECK_REFUSED(value_builder().text("\xff"), errc::invalid_argument, "not valid UTF-8");
  value_builder deep;
  for (std::size_t i = 0; i < max_value_depth; ++i)
    deep.begin_list();
  CHECK_REFUSED(deep.begin_list(), errc::limit_exceeded, "nested more than 500 deep");
  for (std::size_t i = 0; i < max_value_depth; ++i)
    deep.end();
  const saved_value s(deep);
  const file from = file::open(s.path);
  CHECK(words(from.value("v")).size() == 500 + 500 + 499); // brackets, and a blank behind each inner list
  const temp_dir dir;
  writer out(dir.path("f"));
  CHECK_REFUSED(out.add("v", value_builder()), errc::invalid_argument, "an empty builder");
  CHECK_REFUSED(out.add("v", value_builder().begin_list()), errc::invalid_argument, "was not ended");
  out.add("v", value_builder().integer(3));
  CHECK_REFUSED(out.add("v", value_builder().null()), errc::invalid_argument, "name is taken");
  out.commit();
  CHECK(file::open(dir.path("f")).verify().empty());
}

TEST_CASE("EveryRuleOfValuesIsChecked") {
  // Nodes: 0 list, 1 text "ab", 2 dict, 3 key 1, 4 boolean, 5 null, 6 bytes "c".
  value_builder v;
  v.begin_list().text("ab").begin_dict().integer(1).boolean(true).end().null().bytes(as_bytes({'c'})).end();
  const auto refused = [&](std::size_t node, const std::function<void(value_node&)>& change, errc code,
                           const std::string& part) {
    saved_value s(v);
    edit_node(s, node, change);
    CAPTURE(node);
    CHECK_REFUSED(open_value(s), code, s.path + ": object \"v\" node " + part);
    CHECK_FALSE(verify(s.path).empty());
  };
  refused(
      4, [](value_node& n) { n.kind = 0; }, errc::unsupported, "4: values of kind 0");
  refused(
      4, [](value_node& n) { n.kind = 10; }, errc::unsupported, "4: values of kind 10");
  refused(
      4, [](value_node& n) { n.payload = 2; }, errc::malformed, "4: boolean with size 0 and payload 2");
  refused(
      4, [](value_node& n) { n.size = 1; }, errc::malformed, "4: boolean with size 1");
  refused(
      5, [](value_node& n) { n.payload = 1; }, errc::malformed, "5: null with size 0 and payload 1");
  refused(
      5, [](value_node& n) { n.size = 1; }, errc::malformed, "5: null with size 1");
  refused(
      3, [](value_node& n) { n.size = 1; }, errc::malformed, "3: integer with size 1");
  refused(
      1, [](value_node& n) { n.payload = 1; }, errc::malformed, "1: 2 bytes at 1, expected them at 0");
  refused(
      1, [](value_node& n) { n.size = 4; }, errc::malformed, "1: 4 bytes at 0, expected them at 0 and to end by 3");
  refused(
      1, [](value_node& n) { n.size = 1; }, errc::malformed, "6: 1 bytes at 2, expected them at 1");
  refused(
      6, [](value_node& n) { n.payload = ~std::uint64_t{0}; }, errc::malformed, "6: 1 bytes at 18446744073709551615");
  refused(
      6, [](value_node& n) { n.kind = 4; }, errc::malformed, "6: big integer of 1 bytes, expected at least 9");
  refused(
      0, [](value_node& n) { n.size = 5; }, errc::malformed, "0: ends at node 7 with 1 values to come at node 7");
  refused(
      0, [](value_node& n) { n.size = 3; }, errc::malformed, "0: ends at node 7 with 0 values to come at node 6");
  refused(
      0, [](value_node& n) { n.payload = 7; }, errc::malformed, "0: list of 4 values in 7 nodes, where 6 are left");
  refused(
      0, [](value_node& n) { n.payload = 5; }, errc::malformed, "0: ends at node 6 with 1 values");
  refused(
      0, [](value_node& n) { n.payload = 3; }, errc::malformed, "0: list of 4 values in 3 nodes");
  refused(
      0,
      [](value_node& n) {
        n = {8, 0, 0};
      },
      errc::malformed, "1: follows the whole value");
  refused(
      2, [](value_node& n) { n.size = 0x80000001; }, errc::malformed, "2: dict of 4294967298 values in 2 nodes");
  refused(
      2, [](value_node& n) { n.payload = 5; }, errc::malformed, "2: dict of 2 values in 5 nodes, where 4 are left");
  refused(
      2, [](value_node& n) { n.kind = 8; }, errc::malformed, "2: ends at node 5 with 0 values to come at node 4");
  {
    saved_value s(v);
    REQUIRE(s.bytes[256] == std::byte{'a'});
    s.bytes[256] = std::byte{0xff};
    write_bytes(s.path, s.bytes);
    CHECK_REFUSED(open_value(s), errc::malformed, "node 1: text is not valid UTF-8");
  }
}

TEST_CASE("AValueNeedsItsTwoSegments") {
  const temp_dir dir;
  const std::string path = dir.path("f");
  const auto open_with = [&](const std::vector<std::size_t>& sizes) {
    container_writer out(path);
    out.begin_object("v");
    for (const std::size_t size : sizes)
      out.add_segment(std::vector<std::byte>(size, std::byte{1}));
    out.end_object(value_description{});
    out.commit();
    const file from = file::open(path);
    CHECK(from.verify().size() == 1);
    (void)from.value("v");
  };
  CHECK_REFUSED(open_with({}), errc::malformed, "object \"v\": 0 segments, expected 2");
  CHECK_REFUSED(open_with({16}), errc::malformed, "1 segments, expected 2");
  CHECK_REFUSED(open_with({16, 0, 0}), errc::malformed, "3 segments, expected 2");
  CHECK_REFUSED(open_with({0, 0}), errc::malformed, "no node, expected at least one");
  CHECK_REFUSED(open_with({17, 0}), errc::malformed, "nodes of 17 bytes, expected a multiple of 16");
}

TEST_CASE("BytesThatNoNodeNamesAreRefused") {
  const temp_dir dir;
  const std::string path = dir.path("f");
  container_writer out(path);
  out.begin_object("v");
  const value_node node{static_cast<std::uint32_t>(value_kind::integer), 0, 5};
  out.add_segment(std::as_bytes(std::span(&node, 1)));
  out.add_segment(std::vector<std::byte>(3));
  out.end_object(value_description{});
  out.commit();
  const file from = file::open(path);
  CHECK_REFUSED(from.value("v"), errc::malformed, "texts and bytes end at 0, expected all 3 bytes to be used");
}

TEST_CASE("NestingBeyondTheLimitIsRefused") {
  const temp_dir dir;
  const std::string path = dir.path("f");
  std::vector<value_node> nodes;
  for (std::uint64_t depth = 600; depth > 0; --depth)
    nodes.push_back({static_cast<std::uint32_t>(value_kind::list), 1, depth});
  nodes.push_back({static_cast<std::uint32_t>(value_kind::null), 0, 0});
  container_writer out(path);
  out.begin_object("v");
  out.add_segment(std::as_bytes(std::span(nodes)));
  out.add_segment({});
  out.end_object(value_description{});
  out.commit();
  const file from = file::open(path);
  CHECK_REFUSED(from.value("v"), errc::malformed, "node 500: nested more than 500 deep");
}
