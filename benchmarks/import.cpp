// petrify_bench_import: how fast do other libraries' model files become petrify files, and in how much memory?
//
// petrify_bench_import MODEL...    a model NAME.EXT has rows NAME.x.npy and their raw scores NAME.raw.npy beside it
// make_models.py makes such models of 100 MB and more; ./dev bench import runs both. Each import is a process of its
// own: read, build, write, fsync, rename, with the input in the page cache. Prints medians and the range of five turns.
// Exit status: 0 measured, 1 wrong predictions, 2 failure.
#include "environment.hpp"
#include "scratch_directory.hpp"
#include "stored_scores.hpp"

#include <petrify/import.hpp>
#include <petrify/npy.hpp>
#include <petrify/petrify.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int num_turns = 5;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void convert(const std::string& model, const std::string& target) {
  petrify::writer out(target);
  petrify::import_file(model, out);
  out.commit();
}

struct cost {
  double seconds = 0;
  double peak_bytes = 0; // resident, the mapped input included
};

// In a child process, so that its peak is its own.
cost cost_of_converting(const std::string& model, const std::string& target) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe");
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0)
    throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) {
    try {
      const double start = seconds_now();
      convert(model, target);
      const double taken = seconds_now() - start;
      ::_exit(::write(ends[1], &taken, sizeof taken) == sizeof taken ? 0 : 2);
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "petrify_bench_import: %s\n", failure.what());
      ::_exit(2);
    }
  }
  ::close(ends[1]);
  cost out;
  const bool is_told = ::read(ends[0], &out.seconds, sizeof out.seconds) == sizeof out.seconds;
  ::close(ends[0]);
  int status = 0;
  rusage used{};
  while (::wait4(child, &status, 0, &used) < 0)
    if (errno != EINTR)
      throw std::system_error(errno, std::generic_category(), "wait4");
  if (!is_told || status != 0)
    throw std::runtime_error(model + ": its import failed");
  out.peak_bytes = static_cast<double>(used.ru_maxrss) * 1024;
  return out;
}

void read_whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<char> block(std::size_t{1} << 20);
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())))
    ;
}

struct subject {
  std::string model;
  std::string target;
  std::uint64_t num_nodes = 0;
  double size_bytes = 0;
  std::vector<cost> turns;

  bool predicts_its_origins_bits() {
    const std::filesystem::path path(model);
    const std::string beside = (path.parent_path() / path.stem()).string();
    // Not in this process: what it frees would be resident in the children that it forks.
    const pid_t child = ::fork();
    if (child < 0)
      throw std::system_error(errno, std::generic_category(), "fork");
    if (child == 0) {
      try {
        convert(model, target);
        ::_exit(0);
      } catch (const std::exception& failure) {
        std::fprintf(stderr, "petrify_bench_import: %s\n", failure.what());
        ::_exit(2);
      }
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR)
      ;
    if (status != 0)
      throw std::runtime_error(model + ": its import failed");
    const auto file = petrify::file::open(target);
    const auto forest = file.forest("model");
    num_nodes = forest.num_nodes();
    const petrify::npy_file stored(beside + ".x.npy");
    const auto view = stored.array().as<float>();
    const petrify::rows x(view.data(), stored.array().shape()[0], stored.array().shape()[1]);
    const std::vector<double> expected = bench::scores_in(beside + ".raw.npy");
    const std::vector<double> seen = forest.predict_raw(x);
    return std::equal(seen.begin(), seen.end(), expected.begin(), expected.end(), [](double a, double b) {
      return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
    });
  }
};

template <class F>
std::vector<double> sorted(const std::vector<cost>& turns, F f) {
  std::vector<double> out;
  for (const cost& one : turns)
    out.push_back(f(one));
  std::sort(out.begin(), out.end());
  return out;
}

} // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::fputs("usage: petrify_bench_import MODEL...\n", stderr);
    return 2;
  }
  const bench::scratch_directory scratch;
  std::vector<subject> subjects;
  for (int i = 1; i < argc; ++i) {
    subject one{argv[i], scratch.file(std::to_string(i) + ".stone"), 0, 0, {}};
    one.size_bytes = static_cast<double>(std::filesystem::file_size(one.model));
    scratch.require(static_cast<std::uint64_t>(one.size_bytes));
    read_whole(one.model);
    if (!one.predicts_its_origins_bits()) {
      std::fprintf(stderr, "petrify_bench_import: %s: raw scores differ from the origin's\n", one.model.c_str());
      return 1;
    }
    subjects.push_back(std::move(one));
  }
  for (int turn = 0; turn < num_turns; ++turn)
    for (subject& one : subjects)
      one.turns.push_back(cost_of_converting(one.model, one.target));

  for (const auto& [name, value] : bench::environment())
    std::printf("%s: %s\n", name.c_str(), value.c_str());
  std::printf("\n%-24s %8s %10s %7s %21s %15s\n", "model", "MB", "nodes", "s", "MB/s (slowest-fastest)",
              "peak / input");
  for (const subject& one : subjects) {
    const auto seconds = sorted(one.turns, [](const cost& c) { return c.seconds; });
    const auto peaks = sorted(one.turns, [](const cost& c) { return c.peak_bytes; });
    const double mb = one.size_bytes / 1e6;
    std::printf("%-24s %8.1f %10llu %7.3f %8.0f (%.0f-%.0f) %15.2f\n",
                std::filesystem::path(one.model).filename().c_str(), mb, static_cast<unsigned long long>(one.num_nodes),
                seconds[num_turns / 2], mb / seconds[num_turns / 2], mb / seconds.back(), mb / seconds.front(),
                peaks[num_turns / 2] / one.size_bytes);
  }
  return 0;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "petrify_bench_import: %s\n", failure.what());
  return 2;
}
