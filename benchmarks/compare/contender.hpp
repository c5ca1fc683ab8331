// contender: something that predicts a model's raw scores, to be timed beside others.
#pragma once

#include "model_files.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace compare {

// Rows are those of the model_files that it was made with, by index.
class contender {
public:
  contender(std::string name, bool is_exact) : name_(std::move(name)), is_exact_(is_exact) {}
  contender(const contender&) = delete;
  contender& operator=(const contender&) = delete;
  virtual ~contender() = default;

  const std::string& name() const { return name_; }
  // Whether its scores must be the stored ones bit for bit: petrify and the origin itself.
  bool is_exact() const { return is_exact_; }

  // Threads of the batches that follow. Not timed.
  virtual void use_threads(unsigned threads) = 0;
  // Row `i` as this contender reads it. Not timed.
  virtual std::pair<const void*, std::size_t> row_memory(std::size_t i) const = 0;

  // Timed. One row by the fastest way that the contender has for one, on one thread.
  virtual void predict_row(std::size_t i) = 0;
  // Timed. Rows [first, first + count) together.
  virtual void predict_batch(std::size_t first, std::size_t count) = 0;

  // Scores of the last call, for `count` rows. Not timed.
  virtual std::vector<double> scores(std::size_t count) const = 0;

private:
  std::string name_;
  bool is_exact_;
};

// Each throws std::runtime_error, or what the library says, when the model cannot be loaded.
std::unique_ptr<contender> make_petrify(const model_files& model);
std::unique_ptr<contender> make_xgboost(const model_files& model, const std::string& library);
std::unique_ptr<contender> make_lightgbm(const model_files& model, const std::string& library);
// What make_if_else.py wrote, compiled.
std::unique_ptr<contender> make_if_else(const model_files& model);
// What tl2cgen wrote, compiled.
std::unique_ptr<contender> make_tl2cgen(const model_files& model);

// Which peers take part, beside petrify.
struct peer_choice {
  std::string xgboost;  // path of its library; empty: without it
  std::string lightgbm; // the same
  bool compiled = true; // if-else in C, tl2cgen
};

// petrify first, then all the chosen ones that there are files for.
std::vector<std::unique_ptr<contender>> make_contenders(const model_files& model, const peer_choice& peers);

} // namespace compare
