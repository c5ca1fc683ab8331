// petrify_swarm: many threads of many processes predict from one name of a store while it changes all the time.
//
//     --processes N --threads N         how many, and how many in each
//     --predictions N --seconds S       how long: until there are so many, and so much time has passed
//     --publishes-per-second R          while phases with publishing last; between them are quiet ones
//     --forest-nodes N --folder FOLDER  how large the forest is; where the store is made
//
// Each prediction must have the bits of the reference for the version that it was made with, nothing may leak, and
// no version may be refused. Also said: how long single predictions take in both kinds of phase.
#include "support/random_forest.hpp"

#include <petrify/predictor.hpp>
#include <petrify/store.hpp>
#include <petrify/writer.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace petrify;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

constexpr const char* name = "scorer";
constexpr std::size_t num_variants = 4;
constexpr std::size_t num_rows = 64;
constexpr std::uint32_t num_columns = 30;
constexpr std::uint32_t num_trees = 300;
constexpr std::size_t kept = 2; // by prune

[[noreturn]] void fail(const std::string& why) { throw std::runtime_error(why); }

// ---- options

struct options {
  std::size_t processes = 8;
  std::size_t threads = 8;
  double predictions = 0;
  double seconds = 0;
  double publishes_per_second = 5;
  std::uint32_t forest_nodes = 20'000;
  std::string folder = std::filesystem::temp_directory_path().string();
};

double number_from(std::string_view word, std::string_view text, double least, double most) {
  double out = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || !(out >= least && out <= most))
    fail(std::string(word) + " is \"" + std::string(text) + "\", expected a number from " + std::to_string(least) +
         " to " + std::to_string(most));
  return out;
}

options options_from(const std::vector<std::string>& arguments) {
  options out;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const std::string& word = arguments[i];
    if (i + 1 == arguments.size())
      fail(word + " needs a value");
    const std::string& value = arguments[i + 1];
    if (word == "--processes")
      out.processes = static_cast<std::size_t>(number_from(word, value, 1, 256));
    else if (word == "--threads")
      out.threads = static_cast<std::size_t>(number_from(word, value, 1, 256));
    else if (word == "--predictions")
      out.predictions = number_from(word, value, 1, 1e15);
    else if (word == "--seconds")
      out.seconds = number_from(word, value, 1, 1e6);
    else if (word == "--publishes-per-second")
      out.publishes_per_second = number_from(word, value, 0.1, 1e4);
    else if (word == "--forest-nodes")
      out.forest_nodes = static_cast<std::uint32_t>(number_from(word, value, num_trees, 1e7));
    else if (word == "--folder")
      out.folder = value;
    else
      fail("unknown option " + word);
  }
  if (out.predictions == 0 && out.seconds == 0)
    out.predictions = 1e8;
  return out;
}

// ---- latencies

// Buckets of durations, whose bounds are less than 1 % apart. Values below 2 * steps have one each; above, each power
// of two has `steps` of them.
namespace buckets {

constexpr std::size_t steps = 128;
constexpr std::size_t count = (64 - std::bit_width(steps)) * steps + 2 * steps;

std::size_t of(std::uint64_t value) noexcept {
  if (value < 2 * steps)
    return value;
  const auto shift = static_cast<std::size_t>(std::bit_width(value)) - std::bit_width(steps);
  return shift * steps + (value >> shift);
}

double middle_of(std::size_t bucket) noexcept {
  if (bucket < 2 * steps)
    return static_cast<double>(bucket);
  const std::size_t shift = bucket / steps - 1;
  return (static_cast<double>(bucket - shift * steps) + 0.5) * static_cast<double>(std::uint64_t{1} << shift);
}

} // namespace buckets

// Counted by one thread, read by another process.
class latency_counts {
public:
  void add(std::chrono::nanoseconds duration) noexcept {
    std::atomic<std::uint64_t>& one = counts_[buckets::of(static_cast<std::uint64_t>(duration.count()))];
    one.store(one.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  std::uint64_t operator[](std::size_t bucket) const noexcept { return counts_[bucket]; }

private:
  std::array<std::atomic<std::uint64_t>, buckets::count> counts_;
};

class histogram {
public:
  void add(const latency_counts& other) noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i)
      counts_[i] += other[i];
  }
  histogram since(const histogram& before) const {
    histogram out = *this;
    for (std::size_t i = 0; i < counts_.size(); ++i)
      out.counts_[i] -= before.counts_[i];
    return out;
  }
  std::uint64_t total() const noexcept { return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0}); }
  // The duration that this part of all is below, in us.
  double quantile(double part) const noexcept {
    auto left = static_cast<std::uint64_t>(part * static_cast<double>(total()));
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (left < counts_[i])
        return buckets::middle_of(i) / 1000;
      left -= counts_[i];
    }
    return 0;
  }

private:
  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(buckets::count);
};

// ---- what the processes share

enum phase : int { quiet, busy, settling, over };

// What a thread counts.
struct alignas(64) thread_counts {
  std::atomic<std::uint64_t> num_predictions = 0;
  std::uint64_t num_wrong = 0;
  std::uint64_t num_failed = 0;
  std::array<latency_counts, 2> latencies; // quiet, busy
};

struct resources {
  std::size_t descriptors = 0;
  std::size_t mappings = 0; // of versions
};

struct alignas(64) process_report {
  resources before;
  resources after;
  std::uint64_t num_served = 0;
  std::uint64_t num_refused = 0;
  std::size_t most_mapped = 0;
  long quarter_kib = 0; // resident, after a quarter of the time
  long end_kib = 0;
};

class shared_state {
public:
  shared_state(std::size_t processes, std::size_t threads)
      : threads_(threads), reports_(zeroed<process_report>(processes)),
        counts_(zeroed<thread_counts>(processes * threads)), common_(zeroed<common>(1)) {
    common_->now = settling;
  }

  std::atomic<int>& now() const noexcept { return common_->now; }
  std::atomic<std::size_t>& num_ready() const noexcept { return common_->num_ready; }
  std::atomic<bool>& is_past_quarter() const noexcept { return common_->is_past_quarter; }
  process_report& report(std::size_t process) const noexcept { return reports_[process]; }
  thread_counts& counts(std::size_t process, std::size_t thread) const noexcept {
    return counts_[process * threads_ + thread];
  }

private:
  struct alignas(64) common {
    std::atomic<int> now;
    std::atomic<std::size_t> num_ready;
    std::atomic<bool> is_past_quarter;
  };

  // For as long as the program: children use it till they end.
  template <class T>
  static T* zeroed(std::size_t count) {
    void* const at = ::mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
      fail("no shared memory");
    return new (at) T[count]();
  }

  std::size_t threads_;
  process_report* reports_;
  thread_counts* counts_;
  common* common_;
};

// ---- what is published

// A forest, and what the reference makes of the rows with it.
struct variant {
  forest_model model;
  std::vector<double> expected;
};

struct published {
  std::vector<float> rows;
  std::vector<variant> variants;
};

published make_variants(std::uint32_t forest_nodes) {
  published out;
  std::mt19937_64 random(20);
  test::forest_shape shape;
  shape.num_columns = num_columns;
  shape.num_trees = num_trees;
  shape.max_splits = forest_nodes / num_trees; // half of them on average, and two nodes each
  for (std::size_t k = 0; k < num_variants; ++k) {
    const test::naive_forest naive =
        test::random_forest(test::regression(1, false, dtype::float64, dtype::float64), shape, random);
    if (k == 0)
      out.rows = test::awkward_rows<float>(naive, num_rows, random);
    std::vector<double> expected;
    for (std::size_t row = 0; row < num_rows; ++row)
      expected.push_back(naive.sums(out.rows.data() + row * num_columns)[0]);
    out.variants.push_back({naive.build(), std::move(expected)});
  }
  return out;
}

// Publishes a version that is like no other.
std::uint64_t publish(const store& to, const published& all, std::uint64_t number) {
  const variant& one = all.variants[number % num_variants];
  return to.publish(name, [&](writer& out) {
    out.add("model", one.model);
    out.add("expected", one.expected);
    out.add("number", std::vector<std::uint64_t>{number});
  });
}

// ---- a process that predicts

struct served_model {
  explicit served_model(const file& version)
      : model(version.forest("model")), expected(version.array<double>("expected").elements().data()) {}

  predictor model;
  const double* expected;
};

void predict(const follower& follows, const published& all, const shared_state& shared, thread_counts& counts) {
  followed<served_model> current(follows, [](const file& version) { return served_model(version); });
  ++shared.num_ready();
  std::size_t row = 0;
  for (int now; (now = shared.now().load(std::memory_order_relaxed)) != over;) {
    const std::span<const float> values(all.rows.data() + row * num_columns, num_columns);
    double out = 0;
    try {
      const auto begin = clock_type::now();
      served_model& served = *current;
      const bool good = served.model.predict_raw(values, std::span(&out, 1));
      const auto end = clock_type::now();
      counts.num_failed += !good;
      counts.num_wrong += std::bit_cast<std::uint64_t>(out) != std::bit_cast<std::uint64_t>(served.expected[row]);
      if (now != settling)
        counts.latencies[static_cast<std::size_t>(now)].add(end - begin);
    } catch (const std::exception& failure) {
      if (counts.num_failed++ == 0)
        std::fprintf(stderr, "petrify_swarm: a prediction failed: %s\n", failure.what());
    }
    counts.num_predictions.store(counts.num_predictions.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    row = row + 1 == num_rows ? 0 : row + 1;
  }
}

resources resources_now() {
  resources out;
  out.descriptors = static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    out.mappings += line.find(".stone") != std::string::npos;
  return out;
}

long resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:"))
      return std::strtol(line.c_str() + 6, nullptr, 10);
  return 0;
}

void follow_and_predict(const store& from, const published& all, const shared_state& shared, std::size_t process,
                        std::size_t num_threads) {
  process_report& report = shared.report(process);
  report.before = resources_now();
  {
    std::atomic<std::uint64_t> num_served = 1;
    std::atomic<std::uint64_t> num_refused = 0;
    follow_options how;
    how.on_change = [&](std::uint64_t) { ++num_served; };
    how.on_refused = [&](std::uint64_t version, const error& why) {
      ++num_refused;
      std::fprintf(stderr, "petrify_swarm: version %llu was refused: %s\n", static_cast<unsigned long long>(version),
                   why.what());
    };
    const follower follows = from.follow(name, how);
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < num_threads; ++t)
      threads.emplace_back([&, t] { predict(follows, all, shared, shared.counts(process, t)); });
    while (shared.now() != over) {
      report.most_mapped = std::max(report.most_mapped, follows.num_mapped());
      if (report.quarter_kib == 0 && shared.is_past_quarter())
        report.quarter_kib = resident_kib();
      std::this_thread::sleep_for(10ms);
    }
    threads.clear();
    report.end_kib = resident_kib();
    report.num_served = num_served;
    report.num_refused = num_refused;
  }
  report.after = resources_now();
}

class child_process {
public:
  template <class Work>
  explicit child_process(Work work) : id_(::fork()) {
    if (id_ < 0)
      fail("no child process");
    if (id_ != 0)
      return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int status = 1;
    try {
      work();
      status = 0;
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "petrify_swarm: a process: %s\n", failure.what());
    }
    ::_exit(status);
  }
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  ~child_process() {
    if (id_ > 0) {
      ::kill(id_, SIGKILL);
      ::waitpid(id_, nullptr, 0);
    }
  }

  // Whether it has ended, and as it should not.
  bool has_failed() { return id_ > 0 && ::waitpid(id_, &status_, WNOHANG) == id_ && end() != 0; }
  // Whether all went well.
  bool join() { return id_ <= 0 || (::waitpid(id_, &status_, 0) == id_ && end() == 0); }

private:
  int end() {
    id_ = -1;
    return status_;
  }
  pid_t id_;
  int status_ = 0;
};

// ---- the process that publishes

class swarm {
public:
  swarm(options wanted, const std::string& folder)
      : wanted_(std::move(wanted)), to_(folder + "/store"), all_(make_variants(wanted_.forest_nodes)),
        shared_(wanted_.processes, wanted_.threads) {
    phase_ = std::chrono::duration<double>(wanted_.seconds == 0 ? 2 : std::clamp(wanted_.seconds / 8, 0.25, 5.0));
  }

  void run() {
    publish(to_, all_, ++last_);
    for (std::size_t p = 0; p < wanted_.processes; ++p)
      children_.push_back(
          std::make_unique<child_process>([this, p] { follow_and_predict(to_, all_, shared_, p, wanted_.threads); }));
    // Among so many threads that never sleep it would hardly get to publish. Only root may.
    static_cast<void>(::setpriority(PRIO_PROCESS, 0, -10) == 0);
    while (shared_.num_ready() != wanted_.processes * wanted_.threads)
      rest(1ms);
    start_ = clock_type::now();
    // In turn, so that a machine that changes its pace does so for both.
    settle();
    do {
      rounds_.emplace_back();
      run_phase(quiet, [this](clock_type::time_point end) { rest(end - clock_type::now()); });
      run_phase(busy, [this](clock_type::time_point end) { change_until(end); });
    } while (progress() < 1);
    shared_.now() = over;
    for (const auto& child : children_)
      if (!child->join())
        fail("a process has failed");
  }

  // Whether all is as it should be.
  bool report() const {
    std::printf(
        "%zu processes of %zu threads; %u trees of %llu nodes; %zu times a quiet phase and one with publishing, "
        "%.2f s each\n",
        wanted_.processes, wanted_.threads, num_trees,
        static_cast<unsigned long long>(all_.variants[0].model.num_nodes()), rounds_.size(), phase_.count());
    const double busy_time = phase_.count() * static_cast<double>(rounds_.size());
    std::printf("published %llu versions, %.1f a second, and rolled back %d times; pruned %d times: %zu removed, %zu "
                "times one that was held\n",
                static_cast<unsigned long long>(last_ - 1), static_cast<double>(last_ - 1) / (busy_time),
                num_rollbacks_, num_prunes_, num_removed_, num_held_);
    const bool good_predictions = report_predictions();
    report_latencies();
    bool good_processes = true;
    for (std::size_t p = 0; p < wanted_.processes; ++p)
      good_processes = report_process(p, shared_.report(p)) && good_processes;
    return report_store() && good_predictions && good_processes;
  }

private:
  using both_phases = std::array<histogram, 2>; // quiet, busy
  static constexpr std::array parts{0.5, 0.99, 0.999};
  static double ratio(const both_phases& of, double part) { return of[busy].quantile(part) / of[quiet].quantile(part); }

  template <class Work>
  void run_phase(phase kind, Work work) {
    const auto end = clock_type::now() + std::chrono::duration_cast<clock_type::duration>(phase_);
    shared_.now() = kind;
    work(end);
    settle();
    histogram all;
    for (std::size_t p = 0; p < wanted_.processes; ++p)
      for (std::size_t t = 0; t < wanted_.threads; ++t)
        all.add(shared_.counts(p, t).latencies[kind]);
    rounds_.back()[kind] = all.since(latencies_[kind]);
    latencies_[kind] = std::move(all);
    if (progress() >= 0.25)
      shared_.is_past_quarter() = true;
  }

  // Until the last thread has ended its prediction and taken the last version.
  void settle() {
    shared_.now() = settling;
    rest(250ms);
  }

  void rest(clock_type::duration time) {
    for (const auto& child : children_)
      if (child->has_failed())
        fail("a process has ended by itself");
    std::this_thread::sleep_for(time);
  }

  void change_until(clock_type::time_point end) {
    const auto interval = std::chrono::duration_cast<clock_type::duration>(
        std::chrono::duration<double>(1 / wanted_.publishes_per_second));
    for (auto next = clock_type::now(); next < end; next = std::max(next + interval, clock_type::now())) {
      rest(next - clock_type::now());
      publish(to_, all_, ++last_);
      if (last_ % 8 == 0) {
        to_.rollback(name);
        ++num_rollbacks_;
      }
      if (last_ % 4 == 0)
        prune();
    }
  }

  void prune() {
    const prune_result result = to_.prune(name, kept);
    ++num_prunes_;
    num_removed_ += result.removed.size();
    num_held_ += result.held.size();
  }

  template <class Number>
  Number sum(Number (*of)(const thread_counts&)) const {
    Number out{};
    for (std::size_t p = 0; p < wanted_.processes; ++p)
      for (std::size_t t = 0; t < wanted_.threads; ++t)
        out += of(shared_.counts(p, t));
    return out;
  }
  std::uint64_t num_predictions() const {
    return sum<std::uint64_t>([](const thread_counts& one) { return one.num_predictions.load(); });
  }

  // 1: done.
  double progress() const {
    const double time = std::chrono::duration<double>(clock_type::now() - start_).count();
    const double by_time = wanted_.seconds == 0 ? 1 : time / wanted_.seconds;
    const double by_number =
        wanted_.predictions == 0 ? 1 : static_cast<double>(num_predictions()) / wanted_.predictions;
    return std::min(by_time, by_number);
  }

  bool report_predictions() const {
    const auto wrong = sum<std::uint64_t>([](const thread_counts& one) { return one.num_wrong; });
    const auto failed = sum<std::uint64_t>([](const thread_counts& one) { return one.num_failed; });
    std::printf("predictions %llu, wrong %llu, failed %llu\n", static_cast<unsigned long long>(num_predictions()),
                static_cast<unsigned long long>(wrong), static_cast<unsigned long long>(failed));
    return wrong == 0 && failed == 0;
  }

  void report_latencies() const {
    std::printf("one prediction in us     p50       p99     p99.9    predictions\n");
    for (const phase kind : {quiet, busy}) {
      std::printf("%-16s", kind == quiet ? "quiet" : "publishing");
      for (const double part : parts)
        std::printf("%10.3f", latencies_[kind].quantile(part));
      std::printf("%15llu\n", static_cast<unsigned long long>(latencies_[kind].total()));
    }
    report_ratios("ratio", [this](double part) { return ratio(latencies_, part); });
    // What else the machine does comes in bursts, which the median leaves out.
    report_ratios("median of rounds", [this](double part) {
      std::vector<double> all;
      for (const both_phases& round : rounds_)
        all.push_back(ratio(round, part));
      std::sort(all.begin(), all.end());
      return (all[all.size() / 2] + all[(all.size() - 1) / 2]) / 2;
    });
  }

  template <class Ratio>
  static void report_ratios(const char* what, Ratio ratio_at) {
    std::printf("%-16s", what);
    for (const double part : parts)
      std::printf("%10.3f", ratio_at(part));
    std::printf("\n");
  }

  bool report_process(std::size_t number, const process_report& one) const {
    std::printf("process %zu: served %llu versions, refused %llu, at most %zu mapped; descriptors %zu before and %zu "
                "after, mappings %zu and %zu; resident %.1f MB after a quarter, %.1f MB at the end\n",
                number + 1, static_cast<unsigned long long>(one.num_served),
                static_cast<unsigned long long>(one.num_refused), one.most_mapped, one.before.descriptors,
                one.after.descriptors, one.before.mappings, one.after.mappings,
                static_cast<double>(one.quarter_kib) / 1000, static_cast<double>(one.end_kib) / 1000);
    constexpr long allowed_growth_kib = 64 << 10; // a leak of versions is more in a long run
    // Each thread has one, one is served, and one or two may wait to be unmapped.
    const bool is_bounded = one.most_mapped <= wanted_.threads + 3 &&
                            (one.quarter_kib == 0 || one.end_kib <= one.quarter_kib + allowed_growth_kib);
    return one.num_refused == 0 && is_bounded && one.after.descriptors == one.before.descriptors &&
           one.after.mappings == one.before.mappings;
  }

  // Nobody holds anything now.
  bool report_store() const {
    const prune_result last = to_.prune(name, 1);
    const std::vector<error> faults = to_.check();
    for (const error& fault : faults)
      std::printf("%s\n", fault.what());
    std::printf("versions held after the last process has ended: %zu; faults in the store: %zu\n", last.held.size(),
                faults.size());
    return last.held.empty() && faults.empty();
  }

  const options wanted_;
  const store to_;
  const published all_;
  const shared_state shared_;
  std::vector<std::unique_ptr<child_process>> children_;
  std::chrono::duration<double> phase_{};
  clock_type::time_point start_;
  std::uint64_t last_ = 0; // number of the last published content
  both_phases latencies_;
  std::vector<both_phases> rounds_;
  int num_rollbacks_ = 0;
  int num_prunes_ = 0;
  std::size_t num_removed_ = 0;
  std::size_t num_held_ = 0;
};

struct folder_guard {
  std::string path;
  ~folder_guard() { std::filesystem::remove_all(path); }
};

bool run(const options& wanted) {
  std::string folder = wanted.folder + "/petrify-swarm-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr)
    fail("no folder in " + wanted.folder);
  const folder_guard guard{folder};
  swarm work(wanted, folder);
  work.run();
  return work.report();
}

} // namespace

int main(int argc, char** argv) {
  try {
    if (run(options_from({argv + 1, argv + argc})))
      return 0;
    std::fprintf(stderr, "petrify_swarm: not all is as it should be\n");
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "petrify_swarm: %s\n", failure.what());
  }
  return 1;
}
