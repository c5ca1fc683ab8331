#include "commands.hpp"
#include "feature_matrix.hpp"
#include "words.hpp"

#include "base/fail.hpp"
#include "forest/probe_rows.hpp"

#include <petrify/forest.hpp>
#include <petrify/predictor.hpp>
#include <petrify/thread_pool.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <memory>
#include <numeric>
#include <random>

namespace petrify::cli {

namespace {

using json = nlohmann::ordered_json;
using clock = std::chrono::steady_clock;

struct bench_arguments {
  std::string in;
  std::string x;
  std::string name;
  unsigned threads = 1;
  bool as_json = false;
};

// Rows that are made where none are given, and the bytes that they may take.
constexpr std::size_t made_rows = 10'000;
constexpr std::size_t made_bytes = std::size_t{64} << 20;
// Each of the figures may take that long, and has that many measurements at most.
constexpr std::chrono::milliseconds time_for_rows{1000};
constexpr std::chrono::milliseconds time_for_batch{400};
constexpr std::size_t most_measurements = 200'000;
constexpr std::size_t least_measurements = 5;

double ns_since(clock::time_point start) {
  return std::chrono::duration<double, std::nano>(clock::now() - start).count();
}

// The value that a share of the measurements do not exceed.
double quantile(std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(std::lround(at))];
}

// Times of `work(i)`, i = 0, 1, ..., in ascending order; the first few are not counted.
template <class Work>
std::vector<double> measure(std::chrono::milliseconds budget, Work work) {
  std::vector<double> times;
  const auto begin = clock::now();
  for (std::size_t i = 0; times.size() < most_measurements; ++i) {
    const auto start = clock::now();
    work(i);
    times.push_back(ns_since(start));
    if (i >= least_measurements && clock::now() - begin > budget)
      break;
  }
  times.erase(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 10));
  std::sort(times.begin(), times.end());
  return times;
}

// What two looks at the clock take with nothing between them.
double timer_ns() {
  auto times = measure(std::chrono::milliseconds(20), [](std::size_t) {});
  return quantile(times, 0.5);
}

// One row, given anew each time, in random order: a row again and again would train the branch predictor.
struct row_source {
  explicit row_source(const rows& from) : all(from), order(from.num_rows()) {
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
  }

  const void* operator()(std::size_t i) const {
    const auto skip = static_cast<std::ptrdiff_t>(order[i % order.size()]) * all.row_stride();
    const auto size = static_cast<std::ptrdiff_t>(all.type() == feature_type::float32 ? sizeof(float) : sizeof(double));
    return static_cast<const std::byte*>(all.data()) + skip * size;
  }
  rows all;
  std::vector<std::size_t> order;
};

template <class T>
json measure_rows(const forest& model, const rows& x, double overhead) {
  // predictor takes rows whose values lie side by side.
  const std::size_t width = x.num_columns();
  std::vector<T> values;
  values.reserve(x.num_rows() * width);
  for (std::size_t i = 0; i < x.num_rows(); ++i)
    for (std::size_t j = 0; j < width; ++j)
      values.push_back(static_cast<const T*>(x.data())[static_cast<std::ptrdiff_t>(i) * x.row_stride() +
                                                       static_cast<std::ptrdiff_t>(j) * x.column_stride()]);
  const row_source rows_in_any_order(rows(values.data(), x.num_rows(), width));
  predictor one(model);
  std::vector<double> out(model.output_width(output::proba));
  auto times = measure(time_for_rows, [&](std::size_t i) {
    one.predict_proba(std::span(static_cast<const T*>(rows_in_any_order(i)), width), out);
  });
  json facts;
  for (const auto& [key, share] : {std::pair{"p50_ns", 0.5}, {"p99_ns", 0.99}, {"p99_9_ns", 0.999}})
    facts[key] = std::max(0.0, quantile(times, share) - overhead);
  facts["measurements"] = times.size();
  return facts;
}

json measure_batch(const forest& model, const feature_matrix* matrix, const rows& x, std::size_t count, executor& on) {
  std::vector<double> out(count * model.output_width(output::proba));
  const std::size_t places = x.num_rows() / count;
  const auto part = [&](std::size_t i) {
    const std::size_t first = i % places * count;
    if (matrix != nullptr)
      return matrix->slice(first, count);
    return rows(static_cast<const double*>(x.data()) + first * x.num_columns(), count, x.num_columns());
  };
  auto times = measure(time_for_batch, [&](std::size_t i) { model.predict_proba(part(i), out, on); });
  const double median = quantile(times, 0.5);
  return {{"rows", count}, {"ns", median}, {"rows_per_second", static_cast<double>(count) * 1e9 / median}};
}

json measure_all(const forest& model, const feature_matrix* matrix, const rows& x, unsigned threads) {
  thread_pool pool(threads);
  json facts;
  facts["model_class"] = model.model_class();
  facts["trees"] = model.num_trees();
  facts["nodes"] = model.num_nodes();
  facts["columns"] = model.num_columns();
  facts["layout"] = model.layout();
  facts["kernel"] = model.kernel();
  facts["bytes_per_node"] =
      model.num_nodes() == 0 ? 0.0 : static_cast<double>(model.node_bytes()) / static_cast<double>(model.num_nodes());
  facts["rows"] = x.num_rows();
  facts["rows_from"] = matrix != nullptr ? "file" : "thresholds";
  facts["threads"] = pool.concurrency();
  const double overhead = timer_ns();
  facts["timer_ns"] = overhead;
  switch (x.type()) {
  case feature_type::float32: facts["one_row"] = measure_rows<float>(model, x, overhead); break;
  case feature_type::float64: facts["one_row"] = measure_rows<double>(model, x, overhead); break;
  case feature_type::int64: facts["one_row"] = measure_rows<std::int64_t>(model, x, overhead); break;
  }
  json batches = json::array();
  std::size_t last = 0;
  for (const std::size_t count : {std::size_t{1}, std::size_t{64}, std::size_t{1000}, x.num_rows()})
    if (count > last && count <= x.num_rows()) {
      batches.push_back(measure_batch(model, matrix, x, count, pool));
      last = count;
    }
  facts["batches"] = batches;
  return facts;
}

// "830 ns", "14.2 us", "3.1 ms".
std::string time_words(double ns) {
  if (ns < 1000)
    return fixed_words(ns, 0) + " ns";
  return ns < 1e6 ? fixed_words(ns / 1e3, 1) + " us" : fixed_words(ns / 1e6, 1) + " ms";
}

std::string right(const std::string& words, std::size_t width) {
  return std::string(width - std::min(width, words.size()), ' ') + words;
}

void print_for_people(const json& facts) {
  const auto number = [](const json& of, const char* key) { return of[key].get<double>(); };
  const auto whole = [](const json& of, const char* key) { return of[key].get<std::uint64_t>(); };
  const std::string model = facts["model_class"].get<std::string>();
  std::cout << (model.empty() ? "forest" : printable(model)) << ": " << count_words(whole(facts, "trees"), "tree")
            << ", " << count_words(whole(facts, "nodes"), "node") << "; kernel " << facts["kernel"].get<std::string>()
            << ", layout " << facts["layout"].get<std::string>() << ", "
            << fixed_words(number(facts, "bytes_per_node"), 2) << " bytes a node\n";
  std::cout << count_words(whole(facts, "rows"), "row") << " of " << count_words(whole(facts, "columns"), "column")
            << (facts["rows_from"] == "file" ? "" : ", made from the model's thresholds") << "; batches on "
            << count_words(whole(facts, "threads"), "thread") << "\n\n";
  const json& one = facts["one_row"];
  std::cout << "one row         p50" << right(time_words(number(one, "p50_ns")), 10) << "   p99"
            << right(time_words(number(one, "p99_ns")), 10) << "   p99.9"
            << right(time_words(number(one, "p99_9_ns")), 10) << "   (the timer's own "
            << fixed_words(number(facts, "timer_ns"), 0) << " ns taken off)\n";
  for (const json& batch : facts["batches"])
    std::cout << "batch of" << right(std::to_string(whole(batch, "rows")), 8)
              << right(time_words(number(batch, "ns")), 13)
              << right(fixed_words(number(batch, "rows_per_second"), 0), 13) << " rows/s\n";
}

int bench(const bench_arguments& arguments) {
  const file from = file::open(arguments.in);
  const forest model = from.forest(forest_name(from, arguments.name));
  std::unique_ptr<feature_matrix> matrix;
  std::vector<double> made;
  rows x(made.data(), 0, model.num_columns());
  if (!arguments.x.empty()) {
    matrix = std::make_unique<feature_matrix>(arguments.x, model);
    x = matrix->slice(0, matrix->num_rows());
    if (x.num_rows() == 0)
      throw error(errc::invalid_argument, arguments.x, {}, "has no rows, expected some to measure with");
  } else {
    const std::size_t row_bytes = std::max<std::size_t>(1, model.num_columns()) * sizeof(double);
    if (row_bytes > made_bytes)
      throw error(errc::limit_exceeded, arguments.in, {},
                  text("a row of ", model.num_columns(), " columns takes ", row_bytes, " bytes, expected at most ",
                       made_bytes, " for rows that are made: give some as X"));
    const std::size_t num_rows = std::min<std::size_t>(made_bytes / row_bytes, made_rows);
    made = probe_rows(model, num_rows);
    x = rows(made.data(), num_rows, model.num_columns());
  }
  json facts = {{"path", from.path()}};
  facts.update(measure_all(model, matrix.get(), x, arguments.threads));
  if (arguments.as_json)
    std::cout << facts.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
  else
    print_for_people(facts);
  return 0;
}

} // namespace

void add_bench(CLI::App& app, action& chosen) {
  auto arguments = std::make_shared<bench_arguments>();
  CLI::App* command = app.add_subcommand("bench", "Measure how fast a forest predicts on this machine");
  command->add_option("FILE", arguments->in, "petrify file")->required();
  command->add_option("X", arguments->x,
                      ".npy or .csv file of rows; without it, rows are made from both sides of thresholds");
  command->add_option("--name", arguments->name, "the forest's name, when the file has several");
  command->add_option("--threads", arguments->threads, "threads for batches; 1 by default")
      ->check(CLI::Range(1u, 1024u));
  command->add_flag("--json", arguments->as_json, "for programs");
  command->callback([&chosen, arguments] { chosen = [arguments] { return bench(*arguments); }; });
}

} // namespace petrify::cli
