// Every single bit of three small files, and every length they can be cut to: verify refuses each, and whoever opens
// and uses it all the same comes to no harm.
#include "support/aligned_bytes.hpp"
#include "support/random_forest.hpp"
#include "support/support.hpp"

#include "stone_use.hpp"

#include <petrify/file.hpp>
#include <petrify/writer.hpp>

#include <functional>

using namespace petrify;
using namespace petrify::test;

namespace {

struct small_file {
  const char* name;
  std::function<void(writer&)> fill;
};

const std::vector<small_file>& small_files() {
  static const std::vector<small_file> all = {
      {"forest",
       [](writer& out) {
         std::mt19937_64 random(5);
         forest_spec spec;
         spec.task = task::classification;
         spec.comparisons = compare_as::float64;
         spec.vector_leaves = true;
         spec.epilogue = {{epilogue_step::operation::divide, 3, 0}, {epilogue_step::operation::normalize, 0, 0}};
         spec.num_raw_steps = 1;
         output_spec o;
         o.width = 2;
         o.labels.type = dtype::string;
         o.labels.texts = {"no", "yes"};
         spec.outputs = {o};
         spec.decision = decision::argmax_raw;
         out.add("model", random_forest(spec, {.num_columns = 3, .num_trees = 3, .max_splits = 6}, random).build());
       }},
      {"arrays",
       [](writer& out) {
         out.add<double>("columns", std::vector<double>(12, 0.5), {3, 4}, axis_order::column_major);
         out.add("words", std::vector<std::string>{"a", "", "bcd"});
         out.add_fixed_bytes("items", 3, std::as_bytes(std::span("abcdef", 6)), std::array<std::uint64_t, 1>{2});
         out.add("empty", std::vector<float>());
       }},
      {"values",
       [](writer& out) {
         value_builder v;
         v.begin_dict().text("threshold").real(0.5).text("names").begin_list().text("a").text("b").end();
         v.text("more").begin_dict().integer(1).null().boolean(true).bytes(std::as_bytes(std::span("xyz", 3))).end();
         v.end();
         out.add("config", v);
         out.add("number", value_builder().integer(-3));
       }},
  };
  return all;
}

bool is_refused_by_verify(std::span<const std::byte> bytes) {
  try {
    return !file::open_bytes(bytes).verify().empty();
  } catch (const error&) {
    return true;
  }
}

// Opens and uses everything in it, as far as it goes.
void use(std::span<const std::byte> bytes) {
  std::optional<file> from;
  try {
    from = file::open_bytes(bytes);
  } catch (const error&) {
    return;
  }
  for (const object_info& object : from->objects())
    try {
      if (object.kind == "array")
        fuzz::use_array(*from, object.name);
      if (object.kind == "value")
        fuzz::use_value(*from, object.name);
      if (object.kind == "forest")
        fuzz::use_forest(*from, object.name);
    } catch (const error&) {
    }
}

std::vector<std::byte> bytes_of(const small_file& one) {
  const temp_dir dir;
  writer out(dir.path("f"));
  one.fill(out);
  out.commit();
  return read_bytes(dir.path("f"));
}

} // namespace

TEST_CASE("VerifyRefusesEverySingleBitFlipAndNoneDoesHarm") {
  for (const small_file& one : small_files()) {
    CAPTURE(one.name);
    aligned_bytes copy(bytes_of(one));
    REQUIRE_FALSE(is_refused_by_verify(copy.bytes()));
    std::size_t missed = 0;
    for (std::size_t bit = 0; bit < 8 * copy.bytes().size(); ++bit) {
      const auto flip = static_cast<std::byte>(1u << bit % 8);
      copy.bytes()[bit / 8] ^= flip;
      missed += is_refused_by_verify(copy.bytes()) ? 0 : 1;
      use(copy.bytes());
      copy.bytes()[bit / 8] ^= flip;
    }
    CHECK(missed == 0);
    MESSAGE(one.name << ": " << copy.bytes().size() << " bytes, " << 8 * copy.bytes().size() << " flips");
  }
}

TEST_CASE("VerifyRefusesEveryTruncationAndNoneDoesHarm") {
  for (const small_file& one : small_files()) {
    CAPTURE(one.name);
    const std::vector<std::byte> whole = bytes_of(one);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      aligned_bytes copy(std::span<const std::byte>(whole).first(size));
      CHECK(is_refused_by_verify(copy.bytes()));
      use(copy.bytes());
    }
    // And something behind the end.
    std::vector<std::byte> longer = whole;
    longer.push_back(std::byte{0});
    aligned_bytes copy(longer);
    CHECK(is_refused_by_verify(copy.bytes()));
  }
}
