// The calls that a follower's thread makes fail: what it serves stays, it says why once, and serves the new version
// as soon as it can.
#include "mapping/system_calls.hpp"
#include "store/name_folder.hpp"
#include "store/stored_numbers.hpp"
#include "support/own_process.hpp"
#include "support/support.hpp"

#include <petrify/store.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace petrify;
using namespace petrify::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t for_ever = SIZE_MAX;

// A store with versions 1 and 2.
struct two_versions {
  temp_dir dir{fast_folder()};
  store in{dir.path("store")};

  two_versions() {
    in.publish("m", stored_numbers(1));
    in.publish("m", stored_numbers(2));
  }
  // Not by rollback: one rename, of which a follower hears once.
  void make_current(std::uint64_t number) const {
    write_text(dir.path("NEXT"), current_text(number));
    std::filesystem::rename(dir.path("NEXT"), dir.path("store/m/CURRENT"));
  }
};

using refusal = std::pair<std::uint64_t, error>; // of a version, and why

// A follower that serves version 1 and waits for events alone.
class watched_follower {
public:
  explicit watched_follower(const two_versions& of, std::chrono::milliseconds poll = 1h) : of_(&of) {
    of.make_current(1);
    follow_options options;
    options.poll = poll;
    options.on_refused = [this](std::uint64_t version, const error& why) {
      {
        const std::lock_guard lock(mutex_);
        refusals_.emplace_back(version, why);
      }
      ++num_refusals_;
    };
    const std::size_t polls = num_polls();
    follows_.emplace(of.in.follow("m", std::move(options)));
    REQUIRE(eventually([&] { return num_polls() > polls; }));
  }

  std::uint64_t version() const { return follows_->version(); }
  std::size_t num_refusals() const { return num_refusals_; }
  std::vector<refusal> refusals() const {
    const std::lock_guard lock(mutex_);
    return refusals_;
  }
  // Makes version 2 current, and waits until the follower has looked and waits again, or serves it. (Where events
  // cannot be read it hears of no further change before it looks by itself.)
  void change() const {
    const std::size_t polls = num_polls();
    of_->make_current(2);
    REQUIRE(eventually([&] { return num_polls() > polls || version() == 2; }));
  }
  bool has_answered() const { return version() == 2 || num_refusals() > 0; }

private:
  const two_versions* of_;
  mutable std::mutex mutex_;
  std::vector<refusal> refusals_;
  std::atomic<std::size_t> num_refusals_ = 0;
  std::optional<follower> follows_;
};

// Returns whether version 2 was refused at first.
bool check_fault(const two_versions& of, const fault& wanted) {
  const watched_follower follows(of);
  {
    const watch_others watch(wanted);
    follows.change();
    REQUIRE(eventually([&] { return follows.has_answered(); }));
    for (int looks = 0; wanted.times == for_ever && follows.version() == 1 && looks < 2; ++looks)
      follows.change();
    REQUIRE(eventually([&] { return watch.has_struck(); }));
  }
  const std::vector<refusal> refusals = follows.refusals();
  const bool is_refused = !refusals.empty();
  // Once for each version and reason: the next look may fail before it knows the version, which is 0 then.
  REQUIRE(refusals.size() <= (wanted.times == for_ever ? 2U : 1U));
  REQUIRE((refusals.size() < 2 || refusals[0].first != refusals[1].first));
  if (is_refused) {
    const error& why = refusals.front().second;
    REQUIRE_MESSAGE(why.code() == errc::io, std::string(why.what()));
    REQUIRE_MESSAGE(why.path().starts_with(of.in.path() + "/m"), std::string(why.what()));
    REQUIRE_MESSAGE(why.message().find("(errno " + std::to_string(wanted.error) + ")") != std::string::npos,
                    std::string(why.what()));
    if (wanted.times == for_ever)
      REQUIRE(follows.version() == 1);
    follows.change();
  }
  REQUIRE(eventually([&] { return follows.version() == 2; }));
  REQUIRE(follows.num_refusals() == refusals.size());
  return is_refused;
}

} // namespace

TEST_CASE("EveryCallOfAFollowersThreadMayFail") {
  const two_versions of;
  std::vector<system_call> good;
  {
    const watched_follower follows(of);
    const watch_others watch;
    follows.change();
    REQUIRE(eventually([&] { return follows.version() == 2; }));
    good = watch.calls();
  }
  std::set<std::string> refused;
  std::size_t num_faults = 0;
  std::size_t num_refused = 0;
  for (std::size_t at = 0; at < good.size(); ++at)
    for (const std::size_t times : {std::size_t{1}, for_ever})
      for (const int error : {ENOSPC, EIO, EINTR, EMFILE, EACCES}) {
        CAPTURE(at);
        CAPTURE(good[at].name);
        CAPTURE(error);
        CAPTURE(times);
        const std::size_t descriptors = open_descriptors();
        const bool is_refused = check_fault(of, {.what = trouble::failure, .at = at, .error = error, .times = times});
        REQUIRE(open_descriptors() == descriptors);
        REQUIRE(mapped_regions(of.in.path()) == 0);
        if (is_refused)
          refused.insert(good[at].name);
        num_refused += is_refused;
        ++num_faults;
      }
  for (const char* name : {"open", "pread", "fstat", "fstatat", "flock", "mmap"})
    CHECK_MESSAGE(refused.contains(name), name);
  MESSAGE(good.size() << " calls, " << num_faults << " faults, " << num_refused << " refusals");
}

// No event is needed for that.
TEST_CASE("WhatFailedForAWhileIsServedAtALaterLook") {
  const two_versions of;
  for (const char* name : {"open", "mmap"}) {
    const watched_follower follows(of, 2ms);
    {
      const watch_others watch({.what = trouble::failure, .error = EMFILE, .times = for_ever, .name = name});
      of.make_current(2);
      REQUIRE(eventually([&] { return follows.num_refusals() == 1; }));
      std::this_thread::sleep_for(20ms);
      CHECK(follows.version() == 1);
    }
    CHECK(eventually([&] { return follows.version() == 2; }));
    CHECK(follows.num_refusals() == 1);
  }
}

TEST_CASE("AFollowerThatCannotWaitDoesNotSpin") {
  const two_versions of;
  const watched_follower follows(of, 20ms);
  const watch_others watch({.what = trouble::failure, .error = ENOMEM, .times = for_ever, .name = "poll"});
  std::this_thread::sleep_for(60ms);
  of.make_current(2);
  CHECK(eventually([&] { return follows.version() == 2; }));
  std::this_thread::sleep_for(60ms);
  CHECK(watch.has_struck());
  CHECK(watch.calls().size() < 1000);
}
