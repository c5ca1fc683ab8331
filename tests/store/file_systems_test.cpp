// Stores on file systems that are full, read-only, in memory or laid over another, and without inotify.
#include "store/stored_numbers.hpp"
#include "support/support.hpp"

#include <petrify/store.hpp>

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace petrify;
using namespace petrify::test;
using namespace std::chrono_literals;

namespace {

// In a child process, where doctest's checks do not count.
void expect(bool holds, const std::string& what) {
  if (!holds)
    throw std::runtime_error("expected: " + what);
}

template <class F>
void expect_refused(F f, errc code, const std::string& part) {
  const auto failure = error_of(f);
  expect(failure.has_value(), "an error: " + part);
  expect(failure->code() == code && std::string_view(failure->what()).find(part) != std::string_view::npos,
         part + "; it was " + failure->what());
}

template <class Done>
void expect_soon(Done done, const std::string& what) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!done()) {
    expect(std::chrono::steady_clock::now() < end, what);
    std::this_thread::sleep_for(1ms);
  }
}

struct not_possible_here {
  const char* why;
};

// Runs f in a process of its own. What it throws fails the test, but for not_possible_here, which skips it.
template <class F>
void in_child(F f) {
  constexpr int skipped = 77;
  int reason[2];
  REQUIRE(::pipe(reason) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int status = 1;
    std::string said;
    try {
      f();
      status = 0;
    } catch (const not_possible_here& no) {
      status = skipped;
      said = no.why;
    } catch (const std::exception& failure) {
      said = failure.what();
    } catch (...) {
      said = "a check failed";
    }
    [[maybe_unused]] const ssize_t written = ::write(reason[1], said.data(), said.size());
    ::_exit(status);
  }
  ::close(reason[1]);
  std::string said(4096, '\0');
  said.resize(static_cast<std::size_t>(std::max<ssize_t>(::read(reason[0], said.data(), said.size()), 0)));
  ::close(reason[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == skipped)
    MESSAGE("skipped: " << said);
  else
    CHECK_MESSAGE(status == 0, said);
}

// From here on this process has mounts of its own, which go with it.
void own_mounts() {
  if (::geteuid() != 0 || ::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    throw not_possible_here{"only root may mount"};
}

void mount_memory(const std::string& path, const char* options) {
  if (::mount("tmpfs", path.c_str(), "tmpfs", 0, options) != 0)
    throw not_possible_here{"there is no tmpfs"};
}

// `path` as `as`, which can only be read.
void mount_read_only(const std::string& path, const std::string& as) {
  if (::mount(path.c_str(), as.c_str(), nullptr, MS_BIND, nullptr) != 0 ||
      ::mount(nullptr, as.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0)
    throw not_possible_here{"there are no bind mounts"};
}

void make_folders(const temp_dir& dir, std::initializer_list<const char*> names) {
  for (const char* name : names)
    REQUIRE(std::filesystem::create_directories(dir.path(name)));
}

std::vector<std::uint64_t> numbers_of(const store& in) {
  std::vector<std::uint64_t> out;
  for (const stored_version& one : in.list("m").versions)
    out.push_back(one.number);
  return out;
}

// All files of a store, with their bytes.
std::vector<std::pair<std::string, std::vector<std::byte>>> contents_of(const std::string& folder) {
  std::vector<std::pair<std::string, std::vector<std::byte>>> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    out.emplace_back(entry.path().string(),
                     entry.is_regular_file() ? read_bytes(entry.path().string()) : std::vector<std::byte>());
  std::sort(out.begin(), out.end());
  return out;
}

std::uint64_t free_bytes(const std::string& path) {
  struct statvfs info {};
  expect(::statvfs(path.c_str(), &info) == 0, "facts of " + path);
  return info.f_bfree * info.f_frsize;
}

// What a follower has refused, from its thread.
class refusals {
public:
  void listen(follow_options& options) {
    options.on_refused = [this](std::uint64_t, const error& why) {
      const std::lock_guard lock(mutex_);
      last_ = why.what();
    };
  }
  std::string last() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }

private:
  mutable std::mutex mutex_;
  std::string last_;
};

follow_options by_events_alone() {
  follow_options out;
  out.poll = 1h;
  return out;
}

// Publishes by one, which another follows: by events, with none refused.
void expect_followed(const store& writes, const store& reads, std::uint64_t number) {
  follow_options options = by_events_alone();
  refusals refused;
  refused.listen(options);
  const follower follows = reads.follow("m", options);
  expect(follows.has_events(), "that the system tells of changes");
  followed<std::uint64_t> seen(follows, [](const file& version) { return number_in(version); });
  const std::uint64_t before = seen.version();
  const std::uint64_t next = writes.publish("m", stored_numbers(number));
  expect_soon([&] { return follows.version() == next; }, "that the new version is served");
  expect(*seen == number, "the new number");
  writes.rollback("m", before);
  expect_soon([&] { return follows.version() == before; }, "that the version before is served");
  expect(refused.last().empty(), "no refusal, not " + refused.last());
}

// What readers do, and that all who would write are refused without a trace.
void expect_read_only(const store& in, const std::string& reason) {
  const auto before = contents_of(in.path());
  expect(in.list().size() == 1 && numbers_of(in) == std::vector<std::uint64_t>{1, 2, 3}, "three versions");
  expect(in.current("m") == 2 && in.open("m").number == 2, "that version 2 is current");
  expect(number_in(in.open("m").file) == 2 && number_in(in.open("m", 3).file) == 3, "the numbers");
  expect(in.follow("m").version() == 2, "that version 2 is served");
  expect(in.check().empty(), "a sound store");
  const std::string folder = in.path() + "/m";
  expect_refused([&] { in.publish("m", stored_numbers(4)); }, errc::io, folder + "/versions/incoming: " + reason);
  expect_refused([&] { in.publish("m", in.version_path("m", 1)); }, errc::io, folder + "/versions/incoming: " + reason);
  expect_refused([&] { in.rollback("m"); }, errc::io, folder + "/CURRENT: " + reason);
  const std::string without_action = reason.substr(reason.rfind(": ") + 2);
  expect_refused([&] { in.publish("n", stored_numbers(1)); }, errc::io,
                 in.path() + "/n: make this folder: " + without_action);
  expect_refused([&] { in.prune("m", 1); }, errc::io, folder + "/versions/1.stone: remove: " + without_action);
  expect(contents_of(in.path()) == before, "that nothing has changed");
}

// Three versions, the second of which is current.
void publish_three(const store& to) {
  for (std::uint64_t i = 1; i <= 3; ++i)
    to.publish("m", stored_numbers(i));
  to.rollback("m");
}

} // namespace

TEST_CASE("AStoreInMemoryWorksAsOnADisk") {
  const temp_dir dir;
  in_child([&] {
    own_mounts();
    mount_memory(dir.path(""), "size=64m");
    const store s(dir.path("store"));
    publish_three(s);
    expect_followed(s, s, 4);
    expect(s.prune("m", 1).removed == std::vector<std::uint64_t>{1, 3}, "that two are removed");
    {
      const opened_version held = s.open("m");
      s.rollback("m", 4);
      expect(s.prune("m", 1).held == std::vector<std::uint64_t>{2}, "that the open one is held");
    }
    expect(s.prune("m", 1).removed == std::vector<std::uint64_t>{2}, "that the last old one is removed");
    expect(s.check().empty(), "a sound store");
  });
}

TEST_CASE("ReadersNeedNoWritableMount") {
  const temp_dir dir;
  make_folders(dir, {"store", "mounted"});
  const store writes(dir.path("store"));
  publish_three(writes);
  in_child([&] {
    own_mounts();
    mount_read_only(dir.path("store"), dir.path("mounted"));
    const store reads(dir.path("mounted"));
    expect_read_only(reads, "create a temporary file beside it: read-only file system");
    // As in a container that has the store of its host.
    expect_followed(writes, reads, 5);
    const opened_version held = reads.open("m", 1);
    expect(writes.prune("m", 1).held == std::vector<std::uint64_t>{1}, "that what a reader has open is held");
  });
}

TEST_CASE("AFileSystemThatTurnsReadOnlyIsStillRead") {
  const temp_dir dir;
  in_child([&] {
    own_mounts();
    mount_memory(dir.path(""), "size=64m");
    const store s(dir.path("store"));
    publish_three(s);
    const follower follows = s.follow("m");
    if (::mount(nullptr, dir.path("").c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0)
      throw not_possible_here{"a tmpfs cannot be made read-only"};
    expect_read_only(s, "create a temporary file beside it: read-only file system");
    expect(follows.version() == 2, "that version 2 is served");
    expect(::mount(nullptr, dir.path("").c_str(), nullptr, MS_REMOUNT, "size=64m") == 0, "that it can be written");
    expect(s.publish("m", stored_numbers(4)) == 4, "version 4");
    expect_soon([&] { return follows.version() == 4; }, "that version 4 is served");
  });
}

TEST_CASE("AnOverlayTakesNewVersionsAndLeavesTheLayerBelow") {
  const temp_dir dir;
  make_folders(dir, {"lower/store", "memory", "merged"});
  const store below(dir.path("lower/store"));
  publish_three(below);
  const std::string leftover = "store/m/versions/.incoming.0123456789ab.petrify-tmp";
  write_text(dir.path("lower/" + leftover), "half");
  const auto before = contents_of(dir.path("lower"));
  in_child([&] {
    own_mounts();
    mount_memory(dir.path("memory"), "size=64m");
    make_folders(dir, {"memory/upper", "memory/work"});
    const std::string options = "lowerdir=" + dir.path("lower") + ",upperdir=" + dir.path("memory/upper") +
                                ",workdir=" + dir.path("memory/work");
    if (::mount("overlay", dir.path("merged").c_str(), "overlay", 0, options.c_str()) != 0)
      throw not_possible_here{"there is no overlay"};
    const store s(dir.path("merged/store"));
    expect(numbers_of(s) == std::vector<std::uint64_t>{1, 2, 3}, "the versions below");
    expect(number_in(s.open("m").file) == 2, "number 2");
    // The first change of all, which makes folders of the upper layer.
    expect_followed(s, s, 4);
    expect(s.current("m") == 2 && numbers_of(s) == std::vector<std::uint64_t>{1, 2, 3, 4}, "four versions");
    expect(std::filesystem::exists(dir.path("memory/upper/store/m/versions/4.stone")), "version 4 in the upper layer");
    expect(!std::filesystem::exists(dir.path("merged/" + leftover)), "that a dead publisher's file is swept");
    expect_followed(s, s, 5);
    expect(s.publish("m", below.version_path("m", 3)) == 3, "that the bytes of version 3 are known");
    {
      const opened_version held = s.open("m", 1);
      const prune_result pruned = s.prune("m", 1);
      expect(pruned.held == std::vector<std::uint64_t>{1}, "that version 1 is held");
      expect(pruned.removed == std::vector<std::uint64_t>{2, 4}, "that versions of both layers are removed");
      expect(number_in(held.file) == 1, "number 1");
    }
    expect(s.prune("m", 1).removed == std::vector<std::uint64_t>{1}, "that version 1 is removed");
    expect(numbers_of(s) == std::vector<std::uint64_t>{3, 5}, "what is left");
    expect(s.check().empty(), "a sound store");
  });
  CHECK(contents_of(dir.path("lower")) == before);
  CHECK(below.current("m") == 2);
}

TEST_CASE("APublishThatFindsNoSpaceChangesNothing") {
  const temp_dir dir;
  in_child([&] {
    own_mounts();
    mount_memory(dir.path(""), "size=16m");
    const store s(dir.path("store"));
    s.publish("m", stored_numbers(1, 1'000'000)); // 8 MB
    follow_options options = by_events_alone();
    refusals refused;
    refused.listen(options);
    const follower follows = s.follow("m", options);
    const auto before = contents_of(dir.path("store"));
    const std::uint64_t free = free_bytes(dir.path(""));
    for (const std::size_t size : {1'200'000u, 10'000'000u}) {
      expect_refused([&] { s.publish("m", stored_numbers(2, size)); }, errc::io,
                     dir.path("store/m/versions/incoming") + ": write: no space left on device");
      expect(contents_of(dir.path("store")) == before, "that nothing has changed");
      expect(free_bytes(dir.path("")) == free, "that the space is free again");
    }
    expect(s.publish("m", stored_numbers(3, 500'000)) == 2, "that a smaller one is version 2");
    expect_soon([&] { return follows.version() == 2; }, "that it is served");
    expect(refused.last().empty() && s.check().empty(), "a sound store");
  });
}

TEST_CASE("APublishFailsWholeAtAnyAmountOfSpace") {
  const temp_dir dir;
  for (const bool lacks_inodes : {false, true})
    in_child([&] {
      own_mounts();
      mount_memory(dir.path(""), lacks_inodes ? "size=16m,nr_inodes=40" : "size=1m");
      const store s(dir.path("store"));
      publish_three(s);
      // All but a few pages or inodes are taken: it is enough for the version, but not for CURRENT, and so on.
      const std::string filler = dir.path("filler");
      constexpr std::uint64_t page = 4096;
      if (!lacks_inodes)
        write_bytes(filler, std::vector<std::byte>(free_bytes(dir.path(""))));
      else
        for (int i = 0; ::close(::open((filler + std::to_string(i)).c_str(), O_CREAT | O_CLOEXEC, 0600)) == 0;)
          ++i;
      int num_failed = 0;
      int num_done = 0;
      for (std::uint64_t given = 0; num_done < 2; ++given) {
        expect(given < 30, "that some space is enough");
        const auto before = contents_of(s.path());
        const std::uint64_t number = 10 + static_cast<std::uint64_t>(num_done);
        const auto failure = error_of([&] { s.publish("m", stored_numbers(number, 1000)); });
        num_failed += failure.has_value();
        num_done += !failure.has_value();
        if (failure) {
          expect(failure->code() == errc::io &&
                     std::string_view(failure->what()).find("no space left on device") != std::string_view::npos,
                 std::string("no space, not ") + failure->what());
          expect(contents_of(s.path()) == before, "that nothing has changed");
        } else {
          expect(number_in(s.open("m").file) == number, "the new number");
        }
        expect(s.check().empty(), "a sound store");
        if (lacks_inodes)
          expect(std::filesystem::remove(filler + std::to_string(given)), "one more inode");
        else
          std::filesystem::resize_file(filler, std::filesystem::file_size(filler) - page);
      }
      expect(num_failed > (lacks_inodes ? 1 : 2), "more than one way to fail");
    });
}

TEST_CASE("AUserWhoMayNotWriteReads") {
  const temp_dir dir;
  make_folders(dir, {"store"});
  const store s(dir.path("store"));
  publish_three(s);
  for (const char* folder : {"store", "store/m", "store/m/versions"})
    REQUIRE(::chmod(dir.path(folder).c_str(), 0555) == 0);
  in_child([&] {
    if (::geteuid() == 0)
      expect(::seteuid(65534) == 0, "another user");
    expect_read_only(s, "create a temporary file beside it: permission denied");
  });
  for (const char* folder : {"store", "store/m", "store/m/versions"})
    REQUIRE(::chmod(dir.path(folder).c_str(), 0755) == 0);
  if (::geteuid() != 0)
    return;
  in_child([&] {
    // Follows what root publishes.
    expect(::seteuid(65534) == 0, "another user");
    const follower follows = s.follow("m", by_events_alone());
    expect(::seteuid(0) == 0, "root");
    const std::uint64_t next = s.publish("m", stored_numbers(4));
    expect_soon([&] { return follows.version() == next; }, "that the new version is served");
  });
}

TEST_CASE("WithoutInotifyChangesAreFoundByLooking") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  in_child([&] {
    // Each user has a number of them: not one that others need meanwhile.
    if (::geteuid() == 0)
      expect(::chmod(dir.path("").c_str(), 0755) == 0 && ::seteuid(54321) == 0, "another user");
    rlimit limit{};
    expect(::getrlimit(RLIMIT_NOFILE, &limit) == 0, "a limit of descriptors");
    limit.rlim_cur = limit.rlim_max;
    expect(::setrlimit(RLIMIT_NOFILE, &limit) == 0, "more descriptors");
    std::vector<int> taken;
    for (int one; (one = ::inotify_init1(IN_CLOEXEC)) >= 0;)
      taken.push_back(one);
    const int other = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (other < 0)
      throw not_possible_here{"descriptors end before inotify does"};
    ::close(other);
    follow_options options;
    options.poll = 5ms;
    refusals refused;
    refused.listen(options);
    const follower follows = s.follow("m", options);
    expect(!follows.has_events(), "no events");
    const bool is_root = ::getuid() == 0;
    expect(!is_root || ::seteuid(0) == 0, "root");
    const std::uint64_t next = s.publish("m", stored_numbers(2));
    expect(!is_root || ::seteuid(54321) == 0, "another user");
    expect_soon([&] { return follows.version() == next; }, "that the new version is served");
    expect(refused.last().empty(), "no refusal");
    for (const int one : taken)
      ::close(one);
  });
}
