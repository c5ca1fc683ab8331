// Nodes that no builder makes: forest() refuses what could read outside the mapping or never end, verify the rest.
#include "support/reseal.hpp"
#include "support/support.hpp"

#include "forest/node.hpp"

#include <petrify/file.hpp>
#include <petrify/forest.hpp>
#include <petrify/forest_builder.hpp>
#include <petrify/writer.hpp>

using namespace petrify;
using namespace petrify::test;

namespace {

// Three trees: a stump, a chain of two splits, a single leaf. Blocks of nodes: [root0 root1 | pair of 0 | two pairs of
// 1] and [root2 unused].
struct small_forest {
  temp_dir dir;
  std::string path = dir.path("f.stone");
  std::vector<std::byte> bytes;
  std::size_t nodes_at = 128;

  small_forest() {
    forest_spec spec;
    spec.num_columns = 2;
    spec.outputs.resize(1);
    forest_builder b(spec);
    const auto leaf = [&](std::uint32_t node, double value) { b.leaf(node, std::vector<double>{value}); };
    b.begin_tree(3);
    b.split(0, 0, comparison::less_equal, 0.5, missing::left, 1, 2);
    leaf(1, 1);
    leaf(2, 2);
    b.end_tree();
    b.begin_tree(5);
    b.split(0, 1, comparison::less_equal, 0.5, missing::left, 1, 2);
    leaf(1, 1);
    b.split(2, 1, comparison::less_equal, 1.5, missing::right, 3, 4);
    leaf(3, 3);
    leaf(4, 4);
    b.end_tree();
    b.begin_tree(1);
    leaf(0, 5);
    b.end_tree();
    writer out(path);
    out.add("model", b.build());
    out.commit();
    bytes = read_bytes(path);
    REQUIRE(nodes().size() == 10);
    REQUIRE((nodes()[1].meta >> 8) == 3);
  }

  std::span<node8> nodes() { return {reinterpret_cast<node8*>(bytes.data() + nodes_at), 10}; }
  std::uint32_t* root_pairs() { return reinterpret_cast<std::uint32_t*>(bytes.data() + 256); }

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
  f.nodes()[4].meta = split_of(6, 1);
  CHECK_REFUSED(f.open(), errc::malformed, "node 4: right child 11 is past the block's nodes 0 to 8");
}

TEST_CASE("ChildInTheNextTreesBlockIsRefused") {
  small_forest f;
  f.nodes()[6].meta = split_of(2, 1);
  CHECK_REFUSED(f.open(), errc::malformed, "tree 1 node 6: right child 9 is past");
}

TEST_CASE("ChildAtAnOddNodeIsRefused") {
  small_forest f;
  f.nodes()[0].meta = split_of(3, 1);
  CHECK_REFUSED(f.open(), errc::malformed, "tree 0 node 0: left child 3, expected an even node");
}

TEST_CASE("LargestOffsetIsRefused") {
  small_forest f;
  f.nodes()[0].meta = 0xffffffffu;
  CHECK_REFUSED(f.open(), errc::malformed, "tree 0 node 0");
}

TEST_CASE("SlotThatDoesNotExistIsRefused") {
  small_forest f;
  f.nodes()[0].meta = split_of(2, 4);
  CHECK_REFUSED(f.open(), errc::malformed, "tree 0 node 0: tests slot 4, expected less than 4");
}

TEST_CASE("SplitOnTheZeroSlotIsRefused") {
  small_forest f;
  f.nodes()[0].meta = split_of(2, 0);
  CHECK_REFUSED(f.open(), errc::malformed, "tree 0 node 0: is a split on slot 0");
}

TEST_CASE("SplitThatNoKeyPassesIsRefused") {
  small_forest f;
  f.nodes()[0].value = 0xffffffffu;
  CHECK_REFUSED(f.open(), errc::malformed, "tree 0 node 0: compares with 4294967295");
}

TEST_CASE("LeafWithASlotIsRefused") {
  small_forest f;
  f.nodes()[2].meta = split_of(0, 1);
  CHECK_REFUSED(f.open(), errc::malformed, "tree 0 node 2: tests slot 1 but has no children");
}

TEST_CASE("LeafPayloadPastTheTableIsRefused") {
  small_forest f;
  f.nodes()[2].value = 5;
  CHECK_REFUSED(f.open(), errc::malformed, "tree 0 node 2: leaf payload 5, expected less than 5");
  f.nodes()[2].value = 0xffffffffu;
  CHECK_REFUSED(f.open(), errc::malformed, "leaf payload 4294967295");
}

TEST_CASE("RootPairsOutOfOrderOrRangeAreRefused") {
  small_forest f;
  f.root_pairs()[0] = 1;
  CHECK_REFUSED(f.open(), errc::malformed, "tree 0: root at node 2, expected 0");
  f.root_pairs()[0] = 0;
  f.root_pairs()[1] = 0;
  CHECK_REFUSED(f.open(), errc::malformed, "tree 2: root at node 0, expected at least 2");
  f.root_pairs()[1] = 5;
  CHECK_REFUSED(f.open(), errc::malformed, "tree 2: root at node 10");
  f.root_pairs()[1] = 0xffffffffu;
  CHECK_REFUSED(f.open(), errc::malformed, "tree 2: root at node 8589934590");
}

TEST_CASE("TrustOfTheCallerSkipsThePass") {
  small_forest f;
  f.nodes()[2].value = 5;
  write_bytes(f.path, f.bytes);
  const file from = file::open(f.path);
  CHECK(from.forest("model", trust::caller).num_trees() == 3);
  CHECK_REFUSED(from.forest("model"), errc::malformed, "leaf payload 5");
  CHECK_REFUSED(from.forest("model"), errc::malformed, "leaf payload 5");
}

TEST_CASE("VerifyFindsWhatIsSafeButWrong") {
  // A pair with two parents: the chain's second split points at the first tree's pair order; safe, but no tree.
  small_forest f;
  const std::vector<std::byte> sound = f.bytes;
  f.nodes()[1].meta = split_of(5, 2);
  f.open();
  auto faults = f.faults();
  REQUIRE(faults.size() == 2); // the checksum and the structure
  CHECK(std::string_view(faults[1].what()).find("node 5: left child 6 has another parent too") != std::string_view::npos);

  // A node behind the unused root.
  f.bytes = sound;
  f.nodes()[9].value = 1;
  f.open();
  faults = f.faults();
  REQUIRE(faults.size() == 2);
  CHECK(std::string_view(faults[1].what()).find("node 9: is not zero") != std::string_view::npos);

  // A split turned into a leaf leaves its pair without a parent.
  f.bytes = sound;
  f.nodes()[5] = {0, 0};
  f.open();
  faults = f.faults();
  REQUIRE(faults.size() == 2);
  CHECK(std::string_view(faults[1].what()).find("node 6: has no parent, expected one") != std::string_view::npos);
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
