// A scorer that follows a model, and what a swap costs it:
//     follow STORE NAME NEXT.stone [SECONDS]
// One thread predicts a row at a time, as a service would. After some time NEXT.stone is published under the same name,
// as another process would do it. Printed are the times of single predictions before, while the new version comes in,
// and after.
#include <petrify/petrify.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

enum phase : std::size_t { before, during, after, num_phases };

// Times of predictions of a phase, in nanoseconds: how often each was seen; the last counts all longer ones.
struct times {
  std::vector<std::uint64_t> counts = std::vector<std::uint64_t>(100'000);
  std::uint64_t num = 0;

  void add(clock_type::duration took) {
    const auto ns = static_cast<std::size_t>(std::chrono::nanoseconds(took).count());
    ++counts[std::min(ns, counts.size() - 1)];
    ++num;
  }
  // In microseconds.
  double quantile(double part) const {
    auto left = static_cast<std::uint64_t>(part * static_cast<double>(num));
    std::size_t ns = 0;
    while (ns + 1 < counts.size() && left >= counts[ns])
      left -= counts[ns++];
    return static_cast<double>(ns) / 1000;
  }
};

struct scorer {
  std::array<times, num_phases> seen;
  std::uint64_t num_failed = 0;
  std::uint64_t last_version = 0;

  // Predicts random rows until it is told to stop.
  void run(const petrify::follower& follower, const std::atomic<std::size_t>& now, const std::atomic<bool>& stops) {
    // What this thread needs of a version: made once for each.
    struct model {
      petrify::predictor predictor;
      std::vector<float> row;
      std::vector<double> out;
    };
    petrify::followed<model> newest(follower, [](const petrify::file& version) {
      const petrify::forest forest = version.forest("model");
      return model{petrify::predictor(forest), std::vector<float>(forest.num_columns()),
                   std::vector<double>(forest.output_width(petrify::output::raw))};
    });
    std::mt19937 random(1);
    std::uniform_real_distribution<float> value(0, 8);
    while (!stops) {
      for (float& x : newest->row)
        x = value(random);
      const auto begin = clock_type::now();
      model& it = *newest; // a generation check
      const bool good = it.predictor.predict_raw(it.row, it.out);
      seen[now].add(clock_type::now() - begin);
      num_failed += !good;
    }
    last_version = newest.version();
  }
};

void print(const char* words, const times& seen) {
  std::printf("%-28s %10llu predictions  p50 %7.3f us  p99 %7.3f us\n", words,
              static_cast<unsigned long long>(seen.num), seen.quantile(0.5), seen.quantile(0.99));
}

} // namespace

int main(int argc, char** argv) try {
  if (argc < 4) {
    std::fprintf(stderr, "usage: follow STORE NAME NEXT.stone [SECONDS]\n");
    return 2;
  }
  const petrify::store models(argv[1]);
  const std::string name = argv[2];
  const std::chrono::duration<double> each(argc > 4 ? std::strtod(argv[4], nullptr) : 1.0);

  petrify::follow_options options;
  options.accept = [](const petrify::file& candidate, std::uint64_t) { (void)candidate.forest("model"); };
  std::atomic<bool> was_refused = false;
  options.on_refused = [&](std::uint64_t version, const petrify::error& why) {
    was_refused = true;
    std::fprintf(stderr, "follow: version %llu: %s\n", static_cast<unsigned long long>(version), why.what());
  };
  const petrify::follower follower = models.follow(name, options);
  const std::uint64_t first = follower.version();

  scorer scores;
  std::atomic<std::size_t> now = before;
  std::atomic<bool> stops = false;
  std::jthread thread([&] { scores.run(follower, now, stops); });
  std::this_thread::sleep_for(each);
  now = during;
  const auto begin = clock_type::now();
  const std::uint64_t next = models.publish(name, argv[3]);
  while (follower.version() != next && !was_refused)
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  const std::chrono::duration<double, std::milli> took = clock_type::now() - begin;
  now = after;
  std::this_thread::sleep_for(each);
  stops = true;
  thread.join();

  std::printf("version %llu, then %llu: published and served in %.1f ms\n", static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(scores.last_version), took.count());
  print("before", scores.seen[before]);
  print("while it comes in", scores.seen[during]);
  print("after", scores.seen[after]);
  std::printf("%llu failed\n", static_cast<unsigned long long>(scores.num_failed));
  return scores.num_failed == 0 && scores.last_version == next ? 0 : 1;
} catch (const petrify::error& failure) {
  std::fprintf(stderr, "follow: %s\n", failure.what());
  return 1;
}
