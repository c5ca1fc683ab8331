// Nodes that no builder makes: forest() refuses what could read outside the mapping or never end, verify the rest.
#include "support/reseal.hpp"
#include "support/support.hpp"

#include "forest/forest_data.hpp"

#include <petrify/file.hpp>
#include <petrify/forest.hpp>
#include <petrify/forest_builder.hpp>
#include <petrify/writer.hpp>

using namespace petrify;
using namespace petrify::test;

namespace {

// Nine trees: a stump, a chain of two splits, six single leaves, a stump. Their nodes:
//     block 0   roots 0 to 7, pair 8 of tree 0, pairs 10 and 12 of tree 1
//     block 1   root 14, unused root 15, pair 16 of tree 8
struct small_forest {
  temp_dir dir;
  std::string path = dir.path("f.stone");
  std::vector<std::byte> bytes;

  small_forest() {
    forest_spec spec;
    spec.num_columns = 2;
    spec.outputs.resize(1);
    forest_builder b(spec);
    const auto leaf = [&](std::uint32_t node, double value) { b.leaf(node, std::vector<double>{value}); };
    const auto stump = [&] {
      b.begin_tree(3);
      b.split(0, 0, comparison::less_equal, 0.5, missing::left, 1, 2);
      leaf(1, 1);
      leaf(2, 2);
      b.end_tree();
    };
    stump();
    b.begin_tree(5);
    b.split(0, 1, comparison::less_equal, 0.5, missing::left, 1, 2);
    leaf(1, 1);
    b.split(2, 1, comparison::less_equal, 1.5, missing::right, 3, 4);
    leaf(3, 3);
    leaf(4, 4);
    b.end_tree();
    for (int i = 0; i < 6; ++i) {
      b.begin_tree(1);
      leaf(0, 5);
      b.end_tree();
    }
    stump();
    writer out(path);
    out.add("model", b.build());
    out.commit();
    bytes = read_bytes(path);
    REQUIRE((nodes()[1].meta >> 8) == 9);
    REQUIRE(block_begins()[1] == 7);
  }

  std::span<node8> nodes() { return {reinterpret_cast<node8*>(bytes.data() + 128), 18}; }
  std::uint32_t* block_begins() { return reinterpret_cast<std::uint32_t*>(bytes.data() + 320); }

  // Opens the forest with the bytes as they are now.
  void open() {
    write_bytes(path, bytes);
    const file from = file::open(path);
    (void)from.forest("model");
  }
  std::vector<error> faults() {
    write_bytes(path, bytes);
    return verify(path);
  }
};

constexpr std::uint32_t split_of(std::uint32_t offset, std::uint32_t slot) { return offset << 8 | slot; }

} // namespace

TEST_CASE("SoundForestOpens") {
  small_forest f;
  f.open();
  CHECK(f.faults().empty());
}

TEST_CASE("ChildPastTheLastNodeIsRefused") {
  small_forest f;
  f.nodes()[16].meta = split_of(2, 1);
  CHECK_REFUSED(f.open(), errc::malformed, "tree 8 node 16: right child 19 is past the block's nodes 14 to 18");
}

TEST_CASE("ChildInTheNextTreesBlockIsRefused") {
  small_forest f;
  f.nodes()[12].meta = split_of(2, 1);
  CHECK_REFUSED(f.open(), errc::malformed, "tree 1 node 12: right child 15 is past the block's nodes 0 to 14");
}

TEST_CASE("ChildAtAnOddNodeIsRefused") {
  small_forest f;
  f.nodes()[0].meta = split_of(9, 1);
  CHECK_REFUSED(f.open(), errc::malformed, "tree 0 node 0: left child 9, expected an even node");
}

TEST_CASE("LargestOffsetIsRefused") {
  small_forest f;
  f.nodes()[0].meta = 0xffffffffu;
  CHECK_REFUSED(f.open(), errc::malformed, "tree 0 node 0");
}

TEST_CASE("SlotThatDoesNotExistIsRefused") {
  small_forest f;
  f.nodes()[0].meta = split_of(8, 4);
  CHECK_REFUSED(f.open(), errc::malformed, "tree 0 node 0: tests slot 4, expected less than 4");
}

TEST_CASE("SplitOnTheZeroSlotIsRefused") {
  small_forest f;
  f.nodes()[0].meta = split_of(8, 0);
  CHECK_REFUSED(f.open(), errc::malformed, "tree 0 node 0: is a split on slot 0");
}

TEST_CASE("SplitThatNoKeyPassesIsRefused") {
  small_forest f;
  f.nodes()[0].value = 0xffffffffu;
  CHECK_REFUSED(f.open(), errc::malformed, "tree 0 node 0: compares with 4294967295");
}

TEST_CASE("LeafWithASlotIsRefused") {
  small_forest f;
  f.nodes()[8].meta = split_of(0, 1);
  CHECK_REFUSED(f.open(), errc::malformed, "tree 0 node 8: tests slot 1 but has no children");
}

TEST_CASE("LeafPayloadPastTheTableIsRefused") {
  small_forest f;
  f.nodes()[8].value = 5;
  CHECK_REFUSED(f.open(), errc::malformed, "tree 0 node 8: leaf payload 5, expected less than 5");
  f.nodes()[8].value = 0xffffffffu;
  CHECK_REFUSED(f.open(), errc::malformed, "leaf payload 4294967295");
}

TEST_CASE("BlocksOutOfOrderOrRangeAreRefused") {
  small_forest f;
  f.block_begins()[0] = 1;
  CHECK_REFUSED(f.open(), errc::malformed, "block 0: begins at node 2, expected 0");
  f.block_begins()[0] = 0;
  f.block_begins()[1] = 3;
  CHECK_REFUSED(f.open(), errc::malformed, "block 1: begins at node 6, expected at least 8 and room for 2 roots");
  f.block_begins()[1] = 9;
  CHECK_REFUSED(f.open(), errc::malformed, "block 1: begins at node 18");
  f.block_begins()[1] = 0xffffffffu;
  CHECK_REFUSED(f.open(), errc::malformed, "block 1: begins at node 8589934590");
}

TEST_CASE("TrustOfTheCallerSkipsThePass") {
  small_forest f;
  f.nodes()[8].value = 5;
  write_bytes(f.path, f.bytes);
  const file from = file::open(f.path);
  CHECK(from.forest("model", trust::caller).num_trees() == 9);
  CHECK_REFUSED(from.forest("model"), errc::malformed, "leaf payload 5");
  CHECK_REFUSED(from.forest("model"), errc::malformed, "leaf payload 5");
}

TEST_CASE("VerifyFindsWhatIsSafeButWrong") {
  small_forest f;
  const std::vector<std::byte> sound = f.bytes;
  // verify reports the changed checksum first, then what it means.
  const auto second_fault = [&] {
    f.open(); // is safe
    const auto faults = f.faults();
    REQUIRE(faults.size() == 2);
    const std::string message = faults[1].what();
    f.bytes = sound;
    return message.substr(message.find("node"));
  };
  f.nodes()[1].meta = split_of(11, 2); // a pair with two parents
  CHECK(second_fault() == "node 11: left child 12 has another parent too");
  f.nodes()[15].value = 1;
  CHECK(second_fault() == "node 15: is not zero, expected the unused root to be");
  f.nodes()[11] = {0, 0}; // a pair without one
  CHECK(second_fault() == "node 12: has no parent, expected one");
}

TEST_CASE("NodesAndTablesLieInsideTheMapping") {
  const small_forest f;
  const file from = file::open(f.path);
  const forest_data& data = from.forest("model").data();
  const auto inside = [&](const void* at) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
      if (line.ends_with(f.path)) {
        const auto address = reinterpret_cast<std::uintptr_t>(at);
        return address >= std::stoull(line, nullptr, 16) &&
               address < std::stoull(line.substr(line.find('-') + 1), nullptr, 16);
      }
    return false;
  };
  CHECK(inside(data.nodes));
  CHECK(inside(data.leaf_values));
  CHECK(inside(data.blocks.data()));
}

TEST_CASE("StumpsTakeLittleMoreThanTheirNodes") {
  for (const std::uint32_t num_trees : {8u, 100u, 1001u}) {
    const temp_dir dir;
    forest_spec spec;
    spec.num_columns = 1;
    spec.outputs.resize(1);
    forest_builder b(spec);
    for (std::uint32_t t = 0; t < num_trees; ++t) {
      b.begin_tree(3);
      b.split(0, 0, comparison::less_equal, t, missing::left, 1, 2);
      b.leaf(1, std::vector<double>{1});
      b.leaf(2, std::vector<double>{2});
      b.end_tree();
    }
    writer out(dir.path("f.stone"));
    out.add("model", b.build());
    out.commit();
    const file from = file::open(dir.path("f.stone"));
    const forest model = from.forest("model");
    CHECK(model.num_nodes() == 3 * num_trees);
    CHECK(static_cast<double>(model.node_bytes()) <= 8.6 * static_cast<double>(model.num_nodes()));
  }
}

TEST_CASE("RoundDownIsExactAtEveryBoundary") {
  std::uint32_t wrong = 0;
  for (const float f : {0.0f, 1.0f, -1.0f, 0.1f, -0.1f, 1e-45f, -1e-45f, 3.4028235e38f, -3.4028235e38f, 1e-38f}) {
    const double exact = static_cast<double>(f);
    for (const double t : {exact, std::nextafter(exact, 1e308), std::nextafter(exact, -1e308)}) {
      const float down = round_down(t);
      const float up = std::nextafter(down, std::numeric_limits<float>::infinity());
      wrong += !(static_cast<double>(down) <= t) || !(static_cast<double>(up) > t);
    }
  }
  CHECK(wrong == 0);
  CHECK(round_down(1e300) == std::numeric_limits<float>::max());
  CHECK(round_down(-1e300) == -std::numeric_limits<float>::infinity());
  CHECK(round_down(std::numeric_limits<double>::infinity()) == std::numeric_limits<float>::infinity());
}

TEST_CASE("KeysOrderAsFloatsDo") {
  const float infinity = std::numeric_limits<float>::infinity();
  std::uint32_t previous = key_of(-infinity);
  CHECK(previous > key_always_left);
  for (const float f : {-3.4e38f, -1.0f, -1e-45f, 0.0f, 1e-45f, 1.0f, 3.4e38f, infinity}) {
    CHECK(key_of(f) > previous);
    previous = key_of(f);
  }
  CHECK(previous < key_always_right);
  CHECK(key_of(-0.0f) == key_of(0.0f));
}
