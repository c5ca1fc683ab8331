// The forests whose predictions are timed: some of the shapes that people train, or the reader's own.
#pragma once

#include "iris.hpp"
#include "run_benchmarks.hpp"
#include "sample_forests.hpp"
#include "scratch_directory.hpp"

#include "forest/evaluate.hpp"
#include "forest/kernel_dense.hpp"
#include "forest/probe_rows.hpp"

#include <petrify/petrify.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bench {

// A forest with rows and the reference kernel's answers. Rows are random, float32 where the forest compares in it, and
// are taken in turn: a single row again and again would train the branch predictor and stay in the first cache.
class measured_forest {
public:
  // has_missing: a few values of the rows are missing, where the forest sends such values in different ways; else none
  // is. Rows take at most 64 MiB, so that of a very wide forest there are fewer.
  measured_forest(std::string name, petrify::file file, const std::string& object, std::size_t num_rows,
                  bool has_missing)
      : name_(std::move(name)), file_(std::move(file)), forest_(file_.forest(object)) {
    const std::size_t row_bytes = std::max<std::size_t>(1, forest_.num_columns()) * sizeof(double);
    num_rows_ = std::clamp<std::size_t>((std::size_t{64} << 20) / row_bytes, 1, num_rows);
    values64_ = petrify::probe_rows(forest_, num_rows_);
    if (!has_missing)
      std::ranges::replace_if(
          values64_, [](double x) { return std::isnan(x); }, 0.0);
    const auto& slots = forest_.data().slots;
    if (std::all_of(slots.begin() + 1, slots.end(),
                    [](const petrify::slot& one) { return one.kind == petrify::slot_kind::float32; })) {
      for (const double x : values64_)
        values32_.push_back(static_cast<float>(x));
      values64_.clear();
    }
    expected_.resize(num_rows_ * width());
    petrify::evaluator by(forest_.data(), 1, petrify::reference_kernel);
    for (std::size_t i = 0; i < num_rows_; ++i)
      by.numbers(rows(i, 1), 0, 1, petrify::output::raw, expected_.data() + i * width());
  }
  measured_forest(const measured_forest&) = delete;
  measured_forest& operator=(const measured_forest&) = delete;

  const std::string& name() const { return name_; }
  const petrify::forest& forest() const { return forest_; }
  std::size_t num_rows() const { return num_rows_; }
  std::size_t width() const { return forest_.output_width(petrify::output::raw); }

  petrify::rows rows(std::size_t first, std::size_t count) const {
    const std::size_t columns = forest_.num_columns();
    if (values64_.empty())
      return {values32_.data() + first * columns, count, columns};
    return {values64_.data() + first * columns, count, columns};
  }
  // Empty where rows are float64.
  std::span<const float> row32(std::size_t i) const {
    return values64_.empty() ? std::span(values32_).subspan(i * forest_.num_columns(), forest_.num_columns())
                             : std::span<const float>();
  }
  petrify::row_view row(std::size_t i) const {
    if (values64_.empty())
      return row32(i);
    return std::span(values64_).subspan(i * forest_.num_columns(), forest_.num_columns());
  }

  // Throws: std::runtime_error when these are not, bit for bit, the raw scores of rows from `first` on.
  void require_answers(std::span<const double> seen, std::size_t first, const std::string& way) const {
    const auto expected = std::span(expected_).subspan(first * width(), seen.size());
    if (!std::equal(seen.begin(), seen.end(), expected.begin(), [](double a, double b) {
          return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
        }))
      throw std::runtime_error("answers differ from the reference kernel's: " + name_ + ", " + way);
  }

private:
  std::string name_;
  petrify::file file_;
  petrify::forest forest_;
  std::size_t num_rows_ = 0;
  std::vector<float> values32_; // one of the two is empty
  std::vector<double> values64_;
  std::vector<double> expected_;
};

using measured_forests = std::vector<std::unique_ptr<measured_forest>>;

// FILE.stone [NAME] among main's arguments, which are taken out: that forest. Without: the samples, in files of
// `scratch`. Each with num_rows rows.
inline measured_forests forests_to_measure(std::vector<std::string>& arguments, const scratch_directory& scratch,
                                           std::size_t num_rows) {
  const auto first_own = std::stable_partition(arguments.begin() + 1, arguments.end(),
                                               [](const std::string& word) { return word.starts_with("-"); });
  const std::vector<std::string> own(first_own, arguments.end());
  arguments.erase(first_own, arguments.end());
  measured_forests out;
  const auto add = [&](const std::string& name, petrify::file from, const std::string& object, bool has_missing) {
    out.push_back(std::make_unique<measured_forest>(name, std::move(from), object, num_rows, has_missing));
  };
  if (!own.empty()) {
    add("forest", petrify::file::open(own[0]), own.size() > 1 ? own[1] : "model", true);
    return out;
  }
  const auto add_sample = [&](const std::string& name, const petrify::forest_model& model, bool has_missing = false) {
    petrify::writer to(scratch.file(name));
    to.add("model", model);
    to.commit();
    add(name, petrify::file::open(scratch.file(name)), "model", has_missing);
  };
  add("iris_100x3_classes", make_iris(scratch.file("iris")), "model", false);
  add_sample("boosted_100x6", make_xgboost_like(100, false));
  add_sample("boosted_100x6_missing", make_xgboost_like(100, true), true);
  add_sample("boosted_1000x6", make_xgboost_like(1000, false));
  add_sample("leafwise_100x31", make_lightgbm_like());
  add_sample("depth8_100x10_classes", make_digits_like());
  add_sample("depth16_100", make_deep());
  return out;
}

// All kernels that this CPU has for a forest, the reference first.
inline std::vector<const petrify::kernel*> kernels_of(const measured_forest& of) {
  std::vector<const petrify::kernel*> out{&petrify::reference_kernel, &petrify::interleaved_kernel};
  if (petrify::has_dense_kernels(of.forest().data()))
    for (const petrify::kernel* dense : petrify::dense_kernels())
      out.push_back(dense);
  return out;
}

inline std::string name_in_table(const petrify::kernel& of) {
  std::string out = of.name;
  std::ranges::replace(out, ' ', '_');
  return out;
}

// A column beside the time: that of each of so many items that one iteration works on.
inline benchmark::Counter time_of_each(std::size_t num_items) {
  using benchmark::Counter;
  return {static_cast<double>(num_items),
          static_cast<Counter::Flags>(Counter::kIsIterationInvariantRate | Counter::kInvert)};
}

} // namespace bench
