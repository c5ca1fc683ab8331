// How contenders are compared and timed: answers first, then in turns, so that what else the machine does hits all
// alike.
#pragma once

#include "contender.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace compare {

using contenders = std::span<const std::unique_ptr<contender>>;

struct agreement {
  std::size_t num_rows = 0;
  std::size_t num_differing = 0; // by more than `tolerance` of max(1, |score|); of exact contenders: by a bit
  double largest = 0;            // difference of two scores
};
inline constexpr double tolerance = 1e-4;

// Predicts rows one by one and all of them in batches, with one thread and with two, and compares with the origin's.
agreement compare_answers(contender& one, const model_files& model);

// What one contender's calls took, in nanoseconds; of a batch for each row.
struct sample {
  std::string name;
  std::vector<double> ns;

  double quantile(double part) const; // of at least one call
  double mean() const;
};

// One row at a time, each timed alone: the clock's own cost, about 20 ns, is in the figures. `is_cold`: before each row
// 4 MiB are read, which leaves nothing of the forest in a second-level cache; the row itself is fetched again.
std::vector<sample> time_rows(contenders all, const model_files& model, std::size_t num_rows, bool is_cold,
                              double budget_seconds);

// Batches of `count` rows, another part of the rows each time; each turn of a contender gives one figure. Whoever would
// take longer than twice the budget for one of more than 1000 rows gets as many as it predicts in that time.
std::vector<sample> time_batches(contenders all, const model_files& model, std::size_t count, unsigned threads,
                                 double budget_seconds);

} // namespace compare
