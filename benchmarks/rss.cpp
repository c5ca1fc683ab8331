// How much memory does a process get by opening an array file of any size and reading one element?
//
// petrify_rss FILE.stone NAME INDEX         prints by how much the resident memory grew
// petrify_rss --self-test [--gib N]         the same for a float32 array of N GiB that it makes; N is 1 if not given
// Exit status: 0 measured, 1 wrong element or (self-test) growth beyond 4 MiB, 2 failure, 77 no room for the file.
#include "process_status.hpp"
#include "sample_array.hpp"
#include "scratch_directory.hpp"

#include <petrify/petrify.hpp>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr long max_growth_kib = 4096;
constexpr int exit_skipped = 77; // what CTest's SKIP_RETURN_CODE is set to by convention

double element_of(const petrify::any_array& array, std::uint64_t index) {
  if (index >= array.size())
    throw std::out_of_range("INDEX " + std::to_string(index) + ", expected less than " + std::to_string(array.size()));
  if (array.type() == petrify::dtype::uint8)
    return array.as<std::uint8_t>().data()[index];
  return static_cast<double>(array.as<float>().data()[index]);
}

std::optional<std::uint64_t> parse(std::string_view text) {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
    return std::nullopt;
  return number;
}

// is_test: the file is the self-test's, so that the element and the growth can be judged.
int measure(const std::string& path, const std::string& name, std::uint64_t index, bool is_test) {
  bench::status_now(); // its own code and stack are resident from here on
  const bench::process_status before = bench::status_now();
  const auto file = petrify::file::open(path);
  const double element = element_of(file.array(name), index);
  const bench::process_status after = bench::status_now();

  const long growth_kib = after.resident_kib - before.resident_kib;
  std::printf("%s[%llu] is %g; opening %llu MiB and reading it took %ld KiB (VmRSS %ld to %ld KiB, RssFile +%ld KiB)\n",
              name.c_str(), static_cast<unsigned long long>(index), element,
              static_cast<unsigned long long>(file.size_bytes() >> 20), growth_kib, before.resident_kib,
              after.resident_kib, after.file_kib - before.file_kib);
  if (is_test && element != static_cast<double>(bench::sample_element(index))) {
    std::fprintf(stderr, "petrify_rss: the element is wrong, expected %g\n",
                 static_cast<double>(bench::sample_element(index)));
    return 1;
  }
  if (is_test && growth_kib > max_growth_kib) {
    std::fprintf(stderr, "petrify_rss: grew by %ld KiB, expected at most %ld\n", growth_kib, max_growth_kib);
    return 1;
  }
  return 0;
}

// A new process: this one has the writer's memory in it.
int measure_in_child(const std::string& path, std::uint64_t index) {
  std::string program = "/proc/self/exe";
  std::string mode = "--measure-test";
  std::string file = path;
  std::string place = std::to_string(index);
  char* const arguments[] = {program.data(), mode.data(), file.data(), place.data(), nullptr};
  pid_t child = 0;
  if (const int failure = ::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environ); failure != 0)
    throw std::system_error(failure, std::generic_category(), "posix_spawn");
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      throw std::system_error(errno, std::generic_category(), "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

int self_test(std::uint64_t gib) {
  const bench::scratch_directory scratch;
  scratch.require(gib << 30);
  const std::uint64_t num_elements = (gib << 30) / sizeof(float);
  const std::string path = scratch.file("array.stone");
  bench::write_sample_array(path, num_elements);
  return measure_in_child(path, num_elements / 2 + 1);
}

int fail_usage() {
  std::fputs("usage: petrify_rss FILE.stone NAME INDEX\n"
             "       petrify_rss --self-test [--gib N]\n",
             stderr);
  return 2;
}

} // namespace

int main(int argc, char** argv) {
  try {
    const std::string_view first = argc > 1 ? argv[1] : "";
    if (first == "--self-test") {
      if (argc != 2 && !(argc == 4 && std::string_view(argv[2]) == "--gib"))
        return fail_usage();
      const auto gib = argc == 2 ? std::optional<std::uint64_t>(1) : parse(argv[3]);
      return gib && *gib >= 1 && *gib <= 1024 ? self_test(*gib) : fail_usage();
    }
    const auto index = argc == 4 ? parse(argv[3]) : std::nullopt;
    if (!index)
      return fail_usage();
    if (first == "--measure-test") // what the self-test starts
      return measure(argv[2], "array", *index, true);
    return measure(argv[1], argv[2], *index, false);
  } catch (const bench::no_room& shortage) {
    std::fprintf(stderr, "petrify_rss: skipped, not enough disk: %s\n", shortage.what());
    return exit_skipped;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "petrify_rss: %s\n", failure.what());
    return 2;
  }
}
