// Leftovers of dead writers, writers beside each other, views of replaced files, targets that cannot be written.
#include "support/stump.hpp"
#include "support/support.hpp"

#include "mapping/output_file.hpp"

#include <petrify/file.hpp>
#include <petrify/writer.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace petrify;
using namespace petrify::test;

namespace {

void write_version(const std::string& path, std::uint64_t version, std::size_t size = 100) {
  writer out(path);
  out.add("version", std::vector<std::uint64_t>(size, version));
  out.commit();
}

// Of a file whose numbers are all the same: that number, and how many.
std::pair<std::uint64_t, std::size_t> version_and_size(const std::string& path) {
  const file in = file::open(path);
  const auto numbers = in.array<std::uint64_t>("version");
  return {numbers(numbers.size() - 1), numbers.size()};
}

std::vector<std::string> sorted_list(const temp_dir& dir) {
  std::vector<std::string> out = dir.list();
  std::sort(out.begin(), out.end());
  return out;
}

// Runs f in a child process. Whether it returned true.
template <class F>
bool true_in_child(F f) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool good = false;
    try {
      good = f();
    } catch (...) {
    }
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace

TEST_CASE("AWriterRemovesWhatDeadOnesOfItsTargetLeft") {
  const temp_dir dir;
  // Ours, and a dozen that only look like it: other targets', other lengths, other letters, no regular files.
  write_text(dir.path(".a.0123456789az.petrify-tmp"), "dead");
  const std::vector<std::string> others{
      ".a.0123456789aZ.petrify-tmp",   ".a.0123456789a.petrify-tmp",   ".a.0123456789azz.petrify-tmp",
      ".a.b.0123456789az.petrify-tmp", ".ab.0123456789az.petrify-tmp", ".a.0123456789az.petrify-tmp.bak",
      "a.0123456789az.petrify-tmp",    ".b.0123456789az.petrify-tmp",  ".a..petrify-tmp",
      ".a.01234.6789az.petrify-tmp"};
  for (const std::string& name : others)
    write_text(dir.path(name), "kept");
  write_text(dir.path("elsewhere"), "kept");
  REQUIRE(::symlink("elsewhere", dir.path(".a.linklinklink.petrify-tmp").c_str()) == 0);
  REQUIRE(::mkfifo(dir.path(".a.fifofifofifo.petrify-tmp").c_str(), 0600) == 0);
  REQUIRE(::mkdir(dir.path(".a.folderfolder.petrify-tmp").c_str(), 0700) == 0);
  write_version(dir.path("a"), 1);
  std::vector<std::string> expected = others;
  for (const char* name :
       {"a", "elsewhere", ".a.linklinklink.petrify-tmp", ".a.fifofifofifo.petrify-tmp", ".a.folderfolder.petrify-tmp"})
    expected.emplace_back(name);
  std::sort(expected.begin(), expected.end());
  CHECK(sorted_list(dir) == expected);
  // The other way round: the longer name's leftovers are its own.
  write_version(dir.path("a.b"), 1);
  CHECK_FALSE(std::filesystem::exists(dir.path(".a.b.0123456789az.petrify-tmp")));
  CHECK(std::filesystem::exists(dir.path(".ab.0123456789az.petrify-tmp")));
}

TEST_CASE("AWriterLeavesTheFilesOfLiveOnesAlone") {
  const temp_dir dir;
  const std::string path = dir.path("a");
  output_file first(path);
  first.append(std::as_bytes(std::span("first")));
  output_file second(path);
  CHECK(dir.list().size() == 2);
  // In another process as well.
  CHECK(true_in_child([&] {
    write_version(path, 1);
    return dir.list().size() == 3;
  }));
  std::thread([&] { write_version(path, 2); }).join();
  CHECK(dir.list().size() == 3);
  second.commit();
  first.commit();
  CHECK(sorted_list(dir) == std::vector<std::string>{"a"});
  CHECK(std::filesystem::file_size(path) == sizeof "first");
}

TEST_CASE("ManyWritersOfOneTargetAllSucceed") {
  const temp_dir dir;
  const std::string path = dir.path("a");
  constexpr int num_processes = 3;
  constexpr int num_threads = 2;
  std::vector<pid_t> children;
  for (int p = 0; p < num_processes; ++p) {
    children.push_back(::fork());
    REQUIRE(children.back() >= 0);
    if (children.back() == 0) {
      std::atomic<int> failed = 0;
      {
        std::vector<std::jthread> threads;
        for (int t = 0; t < num_threads; ++t)
          threads.emplace_back([&] {
            try {
              for (std::uint64_t i = 0; i < 40; ++i)
                write_version(path, i);
            } catch (const std::exception& failure) {
              std::fprintf(stderr, "%s\n", failure.what());
              ++failed;
            }
          });
      }
      ::_exit(failed);
    }
  }
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  CHECK(verify(path).empty());
  CHECK(sorted_list(dir) == std::vector<std::string>{"a"});
}

TEST_CASE("AForkedChildLeavesItsParentsTemporaryFile") {
  const temp_dir dir;
  auto out = std::make_unique<output_file>(dir.path("a"));
  CHECK(true_in_child([&] {
    out.reset();
    return dir.list().size() == 1;
  }));
  out->commit();
  CHECK(sorted_list(dir) == std::vector<std::string>{"a"});
}

TEST_CASE("AnotherProcessKeepsItsViewOfAReplacedFile") {
  const temp_dir dir;
  const std::string path = dir.path("a.stone");
  const auto write = [&](double value, std::size_t size) {
    writer out(path);
    out.add("numbers", std::vector<double>(size, value));
    out.add("forest", stump(value));
    out.commit();
  };
  write(1, 900'000);
  const std::vector<std::byte> before = read_bytes(path);
  int to_parent[2];
  int to_child[2];
  REQUIRE(::pipe(to_parent) == 0);
  REQUIRE(::pipe(to_child) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool good = false;
    try {
      const file old = file::open(path);
      const auto numbers = old.array<double>("numbers");
      const std::vector<double> kept(numbers.elements().begin(), numbers.elements().begin() + 1000);
      char go = 0;
      good = ::write(to_parent[1], "o", 1) == 1 && ::read(to_child[0], &go, 1) == 1;
      // Most pages are touched now for the first time.
      const auto forest = old.forest("forest");
      const file renewed = file::open(path);
      good = good &&
             std::all_of(numbers.elements().begin(), numbers.elements().end(), [](double x) { return x == 1; }) &&
             std::equal(kept.begin(), kept.end(), numbers.elements().begin()) &&
             forest.predict(std::vector{0.0})[0] == 1 && forest.predict(std::vector{1.0})[0] == -1 &&
             old.verify().empty() && old.size_bytes() == before.size() && renewed.array<double>("numbers").size() == 10;
    } catch (...) {
      good = false;
    }
    ::_exit(good ? 0 : 1);
  }
  char opened = 0;
  REQUIRE(::read(to_parent[0], &opened, 1) == 1);
  write(2, 2'000'000);
  write(3, 10);
  REQUIRE(::write(to_child[1], "g", 1) == 1);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  for (const int descriptor : {to_parent[0], to_parent[1], to_child[0], to_child[1]})
    ::close(descriptor);
  const file renewed = file::open(path);
  CHECK(renewed.array<double>("numbers")(9) == 3);
  CHECK(renewed.forest("forest").predict(std::vector{0.0})[0] == 3);
}

TEST_CASE("AFileThatOutgrowsItsLimitLeavesTheOldOne") {
  const temp_dir dir;
  const std::string path = dir.path("a");
  write_version(path, 1);
  const std::vector<std::byte> before = read_bytes(path);
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  // Inside the first write, inside a later one, and in the directory at the end.
  for (const rlim_t bytes : {rlim_t{3'000'000}, rlim_t{7'000'000}, rlim_t{9'600'100}}) {
    rlimit lower = limit;
    lower.rlim_cur = bytes;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &lower) == 0);
    const auto failure = error_of([&] { write_version(path, 2, 1'200'000); });
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    REQUIRE(failure.has_value());
    CHECK(failure->code() == errc::io);
    CHECK_MESSAGE(std::string(failure->what()).find(path + ": write: file too large") == 0, failure->what());
    CHECK(sorted_list(dir) == std::vector<std::string>{"a"});
    CHECK(read_bytes(path) == before);
  }
  std::signal(SIGXFSZ, old_handler);
  write_version(path, 2, 1'200'000);
  CHECK(version_and_size(path) == std::pair{std::uint64_t{2}, std::size_t{1'200'000}});
}

TEST_CASE("AFullDiskLeavesTheOldFileAndItsSpace") {
  const temp_dir dir;
  // A disk of 16 MiB in a name space of the child's own, which goes with it.
  int result[2];
  REQUIRE(::pipe(result) == 0);
  const bool good = true_in_child([&] {
    const bool has_disk = ::geteuid() == 0 && ::unshare(CLONE_NEWNS) == 0 &&
                          ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                          ::mount("tmpfs", dir.path("").c_str(), "tmpfs", 0, "size=16m") == 0;
    if (::write(result[1], has_disk ? "y" : "n", 1) != 1)
      return false;
    if (!has_disk)
      return true;
    const std::string path = dir.path("a");
    write_version(path, 1, 1'000'000); // 8 MB
    const std::vector<std::byte> before = read_bytes(path);
    for (const std::size_t size : {1'200'000u, 2'000'000u, 10'000'000u}) {
      const auto failure = error_of([&] { write_version(path, 2, size); });
      if (!failure || failure->code() != errc::io ||
          std::string(failure->what()).find(path + ": write: no space left on device") != 0 ||
          dir.list() != std::vector<std::string>{"a"} || read_bytes(path) != before)
        return false;
    }
    write_version(path, 3, 900'000); // there is room for it again
    return version_and_size(path).first == 3;
  });
  char had_disk = 0;
  REQUIRE(::read(result[0], &had_disk, 1) == 1);
  ::close(result[0]);
  ::close(result[1]);
  CHECK(good);
  if (had_disk == 'n')
    MESSAGE("skipped: only root may mount a tmpfs");
}

TEST_CASE("AFolderThatCannotBeWrittenIsAnError") {
  const temp_dir dir;
  const std::string path = dir.path("a");
  write_version(path, 1);
  REQUIRE(::chmod(dir.path("").c_str(), 0555) == 0);
  {
    const plain_user user;
    CHECK_REFUSED(writer{path}, errc::io, path + ": create a temporary file beside it: permission denied");
  }
  REQUIRE(::chmod(dir.path("").c_str(), 0700) == 0);
  if (::geteuid() == 0) {
    const plain_user user;
    CHECK_REFUSED(writer{path}, errc::io, path + ": open its folder: permission denied");
  }
  CHECK_REFUSED(writer{dir.path("no/such/a")}, errc::io, "open its folder: no such file or directory");
  CHECK_REFUSED(writer{dir.path("a/b")}, errc::io, "not a directory");
  CHECK_REFUSED(writer{""}, errc::io, "no such file or directory");
  CHECK_REFUSED(writer{dir.path("b/")}, errc::io, "no such file or directory");
  CHECK_REFUSED(writer{dir.path(std::string(250, 'n'))}, errc::io, "file name too long");
  CHECK(sorted_list(dir) == std::vector<std::string>{"a"});
}

TEST_CASE("AReadOnlyFileIsReplacedAndTheNewOneHasTheUsualMode") {
  const temp_dir dir;
  const std::string path = dir.path("a");
  write_version(path, 1);
  REQUIRE(::chmod(path.c_str(), 0444) == 0);
  const mode_t before = ::umask(022);
  write_version(path, 2);
  ::umask(before);
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0644);
  CHECK(version_and_size(path).first == 2);
}

TEST_CASE("ASymbolicLinkIsReplacedItself") {
  const temp_dir dir;
  write_version(dir.path("real"), 1);
  REQUIRE(::symlink("real", dir.path("link").c_str()) == 0);
  REQUIRE(::symlink("nowhere", dir.path("dangling").c_str()) == 0);
  REQUIRE(::symlink("loop", dir.path("loop").c_str()) == 0);
  for (const char* name : {"link", "dangling", "loop"}) {
    write_version(dir.path(name), 2);
    CHECK(std::filesystem::is_regular_file(std::filesystem::symlink_status(dir.path(name))));
    CHECK(version_and_size(dir.path(name)).first == 2);
  }
  CHECK(version_and_size(dir.path("real")).first == 1);
  CHECK_FALSE(std::filesystem::exists(dir.path("nowhere")));
}

TEST_CASE("ADestroyedWriterLeavesNothing") {
  const temp_dir dir;
  {
    writer out(dir.path("a"));
    out.add("big", std::vector<std::uint64_t>(1'000'000, 1));
    CHECK(dir.list().size() == 1);
    writer moved = std::move(out);
    CHECK(dir.list().size() == 1);
  }
  CHECK(dir.list().empty());
}

TEST_CASE("AStreamThatItsProgressFunctionStopsCannotBeCommitted") {
  const temp_dir dir;
  writer out(dir.path("a"));
  out.on_progress([](std::uint64_t) { throw std::runtime_error("stopped"); });
  auto stream = out.stream<std::uint64_t>("rows");
  const std::vector<std::uint64_t> rows(100'000, 1);
  CHECK_THROWS_WITH(stream.append(rows), "stopped");
  out.on_progress({});
  CHECK_REFUSED(stream.append(rows), errc::invalid_argument, "object \"rows\": could not be written whole");
  CHECK_REFUSED(stream.finish(), errc::invalid_argument, "could not be written whole");
  CHECK_REFUSED(out.commit(), errc::invalid_argument, "stream \"rows\"");
}
