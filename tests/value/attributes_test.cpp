// Facts beside an object: what is set comes back, nobody else notices, and broken ones harm nothing but themselves.
#include "support/random_forest.hpp"
#include "support/support.hpp"

#include <petrify/file.hpp>
#include <petrify/record.hpp>
#include <petrify/writer.hpp>

#include "container/container_writer.hpp"
#include "value/value_node.hpp"

#include "config_generated.h"

#include <array>
#include <cmath>
#include <limits>

using namespace petrify;
using namespace petrify::test;

namespace {

value_builder unit(std::string_view name) {
  value_builder out;
  out.begin_dict().text("unit").text(name).end();
  return out;
}

value_builder every_kind() {
  const std::array<std::byte, 9> big{{{}, {}, {}, {}, {}, {}, {}, {}, std::byte{1}}};
  value_builder v;
  v.begin_dict();
  v.text("nothing").null();
  v.text("yes").boolean(true);
  v.text("least").integer(std::numeric_limits<std::int64_t>::min());
  v.text("big").big_integer(big);
  v.text("real").real(-0.0);
  v.text("not a number").real(std::nan(""));
  v.text("").text("t\xc3\xa9xt");
  v.text("raw").bytes(big);
  v.text("axes").begin_list().text("time").begin_list().end().end();
  v.text("inner").begin_dict().integer(7).null().end();
  v.end();
  return v;
}

// A file whose array "a" has these words as attributes, whatever they say.
struct stored_words {
  temp_dir dir;
  std::string path = dir.path("f.stone");

  explicit stored_words(const std::vector<std::uint64_t>& nodes, std::string_view texts = {}) {
    container_writer out(path);
    const std::uint64_t three = 3;
    for (const char* name : {"a", "b"}) {
      out.begin_object(name);
      out.add_segment(std::vector<std::byte>(3));
      out.end_object(array_description{dtype::uint8, axis_order::row_major, {&three, 1}, 0});
    }
    out.set_attributes("a", {nodes, std::as_bytes(std::span(texts))});
    out.commit();
  }
};

constexpr std::uint64_t node_of(value_kind kind, std::uint32_t size) {
  return static_cast<std::uint64_t>(kind) | std::uint64_t{size} << 32;
}

} // namespace

TEST_CASE("AttributesOfEveryKindComeBack") {
  const temp_dir dir;
  writer out(dir.path("f"));
  out.add("a", std::vector<float>{1, 2, 3});
  out.set_attributes("a", every_kind());
  out.commit();
  const file from = file::open(dir.path("f"));
  const value_view a = from.attributes("a");
  REQUIRE(a.kind() == value_kind::dict);
  CHECK(a.size() == 10);
  CHECK(a.at("nothing").is_null());
  CHECK(a.at("yes").as_bool() == true);
  CHECK(a.at("least").as_int() == std::numeric_limits<std::int64_t>::min());
  CHECK(a.at("big").kind() == value_kind::big_integer);
  CHECK(a.at("big").as_bytes()->size() == 9);
  CHECK(std::signbit(*a.at("real").as_real()));
  CHECK(std::isnan(*a.at("not a number").as_real()));
  CHECK(a.at("").as_text() == "t\xc3\xa9xt");
  CHECK(a.at("raw").as_bytes()->back() == std::byte{1});
  CHECK(a.at("axes")[0].as_text() == "time");
  CHECK(a.at("axes")[1].size() == 0);
  CHECK((*a.at("inner").entries().begin()).first.as_int() == 7);
  CHECK(from.array<float>("a")(2) == 3);
  CHECK(from.verify().empty());
  std::optional<error> why;
  CHECK(from.try_attributes("a", why)->size() == 10);
  CHECK_FALSE(from.try_attributes("b", why).has_value());
  CHECK(why->code() == errc::not_found);
  CHECK_REFUSED(from.attributes("b"), errc::not_found, "object \"b\": no such object, the file has \"a\"");
  // Checked once: both are the same.
  CHECK(from.attributes("a").at("").as_text()->data() == a.at("").as_text()->data());
}

TEST_CASE("ObjectsOfAllKindsHaveAttributes") {
  const temp_dir dir;
  writer out(dir.path("f"));
  std::mt19937_64 random(3);
  forest_spec spec;
  spec.task = task::regression;
  output_spec number;
  number.value_type = dtype::float32;
  spec.outputs = {number};
  out.add("forest", random_forest(spec, {3, 2, 4}, random).build());
  out.add("texts", std::vector<std::string>{"x", "yy"});
  out.add("value", value_builder().integer(1));
  out.add("none", value_builder().integer(2));
  flatbuffers::FlatBufferBuilder b;
  user::FinishConfigBuffer(b, user::CreateConfigDirect(b, "title"));
  add_record(out, "record", b);
  auto rows = out.stream<double>("streamed", {2});
  rows.append(std::vector<double>{1, 2, 3, 4});
  rows.finish();
  // In another order than they were added.
  for (const char* name : {"streamed", "value", "forest", "record", "texts"})
    out.set_attributes(name, unit(name));
  out.commit();
  const file from = file::open(dir.path("f"));
  for (const object_info& object : from.objects()) {
    CAPTURE(object.name);
    const value_view found = from.attributes(object.name);
    CHECK(found.kind() == value_kind::dict);
    if (object.name == "none")
      CHECK(found.size() == 0);
    else
      CHECK(found.at("unit").as_text() == object.name);
  }
  CHECK(from.array<double>("streamed")(1, 1) == 4);
  CHECK(from.value("value").as_int() == 1);
  CHECK(from.forest("forest").num_trees() == 2);
  CHECK(from.verify().empty());
}

TEST_CASE("TheOrderOfTheCallsLeavesNoTrace") {
  const temp_dir dir;
  const auto written = [&](std::vector<std::string> names, bool empty_too) {
    writer out(dir.path("f"));
    for (const char* name : {"a", "b", "c"})
      out.add(name, std::vector<float>{1});
    for (const std::string& name : names)
      out.set_attributes(name, unit(name));
    if (empty_too)
      out.set_attributes("c", value_builder().begin_dict().end());
    out.commit();
    return read_bytes(dir.path("f"));
  };
  CHECK(written({"a", "b"}, false) == written({"b", "a"}, false));
  CHECK(written({"a", "b"}, true) == written({"a", "b"}, false));
  CHECK(written({"a", "b"}, false) != written({"a"}, false));
}

TEST_CASE("WhatIsNoDictWithTextsAsKeysIsRefused") {
  const temp_dir dir;
  const auto with = [&](const value_builder& attributes) {
    writer out(dir.path("f"));
    out.add("a", std::vector<float>{1});
    const auto failure = error_of([&] { out.set_attributes("a", attributes); });
    // What is refused changes nothing.
    out.set_attributes("a", unit("m"));
    out.commit();
    const file from = file::open(dir.path("f"));
    CHECK(from.attributes("a").at("unit").as_text() == "m");
    if (failure)
      throw *failure;
  };
  const std::string place = dir.path("f") + ": object \"a\": ";
  CHECK_REFUSED(with(value_builder()), errc::invalid_argument, place + "an empty builder, expected a dict");
  CHECK_REFUSED(with(value_builder().begin_dict()), errc::invalid_argument, place + "a list or dict was not ended");
  CHECK_REFUSED(with(value_builder().begin_list().end()), errc::invalid_argument,
                place + "attributes are of kind list, expected a dict");
  CHECK_REFUSED(with(value_builder().text("x")), errc::invalid_argument, "attributes are of kind text");
  CHECK_REFUSED(with(value_builder().begin_dict().text("a").null().integer(3).null().end()), errc::invalid_argument,
                "attributes have a key that is of kind integer, expected texts");
  CHECK_REFUSED(with(value_builder().begin_dict().text("a").text(std::string(1 << 20, 'x')).end()),
                errc::limit_exceeded, "attributes of 1048625 bytes, expected at most 1048576");
}

TEST_CASE("AttributesAreSetOnceAndOfWhatIsThere") {
  const temp_dir dir;
  writer out(dir.path("f"));
  CHECK_REFUSED(out.set_attributes("a", unit("m")), errc::invalid_argument,
                "object \"a\": no such object, expected it to be added first");
  out.add("a", std::vector<float>{1});
  out.add("b", std::vector<float>{1});
  out.set_attributes("a", unit("m"));
  CHECK_REFUSED(out.set_attributes("a", unit("km")), errc::invalid_argument,
                "object \"a\": has attributes already, expected them to be set once");
  out.set_attributes("b", value_builder().begin_dict().end());
  CHECK_REFUSED(out.set_attributes("b", unit("km")), errc::invalid_argument, "set once");
  auto rows = out.stream<float>("s");
  CHECK_REFUSED(out.set_attributes("s", unit("km")), errc::invalid_argument, "is still open");
  rows.append(std::vector<float>{1});
  rows.finish();
  out.set_attributes("s", unit("s"));
  out.commit();
  CHECK_REFUSED(out.set_attributes("b", unit("km")), errc::invalid_argument, "was committed already");
  const file from = file::open(dir.path("f"));
  CHECK(from.attributes("a").at("unit").as_text() == "m");
  CHECK(from.attributes("b").size() == 0);
  CHECK(from.attributes("s").at("unit").as_text() == "s");
}

TEST_CASE("AllAttributesTogetherFitTheDirectory") {
  const temp_dir dir;
  writer out(dir.path("f"));
  value_builder large;
  large.begin_dict().text("").text(std::string((1 << 20) - 64, 'x')).end();
  for (int i = 0; i < 65; ++i)
    out.add(std::to_string(i), std::vector<float>{1});
  int num_set = 0;
  const auto failure = error_of([&] {
    for (; num_set < 65; ++num_set)
      out.set_attributes(std::to_string(num_set), large);
  });
  REQUIRE(failure.has_value());
  CHECK(failure->code() == errc::limit_exceeded);
  CHECK(num_set > 60);
  out.commit();
  const file from = file::open(dir.path("f"));
  CHECK(from.attributes("0").at("").as_text()->size() == (1 << 20) - 64);
  CHECK(from.attributes("64").size() == 0);
}

TEST_CASE("BrokenAttributesHarmNothingElse") {
  const std::uint64_t dict = node_of(value_kind::dict, 1);
  const std::uint64_t text = node_of(value_kind::text, 1);
  const std::uint64_t null = node_of(value_kind::null, 0);
  {
    const stored_words sound({dict, 2, text, 0, null, 0}, "u");
    const file from = file::open(sound.path);
    CHECK(from.attributes("a").at("u").is_null());
    CHECK(verify(sound.path).empty());
  }
  {
    const stored_words empty({node_of(value_kind::dict, 0), 0}); // not as petrify writes it
    const file from = file::open(empty.path);
    CHECK(from.attributes("a").size() == 0);
    CHECK(verify(empty.path).empty());
  }
  const auto refused = [](const stored_words& s, errc code, const std::string& part) {
    const file from = file::open(s.path);
    for (int i = 0; i < 2; ++i)
      CHECK_REFUSED(from.attributes("a"), code, s.path + ": object \"a\" attributes" + part);
    CHECK(from.array<std::uint8_t>("a").size() == 3);
    CHECK(from.attributes("b").size() == 0);
    const auto faults = from.verify();
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].where().starts_with("object \"a\" attributes"));
  };
  refused(stored_words({dict, 2, text}, "u"), errc::malformed, ": nodes of 3 numbers, expected 2 a node");
  refused(stored_words({}, "u"), errc::malformed, ": no node");
  refused(stored_words({dict, 2, text, 0, node_of(static_cast<value_kind>(10), 0), 0}, "u"), errc::unsupported,
          " node 2: values of kind 10");
  refused(stored_words({dict, 2, text, 1, null, 0}, "u"), errc::malformed, " node 1: 1 bytes at 1, expected them at 0");
  refused(stored_words({dict, 2, text, 0, null, 0}, "uv"), errc::malformed, ": texts and bytes end at 1");
  refused(stored_words({dict, 2, text, 0, null, 0}, "\xff"), errc::malformed, " node 1: text is not valid UTF-8");
  refused(stored_words({dict, 2, null, 0, null, 0}), errc::malformed, ": attributes have a key that is of kind null");
  refused(stored_words({null, 0}), errc::malformed, ": attributes are of kind null, expected a dict");
}
