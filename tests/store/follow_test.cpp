// Following a name: what is served when, what is refused, what is let go.
#include "store/name_folder.hpp"
#include "store/stored_numbers.hpp"
#include "support/allocations.hpp"
#include "support/own_process.hpp"
#include "support/support.hpp"

#include <petrify/predictor.hpp>
#include <petrify/store.hpp>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace petrify;
using namespace petrify::test;
using namespace std::chrono_literals;

namespace {

// What a follower tells, to be asked from another thread.
class told {
public:
  void change(std::uint64_t version) {
    const std::lock_guard lock(mutex_);
    changes_.push_back(version);
  }
  void refusal(std::uint64_t version, const error& why) {
    const std::lock_guard lock(mutex_);
    refusals_.emplace_back(std::to_string(version) + " " + why.what());
  }
  std::vector<std::uint64_t> changes() const {
    const std::lock_guard lock(mutex_);
    return changes_;
  }
  std::vector<std::string> refusals() const {
    const std::lock_guard lock(mutex_);
    return refusals_;
  }
  void listen(follow_options& options) {
    options.on_change = [this](std::uint64_t version) { change(version); };
    options.on_refused = [this](std::uint64_t version, const error& why) { refusal(version, why); };
  }

private:
  mutable std::mutex mutex_;
  std::vector<std::uint64_t> changes_;
  std::vector<std::string> refusals_;
};

void make_current_by_hand(const std::string& folder, std::uint64_t number) {
  write_text(folder + "/NEXT", current_text(number));
  std::filesystem::rename(folder + "/NEXT", folder + "/CURRENT");
}

std::uint64_t number_of_file(const file& from) { return number_in(from); }

} // namespace

TEST_CASE("AFollowedNumberIsThatOfTheNewestVersion") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(7));
  for (const bool events : {true, false}) {
    CAPTURE(events);
    follow_options options;
    options.events = events;
    options.poll = events ? 1h : 5ms; // so that events alone, or looking alone, finds the change
    told heard;
    heard.listen(options);
    const std::uint64_t before = s.current("m");
    const follower follows = s.follow("m", options);
    CHECK(follows.has_events() == events);
    followed<std::uint64_t> number(follows, number_of_file);
    CHECK(number.version() == before);
    const std::uint64_t seen = *number;
    const std::uint64_t next = s.publish("m", stored_numbers(seen + 100));
    CHECK(eventually([&] { return follows.version() == next; }));
    CHECK(*number == seen + 100);
    CHECK(number.version() == next);
    // Back, too.
    CHECK(s.rollback("m") == before);
    CHECK(eventually([&] { return *number == seen; }));
    CHECK(eventually([&] { return heard.changes().size() == 2; }));
    CHECK(heard.changes() == std::vector<std::uint64_t>{next, before});
    CHECK(heard.refusals().empty());
  }
}

TEST_CASE("TheHotPathAllocatesNothingAndGivesOneObject") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", [](writer& out) { out.add("model", stump(1)); });
  follow_options options;
  options.poll = 1h; // its thread sleeps
  const follower follows = s.follow("m", options);
  int num_made = 0;
  followed<predictor> model(follows, [&](const file& version) {
    ++num_made;
    return predictor(version.forest("model"));
  });
  const float row[] = {0.0f};
  double score = 0;
  const predictor* const first = &*model;
  bool good = true;
  const std::size_t before = num_allocations();
  for (int i = 0; i < 1000; ++i)
    good = good && model->predict(row, std::span(&score, 1)) && score == 1 && &*model == first;
  CHECK(num_allocations() == before);
  CHECK(good);
  CHECK(num_made == 1);
}

TEST_CASE("AnOldVersionIsUnmappedWhenItsLastThreadHasLetGo") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  const std::size_t descriptors = open_descriptors();
  {
    const follower follows = s.follow("m");
    followed<std::uint64_t> quick(follows, number_of_file);
    followed<std::uint64_t> idle(follows, number_of_file);
    for (std::uint64_t i = 2; i <= 5; ++i) {
      s.publish("m", stored_numbers(i));
      REQUIRE(eventually([&] { return *quick == i; }));
    }
    // The idle thread has the first, the quick one the last; the others are gone.
    CHECK(eventually([&] { return follows.num_mapped() == 2; }));
    CHECK(mapped_regions("versions/1.stone") == 1);
    CHECK(mapped_regions("versions/5.stone") == 1);
    CHECK(mapped_regions(".stone") == 2);
    CHECK(s.prune("m", 1).held == std::vector<std::uint64_t>{1});
    idle.release();
    CHECK(idle.version() == 0);
    CHECK(eventually([&] { return follows.num_mapped() == 1; }));
    CHECK(mapped_regions(".stone") == 1);
    CHECK(s.prune("m", 1).removed == std::vector<std::uint64_t>{1});
    CHECK(*idle == 5);
    CHECK(idle.version() == 5);
  }
  CHECK(mapped_regions(".stone") == 0);
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("WhatWasFollowedOutlivesItsFollower") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  {
    std::optional<follower> follows(s.follow("m"));
    followed<file> kept(*follows, [](const file& version) { return version; });
    s.publish("m", stored_numbers(2));
    REQUIRE(eventually([&] { return follows->version() == 2; }));
    follows.reset();
    CHECK(number_in(*kept) == 2);
    kept.release();
    CHECK(number_in(*kept) == 2);
    follower moved = s.follow("m");
    follower to = std::move(moved);
    moved = s.follow("m");
    CHECK(to.version() == 2);
    CHECK(moved.version() == 2);
  }
  CHECK(mapped_regions(".stone") == 0);
}

TEST_CASE("AVersionThatIsNotAcceptedIsNotServed") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  follow_options options;
  options.poll = 2ms;
  told heard;
  heard.listen(options);
  std::atomic<int> num_asked = 0;
  options.accept = [&](const file& candidate, std::uint64_t version) {
    ++num_asked;
    if (number_in(candidate) == 13)
      throw std::runtime_error("thirteen is not for us");
    if (number_in(candidate) == 14)
      throw error(errc::wrong_type, candidate.path(), "version " + std::to_string(version), "is fourteen");
  };
  const follower follows = s.follow("m", options);
  followed<std::uint64_t> number(follows, number_of_file);
  s.publish("m", stored_numbers(13));
  REQUIRE(eventually([&] { return heard.refusals().size() == 1; }));
  CHECK(*number == 1);
  CHECK(heard.refusals()[0].find("2 ") == 0);
  CHECK(heard.refusals()[0].find("not accepted: thirteen is not for us") != std::string::npos);
  std::this_thread::sleep_for(50ms); // many looks later
  CHECK(heard.refusals().size() == 1);
  CHECK(num_asked == 2);
  s.publish("m", stored_numbers(14));
  REQUIRE(eventually([&] { return heard.refusals().size() == 2; }));
  CHECK(heard.refusals()[1].find("version 3: is fourteen") != std::string::npos);
  s.publish("m", stored_numbers(15));
  CHECK(eventually([&] { return *number == 15; }));
  CHECK(num_asked == 4);
  // The same version a second time, after another was served.
  s.rollback("m", 2);
  CHECK(eventually([&] { return heard.refusals().size() == 3; }));
  CHECK(*number == 15);
  s.publish("m", stored_numbers(13));
  options.accept = [](const file&, std::uint64_t) { throw std::runtime_error("never"); };
  CHECK_THROWS_WITH(s.follow("m", options), "never");
}

TEST_CASE("ADamagedVersionIsRefusedAndTheOldOneServes") {
  const temp_dir dir;
  const store s(dir.path("store"));
  for (std::uint64_t i = 1; i <= 2; ++i)
    s.publish("m", stored_numbers(i));
  follow_options options;
  options.poll = 2ms;
  told heard;
  heard.listen(options);
  const follower follows = s.follow("m", options);
  followed<std::uint64_t> number(follows, number_of_file);
  // Somebody who knows nothing of stores cuts a version off and makes it current.
  std::filesystem::copy_file(s.version_path("m", 1), dir.path("store/m/versions/3.stone"));
  REQUIRE(::chmod(dir.path("store/m/versions/3.stone").c_str(), 0644) == 0);
  std::filesystem::resize_file(dir.path("store/m/versions/3.stone"), 300);
  make_current_by_hand(dir.path("store/m"), 3);
  REQUIRE(eventually([&] { return heard.refusals().size() == 1; }));
  CHECK(heard.refusals()[0].find("3 " + dir.path("store/m/versions/3.stone")) == 0);
  CHECK(*number == 2);
  // Without CURRENT it is the newest that opens, which is served already.
  std::filesystem::remove(dir.path("store/m/CURRENT"));
  std::this_thread::sleep_for(20ms);
  CHECK(*number == 2);
  CHECK(heard.refusals().size() == 1);
  CHECK(s.publish("m", stored_numbers(4)) == 4);
  CHECK(eventually([&] { return *number == 4; }));
}

TEST_CASE("AForestThatHasBeenDamagedSinceIsRefused") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", [](writer& out) { out.add("model", stump(1)); });
  s.publish("m", [](writer& out) { out.add("model", stump(2)); });
  s.rollback("m");
  damage_first_node(s.version_path("m", 2));
  follow_options options;
  options.poll = 2ms;
  told heard;
  heard.listen(options);
  const follower follows = s.follow("m", options);
  make_current_by_hand(dir.path("store/m"), 2); // rollback would look
  REQUIRE(eventually([&] { return heard.refusals().size() == 1; }));
  CHECK(heard.refusals()[0].find("object \"model\"") != std::string::npos);
  CHECK(follows.version() == 1);
}

TEST_CASE("AFollowerSurvivesThatItsFolderIsReplaced") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  const store other(dir.path("other"));
  for (std::uint64_t i = 1; i <= 3; ++i)
    other.publish("m", stored_numbers(10 + i));
  follow_options options;
  options.poll = 20ms;
  told heard;
  heard.listen(options);
  const follower follows = s.follow("m", options);
  followed<std::uint64_t> number(follows, number_of_file);
  std::filesystem::rename(dir.path("store/m"), dir.path("away"));
  REQUIRE(eventually([&] { return heard.refusals().size() == 1; }));
  CHECK(heard.refusals()[0].find("0 " + dir.path("store/m")) == 0);
  CHECK(*number == 1);
  std::filesystem::rename(dir.path("other/m"), dir.path("store/m"));
  CHECK(eventually([&] { return *number == 13; }));
  CHECK(eventually([&] { return follows.has_events(); }));
  s.publish("m", stored_numbers(20));
  CHECK(eventually([&] { return *number == 20; }));
}

TEST_CASE("AFolderThatIsReplacedByOneOfTheSameNumbersIsSeen") {
  const temp_dir dir;
  // The store is reached through a link, so that no event tells.
  const store first(dir.path("first"));
  const store second(dir.path("second"));
  first.publish("m", stored_numbers(1));
  second.publish("m", stored_numbers(77));
  std::filesystem::create_directory_symlink(dir.path("first"), dir.path("store"));
  const store s(dir.path("store"));
  follow_options options;
  options.poll = 5ms;
  const follower follows = s.follow("m", options);
  followed<std::uint64_t> number(follows, number_of_file);
  CHECK(*number == 1);
  std::filesystem::create_directory_symlink(dir.path("second"), dir.path("next"));
  std::filesystem::rename(dir.path("next"), dir.path("store"));
  CHECK(eventually([&] { return *number == 77; }));
  CHECK(number.version() == 1);
}

TEST_CASE("AfterAFolderAboveWasReplacedEventsComeFromTheNewOne") {
  const temp_dir dir;
  const store first(dir.path("first"));
  const store second(dir.path("second"));
  first.publish("m", stored_numbers(1));
  second.publish("m", stored_numbers(2));
  std::filesystem::create_directory_symlink(dir.path("first"), dir.path("store"));
  follow_options options;
  options.poll = 1500ms;
  const follower follows = store(dir.path("store")).follow("m", options);
  followed<std::uint64_t> number(follows, number_of_file);
  std::filesystem::create_directory_symlink(dir.path("second"), dir.path("next"));
  std::filesystem::rename(dir.path("next"), dir.path("store"));
  REQUIRE(eventually([&] { return *number == 2; }));
  std::this_thread::sleep_for(20ms); // a change within 10 ms after another waits
  const auto begin = std::chrono::steady_clock::now();
  second.publish("m", stored_numbers(3));
  REQUIRE(eventually([&] { return *number == 3; }));
  CHECK(std::chrono::steady_clock::now() - begin < 1000ms); // by an event, not by the next look
}

TEST_CASE("AnAssignedFollowerHasStoppedTheOneBefore") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  const std::size_t descriptors = open_descriptors();
  {
    std::atomic<int> num_told = 0;
    follow_options options;
    options.on_change = [&](std::uint64_t) { ++num_told; };
    follower follows = s.follow("m", options);
    follower other = s.follow("m");
    follows = std::move(other);
    s.publish("m", stored_numbers(2));
    CHECK(eventually([&] { return follows.version() == 2; }));
    CHECK(num_told == 0);
  }
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("AMakerThatThrowsLeavesTheVersionBefore") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  const follower follows = s.follow("m");
  bool fails = false;
  followed<std::uint64_t> number(follows, [&](const file& version) {
    if (fails)
      throw std::runtime_error("no");
    return number_in(version);
  });
  s.publish("m", stored_numbers(2));
  REQUIRE(eventually([&] { return follows.version() == 2; }));
  fails = true;
  CHECK_THROWS_WITH(number.current(), "no");
  CHECK(number.version() == 1);
  CHECK_THROWS_WITH(number.current(), "no");
  fails = false;
  CHECK(*number == 2);
}

TEST_CASE("WhatCallbacksThrowIsDropped") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  follow_options options;
  options.on_change = [](std::uint64_t) { throw std::runtime_error("lost"); };
  const follower follows = s.follow("m", options);
  for (std::uint64_t i = 2; i <= 4; ++i) {
    s.publish("m", stored_numbers(i));
    CHECK(eventually([&] { return follows.version() == i; }));
  }
}

TEST_CASE("AForkedChildGoesOnWithWhatItHas") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  std::optional<follower> follows(s.follow("m"));
  followed<std::uint64_t> number(*follows, number_of_file);
  const other_process child([&] {
    if (*number != 1)
      throw std::runtime_error("not 1");
#if !defined(__SANITIZE_THREAD__) // which cannot stand threads in the child of a process with threads
    const follower own = s.follow("m");
    if (own.version() != 1)
      throw std::runtime_error("not 1");
#endif
    follows.reset(); // whose thread is not here
    return 0;
  });
  child.end();
  s.publish("m", stored_numbers(2));
  CHECK(eventually([&] { return *number == 2; }));
}

TEST_CASE("ThreadsThatFollowSeeWholeVersionsWhileTheyChange") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1, 5000));
  const follower follows = s.follow("m");
  std::atomic<bool> stops = false;
  std::atomic<int> num_wrong = 0;
  std::atomic<std::uint64_t> num_read = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        followed<array_view<std::uint64_t>> numbers(
            follows, [](const file& version) { return version.array<std::uint64_t>("number"); });
        std::uint64_t last = 0;
        while (!stops) {
          const auto& view = *numbers;
          const std::uint64_t number = view(0);
          num_wrong += number < last || view(4999) != number || view(2500) != number;
          last = number;
          ++num_read;
          if (num_read % 64 == 0 && t % 2 == 0)
            numbers.release();
        }
      });
    for (std::uint64_t i = 2; i <= 60; ++i) {
      s.publish("m", stored_numbers(i, 5000));
      if (i % 5 == 0)
        s.prune("m", 2);
    }
    CHECK(eventually([&] { return follows.version() == 60; }));
    stops = true;
  }
  CHECK(num_wrong == 0);
  CHECK(num_read > 100);
  CHECK(eventually([&] { return follows.num_mapped() == 1; }));
  CHECK(s.prune("m", 1).held.empty());
}
