// Every system call of a store's operations fails once, or from then on, in every way that it can: the store is as it
// was or as it should be, and the same call succeeds afterwards.
#include "mapping/system_calls.hpp"
#include "store/name_folder.hpp"
#include "store/stored_numbers.hpp"
#include "support/own_process.hpp"
#include "support/support.hpp"

#include <petrify/store.hpp>
#include <petrify/writer.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace petrify;
using namespace petrify::test;
using namespace std::chrono_literals;

namespace {

constexpr std::array<int, 5> errors{ENOSPC, EIO, EINTR, EMFILE, EACCES};
constexpr std::size_t for_ever = SIZE_MAX;
// What the operations publish, and what is published after them.
constexpr std::uint64_t wanted_content = 70;
constexpr std::uint64_t other_content = 71;
// Versions 1 to 4 of a store that is not empty hold 11 to 14, and this one is current.
constexpr std::uint64_t num_old = 4;
constexpr std::uint64_t old_current = 2;

using bytes = std::vector<std::byte>;

bool is_temporary(const std::string& name) { return name.ends_with(".petrify-tmp"); }

// What a store holds of a name, seen without the library.
struct contents {
  std::map<std::uint64_t, bytes> versions;
  std::optional<std::uint64_t> current;
  std::vector<std::string> temporaries;
};

// A store whose name "m" has versions 1 to 4 and what dead publishers left, or none at all; and a file to publish.
class scene {
public:
  scene() {
    write_numbers(source(), wanted_content);
    wanted_bytes = read_bytes(source());
    for (std::uint64_t i = 1; i <= num_old; ++i) {
      write_numbers(dir_.path("old"), 10 + i);
      old_bytes[i] = read_bytes(dir_.path("old"));
    }
  }

  std::string folder() const { return dir_.path("store"); }
  std::string source() const { return dir_.path("source.stone"); }
  std::string parent() const { return folder().substr(0, folder().rfind('/')); }
  store opened() const { return store(folder()); }

  void reset(bool is_empty) const {
    std::filesystem::remove_all(folder());
    if (is_empty)
      return;
    std::filesystem::create_directories(folder() + "/m/versions");
    for (const auto& [number, content] : old_bytes)
      write_bytes(version_path(number), content);
    write_text(folder() + "/m/CURRENT", current_text(old_current));
    write_text(folder() + "/m/versions/.incoming.0123456789ab.petrify-tmp", "left");
    write_text(folder() + "/m/.CURRENT.0123456789ab.petrify-tmp", "left");
  }

  contents look() const {
    contents out;
    for (const std::string part : {"/m", "/m/versions"}) {
      if (!std::filesystem::exists(folder() + part))
        continue;
      for (const auto& entry : std::filesystem::directory_iterator(folder() + part)) {
        const std::string name = entry.path().filename().string();
        if (is_temporary(name))
          out.temporaries.push_back(name);
        else if (const auto number = number_of(name))
          out.versions[*number] = read_bytes(entry.path().string());
        else if (name == "CURRENT")
          out.current = parse_current(as_text(read_bytes(entry.path().string())));
      }
    }
    return out;
  }

  bool is_mine(const std::string& path) const {
    return path == source() || path == parent() || path == folder() || path.starts_with(folder() + "/");
  }

  std::map<std::uint64_t, bytes> old_bytes;
  bytes wanted_bytes;

private:
  static std::string as_text(const bytes& from) {
    return std::string(reinterpret_cast<const char*>(from.data()), from.size());
  }
  std::string version_path(std::uint64_t number) const {
    return folder() + "/m/versions/" + std::to_string(number) + ".stone";
  }

  temp_dir dir_{fast_folder()};
};

// What one run of an operation did.
struct outcome {
  std::optional<error> failure;
  std::string result; // what it returned, in words
  bool made_current = false;
};

// Something that a store does, and what a store looks like after it.
struct operation {
  std::string name;
  std::function<std::string(const store&, const scene&)> run;
  bool is_first = false; // in a store that is not there yet
  std::set<std::uint64_t> removes = {};
  std::optional<std::uint64_t> makes_current = {};
  bool can_be_repeated = true;
};

outcome run(const operation& what, const scene& s, const fault& wanted) {
  outcome out;
  const store in = s.opened();
  out.failure = error_of([&] { watch([&] { out.result = what.run(in, s); }, wanted); });
  out.made_current = std::any_of(last_calls().begin(), last_calls().end(), [](const system_call& call) {
    return call.name == "renameat" && call.new_path == "CURRENT" && call.result == 0;
  });
  return out;
}

std::uint64_t publish_numbers(const store& in, std::uint64_t content) {
  return in.publish("m", stored_numbers(content));
}

std::vector<operation> changes() {
  const auto by_file = [](const store& in, const scene& s) { return std::to_string(in.publish("m", s.source())); };
  const auto by_writer = [](const store& in, const scene&) {
    return std::to_string(publish_numbers(in, wanted_content));
  };
  const auto again = [](const store& in, const scene&) { return std::to_string(publish_numbers(in, 11)); };
  const auto current = [](const store& in, const scene&) { return std::to_string(publish_numbers(in, 12)); };
  const auto back = [](const store& in, const scene&) { return std::to_string(in.rollback("m")); };
  const auto to_third = [](const store& in, const scene&) { return std::to_string(in.rollback("m", 3)); };
  const auto to_current = [](const store& in, const scene&) { return std::to_string(in.rollback("m", old_current)); };
  const auto prune = [](const store& in, const scene&) {
    std::string out;
    for (const std::uint64_t number : in.prune("m", 1).removed)
      out += std::to_string(number) + " ";
    return out;
  };
  return {
      {"first publish of a file", by_file, true, {}, 1},
      {"first publish by a writer", by_writer, true, {}, 1},
      {"publish of a file", by_file, false, {}, num_old + 1},
      {"publish by a writer", by_writer, false, {}, num_old + 1},
      {"publish of what an older version holds", again, false, {}, 1},
      {"publish of what is current", current, false, {}, old_current},
      {"rollback", back, false, {}, 1, false},
      {"rollback to a version", to_third, false, {}, 3},
      {"rollback to the current version", to_current, false, {}, old_current},
      {"prune", prune, false, {1, 3}, old_current},
  };
}

std::string in_words(const std::vector<stored_name>& names) {
  std::string out;
  for (const stored_name& one : names) {
    out += one.name + " " + std::to_string(one.current) + ":";
    for (const stored_version& version : one.versions)
      out += " " + std::to_string(version.number) + "/" + std::to_string(version.size_bytes);
  }
  return out;
}

std::string in_words(const opened_version& opened) {
  return std::to_string(opened.number) + "=" + std::to_string(number_in(opened.file));
}

std::vector<operation> readings() {
  return {
      {"open", [](const store& in, const scene&) { return in_words(in.open("m")); }},
      {"open of a version", [](const store& in, const scene&) { return in_words(in.open("m", 3)); }},
      {"open with nothing vouched for",
       [](const store& in, const scene&) {
         return in_words(in.open("m", {}, {residency::prefault, {}}, trust::nothing));
       }},
      {"list", [](const store& in, const scene&) { return in_words(in.list()); }},
      {"list of a name", [](const store& in, const scene&) { return in_words({in.list("m")}); }},
      {"current", [](const store& in, const scene&) { return std::to_string(in.current("m")); }},
      {"version_path", [](const store& in, const scene&) { return in.version_path("m"); }},
      {"follow",
       [](const store& in, const scene&) {
         follow_options options;
         options.poll = 20ms; // its end waits for no longer where waking it fails
         return std::to_string(in.follow("m", options).version());
       }},
  };
}

// What is said of a fault, and what is left of the process.
void check_error(const scene& s, const outcome& done, const fault& wanted) {
  if (!done.failure)
    return;
  const error& failure = *done.failure;
  const bool is_cut_off = wanted.what == trouble::no_count && failure.code() == errc::truncated;
  REQUIRE_MESSAGE((failure.code() == errc::io || is_cut_off), std::string(failure.what()));
  REQUIRE_MESSAGE(s.is_mine(failure.path()), std::string(failure.what()));
  if (wanted.what == trouble::failure)
    REQUIRE_MESSAGE(failure.message().find("(errno " + std::to_string(wanted.error) + ")") != std::string::npos,
                    std::string(failure.what()));
}

// What a store may hold after a change that a fault met.
void check_contents(const scene& s, const operation& what, const outcome& done, const fault& wanted) {
  const contents now = s.look();
  const bool is_new = !done.failure || done.made_current;
  const std::map<std::uint64_t, bytes> before = what.is_first ? std::map<std::uint64_t, bytes>() : s.old_bytes;
  for (const auto& [number, content] : before) {
    if (what.removes.contains(number) && !now.versions.contains(number))
      continue;
    REQUIRE(now.versions.contains(number));
    REQUIRE(now.versions.at(number) == content);
    REQUIRE_FALSE((!done.failure && what.removes.contains(number)));
  }
  std::vector<std::uint64_t> added;
  for (const auto& [number, content] : now.versions)
    if (!before.contains(number))
      added.push_back(number);
  const std::uint64_t next = before.empty() ? 1 : num_old + 1;
  if (is_new) {
    REQUIRE(now.current.has_value());
    // An old version that could not be read is not known to hold what was asked for; then it is published once more.
    const bool is_twice = now.current == next && what.makes_current != next && !done.result.empty();
    REQUIRE((now.current == what.makes_current || is_twice));
    REQUIRE(added == (*now.current == next ? std::vector<std::uint64_t>{next} : std::vector<std::uint64_t>{}));
    if (!done.failure && what.removes.empty())
      REQUIRE(done.result == std::to_string(*now.current));
    if (done.failure) // all is in place, and may not survive a power cut
      REQUIRE_MESSAGE(std::string(done.failure->what()).find("fsync") != std::string::npos,
                      std::string(done.failure->what()));
  } else {
    REQUIRE(now.current == (what.is_first ? std::nullopt : std::optional(old_current)));
    // One fault is what taking a version back stands; after more of them one may stay.
    const bool may_stay = wanted.times > 1 || !wanted.afterwards.empty();
    REQUIRE(added.size() <= (may_stay ? 1U : 0U));
  }
  for (const std::uint64_t number : added) {
    REQUIRE(number == next);
    REQUIRE((now.versions.at(number) == s.wanted_bytes || what.makes_current != next));
  }
}

// The same again, without a fault; then a version with other content.
void check_next(const scene& s, const operation& what, bool is_done) {
  const contents before = s.look();
  if (!is_done || what.can_be_repeated) {
    const outcome again = run(what, s, {});
    REQUIRE_MESSAGE(!again.failure, std::string(again.failure->what()));
    const contents now = s.look();
    REQUIRE(now.current.has_value());
    if (before.versions.contains(num_old + 1) || what.makes_current == num_old + 1)
      REQUIRE(now.versions.size() == num_old + 1); // what stayed of the first try is taken
    for (const std::uint64_t number : what.removes)
      REQUIRE_FALSE(now.versions.contains(number));
    if (what.removes.empty())
      REQUIRE(again.result == std::to_string(*now.current));
  }
  const store in = s.opened();
  const std::uint64_t last = s.look().versions.rbegin()->first;
  std::uint64_t number = 0;
  watch([&] { number = publish_numbers(in, other_content); });
  REQUIRE(number == last + 1);
  REQUIRE(in.current("m") == number);
  REQUIRE(s.look().temporaries.empty());
  const std::vector<error> faults = in.check();
  REQUIRE_MESSAGE(faults.empty(), std::string(faults.front().what()));
}

// Returns whether it left a version that is not current.
bool check_change(const scene& s, const operation& what, const fault& wanted, const std::string& call) {
  CAPTURE(what.name);
  CAPTURE(wanted.at);
  CAPTURE(call);
  CAPTURE(wanted.error);
  CAPTURE(wanted.times);
  CAPTURE(wanted.afterwards);
  CAPTURE(static_cast<int>(wanted.what));
  s.reset(what.is_first);
  const std::size_t descriptors = open_descriptors();
  const outcome done = run(what, s, wanted);
  REQUIRE(has_struck());
  REQUIRE(open_descriptors() == descriptors);
  REQUIRE(mapped_regions(s.folder()) == 0);
  check_error(s, done, wanted);
  check_contents(s, what, done, wanted);
  const bool stayed =
      done.failure && !done.made_current && s.look().versions.size() > (what.is_first ? std::size_t{0} : num_old);
  check_next(s, what, !done.failure || done.made_current);
  return stayed;
}

// Where CURRENT is read. That a file gives no bytes though it has some is not told from one that is damaged.
std::set<std::size_t> readings_of_current(const std::vector<system_call>& calls) {
  std::set<std::size_t> out;
  std::map<int, std::string> opened;
  for (std::size_t at = 0; at < calls.size(); ++at) {
    if (calls[at].name == "open")
      opened[calls[at].descriptor] = calls[at].path;
    if (calls[at].name == "pread" && opened[calls[at].descriptor].ends_with("/CURRENT"))
      out.insert(at);
  }
  return out;
}

// Every fault of one call.
std::vector<fault> faults_at(const std::vector<system_call>& good, std::size_t at) {
  std::vector<fault> out;
  const std::string& name = good[at].name;
  for (const std::size_t times : {std::size_t{1}, for_ever}) {
    for (const int error : errors)
      out.push_back({.what = trouble::failure, .at = at, .error = error, .times = times});
    if (name == "pwrite" || name == "pread") {
      out.push_back({.what = trouble::short_count, .at = at, .times = times});
      // For ever, it meets CURRENT in the end.
      if (!readings_of_current(good).contains(at) && (name == "pwrite" || times == 1))
        out.push_back({.what = trouble::no_count, .at = at, .times = times});
    }
  }
  return out;
}

bool is_made_again(const std::string& name) {
  static const std::set<std::string> names{"open",     "openat", "pread",  "pwrite", "flock",   "renameat",  "linkat",
                                           "unlinkat", "mkdir",  "fchmod", "stat",   "fstatat", "getentropy"};
  return names.contains(name);
}

// Calls whose failure is no reason to fail: what they release is gone all the same, or nothing depends on them.
bool may_fail(const std::string& name) {
  static const std::set<std::string> names{"close",         "closedir",          "munmap", "madvise",
                                           "inotify_init1", "inotify_add_watch", "write"};
  return names.contains(name);
}

std::vector<system_call> calls_of(const operation& what, const scene& s) {
  s.reset(what.is_first);
  const outcome good = run(what, s, {});
  REQUIRE_MESSAGE(!good.failure, std::string(good.failure->what()));
  return last_calls();
}

} // namespace

TEST_CASE("EveryCallOfAChangeMayFail") {
  const scene s;
  std::set<std::string> seen;
  for (const operation& what : changes()) {
    const std::vector<system_call> good = calls_of(what, s);
    std::size_t num_faults = 0;
    for (std::size_t at = 0; at < good.size(); ++at) {
      seen.insert(good[at].name);
      for (const fault& wanted : faults_at(good, at))
        check_change(s, what, wanted, good[at].name), ++num_faults;
    }
    MESSAGE(what.name << ": " << good.size() << " calls, " << num_faults << " faults");
  }
  for (const char* name : {"mkdir",    "stat",     "fstat",    "fstatat",    "open",   "openat", "fdopendir", "readdir",
                           "closedir", "flock",    "fcntl",    "getentropy", "pread",  "pwrite", "fchmod",    "fsync",
                           "linkat",   "unlinkat", "renameat", "mmap",       "munmap", "close"})
    CHECK_MESSAGE(seen.contains(name), name);
}

TEST_CASE("AVersionThatCannotBeTakenBackIsWholeAndNotCurrent") {
  const scene s;
  std::size_t num_faults = 0;
  std::size_t num_stayed = 0;
  for (const operation& what : changes()) {
    const std::vector<system_call> good = calls_of(what, s);
    for (std::size_t at = 0; at < good.size(); ++at)
      for (const int error : {EIO, EACCES}) {
        const fault wanted{.what = trouble::failure, .at = at, .error = error, .afterwards = "unlinkat"};
        num_stayed += check_change(s, what, wanted, good[at].name);
        ++num_faults;
      }
  }
  CHECK(num_stayed > 0);
  MESSAGE(num_faults << " faults, after " << num_stayed << " of them a version stayed");
}

TEST_CASE("SignalsNowAndThenStopNothing") {
  const scene s;
  std::vector<operation> all = changes();
  for (const operation& what : readings())
    all.push_back(what);
  std::size_t num_faults = 0;
  for (const operation& what : all) {
    const std::vector<system_call> good = calls_of(what, s);
    for (std::size_t at = 0; at < good.size(); ++at) {
      if (!is_made_again(good[at].name))
        continue;
      CAPTURE(what.name);
      CAPTURE(at);
      CAPTURE(good[at].name);
      s.reset(what.is_first);
      const outcome done = run(what, s, {.what = trouble::failure, .at = at, .error = EINTR, .times = 20});
      REQUIRE(has_struck());
      REQUIRE_MESSAGE(!done.failure, std::string(done.failure->what()));
      if (what.makes_current)
        REQUIRE(s.look().current == what.makes_current);
      ++num_faults;
    }
  }
  MESSAGE(num_faults << " calls interrupted");
}

TEST_CASE("EveryCallOfAReadingMayFail") {
  const scene s;
  for (const operation& what : readings()) {
    s.reset(false);
    const std::string expected = run(what, s, {}).result;
    const std::vector<system_call> good = last_calls();
    const contents before = s.look();
    std::size_t num_faults = 0;
    for (std::size_t at = 0; at < good.size(); ++at)
      for (const fault& wanted : faults_at(good, at)) {
        CAPTURE(what.name);
        CAPTURE(at);
        CAPTURE(good[at].name);
        CAPTURE(wanted.error);
        CAPTURE(wanted.times);
        CAPTURE(static_cast<int>(wanted.what));
        const std::size_t descriptors = open_descriptors();
        const outcome done = run(what, s, wanted);
        REQUIRE(has_struck());
        REQUIRE(open_descriptors() == descriptors);
        REQUIRE(mapped_regions(s.folder()) == 0);
        check_error(s, done, wanted);
        if (!done.failure)
          REQUIRE(done.result == expected); // nothing else than what is there, whatever could not be read
        const contents now = s.look();
        REQUIRE(now.versions == before.versions);
        REQUIRE(now.current == before.current);
        ++num_faults;
      }
    MESSAGE(what.name << ": " << good.size() << " calls, " << num_faults << " faults");
  }
}

TEST_CASE("WhatACheckCouldNotReadItSays") {
  const scene s;
  s.reset(false);
  const store in = s.opened();
  std::vector<error> faults;
  const auto check = [&] { faults = in.check(); };
  const std::vector<system_call> good = watch(check);
  REQUIRE(faults.empty());
  std::size_t num_faults = 0;
  for (std::size_t at = 0; at < good.size(); ++at)
    for (const fault& wanted : faults_at(good, at)) {
      CAPTURE(at);
      CAPTURE(good[at].name);
      CAPTURE(wanted.error);
      CAPTURE(wanted.times);
      CAPTURE(static_cast<int>(wanted.what));
      const std::size_t descriptors = open_descriptors();
      watch(check, wanted);
      REQUIRE(has_struck());
      REQUIRE(open_descriptors() == descriptors);
      REQUIRE(mapped_regions(s.folder()) == 0);
      const bool goes_on = may_fail(good[at].name) || wanted.what == trouble::short_count ||
                           (wanted.error == EINTR && wanted.times == 1);
      REQUIRE((goes_on || !faults.empty()));
      for (const error& one : faults) {
        const outcome said{one, {}, false};
        check_error(s, said, wanted);
      }
      ++num_faults;
    }
  MESSAGE(good.size() << " calls, " << num_faults << " faults");
}

// CURRENT is lost, so that the newest version is found by opening it.
TEST_CASE("WithoutCURRENTAFaultGivesAnErrorOrAVersionThatIsThere") {
  const scene s;
  s.reset(false);
  std::filesystem::remove(s.folder() + "/m/CURRENT");
  const operation what{"current", [](const store& in, const scene&) { return std::to_string(in.current("m")); }};
  REQUIRE(run(what, s, {}).result == "4");
  const std::vector<system_call> good = last_calls();
  for (std::size_t at = 0; at < good.size(); ++at)
    for (const fault& wanted : faults_at(good, at)) {
      CAPTURE(at);
      CAPTURE(good[at].name);
      CAPTURE(wanted.error);
      CAPTURE(wanted.times);
      const std::size_t descriptors = open_descriptors();
      const outcome done = run(what, s, wanted);
      REQUIRE(open_descriptors() == descriptors);
      check_error(s, done, wanted);
      if (!done.failure)
        REQUIRE((done.result == "4" || done.result == "3"));
    }
}
