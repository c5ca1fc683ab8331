#include "support/support.hpp"

#include <petrify/file.hpp>
#include <petrify/writer.hpp>

#include <algorithm>
#include <atomic>
#include <limits>
#include <numeric>
#include <random>
#include <thread>

using namespace petrify;
using namespace petrify::test;

namespace {

std::vector<float> counted(std::size_t n) {
  std::vector<float> out(n);
  std::iota(out.begin(), out.end(), 0.0f);
  return out;
}

// [0, n) cut into pieces of up to `longest`, shuffled.
std::vector<std::pair<std::size_t, std::size_t>> pieces_of(std::size_t n, std::size_t longest, std::mt19937& random) {
  std::vector<std::pair<std::size_t, std::size_t>> out;
  for (std::size_t begin = 0; begin < n;) {
    const std::size_t length = std::min(n - begin, 1 + random() % longest);
    out.emplace_back(begin, length);
    begin += length;
  }
  std::shuffle(out.begin(), out.end(), random);
  return out;
}

} // namespace

TEST_CASE("PlannedArraysMakeTheFileThatAddMakes") {
  const temp_dir dir;
  const std::vector<float> values = counted(3'000'001); // 12 digests, the last one short
  std::mt19937 random(1);
  {
    writer out(dir.path("added.stone"));
    out.add("before", std::vector<int>{1, 2, 3});
    out.add<float>("table", std::span(values).first(3'000'000), {1'000'000, 3});
    out.add<float>("turned", std::span(values).first(600), {20, 30}, axis_order::column_major);
    out.add("after", std::vector<std::string>{"x", "y"});
    out.add("odd", values);
    out.commit();
  }
  // The longest pieces are larger, and much smaller, than a chunk of a digest.
  for (const std::size_t longest : {std::size_t{5'000'000}, std::size_t{700'000}, std::size_t{5'000}}) {
    const std::string path = dir.path("planned.stone");
    writer out(path);
    out.add("before", std::vector<int>{1, 2, 3});
    auto table = out.plan<float>("table", {1'000'000, 3});
    auto turned = out.plan<float>("turned", {20, 30}, axis_order::column_major);
    turned.write(300, std::span(values).subspan(300, 300));
    out.add("after", std::vector<std::string>{"x", "y"});
    auto odd = out.plan<float>("odd", {values.size()});
    for (const auto& [begin, length] : pieces_of(3'000'000, longest, random))
      table.write(begin, std::span(values).subspan(begin, length));
    for (const auto& [begin, length] : pieces_of(values.size(), longest, random))
      odd.write(begin, std::span(values).subspan(begin, length));
    turned.write(0, std::span(values).first(300));
    out.commit();
    CHECK(read_bytes(path) == read_bytes(dir.path("added.stone")));
  }
}

TEST_CASE("ThreadsFillOneArray") {
  const temp_dir dir;
  const std::string path = dir.path("a.stone");
  const std::vector<float> values = counted(2'500'000);
  std::mt19937 random(2);
  for (const std::size_t longest : {std::size_t{400'000}, std::size_t{3'000}}) {
    const auto pieces = pieces_of(values.size(), longest, random);
    {
      writer out(path);
      auto planned = out.plan<float>("a", {values.size()});
      std::atomic<std::size_t> next = 0;
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
          for (std::size_t i = next++; i < pieces.size(); i = next++)
            planned.write(pieces[i].first, std::span(values).subspan(pieces[i].first, pieces[i].second));
        });
      // Other objects meanwhile, from the writer's own thread; and the writer may move.
      out.add("b", std::vector<float>(100'000, 2.0f));
      writer moved = std::move(out);
      moved.add("c", std::vector<int>{7});
      for (std::thread& thread : threads)
        thread.join();
      moved.commit();
    }
    const file from = file::open(path);
    CHECK(from.verify().empty());
    const auto a = from.array<float>("a").elements();
    CHECK(std::equal(values.begin(), values.end(), a.begin(), a.end()));
    CHECK(from.array<float>("b")(99'999) == 2.0f);
    CHECK(from.array<int>("c")(0) == 7);
  }
}

TEST_CASE("CommitWantsPlannedArraysWholeAndMayBeCalledAgain") {
  const temp_dir dir;
  const std::string path = dir.path("a.stone");
  writer out(path);
  const std::vector<float> values = counted(100);
  auto a = out.plan<float>("a", {10, 10});
  CHECK_REFUSED(out.commit(), errc::invalid_argument,
                path + ": object \"a\": elements 0 to 100 were not written, expected all 100");
  a.write(0, std::span(values).first(40));
  a.write(60, std::span(values).subspan(60));
  CHECK_REFUSED(out.commit(), errc::invalid_argument, "elements 40 to 60 were not written");
  CHECK(!std::filesystem::exists(path));
  a.write(40, std::span(values).subspan(40, 19));
  CHECK_REFUSED(out.commit(), errc::invalid_argument, "elements 59 to 60 were not written");
  a.write(59, std::span(values).subspan(59, 1));
  out.commit();
  const file from = file::open(path);
  CHECK(from.array<float>("a")(9, 9) == 99);
  CHECK_REFUSED(a.write(0, std::span(values).first(1)), errc::invalid_argument, "element 0 is written a second time");
}

TEST_CASE("PlannedElementsAreWrittenOnce") {
  const temp_dir dir;
  const std::string path = dir.path("a.stone");
  writer out(path);
  auto a = out.plan<double>("a", {100});
  const std::vector<double> ten(10, 1.5);
  a.write(20, ten);
  a.write(40, ten);
  const auto refuse = [&](std::uint64_t first, const char* what) {
    CHECK_REFUSED(a.write(first, ten), errc::invalid_argument, path + ": object \"a\": " + what);
  };
  refuse(20, "element 20 is written a second time, expected each once");
  refuse(15, "element 20 is written a second time");
  refuse(29, "element 29 is written a second time");
  refuse(31, "element 40 is written a second time");
  refuse(49, "element 49 is written a second time");
  refuse(91, "elements 91 to 91 + 10 written, expected at most 100");
  refuse(std::numeric_limits<std::uint64_t>::max() - 3, "elements 18446744073709551612 to");
  a.write(100, {}); // nothing, at the end
  // What was refused changed nothing.
  a.write(30, ten);
  a.write(10, ten);
  a.write(0, ten);
  a.write(50, std::vector<double>(50, 1.5));
  out.commit();
  const file from = file::open(path);
  CHECK(from.verify().empty());
  const auto elements = from.array<double>("a").elements();
  CHECK(std::all_of(elements.begin(), elements.end(), [](double x) { return x == 1.5; }));
}

TEST_CASE("PlansOfBadShapesAreRefused") {
  const temp_dir dir;
  writer out(dir.path("a.stone"));
  const std::uint64_t huge = std::uint64_t{1} << 40;
  CHECK_REFUSED((out.plan<float>("a", {huge, huge})), errc::invalid_argument, "expected fewer than 2^63");
  CHECK_REFUSED((out.plan<float>("a", std::vector<std::uint64_t>(33, 1))), errc::invalid_argument, "33 axes");
  CHECK_REFUSED((out.plan<float>("", {1})), errc::invalid_argument, "name of 0 bytes");
  CHECK_REFUSED((out.plan<float>("a", {huge, 1024})), errc::limit_exceeded, "expected at most 1125899906842624");
}

TEST_CASE("PlannedArraysWithoutElementsAreWhole") {
  const temp_dir dir;
  {
    writer out(dir.path("a.stone"));
    (void)out.plan<float>("none", {0, 7});
    auto one = out.plan<float>("one", std::span<const std::uint64_t>());
    one.write(0, std::vector<float>{2.5f});
    out.commit(durability::unsynced);
  }
  const file from = file::open(dir.path("a.stone"));
  CHECK(from.verify().empty());
  CHECK(from.array<float>("none").shape()[1] == 7);
  CHECK(from.array<float>("one")() == 2.5f);
}

TEST_CASE("AbandonedPlansLeaveNothing") {
  const temp_dir dir;
  {
    writer out(dir.path("f.stone"));
    auto a = out.plan<double>("a", {1 << 20});
    a.write(1000, std::vector<double>(1000));
  }
  CHECK(dir.list().empty());
}
