// The door: what is no petrify file, what is cut off, what was changed.
#include "support/reseal.hpp"
#include "support/support.hpp"

#include <petrify/file.hpp>
#include <petrify/writer.hpp>

#include "container/directory.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

using namespace petrify;
using namespace petrify::test;

namespace {

struct small_file {
  temp_dir dir;
  std::string path = dir.path("small.stone");
  std::vector<std::byte> bytes;

  small_file() {
    writer out(path);
    out.add("numbers", std::vector<float>{1, 2, 3});
    out.add("words", std::vector<std::string>{"a", "", "bcd"});
    out.commit();
    bytes = read_bytes(path);
  }
  void write() { write_bytes(path, bytes); }
  void open() {
    write();
    (void)file::open(path);
  }
};

} // namespace

TEST_CASE("WhatIsNoPetrifyFileIsNamed") {
  const temp_dir dir;
  const std::string path = dir.path("model.stone");
  const auto open_text = [&](std::string_view text) {
    write_text(path, text);
    (void)file::open(path);
  };
  CHECK_REFUSED(open_text(""), errc::not_petrify, path + ": not a petrify file: the file is empty");
  CHECK_REFUSED(open_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"), errc::not_petrify,
                "not a petrify file: starts with \"version https://git-lfs.\"..., which is a git-lfs pointer");
  CHECK_REFUSED(open_text("<!DOCTYPE html>\n<html><body>404</body></html>"), errc::not_petrify,
                "which is an HTML page");
  CHECK_REFUSED(open_text("\x80\x04\x95"), errc::not_petrify, "which is a pickle");
  CHECK_REFUSED(open_text("\x93NUMPY\x01"), errc::not_petrify, "a NumPy .npy file");
  CHECK_REFUSED(open_text(std::string(500, '\0')), errc::not_petrify, "nothing but zeros");
  CHECK_REFUSED(open_text("hello"), errc::not_petrify, "starts with \"hello\", expected");
  CHECK_REFUSED(open_text("\x89petrify\n\x1a\n\0\0"), errc::not_petrify, "line endings were converted");
  CHECK_REFUSED(open_text("\x89pet"), errc::truncated, "the file has 4 bytes, expected at least 128");
}

TEST_CASE("WhatIsNoRegularFileIsNamed") {
  const temp_dir dir;
  CHECK_REFUSED(file::open(dir.path("missing")), errc::io, "open: no such file or directory");
  CHECK_REFUSED(file::open(dir.path("")), errc::not_regular, "is a directory, expected a regular file");
  const std::string fifo = dir.path("fifo");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK_REFUSED(file::open(fifo), errc::not_regular, "is a FIFO");
  CHECK_REFUSED(file::open("/dev/null"), errc::not_regular, "is a device");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string socket_path = dir.path("socket");
  REQUIRE(socket_path.size() < sizeof address.sun_path);
  std::copy(socket_path.begin(), socket_path.end(), address.sun_path);
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK_REFUSED(file::open(socket_path), errc::not_regular, "is a socket");
  ::close(descriptor);
}

TEST_CASE("EveryTruncationIsRefused") {
  small_file f;
  const std::vector<std::byte> whole = f.bytes;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    f.bytes.assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto failure = error_of([&] { f.open(); });
    REQUIRE_MESSAGE(failure.has_value(), size);
    CHECK_MESSAGE((failure->code() == errc::truncated || size == 0), failure->what());
  }
}

TEST_CASE("AppendedBytesAreRefused") {
  small_file f;
  f.bytes.push_back(std::byte{0});
  CHECK_REFUSED(f.open(), errc::malformed, "something was appended");
}

TEST_CASE("VerifyFindsEverySingleBitFlip") {
  small_file f;
  const std::vector<std::byte> whole = f.bytes;
  CHECK(verify(f.path).empty());
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      f.bytes[at] ^= std::byte(1 << bit);
      f.write();
      if (verify(f.path).empty())
        FAIL_CHECK("bit " << bit << " of byte " << at << " was flipped and nobody noticed");
      f.bytes[at] = whole[at];
    }
}

TEST_CASE("HeaderFieldsAreChecked") {
  small_file f;
  const std::vector<std::byte> whole = f.bytes;
  const auto with = [&](std::size_t at, auto value, bool sealed = true) {
    f.bytes = whole;
    poke(f.bytes, at, value);
    if (sealed)
      poke(f.bytes, 120, checksum(std::span(f.bytes).first(120)));
    f.open();
  };
  CHECK_REFUSED(with(12, std::uint32_t{0}), errc::unsupported,
                "header: format version 0, expected 1: format 0 was never released");
  CHECK_REFUSED(with(12, std::uint32_t{2}), errc::unsupported,
                "header: format version 2, expected 1: written by a later petrify");
  CHECK_REFUSED(with(16, std::uint64_t{1}, false), errc::corrupt, "header: checksum");
  CHECK_REFUSED(with(16, std::uint64_t{whole.size() + 1}), errc::truncated,
                "expected " + std::to_string(whole.size() + 1));
  CHECK_REFUSED(with(40, std::uint64_t{4}), errc::unsupported, "required features 4");
  CHECK_REFUSED(with(64, std::uint8_t{1}), errc::malformed, "reserved byte 64 is 1");
  CHECK_REFUSED(with(119, std::uint8_t{1}), errc::malformed, "reserved byte 119");
  CHECK_REFUSED(with(24, std::uint64_t{64}), errc::malformed, "directory at byte 64");
  CHECK_REFUSED(with(24, ~std::uint64_t{0}), errc::malformed, "directory at byte 18446744073709551615");
  CHECK_REFUSED(with(32, ~std::uint64_t{0}), errc::limit_exceeded, "directory of 18446744073709551615 bytes");
  CHECK_REFUSED(with(32, std::uint64_t{0}), errc::malformed, "directory at byte");
  CHECK_REFUSED(with(56, std::uint64_t{0}), errc::corrupt, "directory: checksum 0 stored");
  CHECK_NOTHROW(with(48, std::uint64_t{4})); // optional features are ignored
}

TEST_CASE("DirectoryThatIsNoFlatBufferIsRefused") {
  small_file f;
  replace_directory(f.bytes, std::vector<std::byte>(200, std::byte{0xff}));
  CHECK_REFUSED(f.open(), errc::malformed, "no valid FlatBuffer");
  replace_directory(f.bytes, {});
  CHECK_REFUSED(f.open(), errc::malformed, "no valid FlatBuffer");
}

TEST_CASE("SegmentsMustFillTheFileInOrder") {
  small_file f;
  const file original = file::open(f.path);
  const auto with = [&](std::vector<extent> segments, extent digests) {
    directory_builder b;
    const std::uint64_t three = 3;
    b.add_array("numbers", 0, {dtype::float32, axis_order::row_major, {&three, 1}, 0});
    b.add_array("words", 1, {dtype::string, axis_order::row_major, {&three, 1}, 0});
    replace_directory(f.bytes, b.finish(segments, digests, 0));
    f.open();
  };
  const extent table{320, 24};
  CHECK_NOTHROW(with({{128, 12}, {192, 24}, {256, 4}}, table));
  CHECK_REFUSED(with({{128, 12}, {128, 24}, {256, 4}}, table), errc::malformed,
                "segment 1: bytes 128 + 24, expected it at byte 192");
  CHECK_REFUSED(with({{128, 12}, {192, 24}, {320, 4}}, table), errc::malformed, "segment 2: bytes 320 + 4");
  CHECK_REFUSED(with({{128, 12}, {192, 24}, {256, 400}}, table), errc::malformed, "segment 2");
  CHECK_REFUSED(with({{128, ~0ull}, {192, 24}, {256, 4}}, table), errc::malformed, "segment 0");
  CHECK_REFUSED(with({{64, 12}, {192, 24}, {256, 4}}, table), errc::malformed,
                "segment 0: bytes 64 + 12, expected it at byte 128");
  CHECK_REFUSED(with({{128, 12}, {192, 24}, {256, 4}}, {256, 24}), errc::malformed, "digest table");
  CHECK_REFUSED(with({{128, 12}, {192, 24}, {256, 4}}, {320, 16}), errc::malformed,
                "2 digests at byte 320, expected 3");
  CHECK_REFUSED(with({{128, 12}, {192, 24}, {256, 0}}, table), errc::malformed, "3 digests at byte 320, expected 2");
}

TEST_CASE("NamesAndSegmentsOfObjectsAreChecked") {
  small_file f;
  const std::uint64_t three = 3;
  const array_description numbers{dtype::float32, axis_order::row_major, {&three, 1}, 0};
  const std::vector<extent> segments{{128, 12}, {192, 24}, {256, 4}};
  const auto with = [&](std::vector<std::pair<std::string, std::uint32_t>> objects) {
    directory_builder b;
    for (const auto& [name, first] : objects)
      b.add_array(name, first, numbers);
    replace_directory(f.bytes, b.finish(segments, {320, 24}, 0));
    f.open();
  };
  CHECK_NOTHROW(with({{"a", 0}, {"b", 1}}));
  CHECK_REFUSED(with({{"a", 0}, {"a", 1}}), errc::malformed, "each once");
  CHECK_REFUSED(with({{"", 0}}), errc::malformed, "object name of 0 bytes");
  CHECK_REFUSED(with({{std::string(1025, 'x'), 0}}), errc::malformed, "object name of 1025 bytes");
  CHECK_REFUSED(with({{"\xff", 0}}), errc::malformed, "UTF-8");
  CHECK_REFUSED(with({{"a", 1}}), errc::malformed, "objects own 2 segments, expected all 3");
  CHECK_REFUSED(with({{"a", 0}, {"b", 4}}), errc::malformed, "past the file's 3");
  CHECK_REFUSED(with({{"a", 0}, {"b", 2}, {"c", 1}}), errc::malformed, "segments");
  CHECK_REFUSED(with({}), errc::malformed, "objects own 0 segments");
}

TEST_CASE("ObjectsAreFoundByNameAndKind") {
  small_file f;
  const file from = file::open(f.path);
  CHECK(from.contains("words"));
  CHECK_FALSE(from.contains("word"));
  CHECK_REFUSED(from.array("missing"), errc::not_found,
                "object \"missing\": no such object, the file has \"numbers\", \"words\"");
  CHECK_REFUSED(from.forest("words"), errc::wrong_type, "is of kind array, expected forest");
  REQUIRE(from.objects().size() == 2);
  CHECK(from.objects()[0].name == "numbers");
  CHECK(from.objects()[1].num_segments == 2);
  CHECK(from.producer() == "petrify " PETRIFY_VERSION_STRING);
}

TEST_CASE("LimitsAreTheCallers") {
  small_file f;
  open_options tight;
  tight.bounds.max_objects = 1;
  CHECK_REFUSED(file::open(f.path, tight), errc::limit_exceeded, "2 objects, expected at most 1");
  tight = {};
  tight.bounds.max_directory_bytes = 10;
  CHECK_REFUSED(file::open(f.path, tight), errc::limit_exceeded, "expected at most 10");
}

TEST_CASE("TheSameCallsGiveTheSameBytes") {
  const small_file a;
  const small_file b;
  CHECK(a.bytes == b.bytes);
}

TEST_CASE("LargeSegmentsStartOnAPage") {
  const temp_dir dir;
  writer out(dir.path("f.stone"));
  out.add("a", std::vector<std::uint8_t>(65535));
  out.add("b", std::vector<std::uint8_t>(65536));
  out.add("c", std::vector<std::uint8_t>(3 << 20));
  out.add("d", std::vector<std::uint8_t>());
  out.commit();
  const file from = file::open(dir.path("f.stone"));
  const auto address = [&](const char* name) {
    return reinterpret_cast<std::uintptr_t>(from.array<std::uint8_t>(name).data());
  };
  CHECK(address("a") % 64 == 0);
  CHECK(address("b") % 4096 == 0);
  CHECK(address("c") % 4096 == 0);
  CHECK(from.array<std::uint8_t>("d").size() == 0);
  CHECK(from.verify().empty());
}

TEST_CASE("NoDescriptorIsLeftOpen") {
  const auto count = [] {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
      ++n;
    return n;
  };
  small_file f;
  const std::size_t before = count();
  {
    const file from = file::open(f.path);
    CHECK(count() == before); // the mapping needs none
  }
  f.bytes.resize(100);
  f.write();
  for (int i = 0; i < 10; ++i)
    CHECK(error_of([&] { (void)file::open(f.path); }).has_value());
  CHECK(count() == before);
}
