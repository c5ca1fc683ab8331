// verify on several threads: the same faults in the same order, and what happens to what is thrown on the way.
#include "support/support.hpp"

#include <petrify/file.hpp>
#include <petrify/thread_pool.hpp>
#include <petrify/writer.hpp>

#include <atomic>
#include <cstring>
#include <new>
#include <stdexcept>
#include <thread>

using namespace petrify;
using namespace petrify::test;

namespace {

constexpr std::size_t chunk = std::size_t{1} << 20;

// 65 digests of segments of all sorts: several pieces for several threads.
constexpr std::size_t table_bytes = (65 * 8 + 63) / 64 * 64;

struct large_file {
  temp_dir dir;
  std::string path = dir.path("large.stone");
  std::vector<std::byte> bytes;

  large_file() {
    writer out(path);
    out.add("a", counting(3 * chunk + 5));
    out.add("b", counting(100));
    out.add("c", std::vector<std::uint8_t>());
    out.add("d", counting(21 * chunk));
    for (int i = 0; i < 40; ++i)
      out.add("small " + std::to_string(i), counting(static_cast<std::size_t>(i)));
    out.commit();
    bytes = read_bytes(path);
  }
  static std::vector<std::uint8_t> counting(std::size_t size) {
    std::vector<std::uint8_t> out(size);
    for (std::size_t i = 0; i < size; ++i)
      out[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
    return out;
  }
  std::uint64_t directory() const {
    std::uint64_t out;
    std::memcpy(&out, bytes.data() + 24, sizeof out);
    return out;
  }
};

std::vector<std::string> words_of(const std::vector<error>& faults) {
  std::vector<std::string> out;
  for (const error& fault : faults)
    out.emplace_back(fault.what());
  return out;
}

// Runs the tasks from the last to the first.
class backwards final : public executor {
public:
  unsigned concurrency() const noexcept override { return 5; }
  void run(std::size_t num_tasks, task_ref task) override {
    for (std::size_t i = num_tasks; i != 0; --i)
      task(i - 1);
  }
};

} // namespace

TEST_CASE("FaultsAreTheSameOnAnyNumberOfThreads") {
  large_file f;
  const file sound = file::open(f.path);
  thread_pool every_thread(3);
  CHECK(sound.verify({}, every_thread).empty());

  const std::size_t a = 4096; // the first place on a page
  const std::size_t b = a + 3 * chunk + 64;
  const std::size_t d = (b + 100 + 4095) / 4096 * 4096;
  REQUIRE(f.bytes[a + 1] == std::byte{31});
  REQUIRE(f.bytes[b + 1] == std::byte{31});
  REQUIRE(f.bytes[d + 1] == std::byte{31});
  std::vector<std::string> parts;
  const auto damage = [&](std::size_t at, const std::string& part) {
    f.bytes[at] ^= std::byte{0x40};
    parts.push_back(part);
  };
  const auto chunk_words = [](std::size_t segment, std::size_t begin, std::size_t size) {
    return "segment " + std::to_string(segment) + " bytes " + std::to_string(begin) + " to " +
           std::to_string(begin + size) + ": checksum ";
  };
  damage(200, "byte 200: padding is 64, expected 0"); // before the first segment
  damage(a + 10, chunk_words(0, a, chunk));
  damage(a + 3 * chunk + 4, chunk_words(0, a + 3 * chunk, 5));
  damage(a + 3 * chunk + 5, "byte " + std::to_string(a + 3 * chunk + 5));
  damage(b + 99, chunk_words(1, b, 100));
  damage(d - 1, "byte " + std::to_string(d - 1));
  for (const std::size_t i : {0, 1, 6, 7, 8, 15, 20})
    damage(d + i * chunk + 77 * i, chunk_words(3, d + i * chunk, chunk));
  const std::size_t table = f.directory() - table_bytes;
  damage(f.directory() - 1, "byte " + std::to_string(f.directory() - 1));
  damage(table - 1, "byte " + std::to_string(table - 1));
  std::swap(parts[parts.size() - 1], parts[parts.size() - 2]); // in the order of places
  write_bytes(f.path, f.bytes);

  const std::vector<std::string> once = words_of(verify(f.path));
  REQUIRE(once.size() == parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i)
    CHECK_MESSAGE(once[i].find(parts[i]) != std::string::npos, once[i] << " without " << parts[i]);
  for (unsigned threads = 1; threads <= 4; ++threads) {
    thread_pool pool(threads);
    for (int round = 0; round < 5; ++round)
      CHECK(words_of(verify(f.path, {}, {}, pool)) == once);
  }
  backwards other;
  CHECK(words_of(verify(f.path, {}, {}, other)) == once);
}

TEST_CASE("ADamagedDigestTableIsTheFirstFault") {
  large_file f;
  const std::size_t table = f.directory() - table_bytes;
  f.bytes[table + 8 * 20] ^= std::byte{1};
  write_bytes(f.path, f.bytes);
  for (unsigned threads = 1; threads <= 4; ++threads) {
    thread_pool pool(threads);
    const auto faults = verify(f.path, {}, {}, pool);
    REQUIRE(faults.size() == 2);
    CHECK(faults[0].where() == "digest table");
    CHECK(faults[1].where().starts_with("segment 3 bytes "));
  }
}

TEST_CASE("ProgressComesOneCallAtATimeAndNeverGoesBack") {
  const large_file f;
  const file from = file::open(f.path);
  for (unsigned threads = 1; threads <= 4; ++threads) {
    thread_pool pool(threads);
    std::atomic<int> inside{0};
    std::uint64_t last = 0;
    std::size_t calls = 0;
    const auto faults = from.verify(
        [&](std::uint64_t done, std::uint64_t total) {
          CHECK(inside.fetch_add(1) == 0);
          CHECK(done >= last);
          CHECK(total == from.size_bytes());
          last = done;
          ++calls;
          std::this_thread::yield();
          inside.fetch_sub(1);
        },
        pool);
    CHECK(faults.empty());
    CHECK(calls >= 5);
    CHECK(last == from.size_bytes());
  }
}

TEST_CASE("WhatProgressThrowsComesOutOfVerify") {
  const large_file f;
  const file from = file::open(f.path);
  for (unsigned threads = 1; threads <= 4; ++threads) {
    thread_pool pool(threads);
    std::atomic<int> calls{0};
    CHECK_THROWS_AS((void)from.verify(
                        [&](std::uint64_t, std::uint64_t) {
                          if (++calls == 3)
                            throw std::bad_alloc();
                        },
                        pool),
                    std::bad_alloc);
    CHECK(calls < 8); // the other threads stop
    CHECK(from.verify({}, pool).empty());
  }
}

TEST_CASE("WhatAnExecutorThrowsComesOutOfVerify") {
  class broken final : public executor {
  public:
    unsigned concurrency() const noexcept override { return 2; }
    void run(std::size_t, task_ref) override { throw std::runtime_error("no threads"); }
  };
  const large_file f;
  broken on;
  CHECK_THROWS_AS((void)file::open(f.path).verify({}, on), std::runtime_error);
}

TEST_CASE("AFileWithoutSegmentsIsVerified") {
  const temp_dir dir;
  writer(dir.path("empty.stone")).commit();
  thread_pool pool(2);
  CHECK(verify(dir.path("empty.stone"), {}, {}, pool).empty());
}
