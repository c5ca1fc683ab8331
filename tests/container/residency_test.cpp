// Where a file's bytes can be, ways in, and what a file that changes under a mapping does.
#include "support/aligned_bytes.hpp"
#include "support/reseal.hpp"
#include "support/support.hpp"

#include <petrify/file.hpp>
#include <petrify/writer.hpp>

#include "mapping/input_file.hpp"

#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace petrify;
using namespace petrify::test;

namespace {

constexpr residency every_mode[] = {residency::lazy, residency::sparse, residency::prefault, residency::locked,
                                    residency::private_copy};

struct saved {
  temp_dir dir;
  std::string path = dir.path("f.stone");
  std::vector<double> values = std::vector<double>(50'000);

  saved() {
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<double>(i) + 0.5;
    writer out(path);
    out.add("values", values);
    out.add("words", std::vector<std::string>{"a", "", "bcd"});
    out.commit();
  }
};

bool holds(const file& from, const std::vector<double>& values) {
  const auto view = from.array<double>("values");
  return view.size() == values.size() && std::memcmp(view.data(), values.data(), values.size() * sizeof(double)) == 0 &&
         from.verify().empty();
}

// How a child process ends that runs `work`: "exit 0" or "signal 7".
template <class Work>
std::string outcome(Work work) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGBUS, SIG_DFL); // doctest and sanitizers would report it
    ::_exit(work() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                             : "exit " + std::to_string(WEXITSTATUS(status));
}

} // namespace

TEST_CASE("EveryResidencyGivesTheSameBytes") {
  const saved s;
  for (const residency mode : every_mode) {
    CAPTURE(to_string(mode));
    CHECK(holds(file::open(s.path, {mode, {}}), s.values));
  }
}

TEST_CASE("PrefaultedPagesAreMappedAndPrivateOnesAreReadOnly") {
  const saved s;
  const auto resident_pages = [](const file& from) {
    const auto data = reinterpret_cast<std::uintptr_t>(from.array<double>("values").data()) / 4096 * 4096;
    std::size_t mapped = 0;
    const int pagemap = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    REQUIRE(pagemap >= 0);
    for (std::size_t page = 0; page < 50; ++page) {
      std::uint64_t entry = 0;
      REQUIRE(::pread(pagemap, &entry, 8, static_cast<off_t>((data / 4096 + page) * 8)) == 8);
      mapped += entry >> 63;
    }
    ::close(pagemap);
    return mapped;
  };
  CHECK(resident_pages(file::open(s.path)) == 0);
  CHECK(resident_pages(file::open(s.path, {residency::sparse, {}})) == 0);
  CHECK(resident_pages(file::open(s.path, {residency::prefault, {}})) == 50);
  CHECK(resident_pages(file::open(s.path, {residency::locked, {}})) == 50);
  CHECK(resident_pages(file::open(s.path, {residency::private_copy, {}})) == 50);
  for (const residency mode : every_mode) {
    const file from = file::open(s.path, {mode, {}});
    auto* data = const_cast<double*>(from.array<double>("values").data());
    CHECK(outcome([&] {
            std::signal(SIGSEGV, SIG_DFL);
            *const_cast<volatile double*>(data) = 1;
            return true;
          }) == "signal " + std::to_string(SIGSEGV));
  }
}

namespace {

// Pages of these bytes that this process has mapped, in KiB.
long mapped_kib(std::span<const std::byte> bytes) {
  std::ifstream in("/proc/self/smaps");
  const auto wanted = reinterpret_cast<std::uintptr_t>(bytes.data());
  bool is_here = false;
  for (std::string line; std::getline(in, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) == 2)
      is_here = begin <= wanted && wanted < end;
    else if (is_here && line.starts_with("Rss:"))
      return std::strtol(line.c_str() + 4, nullptr, 10);
  }
  return -1;
}

} // namespace

TEST_CASE("AdviceChangesNoByteAndDoneGivesPagesUp") {
  const saved s;
  for (const residency mode : every_mode) {
    CAPTURE(to_string(mode));
    const file from = file::open(s.path, {mode, {}});
    const auto view = from.array<double>("values");
    for (const access_pattern pattern : {access_pattern::normal, access_pattern::sequential, access_pattern::random,
                                         access_pattern::soon, access_pattern::done}) {
      CAPTURE(to_string(pattern));
      from.advise("values", pattern);
      from.advise("words", pattern);
      from.advise(view.slice(0, 1000, 40'000, 3), pattern);
      from.advise(view.flipped(0), pattern);
      from.advise(view.slice(0, 7, 7), pattern);
      CHECK(holds(from, s.values));
    }
  }
  const file from = file::open(s.path);
  const auto view = from.array<double>("values");
  CHECK(holds(from, s.values));
  const long before = mapped_kib(std::as_bytes(view.elements()));
  CHECK(before >= 390);
  from.advise("values", access_pattern::done);
  CHECK(mapped_kib(std::as_bytes(view.elements())) <= before - 380);
  CHECK(holds(from, s.values));
}

TEST_CASE("AdviceIsAboutThisFile") {
  const saved s;
  const file from = file::open(s.path);
  const std::vector<double> other(10'000);
  const array_view<double> elsewhere(other.data(), extents(std::vector<std::uint64_t>{other.size()}));
  CHECK_REFUSED(from.advise(elsewhere, access_pattern::done), errc::invalid_argument,
                "advise: the part is not of this file");
  CHECK_REFUSED(from.advise("valeus", access_pattern::soon), errc::not_found, "object \"valeus\": no such object");
  // Memory of the caller's is never let go of.
  aligned_bytes bytes(read_bytes(s.path));
  const file borrowed = file::open_bytes(bytes.bytes());
  borrowed.advise("values", access_pattern::done);
  CHECK(holds(borrowed, s.values));
}

// The sanitizers make mlock do nothing.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("ALockBeyondTheLimitSaysSo") {
  const saved s;
  CHECK(outcome([&] {
          const rlimit little{4096, 4096};
          if (::setrlimit(RLIMIT_MEMLOCK, &little) != 0)
            return false;
          if (::geteuid() == 0 && ::seteuid(65534) != 0) // root may lock all it likes
            return false;
          const int descriptor = ::open(s.path.c_str(), O_RDONLY | O_CLOEXEC);
          const auto failure = error_of([&] { (void)file::open_descriptor(descriptor, {residency::locked, {}}); });
          return failure && failure->code() == errc::io &&
                 std::string(failure->what()).find("lock: ") != std::string::npos &&
                 std::string(failure->what()).find("expected at most the 4096 that RLIMIT_MEMLOCK") !=
                     std::string::npos;
        }) == "exit 0");
}
#endif

// What residency.hpp says of a file that is cut off in place while it is in use.
TEST_CASE("TruncationUnderAMappingHurtsAllButPrivateCopies") {
  for (const residency mode : every_mode) {
    CAPTURE(to_string(mode));
    const saved s;
    const file from = file::open(s.path, {mode, {}});
    REQUIRE(::truncate(s.path.c_str(), 4096) == 0);
    const std::string expected = mode == residency::private_copy ? "exit 0" : "signal " + std::to_string(SIGBUS);
    CHECK(outcome([&] { return holds(from, s.values); }) == expected);
  }
}

TEST_CASE("InPlaceChangesAreSeenByAllButPrivateCopies") {
  for (const residency mode : every_mode) {
    CAPTURE(to_string(mode));
    const saved s;
    const file from = file::open(s.path, {mode, {}});
    const int descriptor = ::open(s.path.c_str(), O_WRONLY | O_CLOEXEC);
    const double other = -1;
    REQUIRE(::pwrite(descriptor, &other, sizeof other, 4096) == sizeof other); // "values" begins at a page
    ::close(descriptor);
    CHECK(from.array<double>("values")(0) == (mode == residency::private_copy ? 0.5 : -1));
    CHECK(from.verify().empty() == (mode == residency::private_copy));
  }
}

// A file that shrinks between the look at its size and the reading of its pages.
TEST_CASE("TruncationWhileOpeningIsAnErrorWhereOpeningReads") {
  for (const residency mode : {residency::prefault, residency::locked, residency::private_copy}) {
    CAPTURE(to_string(mode));
    const saved s;
    const input_file seen(s.path);
    REQUIRE(::truncate(s.path.c_str(), 4096) == 0);
    CHECK_REFUSED(mapping(seen, mode), (mode == residency::private_copy ? errc::truncated : errc::io), s.path);
  }
}

TEST_CASE("ADescriptorIsAWayIn") {
  const saved s;
  const int descriptor = ::open(s.path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(descriptor >= 0);
  const file from = file::open_descriptor(descriptor);
  CHECK(from.path() == "descriptor " + std::to_string(descriptor));
  ::close(descriptor); // a duplicate was kept as long as it was needed
  CHECK(holds(from, s.values));
  CHECK_REFUSED(file::open_descriptor(-1), errc::io, "descriptor -1: duplicate: bad file descriptor");
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  CHECK_REFUSED(file::open_descriptor(ends[0]), errc::not_regular, "is a FIFO, expected a regular file");
  ::close(ends[0]);
  ::close(ends[1]);
  const int write_only = ::open(s.path.c_str(), O_WRONLY | O_CLOEXEC);
  CHECK_REFUSED(file::open_descriptor(write_only), errc::io, "pread: bad file descriptor");
  ::close(write_only);
  // Without a name: a file that was sent by another process, or lies in a memfd.
  const int memory = ::memfd_create("petrify", MFD_CLOEXEC);
  const std::vector<std::byte> bytes = read_bytes(s.path);
  REQUIRE(::write(memory, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  CHECK(holds(file::open_descriptor(memory), s.values));
  ::close(memory);
}

TEST_CASE("BytesInMemoryAreAWayIn") {
  const saved s;
  const std::vector<std::byte> bytes = read_bytes(s.path);
  aligned_bytes memory(bytes);
  const file from = file::open_bytes(memory.bytes());
  CHECK(from.path() == "memory");
  CHECK(holds(from, s.values));
  CHECK(reinterpret_cast<const std::byte*>(from.array<double>("values").data()) > memory.bytes().data());
  CHECK_REFUSED(from.array("x"), errc::not_found, "memory: object \"x\": no such object");

  aligned_bytes more(std::vector<std::byte>(bytes.size() + 8));
  const std::span<std::byte> shifted = more.bytes().subspan(8);
  std::memmove(shifted.data(), bytes.data(), bytes.size());
  CHECK_REFUSED(file::open_bytes(shifted), errc::invalid_argument,
                "memory: bytes that are not aligned to 64, expected them to be, or residency private_copy");
  const file copy = file::open_bytes(shifted, {residency::private_copy, {}});
  std::memset(shifted.data(), 0, shifted.size());
  CHECK(holds(copy, s.values));
  for (const residency mode : {residency::sparse, residency::prefault, residency::locked})
    CHECK_REFUSED(file::open_bytes(memory.bytes(), {mode, {}}), errc::invalid_argument,
                  "residency " + std::string(to_string(mode)) + ", expected lazy or private_copy");
  CHECK_REFUSED(file::open_bytes({}), errc::not_petrify, "memory: not a petrify file: the file is empty");
  CHECK_REFUSED(file::open_bytes({}, {residency::private_copy, {}}), errc::not_petrify, "the file is empty");
}

TEST_CASE("ProgramsWithoutExceptionsGetTheReason") {
  const saved s;
  std::optional<error> why;
  CHECK_FALSE(file::try_open(s.dir.path("missing"), why).has_value());
  REQUIRE(why.has_value());
  CHECK(why->code() == errc::io);
  const std::optional<file> from = file::try_open(s.path, why);
  REQUIRE(from.has_value());
  CHECK_FALSE(why.has_value());
  CHECK_FALSE(from->try_forest("values", why).has_value());
  REQUIRE(why.has_value());
  CHECK(why->code() == errc::wrong_type);
  CHECK_FALSE(from->try_array<float>("values", why).has_value());
  REQUIRE(why.has_value());
  CHECK(std::string(why->what()) == s.path + ": object \"values\": elements are of type float64, expected float32");
  const auto values = from->try_array<double>("values", why);
  REQUIRE(values.has_value());
  CHECK_FALSE(why.has_value());
  CHECK((*values)(1) == 1.5);
  CHECK(from->try_array("words", why)->type() == dtype::string);
  static_assert(noexcept(file::try_open(s.path, why)));
  static_assert(noexcept(from->try_forest("values", why)));
  static_assert(noexcept(from->try_array<double>("values", why)));
}

TEST_CASE("AFileBeyondTheCallersLimitIsNotRead") {
  const saved s;
  for (const residency mode : every_mode)
    CHECK_REFUSED(file::open(s.path, {mode, {.max_file_bytes = 1000}}), errc::limit_exceeded, "expected at most 1000");
  CHECK_REFUSED(file::open(s.path, {{}, {.max_objects = 1}}), errc::limit_exceeded, "2 objects, expected at most 1");
}
