// petrify_kill [COUNT [FOLDER]]: kills a process that writes versions of one file, at random moments, COUNT times.
// After each kill the file must be whole: one of the last two versions, and never one before a commit() that returned.
#include "support/numbered_content.hpp"

#include <petrify/file.hpp>
#include <petrify/writer.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace petrify;
using clock_type = std::chrono::steady_clock;

enum stage : std::uint64_t { before, adding, committing, returned };

// What the child is at, for the parent to read after the kill: version * 4 + stage, as one number so that a kill cannot
// come between the two.
using progress = std::atomic<std::uint64_t>;

// 0 to 6 MB: within the writer's buffer of 4 MiB and past it.
constexpr test::content_sizes sizes{4, 800'000, 20'000, 100'000, 50};

void write(const std::string& path, std::uint64_t version, progress& shared) {
  const test::numbered_content made(version, sizes);
  shared = version * 4 + before;
  writer out(path);
  shared = version * 4 + adding;
  made.add_to(out);
  shared = version * 4 + committing;
  out.commit();
  shared = version * 4 + returned;
}

[[noreturn]] void fail(const std::string& why) { throw std::runtime_error(why); }

// The version at `path`, every byte of which is checked.
std::uint64_t read(const std::string& path) {
  const file in = file::open(path);
  for (const error& fault : in.verify())
    fail(fault.what());
  return test::numbered_content::number_in(in, sizes);
}

std::size_t count_files(const std::string& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

struct folder_guard {
  std::string path;
  ~folder_guard() { std::filesystem::remove_all(path); }
};

int run(long count, const std::string& parent_folder) {
  std::string folder = parent_folder + "/petrify-kill-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr)
    fail("no folder in " + parent_folder);
  const folder_guard guard{folder};
  const std::string path = folder + "/t.stone";
  void* const memory = ::mmap(nullptr, sizeof(progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    fail("no shared memory");
  auto& shared = *new (memory) progress{};

  // How long one version takes, to spread the kills over about two.
  std::uint64_t version = 0;
  const auto start = clock_type::now();
  for (int i = 0; i < 8; ++i)
    write(path, ++version, shared);
  const auto one = std::chrono::duration_cast<std::chrono::microseconds>(clock_type::now() - start) / 8;

  std::mt19937_64 random(std::random_device{}());
  long by_stage[4] = {};
  long num_left = 0;
  long num_new = 0;
  long num_writes = 0;
  for (long i = 0; i < count; ++i) {
    const std::uint64_t first = version;
    shared = first * 4 + returned;
    const pid_t child = ::fork();
    if (child < 0)
      fail("no child");
    if (child == 0) {
      try {
        for (std::uint64_t next = first + 1;; ++next)
          write(path, next, shared);
      } catch (const std::exception& failure) {
        std::fprintf(stderr, "petrify_kill: the child: %s\n", failure.what());
      }
      ::_exit(1);
    }
    // Half of the kills come at any moment of the first two versions; the others wait until it is in commit().
    if (i % 2 == 1) {
      while (shared % 4 != committing) {
        if (::waitpid(child, nullptr, WNOHANG) != 0)
          fail("the child ended by itself");
        std::this_thread::yield();
      }
    }
    const auto longest = static_cast<std::uint64_t>((i % 2 == 1 ? one : 2 * one).count()) + 1;
    std::this_thread::sleep_for(std::chrono::microseconds(random() % longest));
    ::kill(child, SIGKILL);
    int status = 0;
    if (::waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
      fail("the child ended by itself");

    const std::uint64_t stage = shared % 4;
    const std::uint64_t written = shared / 4;
    version = read(path);
    ++by_stage[stage];
    num_writes += static_cast<long>(written - first);
    const bool is_new = version == written;
    const bool is_old = version + 1 == written;
    if (stage == returned ? !is_new : stage == committing ? !(is_new || is_old) : !is_old)
      fail("version " + std::to_string(version) + " after a kill in stage " + std::to_string(stage) + " of " +
           std::to_string(written));
    num_new += stage == committing && is_new;
    const std::size_t num_files = count_files(folder);
    if (num_files > 2)
      fail("leftovers of more than one writer");
    num_left += num_files == 2;
    if (num_files == 2 || i % 16 == 0) {
      write(path, ++version, shared);
      if (count_files(folder) != 1)
        fail("a temporary file is left after a completed write");
    }
  }
  std::printf("%ld kills of a writer, %ld versions begun, %.1f ms each; the file was whole each time\n", count,
              num_writes, static_cast<double>(one.count()) / 1000);
  std::printf(
      "killed before the temporary file %ld, while adding %ld, in commit %ld (of these with the new file in place "
      "%ld), between versions %ld\n",
      by_stage[before], by_stage[adding], by_stage[committing], num_new, by_stage[returned]);
  std::printf("%ld left a temporary file; the next completed write removed it each time\n", num_left);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  try {
    const long count = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 100;
    return run(count, argc > 2 ? argv[2] : std::filesystem::temp_directory_path().string());
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "petrify_kill: %s\n", failure.what());
    return 1;
  }
}
