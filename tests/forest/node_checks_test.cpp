// The fast checks of nodes against one that looks at each node, on nodes that are damaged at random.
#include "support/support.hpp"

#include "forest/node_checks.hpp"
#include "forest/structure.hpp"

#include <petrify/file.hpp>
#include <petrify/forest_builder.hpp>
#include <petrify/writer.hpp>

#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace petrify;
using namespace petrify::test;

namespace {

// Those that this CPU can run.
std::vector<std::pair<std::string, const node_checker*>> checkers() {
  std::vector<std::pair<std::string, const node_checker*>> out{{"scalar", &scalar_node_checker}};
#if defined(__x86_64__)
  if (usable_cpu_level() >= cpu_level::avx2)
    out.emplace_back("avx2", &avx2_node_checker);
  if (usable_cpu_level() >= cpu_level::avx512)
    out.emplace_back("avx512", &avx512_node_checker);
#endif
  return out;
}

std::uint32_t below(std::mt19937& random, std::uint32_t limit) {
  return limit == 0 ? 0 : static_cast<std::uint32_t>(random() % limit);
}

// A node in the widest layout, and the same in a narrower one.
node8 narrowed(const node16& node, std::uint32_t slot_bits) {
  return {node.value, node.offset << slot_bits | node.slot};
}

// Rules N2 to N6 of docs/format.md for a node that has no set and is followed by `room` + 1 nodes of its block.
bool is_sound(const node16& node, std::uint32_t at, std::uint32_t room, const node_bounds& bounds) {
  if (node.op != 0)
    return false;
  if (node.offset == 0)
    return node.slot == 0 && node.value <= bounds.max_payload;
  return node.slot >= 1 && node.slot <= bounds.last_slot && node.value != 0xffffffffu && node.offset <= room &&
         (at + node.offset) % 2 == 0;
}

node16 sound_node(std::mt19937& random, std::uint32_t at, std::uint32_t room, std::uint32_t offset_limit,
                  const node_bounds& bounds) {
  if (random() % 2 == 0)
    return {random() % 4 == 0 ? bounds.max_payload : below(random, bounds.max_payload), 0, 0, 0};
  const std::uint32_t most = std::min(room, offset_limit);
  std::uint32_t offset = random() % 3 == 0 ? most : 1 + below(random, most);
  if ((at + offset) % 2 != 0)
    offset = offset == 1 ? 2 : offset - 1;
  if (offset > most)
    return {0, 0, 0, 0};
  return {random() % 4 == 0 ? 0xfffffffeu : below(random, 0xffffffffu),
          random() % 4 == 0 ? bounds.last_slot : 1 + below(random, bounds.last_slot), offset, 0};
}

// Changes one field, mostly to what is just allowed or just not.
void damage(std::mt19937& random, node16& node, std::uint32_t room, const node_bounds& bounds, bool has_op) {
  const std::uint32_t any = static_cast<std::uint32_t>(random());
  const auto one_of = [&](std::initializer_list<std::uint32_t> values) {
    return values.begin()[random() % values.size()];
  };
  switch (random() % (has_op ? 4 : 3)) {
  case 0: node.value = one_of({0, bounds.max_payload, bounds.max_payload + 1, 0xfffffffeu, 0xffffffffu, any}); break;
  case 1: node.slot = one_of({0, 1, bounds.last_slot, bounds.last_slot + 1, 0xffffffffu, any}); break;
  case 2:
    node.offset = one_of({0, 1, 2, room - 1, room, room + 1, room + 2, node.offset + 1, 0xffffffffu, 0xfffffffeu, any});
    break;
  default: node.op = one_of({1, 2, 3, 0x80000000u}); break;
  }
}

struct seen {
  int sound = 0;
  int refused = 0;
  int wrong = 0;
};

// Damages no node or one of a stretch of nodes, and asks every checker. slot_bits 0: 16-byte nodes.
seen compare(const node_checker& checker, std::uint32_t slot_bits) {
  std::mt19937 random(slot_bits + 1);
  seen out;
  for (int trial = 0; trial < 6000; ++trial) {
    const std::uint32_t count = checked_nodes * (1 + below(random, 5));
    const std::uint32_t slack = random() % 2 == 0 ? below(random, 4) : below(random, 0xffff0000u);
    const std::uint32_t room = count + slack;
    const std::uint32_t most_slot = slot_bits == 0 ? 0xffffffffu : (1u << slot_bits) - 1;
    const std::uint32_t offset_limit = slot_bits == 0 ? 0xffffffffu : (1u << (32 - slot_bits)) - 1;
    const std::uint32_t last_slot = random() % 4 == 0 ? most_slot : 1 + below(random, std::min(most_slot, 300u) - 1);
    const std::uint32_t max_payload = random() % 4 == 0 ? 0xffffffffu : below(random, 1000);
    const node_bounds bounds{slot_bits, last_slot, max_payload};
    std::vector<node16> nodes(count);
    for (std::uint32_t i = 0; i < count; ++i)
      nodes[i] = sound_node(random, i, room - i, offset_limit, bounds);
    if (random() % 4 != 0) {
      const std::uint32_t at = below(random, count);
      damage(random, nodes[at], room - at, bounds, slot_bits == 0);
    }
    std::vector<node8> narrow(slot_bits == 0 ? 0 : count);
    bool expected = true;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (slot_bits != 0) {
        narrow[i] = narrowed(nodes[i], slot_bits);
        nodes[i].slot = narrow[i].meta & most_slot;
        nodes[i].offset = narrow[i].meta >> slot_bits;
      }
      expected = expected && is_sound(nodes[i], i, room - i, bounds);
    }
    const bool answer = slot_bits == 0 ? checker.n16(nodes.data(), count, room, bounds)
                                       : checker.n8(narrow.data(), count, room, bounds);
    out.sound += answer;
    out.refused += !answer;
    out.wrong += answer != expected;
  }
  return out;
}

} // namespace

TEST_CASE("FastChecksOfNodesAgreeWithALookAtEachNode") {
  for (const auto& [name, checker] : checkers())
    for (const std::uint32_t slot_bits : {8u, 12u, 16u, 0u}) {
      const seen answers = compare(*checker, slot_bits);
      CAPTURE(name);
      CAPTURE(slot_bits);
      CHECK(answers.wrong == 0);
      CHECK(answers.sound > 1500);
      CHECK(answers.refused > 1500);
    }
}

TEST_CASE("OneBadNodeIsSeenAtEveryPlace") {
  constexpr std::uint32_t count = 4 * checked_nodes;
  const node_bounds bounds{8, 5, 9};
  for (const auto& [name, checker] : checkers())
    for (std::uint32_t at = 0; at < count; ++at) {
      CAPTURE(name);
      CAPTURE(at);
      std::vector<node8> narrow(count);
      std::vector<node16> wide(count);
      CHECK(checker->n8(narrow.data(), count, count, bounds));
      CHECK(checker->n16(wide.data(), count, count, bounds));
      narrow[at].value = wide[at].value = 10;
      CHECK_FALSE(checker->n8(narrow.data(), count, count, bounds));
      CHECK_FALSE(checker->n16(wide.data(), count, count, bounds));
      wide[at] = {0, 0, 0, 1};
      CHECK_FALSE(checker->n16(wide.data(), count, count, bounds));
      // The greatest offset that is allowed here, and the least that is not.
      const std::uint32_t most = count - at; // even where `at` is
      wide[at] = {7, 5, most, 0};
      narrow[at] = narrowed(wide[at], 8);
      CHECK(checker->n8(narrow.data(), count, count, bounds));
      CHECK(checker->n16(wide.data(), count, count, bounds));
      wide[at].offset = most + 2;
      narrow[at] = narrowed(wide[at], 8);
      CHECK_FALSE(checker->n8(narrow.data(), count, count, bounds));
      CHECK_FALSE(checker->n16(wide.data(), count, count, bounds));
    }
}

namespace {

// Looks at nothing: check_structure then looks at each node itself.
constexpr node_checker no_checker = {
    [](const node8*, std::uint32_t, std::uint32_t, const node_bounds&) noexcept { return false; },
    [](const node16*, std::uint32_t, std::uint32_t, const node_bounds&) noexcept { return false; }};

// Twenty trees of 51 or 59 nodes: two blocks of 416 nodes, which are whole groups, and one of 212, which are not.
forest_model random_forest(bool has_sets) {
  forest_spec spec;
  spec.num_columns = 7;
  spec.outputs.resize(1);
  if (has_sets)
    spec.categories.push_back({6, categories_as::xgboost, {}, {}});
  forest_builder builder(spec);
  std::mt19937 random(1);
  for (int t = 0; t < 20; ++t) {
    const std::uint32_t num_splits = t % 8 == 0 ? 29 : 25;
    builder.begin_tree(2 * num_splits + 1);
    // Split i has the children 2 i + 1 and 2 i + 2.
    for (std::uint32_t i = 0; i < num_splits; ++i) {
      if (has_sets && random() % 3 == 0)
        builder.split_set(i, 6, std::vector<std::uint32_t>{below(random, 90), 91 + below(random, 9)}, true,
                          missing::left, 2 * i + 1, 2 * i + 2);
      else
        builder.split(i, below(random, 6), comparison::less_equal, below(random, 100), missing::left, 2 * i + 1,
                      2 * i + 2);
    }
    for (std::uint32_t i = num_splits; i < 2 * num_splits + 1; ++i)
      builder.leaf(i, std::vector<double>{static_cast<double>(below(random, 50))});
    builder.end_tree();
  }
  return builder.build();
}

// The nodes of a forest as words that can be changed; n8 nodes as n16 ones if they are to be wide.
std::vector<std::uint32_t> words_of(forest_data& forest, bool wide) {
  if (!wide || forest.layout == layout_kind::n16) {
    const auto* words = static_cast<const std::uint32_t*>(forest.nodes);
    return {words, words + forest.num_nodes * (forest.layout == layout_kind::n8 ? 2 : 4)};
  }
  const auto* nodes = static_cast<const node8*>(forest.nodes);
  std::vector<std::uint32_t> out;
  for (std::uint64_t i = 0; i < forest.num_nodes; ++i) {
    const std::uint32_t slot_bits = forest.slot_bits;
    out.insert(out.end(), {nodes[i].value, nodes[i].meta & ((1u << slot_bits) - 1), nodes[i].meta >> slot_bits, 0});
  }
  forest.layout = layout_kind::n16;
  forest.slot_bits = 0;
  return out;
}

std::string fault_of(const forest_data& forest, const node_checker& checker) {
  try {
    check_structure(forest, checker);
  } catch (const error& fault) {
    return fault.what();
  }
  return {};
}

} // namespace

TEST_CASE("EveryCheckerReportsTheFaultThatALookAtEachNodeFinds") {
  for (const std::string shape : {"n8", "n16", "sets"}) {
    CAPTURE(shape);
    const temp_dir dir;
    writer out(dir.path("f.stone"));
    out.add("model", random_forest(shape == "sets"));
    out.commit();
    const file from = file::open(dir.path("f.stone"));
    forest_data forest = from.forest("model").data();
    REQUIRE(forest.category_words.empty() == (shape != "sets"));
    std::vector<std::uint32_t> words = words_of(forest, shape != "n8");
    REQUIRE((forest.layout == layout_kind::n8) == (shape == "n8"));
    forest.nodes = words.data();
    REQUIRE(fault_of(forest, no_checker).empty());
    const auto last_of_a_block = [&](std::size_t k) {
      return k + 1 < forest.blocks.size() ? 2 * std::uint64_t{forest.blocks[k + 1]} : forest.num_nodes;
    };
    REQUIRE(last_of_a_block(0) % checked_nodes == 0);
    REQUIRE((forest.num_nodes - last_of_a_block(1)) % checked_nodes != 0);
    const std::size_t words_in_node = words.size() / forest.num_nodes;
    std::mt19937 random(2);
    int faults = 0;
    for (int trial = 0; trial < 1000; ++trial) {
      // Any node, or one of the last of a block.
      const std::uint64_t node = random() % 2 == 0
                                     ? random() % forest.num_nodes
                                     : last_of_a_block(random() % forest.blocks.size()) - 1 - random() % 5;
      const std::vector<std::uint32_t> sound = words;
      std::uint32_t* const changed = words.data() + node * words_in_node;
      std::uint32_t& any = changed[random() % words_in_node];
      switch (random() % 3) {
      case 0: any += static_cast<std::uint32_t>(random() % 5) - 2; break;
      case 1: any ^= 1u << random() % 32; break;
      default: // a split whose children may lie behind the block
        const auto offset = static_cast<std::uint32_t>(1 + random() % 8);
        changed[1] = words_in_node == 2 ? offset << forest.slot_bits | 1 : 1;
        if (words_in_node == 4)
          changed[2] = offset;
      }
      const std::string expected = fault_of(forest, no_checker);
      faults += !expected.empty();
      for (const auto& [name, checker] : checkers()) {
        CAPTURE(name);
        CHECK(fault_of(forest, *checker) == expected);
      }
      words = sound;
      forest.nodes = words.data();
    }
    CHECK(faults > 200);
    CHECK(faults < 1000);
  }
}
