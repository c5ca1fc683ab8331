// docs/format.md, "Examples": the bytes printed there are a valid file, and what the library writes.
#include "support/support.hpp"

#include <petrify/file.hpp>
#include <petrify/forest.hpp>
#include <petrify/forest_builder.hpp>
#include <petrify/writer.hpp>

#include <array>
#include <sstream>

using namespace petrify;
using namespace petrify::test;

namespace {

using bytes = std::vector<std::byte>;

// A dump of the page: bytes from `begin` on, with zeros between its lines.
struct dump {
  std::size_t begin = 0;
  bytes content;

  std::size_t end() const { return begin + content.size(); }
};

bool is_hex(const std::string& word, std::size_t length) {
  return word.size() == length && word.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// The block of the page that begins with "```hex NAME".
dump dump_of(const std::string& name) {
  std::ifstream page(PETRIFY_SOURCE_DIR "/docs/format.md");
  REQUIRE(page.good());
  std::string line;
  while (std::getline(page, line) && line != "```hex " + name) {
  }
  REQUIRE(page.good());
  dump out;
  bool first = true;
  while (std::getline(page, line) && line != "```") {
    CAPTURE(line);
    std::istringstream words(line.substr(0, line.find('|')));
    std::string word;
    words >> word;
    REQUIRE(is_hex(word, 8));
    const std::size_t at = std::stoul(word, nullptr, 16);
    if (first)
      out.begin = at;
    first = false;
    REQUIRE(at >= out.end());
    out.content.resize(at - out.begin);
    while (words >> word) {
      REQUIRE(is_hex(word, 2));
      out.content.push_back(static_cast<std::byte>(std::stoul(word, nullptr, 16)));
    }
  }
  REQUIRE(!out.content.empty());
  return out;
}

// Compares bytes [begin, end) of a file with the dump; both must have them.
void check_range(const bytes& written, const dump& expected, std::size_t begin, std::size_t end) {
  REQUIRE(expected.begin <= begin);
  REQUIRE(expected.end() >= end);
  REQUIRE(written.size() >= end);
  for (std::size_t at = begin; at < end; ++at) {
    CAPTURE(at);
    CHECK(std::to_integer<int>(written[at]) == std::to_integer<int>(expected.content[at - expected.begin]));
  }
}

std::uint64_t load64(const bytes& from, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;)
    value = value << 8 | std::to_integer<std::uint64_t>(from[at + i]);
  return value;
}

void write_array(const std::string& path) {
  writer out(path);
  out.add("a", std::array<std::int16_t, 3>{1, -2, 300});
  out.commit();
}

void write_forest(const std::string& path) {
  forest_spec spec;
  spec.num_columns = 1;
  spec.leaf_type = dtype::float32;
  spec.outputs.emplace_back();
  forest_builder builder(spec);
  builder.begin_tree(3);
  builder.split(0, 0, comparison::less_equal, 0.1, missing::left, 1, 2);
  builder.leaf(1, std::array<double, 1>{-1.0});
  builder.leaf(2, std::array<double, 1>{2.5});
  builder.end_tree();
  writer out(path);
  out.add("forest", builder.build());
  out.commit();
}

constexpr std::size_t file_size_at = 16;
constexpr std::size_t directory_offset_at = 24;
constexpr std::size_t directory_size_at = 32;

} // namespace

TEST_CASE("PrintedArrayFileIsValid") {
  const dump printed = dump_of("array.stone");
  REQUIRE(printed.begin == 0);
  const temp_dir dir;
  const std::string path = dir.path("printed.stone");
  write_bytes(path, printed.content);
  for (const error& fault : verify(path))
    FAIL_CHECK(fault.what());
  const file opened = file::open(path);
  const auto array = opened.array<std::int16_t>("a");
  REQUIRE(array.size() == 3);
  CHECK(array(0) == 1);
  CHECK(array(1) == -2);
  CHECK(array(2) == 300);
}

TEST_CASE("WriterGivesThePrintedArrayFileButForItsDirectory") {
  const dump printed = dump_of("array.stone");
  const temp_dir dir;
  const std::string path = dir.path("array.stone");
  write_array(path);
  const bytes written = read_bytes(path);
  const std::size_t directory = load64(printed.content, directory_offset_at);
  // The directory's bytes depend on the FlatBuffers library; its size and the two checksums follow from them.
  check_range(written, printed, 0, file_size_at);
  check_range(written, printed, directory_offset_at, directory_size_at);
  check_range(written, printed, 40, 56);
  check_range(written, printed, 64, 120);
  check_range(written, printed, 128, directory);
  CHECK(load64(written, file_size_at) == written.size());
  CHECK(load64(written, directory_size_at) == written.size() - directory);
}

TEST_CASE("WriterGivesThePrintedNodesAndDigests") {
  const dump printed = dump_of("forest.stone");
  const temp_dir dir;
  const std::string path = dir.path("forest.stone");
  write_forest(path);
  check_range(read_bytes(path), printed, printed.begin, printed.end());
}

TEST_CASE("PrintedThresholdRoutesTheFloatNextToItRight") {
  const temp_dir dir;
  const std::string path = dir.path("forest.stone");
  write_forest(path);
  const file opened = file::open(path);
  const forest model = opened.forest("forest");
  const std::vector<float> nearest{0x1.99999ap-4f}; // the float32 nearest to 0.1: above it
  const std::vector<float> below{0x1.999998p-4f};
  CHECK(model.predict(row_view(nearest)) == std::vector<double>{2.5});
  CHECK(model.predict(row_view(below)) == std::vector<double>{-1.0});
}
