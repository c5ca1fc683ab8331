// How many versions a second can be published, and how soon is one served?
//
// petrify_bench_publish [--dir FOLDER] [--followers N] [--seconds S] [--mb N] [--turns N]
// Publishing: of a forest of 100 trees, by a writer, durable; with nobody watching and with followers (64) in eight
// processes, in turns. Serving: a forest of --mb (200) that is in the page cache; from the rename of CURRENT to the
// first prediction that a thread got of the new version. --dir: a folder in memory and one on a disk differ.
#include "environment.hpp"
#include "sample_forests.hpp"
#include "scratch_directory.hpp"
#include "store/name_folder.hpp"

#include <petrify/petrify.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

using clock_type = std::chrono::steady_clock;
using milliseconds = std::chrono::duration<double, std::milli>;

struct options {
  std::string folder;
  unsigned followers = 64;
  double seconds = 3;
  std::uint64_t mib = 200;
  unsigned turns = 5;
};

options take_options(int argc, char** argv) {
  options out;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (i + 1 == argc)
      throw std::runtime_error(word + ": expected --dir, --followers, --seconds, --mb or --turns, and a value");
    const char* const value = argv[++i];
    if (word == "--dir")
      out.folder = value;
    else if (word == "--followers")
      out.followers = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
    else if (word == "--seconds")
      out.seconds = std::strtod(value, nullptr);
    else if (word == "--mb")
      out.mib = std::strtoull(value, nullptr, 10);
    else if (word == "--turns")
      out.turns = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
    else
      throw std::runtime_error(word + ": expected --dir, --followers, --seconds, --mb or --turns");
  }
  return out;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// Processes that follow a name until they are told to end; each says how many versions it has served.
class following_processes {
public:
  following_processes(const petrify::store& models, unsigned num_followers) {
    constexpr unsigned most_processes = 8;
    const unsigned count = std::min(most_processes, num_followers);
    for (unsigned p = 0; p < count; ++p)
      start(models, num_followers / count + (p < num_followers % count));
  }
  following_processes(const following_processes&) = delete;
  following_processes& operator=(const following_processes&) = delete;

  // Versions served by all of them together. Throws where one has refused a version.
  std::uint64_t end() {
    std::uint64_t out = 0;
    for (const child& one : children_) {
      ::close(one.go);
      std::uint64_t served = 0;
      if (::read(one.result, &served, sizeof served) != sizeof served)
        throw std::runtime_error("a follower has failed");
      ::close(one.result);
      ::waitpid(one.process, nullptr, 0);
      out += served;
    }
    children_.clear();
    return out;
  }

private:
  struct child {
    pid_t process;
    int go;
    int result;
  };

  void start(const petrify::store& models, unsigned num_followers) {
    int go[2];
    int result[2];
    if (::pipe(go) != 0 || ::pipe(result) != 0)
      throw std::runtime_error("no pipe");
    const pid_t process = ::fork();
    if (process < 0)
      throw std::runtime_error("no process");
    if (process == 0) {
      for (const child& other : children_)
        ::close(other.go);
      ::close(go[1]);
      ::_exit(follow(models, num_followers, go[0], result[1]) ? 0 : 1);
    }
    ::close(go[0]);
    ::close(result[1]);
    children_.push_back({process, go[1], result[0]});
    char ready;
    if (::read(result[0], &ready, 1) != 1)
      throw std::runtime_error("a follower cannot begin");
  }

  static bool follow(const petrify::store& models, unsigned num_followers, int go, int result) {
    try {
      std::atomic<std::uint64_t> served = 0;
      std::atomic<bool> refused = false;
      petrify::follow_options options;
      options.on_change = [&](std::uint64_t) { ++served; };
      options.on_refused = [&](std::uint64_t, const petrify::error&) { refused = true; };
      std::vector<petrify::follower> followers;
      for (unsigned i = 0; i < num_followers; ++i)
        followers.push_back(models.follow("m", options));
      char byte = 'r';
      if (::write(result, &byte, 1) != 1)
        return false;
      if (::read(go, &byte, 1) != 0)
        return false;
      followers.clear();
      const std::uint64_t count = served;
      return !refused && ::write(result, &count, sizeof count) == sizeof count;
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "petrify_bench_publish: a follower: %s\n", failure.what());
      return false;
    }
  }

  std::vector<child> children_;
};

// Publishes a second, for so long.
double publishing_rate(const petrify::store& models, const petrify::forest_model& forest, double seconds,
                       std::uint64_t& content) {
  const auto begin = clock_type::now();
  const auto end = begin + std::chrono::duration<double>(seconds);
  int count = 0;
  while (clock_type::now() < end) {
    models.publish("m", [&](petrify::writer& out) {
      out.add("model", forest);
      out.add("number", std::vector<std::uint64_t>{++content});
    });
    if (++count % 16 == 0)
      models.prune("m", 2);
  }
  return count / std::chrono::duration<double>(clock_type::now() - begin).count();
}

void measure_publishing(const std::string& folder, const options& wanted) {
  const petrify::store models(folder);
  const petrify::forest_model forest = bench::make_xgboost_like(100, false);
  std::uint64_t content = 0;
  publishing_rate(models, forest, 0.1, content);
  std::vector<double> alone;
  std::vector<double> followed;
  std::uint64_t served = 0;
  for (unsigned turn = 0; turn < wanted.turns; ++turn) {
    alone.push_back(publishing_rate(models, forest, wanted.seconds, content));
    following_processes followers(models, wanted.followers);
    followed.push_back(publishing_rate(models, forest, wanted.seconds, content));
    served += followers.end();
  }
  if (!models.check().empty())
    throw std::runtime_error("the store has faults");
  std::printf(
      "published a second: %.0f with nobody watching, %.0f with %u followers (medians of %u turns, %.0f to %.0f)\n",
      median(alone), median(followed), wanted.followers, wanted.turns,
      *std::min_element(followed.begin(), followed.end()), *std::max_element(followed.begin(), followed.end()));
  std::printf("versions served by all followers together: %llu\n", static_cast<unsigned long long>(served));
}

// Regression trees of 2^18 nodes: 2 MiB each, and almost as much of leaf values.
petrify::forest_model make_large_forest(std::uint64_t mib) {
  petrify::forest_spec spec = bench::sample_regression(petrify::dtype::float64);
  petrify::forest_builder builder(spec);
  bench::random_trees trees(spec.num_columns, {});
  for (std::uint64_t t = 0; t < std::max<std::uint64_t>(1, mib * 55 / 200); ++t)
    trees.add(builder, 17, 17, 0.0, bench::random_leaf);
  return builder.build();
}

// What publish does at its end, with the moment of the rename known.
clock_type::time_point make_current(const std::string& name_folder, std::uint64_t number) {
  const std::string next = name_folder + "/next";
  std::ofstream(next) << petrify::current_text(number);
  const auto at = clock_type::now();
  std::filesystem::rename(next, name_folder + "/CURRENT");
  return at;
}

// From the rename of CURRENT to the first prediction of the new version, in milliseconds; between predictions the
// thread sleeps for so long.
double serving_time(const std::string& name_folder, petrify::followed<petrify::predictor>& model,
                    std::chrono::microseconds rest) {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const std::vector<float> row(30, 0.3f);
  double score = 0;
  const std::uint64_t next = model.version() == 1 ? 2 : 1;
  const auto begin = make_current(name_folder, next);
  for (;;) {
    model->predict_raw(row, std::span(&score, 1));
    if (model.version() == next)
      return milliseconds(clock_type::now() - begin).count();
    if (rest.count() != 0)
      std::this_thread::sleep_for(rest);
  }
}

void print_times(const char* words, const std::vector<double>& times) {
  std::printf("  %s: median %.2f ms, least %.2f, largest %.2f of %zu\n", words, median(times),
              *std::min_element(times.begin(), times.end()), *std::max_element(times.begin(), times.end()),
              times.size());
}

void measure_serving(const std::string& folder, const options& wanted) {
  const petrify::store models(folder);
  {
    const petrify::forest_model forest = make_large_forest(wanted.mib);
    for (std::uint64_t number = 1; number <= 2; ++number)
      models.publish("m", [&](petrify::writer& out) {
        out.add("number", std::vector<std::uint64_t>{number});
        out.add("model", forest);
      });
  }
  std::printf("rename of CURRENT to the first prediction, %.0f MB\n",
              static_cast<double>(std::filesystem::file_size(models.version_path("m"))) / 1e6);
  for (const petrify::trust vouched : {petrify::trust::nothing, petrify::trust::caller}) {
    petrify::follow_options options;
    options.vouched = vouched;
    const petrify::follower follower = models.follow("m", options);
    petrify::followed<petrify::predictor> model(
        follower, [](const petrify::file& version) { return petrify::predictor(version.forest("model")); });
    std::vector<double> idle;
    std::vector<double> busy;
    for (unsigned turn = 0; turn < 10 * wanted.turns; ++turn) {
      idle.push_back(serving_time(folder + "/m", model, std::chrono::microseconds(50)));
      busy.push_back(serving_time(folder + "/m", model, std::chrono::microseconds(0)));
    }
    const bool checks = vouched == petrify::trust::nothing;
    print_times(checks ? "nodes checked, a thread that predicts now and then" : "vouched for, now and then", idle);
    print_times(checks ? "nodes checked, a thread that never rests" : "vouched for, never rests", busy);
  }
}

} // namespace

int main(int argc, char** argv) try {
  const options wanted = take_options(argc, argv);
  const bench::scratch_directory scratch(wanted.folder);
  scratch.require(2 * (wanted.mib << 20));
  for (const auto& [name, value] : bench::environment())
    std::printf("%s: %s\n", name.c_str(), value.c_str());
  std::fflush(stdout); // before processes are forked
  measure_publishing(scratch.file("small"), wanted);
  measure_serving(scratch.file("large"), wanted);
  return 0;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "petrify_bench_publish: %s\n", failure.what());
  return 1;
}
