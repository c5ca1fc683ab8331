// petrify_compare: how fast is petrify beside what else predicts the same models from C or C++?
//
// petrify_compare [OPTION]... DIRECTORY MODEL...
// MODEL is a name of make_engine_models.py: rows and scores lie in DIRECTORY, beside the model in the forms of the
// peers that convert_models.py made. Without those forms a peer is left out. run.py runs all of it and the peers in
// Python. Exit status: 0 measured, 1 wrong predictions, 2 failure.
#include "../environment.hpp"
#include "measure.hpp"
#include "opening.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr const char* usage = "usage: petrify_compare [OPTION]... DIRECTORY MODEL...\n"
                              "  --xgboost PATH    libxgboost.so, to compare models of XGBoost with it\n"
                              "  --lightgbm PATH   lib_lightgbm.so, to compare models of LightGBM with it\n"
                              "  --no-compiled     without the models that were turned into C\n"
                              "  --modes LIST      of row, cold, batch and open, with commas between them (all)\n"
                              "  --seconds N       about how long to measure each contender in each way (1)\n"
                              "  --records FILE    append every figure to FILE, one JSON object a line\n";

struct wrong_usage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct options {
  std::string directory;
  std::vector<std::string> models;
  compare::peer_choice peers;
  std::string modes = "row,cold,batch,open";
  double seconds = 1;
  std::string records;

  bool wants(std::string_view mode) const {
    return ("," + modes + ",").find("," + std::string(mode) + ",") != std::string::npos;
  }
};

options parse(int argc, char** argv) {
  options out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--no-compiled") {
      out.peers.compiled = false;
    } else if (word.starts_with("--")) {
      if (i + 1 == argc)
        throw wrong_usage(std::string(word) + " wants a value");
      const std::string value = argv[++i];
      if (word == "--xgboost")
        out.peers.xgboost = value;
      else if (word == "--lightgbm")
        out.peers.lightgbm = value;
      else if (word == "--modes")
        out.modes = value;
      else if (word == "--records")
        out.records = value;
      else if (word == "--seconds" && (out.seconds = std::strtod(value.c_str(), nullptr)) > 0)
        continue;
      else
        throw wrong_usage(std::string(word) + " " + value + " is not understood");
    } else if (out.directory.empty()) {
      out.directory = word;
    } else {
      out.models.emplace_back(word);
    }
  }
  if (out.models.empty())
    throw wrong_usage("no model is given");
  return out;
}

// What was measured, for run.py. Names hold nothing that JSON must escape.
class record_file {
public:
  explicit record_file(const std::string& path) : out_(path.empty() ? nullptr : std::fopen(path.c_str(), "a")) {
    if (!path.empty() && out_ == nullptr)
      throw std::runtime_error(path + ": cannot be written");
  }
  record_file(const record_file&) = delete;
  record_file& operator=(const record_file&) = delete;
  ~record_file() {
    if (out_ != nullptr)
      std::fclose(out_);
  }

  void environment(const std::vector<std::pair<std::string, std::string>>& facts) {
    if (out_ == nullptr)
      return;
    std::fputs(R"({"mode": "environment")", out_);
    for (const auto& [name, value] : facts)
      std::fprintf(out_, R"(, "%s": "%s")", name.c_str(), value.c_str());
    std::fputs("}\n", out_);
  }
  void answers(const std::string& model, const std::string& name, const compare::agreement& seen) {
    if (out_ != nullptr)
      std::fprintf(out_,
                   R"({"mode": "answers", "model": "%s", "name": "%s", "rows": %zu, "differing": %zu, "largest": %.3g})"
                   "\n",
                   model.c_str(), name.c_str(), seen.num_rows, seen.num_differing, seen.largest);
  }
  void times(const char* mode, const std::string& model, std::size_t rows, unsigned threads,
             const compare::sample& of) {
    if (out_ != nullptr)
      std::fprintf(out_,
                   R"({"mode": "%s", "model": "%s", "name": "%s", "rows": %zu, "threads": %u, "samples": %zu, )"
                   R"("p50_us": %.4f, "p99_us": %.4f, "mean_us": %.4f})"
                   "\n",
                   mode, model.c_str(), of.name.c_str(), rows, threads, of.ns.size(), of.quantile(0.5) / 1e3,
                   of.quantile(0.99) / 1e3, of.mean() / 1e3);
  }
  void opened(const std::string& model, const compare::opening& one) {
    if (out_ != nullptr)
      std::fprintf(out_,
                   R"({"mode": "open", "model": "%s", "name": "%s", "cache": "%s", "samples": %zu, )"
                   R"("open_us": %.2f, "first_us": %.2f})"
                   "\n",
                   model.c_str(), one.name.c_str(), one.is_cold ? "cold" : "warm", one.runs, one.open_ns / 1e3,
                   one.first_row_ns / 1e3);
  }

private:
  std::FILE* out_;
};

void print_rows(const char* title, const std::vector<compare::sample>& samples) {
  std::printf("\n%-34s %10s %10s %10s %8s %8s\n", title, "p50 us", "p99 us", "mean us", "rows", "ratio");
  for (const compare::sample& one : samples)
    std::printf("  %-32s %10.2f %10.2f %10.2f %8zu %8.1f\n", one.name.c_str(), one.quantile(0.5) / 1e3,
                one.quantile(0.99) / 1e3, one.mean() / 1e3, one.ns.size(),
                one.quantile(0.5) / samples.front().quantile(0.5));
}

void print_batch(std::size_t count, unsigned threads, const std::vector<compare::sample>& samples) {
  const std::string title =
      "batch of " + std::to_string(count) + ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
  std::printf("\n%-34s %10s %10s %10s %17s\n", title.c_str(), "us/row", "fastest", "rows/s", "ratio");
  for (const compare::sample& one : samples) {
    const double typical = one.quantile(0.5);
    std::printf("  %-32s %10.3f %10.3f %10.0f %17.1f\n", one.name.c_str(), typical / 1e3, one.quantile(0) / 1e3,
                1e9 / typical, typical / samples.front().quantile(0.5));
  }
}

void print_openings(const std::vector<compare::opening>& openings) {
  std::printf("\n%-34s %12s %17s %8s\n", "from the file", "open us", "first row us", "ratio");
  for (const compare::opening& one : openings)
    std::printf("  %-32s %12.1f %17.1f %8.1f\n", (one.name + (one.is_cold ? ", cold" : "")).c_str(), one.open_ns / 1e3,
                one.first_row_ns / 1e3,
                one.first_row_ns / openings[one.is_cold ? openings.size() / 2 : 0].first_row_ns);
}

// Contenders whose answers are right; says which are not, and to what extent. A peer may send a few rows another way:
// converters round thresholds. Returns false when an exact one is wrong.
bool keep_those_that_agree(std::vector<std::unique_ptr<compare::contender>>& all, const compare::model_files& model,
                           record_file& records) {
  bool is_right = true;
  std::vector<std::unique_ptr<compare::contender>> kept;
  std::printf("\n%-34s %17s %21s\n", "answers", "rows that differ", "largest difference");
  for (auto& one : all) {
    const compare::agreement seen = compare_answers(*one, model);
    records.answers(model.name, one->name(), seen);
    const bool is_good = one->is_exact() ? seen.num_differing == 0 : seen.num_differing * 100 < seen.num_rows;
    std::printf("  %-32s %7zu of %7zu %20.3g%s\n", one->name().c_str(), seen.num_differing, seen.num_rows, seen.largest,
                is_good ? "" : "  WRONG, not timed");
    is_right = is_right && (is_good || !one->is_exact());
    if (is_good)
      kept.push_back(std::move(one));
  }
  all = std::move(kept);
  return is_right;
}

bool compare_model(const options& wanted, const std::string& name, record_file& records) {
  const compare::model_files model(wanted.directory, name);
  std::printf("\n=== %s: %zu rows of %zu columns, %zu score%s a row\n", name.c_str(), model.num_rows, model.num_columns,
              model.width, model.width == 1 ? "" : "s");
  auto all = make_contenders(model, wanted.peers);
  if (!keep_those_that_agree(all, model, records))
    return false;
  for (const bool is_cold : {false, true}) {
    if (!wanted.wants(is_cold ? "cold" : "row"))
      continue;
    const auto samples = time_rows(all, model, is_cold ? 2000 : 5000, is_cold, wanted.seconds);
    print_rows(is_cold ? "one row, second-level cache cold" : "one row", samples);
    for (const compare::sample& one : samples)
      records.times(is_cold ? "cold" : "row", name, 1, 1, one);
  }
  if (wanted.wants("batch"))
    for (const unsigned threads : {1u, 2u})
      for (const std::size_t count : {std::size_t{1}, std::size_t{64}, std::size_t{1000}, std::size_t{100'000}}) {
        if (threads > 1 && count == 1)
          continue;
        const auto samples = time_batches(all, model, count, threads, wanted.seconds);
        print_batch(std::min(count, model.num_rows), threads, samples);
        for (const compare::sample& one : samples)
          records.times("batch", name, count, threads, one);
      }
  all.clear(); // files that are mapped stay in the page cache
  if (wanted.wants("open")) {
    const auto openings = compare::time_openings(model, wanted.peers);
    print_openings(openings);
    for (const compare::opening& one : openings)
      records.opened(name, one);
  }
  std::fflush(stdout);
  return true;
}

} // namespace

int main(int argc, char** argv) try {
  if (argc == 2 && std::string_view(argv[1]) == "--help")
    return std::fputs(usage, stdout) < 0 ? 2 : 0;
  // Before OpenMP is loaded: its threads would go on spinning after a batch, on the core of whoever comes next.
  ::setenv("OMP_WAIT_POLICY", "passive", 1);
  const options wanted = parse(argc, argv);
  record_file records(wanted.records);
  const auto facts = bench::environment();
  records.environment(facts);
  for (const auto& [name, value] : facts)
    std::printf("%-9s %s\n", name.c_str(), value.c_str());
  if (const char* kernel = std::getenv("PETRIFY_KERNEL"))
    std::printf("%-9s %s\n", "kernel", kernel);
  std::printf("%-9s answers compared first, turns taken in one process, ratio: how many times petrify's time\n",
              "method");
  for (const std::string& name : wanted.models)
    if (!compare_model(wanted, name, records)) {
      std::fprintf(stderr, "petrify_compare: %s: scores differ from the origin's\n", name.c_str());
      return 1;
    }
  return 0;
} catch (const wrong_usage& mistake) {
  std::fprintf(stderr, "petrify_compare: %s\n%s", mistake.what(), usage);
  return 2;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "petrify_compare: %s\n", failure.what());
  return 2;
}
