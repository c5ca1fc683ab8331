#include "support/support.hpp"

#include "mapping/input_file.hpp"
#include "mapping/output_file.hpp"

#include <petrify/file.hpp>
#include <petrify/writer.hpp>

#include <sys/stat.h>
#include <unistd.h>

using namespace petrify;
using namespace petrify::test;

namespace {

std::vector<std::byte> pattern(std::size_t size, unsigned seed = 1) {
  std::vector<std::byte> out(size);
  for (std::size_t i = 0; i < size; ++i)
    out[i] = static_cast<std::byte>((i * 2654435761u + seed) >> 13);
  return out;
}

} // namespace

TEST_CASE("OutputAppearsOnlyAtCommit") {
  const temp_dir dir;
  const std::string path = dir.path("out");
  write_text(path, "old");
  {
    output_file out(path);
    out.append(pattern(10));
    CHECK(dir.list().size() == 2);
    CHECK(read_bytes(path).size() == 3);
  }
  CHECK(dir.list() == std::vector<std::string>{"out"}); // nothing is left of what was not committed
  CHECK(read_bytes(path).size() == 3);
  output_file out(path);
  out.append(pattern(10));
  out.commit();
  CHECK(dir.list() == std::vector<std::string>{"out"});
  CHECK(read_bytes(path) == pattern(10));
}

TEST_CASE("OutputKeepsBytesInOrderWhateverThePieces") {
  const temp_dir dir;
  const std::vector<std::byte> all = pattern(std::size_t{21} << 20);
  output_file out(dir.path("out"));
  std::size_t at = 0;
  for (const std::size_t piece : {std::size_t{1}, std::size_t{4} << 20, (std::size_t{4} << 20) - 2,
                                  std::size_t{9} << 20, std::size_t{100}, std::size_t{3} << 20}) {
    out.append(std::span(all).subspan(at, piece));
    at += piece;
    CHECK(out.size_bytes() == at);
  }
  out.append(std::span(all).subspan(at));
  out.overwrite(5, std::span(all).first(3));
  out.commit();
  std::vector<std::byte> expected = all;
  std::copy_n(all.begin(), 3, expected.begin() + 5);
  CHECK(read_bytes(dir.path("out")) == expected);
}

TEST_CASE("OutputRespectsTheUmask") {
  const temp_dir dir;
  const mode_t before = ::umask(027);
  output_file out(dir.path("out"));
  out.commit();
  ::umask(before);
  struct stat info {};
  REQUIRE(::stat(dir.path("out").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0640);
}

TEST_CASE("OutputRefusesAFolderAndAMissingFolder") {
  const temp_dir dir;
  CHECK_REFUSED(output_file(dir.path("")), errc::not_regular, "a directory");
  CHECK_REFUSED(output_file("/dev/null"), errc::not_regular, "no regular file");
  CHECK_REFUSED(output_file(dir.path("no/such/out")), errc::io, "no such file or directory");
}

TEST_CASE("ReplacingAMappedFileLeavesTheMappingAlone") {
  const temp_dir dir;
  const std::string path = dir.path("f.stone");
  const auto write = [&](float value) {
    writer out(path);
    out.add("a", std::vector<float>(100000, value));
    out.commit();
  };
  write(1);
  const file old = file::open(path);
  const auto view = old.array<float>("a");
  write(2);
  const file renewed = file::open(path);
  CHECK(view(99999) == 1);
  CHECK(renewed.array<float>("a")(99999) == 2);
}

TEST_CASE("InputReadsWhatItIsAskedForAndSaysWhereTheFileEnds") {
  const temp_dir dir;
  write_bytes(dir.path("f"), pattern(1000));
  const input_file in(dir.path("f"));
  CHECK(in.size_bytes() == 1000);
  std::vector<std::byte> out(100);
  in.read_at(900, out);
  CHECK(std::equal(out.begin(), out.end(), pattern(1000).begin() + 900));
  CHECK_REFUSED(in.read_at(950, out), errc::truncated, "byte 1000: the file ends here, expected 50 more bytes");
  const mapping mapped(in);
  CHECK(std::equal(mapped.bytes().begin(), mapped.bytes().end(), pattern(1000).begin()));
  write_bytes(dir.path("empty"), {});
  CHECK(mapping(input_file(dir.path("empty"))).bytes().empty());
}
