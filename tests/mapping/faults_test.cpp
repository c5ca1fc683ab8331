// Every system call of a writing and of an opening fails once, or from then on, in every way that it can.
#include "support/own_process.hpp"
#include "support/stump.hpp"
#include "support/support.hpp"

#include "mapping/system_calls.hpp"

#include <petrify/file.hpp>
#include <petrify/forest_builder.hpp>
#include <petrify/writer.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include <csignal>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace petrify;
using namespace petrify::test;

namespace {

constexpr std::array<int, 5> errors{ENOSPC, EIO, EINTR, EMFILE, EACCES};
constexpr std::size_t for_ever = SIZE_MAX;

// What the sessions write; made once, so that only the writer works while calls are watched.
struct session {
  std::string path;
  forest_model forest = stump(1);
  std::vector<float> small = std::vector<float>(100, 1.5f);
  std::vector<std::uint64_t> big = std::vector<std::uint64_t>(600'000, 0x0123456789abcdef);
  std::vector<std::string> texts = std::vector<std::string>(50, "a text");

  void operator()() const {
    writer out(path);
    out.add("small", small);
    out.add("big", big);
    auto planned = out.plan<std::uint64_t>("planned", {big.size()});
    planned.write(big.size() / 2, std::span(big).subspan(big.size() / 2));
    out.add("texts", texts);
    planned.write(0, std::span(big).first(big.size() / 2)); // completes a chunk, which is read back
    out.add("forest", forest);
    out.commit();
  }
};

bool is_temporary(const std::string& name) { return name.ends_with(".petrify-tmp"); }

// Bytes of a file that must exist, fast.
std::vector<std::byte> bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE_MESSAGE(in.good(), path);
  std::vector<std::byte> out(std::filesystem::file_size(path));
  in.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
  REQUIRE(in.gcount() == static_cast<std::streamsize>(out.size()));
  return out;
}

// A folder with an old file "t.stone" and what a dead writer of it left.
struct scene {
  temp_dir dir;
  session write{dir.path("t.stone")};
  std::vector<std::byte> old_bytes;
  std::vector<std::byte> new_bytes;

  static constexpr auto leftover = ".t.stone.0123456789ab.petrify-tmp";

  scene() {
    write();
    new_bytes = bytes_of(write.path);
    old_bytes.assign(70'000, std::byte{7});
  }
  void reset() const {
    write_bytes(write.path, old_bytes);
    write_text(dir.path(leftover), "left");
  }
  std::vector<std::string> temporaries() const {
    std::vector<std::string> out = dir.list();
    std::erase_if(out, [](const std::string& name) { return !is_temporary(name); });
    return out;
  }
};

bool renamed(const std::vector<system_call>& calls) {
  return std::any_of(calls.begin(), calls.end(),
                     [](const system_call& call) { return call.name == "renameat" && call.result == 0; });
}

// One writing with one fault. Everything that must hold afterwards.
void check_writing(const scene& s, const fault& wanted, const std::string& name_of_call) {
  CAPTURE(wanted.at);
  CAPTURE(wanted.error);
  CAPTURE(wanted.times);
  CAPTURE(name_of_call);
  CAPTURE(static_cast<int>(wanted.what));
  s.reset();
  const std::size_t descriptors = open_descriptors();
  const auto failure = error_of([&] { watch(std::cref(s.write), wanted); });
  REQUIRE(has_struck());
  REQUIRE(open_descriptors() == descriptors);
  if (failure) {
    REQUIRE_MESSAGE(failure->code() == errc::io, failure->what());
    REQUIRE_MESSAGE(failure->path() == s.write.path, failure->what());
    if (wanted.what == trouble::failure)
      REQUIRE_MESSAGE(failure->message().find("(errno " + std::to_string(wanted.error) + ")") != std::string::npos,
                      failure->what());
  }
  // Old before the rename and new after it, whole in both cases; without an error it is the new one.
  const bool is_new = renamed(last_calls());
  REQUIRE((is_new || failure));
  REQUIRE(bytes_of(s.write.path) == (is_new ? s.new_bytes : s.old_bytes));
  // The writer's own temporary file goes but where unlink itself fails; the dead writer's may stay where a call of the
  // sweep failed. The next writing takes both away.
  std::vector<std::string> left = s.temporaries();
  if (name_of_call != "unlinkat")
    REQUIRE(std::count(left.begin(), left.end(), scene::leftover) == static_cast<std::ptrdiff_t>(left.size()));
  if (!left.empty()) {
    writer next(s.write.path);
    next.commit();
    REQUIRE(s.temporaries().empty());
  }
}

} // namespace

TEST_CASE("EveryCallOfAWriterMayFail") {
  const scene s;
  s.reset();
  const std::vector<system_call> good = watch(std::cref(s.write));
  REQUIRE(bytes_of(s.write.path) == s.new_bytes);
  REQUIRE(s.temporaries().empty());
  for (const char* name : {"stat", "open", "openat", "fdopendir", "readdir", "fstat", "flock", "fstatat", "unlinkat",
                           "closedir", "getentropy", "pwrite", "pread", "fsync", "renameat", "close"})
    CHECK_MESSAGE(std::any_of(good.begin(), good.end(), [&](const system_call& call) { return call.name == name; }),
                  name);
  int num_faults = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const std::size_t times : {std::size_t{1}, for_ever}) {
      for (const int error : errors)
        check_writing(s, {trouble::failure, at, error, times}, good[at].name), ++num_faults;
      if (good[at].name == "pwrite" || good[at].name == "pread") {
        check_writing(s, {trouble::short_count, at, 0, times}, good[at].name), ++num_faults;
        check_writing(s, {trouble::no_count, at, 0, times}, good[at].name), ++num_faults;
      }
    }
  }
  MESSAGE(good.size() << " calls, " << num_faults << " faults");
}

TEST_CASE("ASignalNowAndThenStopsNoWriting") {
  const scene s;
  s.reset();
  const std::vector<system_call> good = watch(std::cref(s.write));
  for (std::size_t at = 0; at < good.size(); ++at)
    if (good[at].name == "pwrite" || good[at].name == "renameat" || good[at].name == "open" ||
        good[at].name == "openat" || good[at].name == "flock") {
      CAPTURE(good[at].name);
      s.reset();
      watch(std::cref(s.write), {trouble::failure, at, EINTR, 20});
      CHECK(has_struck());
      CHECK(bytes_of(s.write.path) == s.new_bytes);
    }
}

TEST_CASE("AFailedFsyncIsNotRepeated") {
  const scene s;
  s.reset();
  const std::vector<system_call> good = watch(std::cref(s.write));
  for (const int error : {EIO, EINTR, ENOSPC}) {
    const auto first = std::find_if(good.begin(), good.end(), [](const auto& call) { return call.name == "fsync"; });
    s.reset();
    writer out(s.write.path);
    out.add("small", s.write.small);
    CHECK(error_of([&] { watch([&] { out.commit(); }, {trouble::none}); }) == std::nullopt);
    s.reset();
    const fault once{trouble::failure, static_cast<std::size_t>(first - good.begin()), error};
    REQUIRE(error_of([&] { watch(std::cref(s.write), once); }).has_value());
    CHECK(std::count_if(last_calls().begin(), last_calls().end(),
                        [](const auto& call) { return call.name == "fsync"; }) == 1);
    CHECK(bytes_of(s.write.path) == s.old_bytes);
  }
}

TEST_CASE("AWriterThatFailedCannotBeMadeToCommit") {
  const scene s;
  s.reset();
  writer out(s.write.path);
  auto stream = out.stream<std::uint64_t>("rows");
  REQUIRE(error_of([&] { watch([&] { stream.append(s.write.big); }, {trouble::failure, 0, ENOSPC}); }).has_value());
  CHECK(has_struck());
  CHECK(s.temporaries().empty()); // its space is free again at once
  CHECK_REFUSED(stream.append(s.write.big), errc::invalid_argument, "expected a new writer");
  CHECK_REFUSED(stream.finish(), errc::invalid_argument, "expected a new writer");
  CHECK_REFUSED(out.commit(), errc::invalid_argument, "stream \"rows\"");
  CHECK(bytes_of(s.write.path) == s.old_bytes);
}

TEST_CASE("APlannedArrayThatFailedCannotBeMadeToCommit") {
  const scene s;
  s.reset();
  const std::size_t descriptors = open_descriptors();
  {
    writer out(s.write.path);
    auto planned = out.plan<std::uint64_t>("rows", {s.write.big.size()});
    REQUIRE(error_of([&] {
              watch([&] { planned.write(0, s.write.big); }, {trouble::failure, 0, ENOSPC});
            }).has_value());
    CHECK(has_struck());
    CHECK(s.temporaries().empty());
    auto second = [&] { planned.write(0, std::span(s.write.big).first(1)); };
    CHECK_REFUSED(second(), errc::invalid_argument, "is written a second time");
    CHECK_REFUSED(out.add("other", s.write.big), errc::invalid_argument, "expected a new writer");
    CHECK_REFUSED(out.commit(), errc::invalid_argument, "expected a new writer");
  }
  CHECK(open_descriptors() == descriptors);
  CHECK(bytes_of(s.write.path) == s.old_bytes);
}

TEST_CASE("AfterOneWriteToPlannedRoomFailedAllOthersDo") {
  const scene s;
  s.reset();
  writer out(s.write.path);
  auto one = out.plan<std::uint64_t>("one", {s.write.big.size()});
  auto other = out.plan<std::uint64_t>("other", {s.write.big.size()});
  REQUIRE(error_of([&] { watch([&] { one.write(0, s.write.big); }, {trouble::failure, 0, EIO}); }).has_value());
  CHECK_REFUSED(other.write(0, s.write.big), errc::io, "another write has failed before, expected a new writer");
  CHECK_REFUSED(out.commit(), errc::invalid_argument, "object \"one\": could not be written whole");
}

TEST_CASE("WritesEndAtMultiplesOfTheBufferBehindPlannedRoomToo") {
  const scene s;
  s.reset();
  const std::vector<std::uint64_t> values(std::size_t{3} << 20, 7); // 24 MiB
  writer out(s.write.path);
  (void)out.plan<std::uint8_t>("odd", {12'345'677});
  const std::vector<system_call> calls = watch([&] { out.add("values", values); });
  constexpr std::uint64_t piece = std::uint64_t{4} << 20;
  std::size_t whole = 0;
  for (const system_call& call : calls)
    if (call.name == "pwrite")
      whole += call.offset % piece == 0 && call.size % piece == 0;
  CHECK(whole >= 4);
}

TEST_CASE("AWriterWhoseCommitFailedSaysSo") {
  const scene s;
  s.reset();
  writer out(s.write.path);
  out.add("big", s.write.big);
  REQUIRE(error_of([&] { watch([&] { out.commit(); }, {trouble::failure, 0, ENOSPC}); }).has_value());
  CHECK_REFUSED(out.commit(), errc::invalid_argument, "could not be committed, expected a new writer");
}

TEST_CASE("UnsyncedCommitsCallNoFsync") {
  const scene s;
  s.reset();
  writer out(s.write.path);
  out.add("big", s.write.big);
  const std::vector<system_call> calls = watch([&] { out.commit(durability::unsynced); });
  CHECK(std::none_of(calls.begin(), calls.end(), [](const auto& call) { return call.name == "fsync"; }));
  CHECK(renamed(calls));
}

TEST_CASE("WithoutLocksNothingIsRemovedAndAllIsWritten") {
  const scene s;
  for (const int error : {ENOLCK, EOPNOTSUPP, EINVAL, ENOSYS}) {
    s.reset();
    const std::vector<system_call> good = watch(std::cref(s.write));
    const auto first = std::find_if(good.begin(), good.end(), [](const auto& call) { return call.name == "flock"; });
    s.reset();
    watch(std::cref(s.write), {trouble::failure, static_cast<std::size_t>(first - good.begin()), error, for_ever});
    CHECK(has_struck());
    CHECK(bytes_of(s.write.path) == s.new_bytes);
    CHECK(s.temporaries() == std::vector<std::string>{scene::leftover});
  }
}

TEST_CASE("AWriterWhoseNewFileWasTakenForADeadOnesMakesAnother") {
  const scene s;
  const auto made = [](const std::vector<system_call>& calls) {
    return std::count_if(calls.begin(), calls.end(), [](const auto& call) {
      return call.name == "openat" && is_temporary(call.path) && call.path != scene::leftover;
    });
  };
  s.reset();
  const std::vector<system_call> good = watch(std::cref(s.write));
  CHECK(made(good) == 1);
  std::size_t lock = 0; // of the new file: the last
  for (std::size_t at = 0; at < good.size(); ++at)
    if (good[at].name == "flock")
      lock = at;
  // A sweeper has the lock; or had it, and the name is gone.
  for (const fault& wanted :
       {fault{trouble::failure, lock, EWOULDBLOCK, 3}, fault{trouble::failure, lock + 1, ENOENT, 3}}) {
    REQUIRE(good[lock + 1].name == "fstatat");
    s.reset();
    const std::vector<system_call> calls = watch(std::cref(s.write), wanted);
    CHECK(made(calls) == 4);
    CHECK(bytes_of(s.write.path) == s.new_bytes);
    CHECK(s.temporaries().empty());
  }
}

TEST_CASE("DataThenRenameThenFolderAreMadeDurableInThisOrder") {
  const scene s;
  s.reset();
  struct stat folder {};
  REQUIRE(::stat(s.dir.path("").c_str(), &folder) == 0);
  // commit() alone is watched at the end: what it does, it has done when it returns.
  writer out(s.write.path);
  out.add("small", s.write.small);
  out.add("big", s.write.big);
  const std::vector<system_call> calls = watch([&] { out.commit(); }, {.really_sync = true});
  const auto place = [&](auto what) {
    return static_cast<std::size_t>(std::find_if(calls.begin(), calls.end(), what) - calls.begin());
  };
  const std::size_t rename = place([](const auto& call) { return call.name == "renameat"; });
  REQUIRE(rename < calls.size());
  CHECK(calls[rename].result == 0);
  CHECK(is_temporary(calls[rename].path));
  CHECK(calls[rename].new_path == "t.stone");
  std::size_t last_write = 0;
  int data = -1;
  for (std::size_t at = 0; at < calls.size(); ++at)
    if (calls[at].name == "pwrite") {
      last_write = at;
      data = calls[at].descriptor;
    }
  REQUIRE(data >= 0);
  const std::size_t data_sync =
      place([&](const auto& call) { return call.name == "fsync" && call.descriptor == data && call.result == 0; });
  CHECK(last_write < data_sync);
  CHECK(data_sync < rename);
  const std::size_t folder_sync = place([&](const auto& call) {
    return call.name == "fsync" && call.descriptor == calls[rename].descriptor && call.result == 0;
  });
  CHECK(rename < folder_sync);
  CHECK(folder_sync < calls.size());
}

TEST_CASE("TheSyncedDescriptorsAreTheFileAndItsFolder") {
  const scene s;
  s.reset();
  const std::vector<system_call> calls = watch(std::cref(s.write), {.really_sync = true});
  // Who has which descriptor, from the opens and closes before.
  std::vector<std::string> names(1024);
  std::vector<std::string> synced;
  std::uint64_t end_of_data = 0;
  for (const system_call& call : calls) {
    if (call.descriptor < 0 || call.descriptor >= static_cast<int>(names.size()))
      continue;
    std::string& name = names[static_cast<std::size_t>(call.descriptor)];
    if (call.name == "open" || call.name == "openat")
      name = call.path;
    if (call.name == "fsync")
      synced.push_back(name);
    if (call.name == "pwrite" && is_temporary(name))
      end_of_data = std::max(end_of_data, call.offset + static_cast<std::uint64_t>(call.result));
    if (call.name == "renameat")
      synced.push_back("rename " + call.path);
  }
  CHECK(end_of_data == s.new_bytes.size());
  REQUIRE(synced.size() == 3);
  CHECK(is_temporary(synced[0]));
  CHECK(synced[1] == "rename " + synced[0]);
  CHECK(synced[2] == s.dir.path(""));
}

TEST_CASE("AWriterKilledAtAnyCallLeavesAWholeFile") {
  const scene s;
  s.reset();
  const std::size_t num_calls = watch(std::cref(s.write)).size();
  std::size_t num_left = 0;
  std::size_t num_new = 0;
  for (std::size_t at = 0; at < num_calls; ++at)
    for (const trouble what : {trouble::kill_before, trouble::kill_after}) {
      CAPTURE(at);
      s.reset();
      const pid_t child = ::fork();
      REQUIRE(child >= 0);
      if (child == 0) {
        watch(std::cref(s.write), {what, at});
        ::_exit(0);
      }
      int status = 0;
      REQUIRE(::waitpid(child, &status, 0) == child);
      REQUIRE(WIFSIGNALED(status));
      REQUIRE(WTERMSIG(status) == SIGKILL);
      const auto bytes = bytes_of(s.write.path);
      REQUIRE((bytes == s.old_bytes || bytes == s.new_bytes));
      num_new += bytes == s.new_bytes;
      num_left += !s.temporaries().empty();
      writer next(s.write.path);
      REQUIRE(s.temporaries().size() == 1); // its own
      next.commit();
      REQUIRE(s.temporaries().empty());
    }
  CHECK(num_new > 0);
  CHECK(num_left > num_calls);
  MESSAGE((2 * num_calls) << " kills, " << num_left << " left a temporary file, " << num_new << " a new target");
}

TEST_CASE("EveryCallOfOpeningMayFail") {
  const temp_dir dir;
  const session write{dir.path("t.stone")};
  write();
  const int descriptor = ::open(write.path.c_str(), O_RDONLY);
  REQUIRE(descriptor >= 0);
  const struct closes {
    int descriptor;
    ~closes() { ::close(descriptor); }
  } at_end{descriptor};
  int num_faults = 0;
  for (const bool by_descriptor : {false, true})
    for (const residency mode :
         {residency::lazy, residency::sparse, residency::prefault, residency::locked, residency::private_copy}) {
      const auto open_and_read = [&] {
        open_options options;
        options.residency = mode;
        const file in = by_descriptor ? file::open_descriptor(descriptor, options) : file::open(write.path, options);
        if (in.array<std::uint64_t>("big")(599'999) != write.big[599'999])
          throw std::logic_error("read wrong");
      };
      CAPTURE(by_descriptor);
      CAPTURE(to_string(mode));
      const std::vector<system_call> good = watch(open_and_read);
      const std::size_t descriptors = open_descriptors();
      const auto check = [&](const fault& wanted) {
        CAPTURE(wanted.at);
        CAPTURE(good[wanted.at].name);
        CAPTURE(wanted.error);
        CAPTURE(static_cast<int>(wanted.what));
        const auto failure = error_of([&] { watch(open_and_read, wanted); });
        REQUIRE(has_struck());
        if (failure) {
          const bool cut_off = wanted.what == trouble::no_count;
          REQUIRE_MESSAGE(failure->code() == (cut_off ? errc::truncated : errc::io), failure->what());
          REQUIRE_MESSAGE(failure->path() == (by_descriptor ? "descriptor " + std::to_string(descriptor) : write.path),
                          failure->what());
        }
        REQUIRE(open_descriptors() == descriptors);
        REQUIRE(mapped_regions(write.path) == 0);
        ++num_faults;
      };
      for (std::size_t at = 0; at < good.size(); ++at) {
        for (const int error : errors) {
          check({trouble::failure, at, error, 1});
          check({trouble::failure, at, error, for_ever});
        }
        if (good[at].name == "pread") {
          check({trouble::short_count, at, 0, for_ever});
          check({trouble::no_count, at, 0, 1});
        }
      }
    }
  MESSAGE(num_faults << " faults");
}

// What is read ahead, and until when.
TEST_CASE("ASparseFileIsReadAheadWhileAllOfAnObjectIsLookedAt") {
  const temp_dir dir;
  const session write{dir.path("t.stone")};
  write();
  const auto advice = [&](residency mode, auto work) {
    std::vector<int> out;
    for (const system_call& call : watch([&] { work(file::open(write.path, {mode, {}})); }))
      if (call.name == "madvise")
        out.push_back(call.advice);
    return out;
  };
  const auto look = [](const file& from) { (void)from.array<float>("small")(0); };
  const auto trust_it = [](const file& from) { (void)from.forest("forest", trust::caller); };
  const auto check_twice = [](const file& from) {
    (void)from.forest("forest");
    (void)from.forest("forest");
  };
  const auto verify_it = [](const file& from) {
    if (!from.verify().empty())
      throw std::logic_error("not sound");
  };
  const std::vector<int> at_open{MADV_RANDOM};
  const std::vector<int> with_a_pass{MADV_RANDOM, MADV_NORMAL, MADV_RANDOM};
  CHECK(advice(residency::sparse, look) == at_open);
  CHECK(advice(residency::sparse, trust_it) == at_open);
  CHECK(advice(residency::sparse, check_twice) == with_a_pass);
  CHECK(advice(residency::sparse, verify_it) == with_a_pass);
  CHECK(advice(residency::lazy, check_twice).empty());
  CHECK(advice(residency::lazy, verify_it).empty());
}
