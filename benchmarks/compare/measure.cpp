#include "measure.hpp"

#include "../cold_cache.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <numeric>

namespace compare {

namespace {

using clock = std::chrono::steady_clock;

double ns_since(clock::time_point start) {
  return std::chrono::duration<double, std::nano>(clock::now() - start).count();
}

std::vector<sample> samples_of(contenders all) {
  std::vector<sample> out;
  for (const auto& one : all)
    out.push_back({one->name(), {}});
  return out;
}

bool differs(double seen, double expected, bool is_exact) {
  if (is_exact)
    return std::bit_cast<std::uint64_t>(seen) != std::bit_cast<std::uint64_t>(expected);
  return !(std::abs(seen - expected) <= tolerance * std::max(1.0, std::abs(expected)));
}

void compare_scores(agreement& so_far, const std::vector<double>& seen, const model_files& model, std::size_t first,
                    std::size_t count, bool is_exact) {
  for (std::size_t i = 0; i < count; ++i) {
    bool is_other = false;
    for (std::size_t k = 0; k < model.width; ++k) {
      const std::size_t at = i * model.width + k;
      const double score = at < seen.size() ? seen[at] : std::nan("");
      const double expected = model.scores[first * model.width + at];
      is_other = is_other || differs(score, expected, is_exact);
      const double difference = std::abs(score - expected);
      so_far.largest = difference <= so_far.largest ? so_far.largest : difference;
    }
    so_far.num_differing += is_other;
  }
  so_far.num_rows += count;
}

// How many rows of `budget_ns` a turn may take of a contender that is given `wanted`: at least 20.
std::size_t affordable_rows(contender& one, std::size_t wanted, double budget_ns) {
  constexpr std::size_t few = 20;
  double each = 0;
  for (int warm = 0; warm < 3; ++warm) {
    const auto start = clock::now();
    for (std::size_t i = 0; i < few; ++i)
      one.predict_row(i);
    each = ns_since(start) / static_cast<double>(few);
  }
  return std::clamp(static_cast<std::size_t>(budget_ns / each), few, wanted);
}

constexpr std::size_t small_batch = 1000;

// As many rows of `count` as one call predicts in `budget_ns`, but not fewer than a small batch has.
std::size_t affordable_batch(contender& one, std::size_t count, double budget_ns) {
  const std::size_t few = std::min(count, small_batch);
  one.predict_batch(0, few);
  const auto start = clock::now();
  one.predict_batch(0, few);
  const double each = ns_since(start) / static_cast<double>(few);
  return std::clamp(static_cast<std::size_t>(budget_ns / each), few, count);
}

// One turn: batches for `turn_ns`, at least one. `next`: the row to start with, left where the next turn goes on.
double ns_a_row(contender& one, const model_files& model, std::size_t count, std::size_t& next, double turn_ns) {
  std::size_t calls = 0;
  double taken = 0;
  const auto start = clock::now();
  do {
    if (next + count > model.num_rows)
      next = 0;
    one.predict_batch(next, count);
    next += count;
    ++calls;
    taken = ns_since(start);
  } while (taken < turn_ns);
  return taken / static_cast<double>(calls * count);
}

} // namespace

agreement compare_answers(contender& one, const model_files& model) {
  agreement out;
  for (std::size_t i = 0; i < std::min<std::size_t>(500, model.num_rows); ++i) {
    one.predict_row(i);
    compare_scores(out, one.scores(1), model, i, 1, one.is_exact());
  }
  for (const unsigned threads : {1u, 2u}) {
    one.use_threads(threads);
    constexpr std::size_t together = 4000;
    for (std::size_t first = 0; first < model.num_rows; first += together) {
      const std::size_t count = std::min(together, model.num_rows - first);
      one.predict_batch(first, count);
      compare_scores(out, one.scores(count), model, first, count, one.is_exact());
    }
  }
  return out;
}

double sample::quantile(double part) const {
  std::vector<double> sorted = ns;
  const auto at = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1));
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(at), sorted.end());
  return sorted[at];
}

double sample::mean() const { return std::accumulate(ns.begin(), ns.end(), 0.0) / static_cast<double>(ns.size()); }

std::vector<sample> time_rows(contenders all, const model_files& model, std::size_t num_rows, bool is_cold,
                              double budget_seconds) {
  constexpr std::size_t num_turns = 5;
  constexpr std::size_t num_warm = 100;
  const bench::cache_filler filler;
  std::vector<sample> out = samples_of(all);
  const std::size_t wanted = std::max<std::size_t>(20, num_rows / num_turns);
  std::vector<std::size_t> counts;
  for (const auto& one : all) {
    one->use_threads(1);
    counts.push_back(affordable_rows(*one, wanted, budget_seconds * 1e9 / num_turns));
  }
  for (std::size_t turn = 0; turn < num_turns; ++turn)
    for (std::size_t c = 0; c < all.size(); ++c) {
      contender& one = *all[c];
      const std::size_t first = turn * wanted;
      for (std::size_t i = 0; i < std::min(num_warm, counts[c]); ++i)
        one.predict_row((first + wanted + i) % model.num_rows);
      for (std::size_t i = 0; i < counts[c]; ++i) {
        const std::size_t row = (first + i) % model.num_rows;
        if (is_cold) {
          filler.fill();
          const auto [data, size_bytes] = one.row_memory(row);
          bench::fetch(data, size_bytes);
        }
        const auto start = clock::now();
        one.predict_row(row);
        out[c].ns.push_back(ns_since(start));
      }
    }
  return out;
}

std::vector<sample> time_batches(contenders all, const model_files& model, std::size_t count, unsigned threads,
                                 double budget_seconds) {
  constexpr std::size_t num_turns = 7;
  count = std::min(count, model.num_rows);
  std::vector<sample> out = samples_of(all);
  std::vector<std::size_t> counts;
  std::vector<std::size_t> nexts(all.size());
  for (const auto& one : all) {
    one->use_threads(threads);
    counts.push_back(affordable_batch(*one, count, 2e9 * budget_seconds));
  }
  for (std::size_t turn = 0; turn < num_turns; ++turn)
    for (std::size_t c = 0; c < all.size(); ++c) {
      // After another's turn the caches are another's too: the first call of a small batch is not measured.
      if (counts[c] <= small_batch)
        all[c]->predict_batch(0, counts[c]);
      out[c].ns.push_back(ns_a_row(*all[c], model, counts[c], nexts[c], budget_seconds * 1e9 / num_turns));
    }
  return out;
}

} // namespace compare
