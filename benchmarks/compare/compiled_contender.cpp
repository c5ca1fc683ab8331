// Models that were turned into C and compiled: by make_if_else.py and by tl2cgen.
#include "contender.hpp"
#include "shared_library.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <thread>

namespace compare {

namespace {

// `row_of(i)` and `scores_of(i)`: where row i and its scores lie. The code predicts one row a call, so that a batch is
// a loop and threads share it out.
class compiled_contender : public contender {
public:
  using contender::contender;

  void use_threads(unsigned threads) final { threads_ = threads; }
  void predict_row(std::size_t i) final { predict_one(i, 0); }
  void predict_batch(std::size_t first, std::size_t count) final {
    const auto share = [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i)
        predict_one(first + i, i);
    };
    const std::size_t part = count / threads_;
    std::vector<std::thread> others;
    for (unsigned k = 1; k < threads_; ++k)
      others.emplace_back(share, (k - 1) * part, k * part);
    share((threads_ - 1) * part, count);
    for (std::thread& other : others)
      other.join();
  }

protected:
  // Row `i` of the model, its scores to place `target`.
  virtual void predict_one(std::size_t i, std::size_t target) = 0;

private:
  unsigned threads_ = 1;
};

class if_else_contender final : public compiled_contender {
public:
  explicit if_else_contender(const model_files& model)
      : compiled_contender("if-else in C", false), model_(model), library_(model.path(".if_else.so")),
        predict_(library_.function<void(const float*, double*)>("predict")), scores_(model.scores.size()) {}

  std::pair<const void*, std::size_t> row_memory(std::size_t i) const override {
    return {model_.row(i), model_.num_columns * sizeof(float)};
  }
  std::vector<double> scores(std::size_t count) const override {
    return {scores_.begin(), scores_.begin() + static_cast<std::ptrdiff_t>(count * model_.width)};
  }

private:
  void predict_one(std::size_t i, std::size_t target) override {
    predict_(model_.row(i), scores_.data() + target * model_.width);
  }

  const model_files& model_;
  shared_library library_;
  void (*predict_)(const float*, double*);
  std::vector<double> scores_;
};

// tl2cgen's code wants each value in a union with an int that is -1 where the value is missing. With float32 thresholds
// that is the float itself, given the NaN of model_files; with float64 thresholds the rows are converted beforehand.
template <class Value>
class tl2cgen_contender final : public compiled_contender {
public:
  tl2cgen_contender(const model_files& model, shared_library library)
      : compiled_contender("tl2cgen", false), model_(model), library_(std::move(library)),
        predict_(library_.function<void(void*, int, Value*)>("predict")), values_(model.values.size()),
        scores_(model.scores.size()) {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      values_[i] = static_cast<Value>(model.values[i]);
      if (!(model.values[i] == model.values[i]))
        std::memset(&values_[i], 0xFF, sizeof(Value));
    }
  }

  std::pair<const void*, std::size_t> row_memory(std::size_t i) const override {
    return {&values_[i * model_.num_columns], model_.num_columns * sizeof(Value)};
  }
  std::vector<double> scores(std::size_t count) const override {
    return {scores_.begin(), scores_.begin() + static_cast<std::ptrdiff_t>(count * model_.width)};
  }

private:
  void predict_one(std::size_t i, std::size_t target) override {
    constexpr int margin = 1;
    Value* const sums = scores_.data() + target * model_.width; // which the code adds to
    std::fill_n(sums, model_.width, Value{0});
    predict_(&values_[i * model_.num_columns], margin, sums);
  }

  const model_files& model_;
  shared_library library_;
  void (*predict_)(void*, int, Value*);
  std::vector<Value> values_;
  std::vector<Value> scores_;
};

} // namespace

std::unique_ptr<contender> make_if_else(const model_files& model) { return std::make_unique<if_else_contender>(model); }

std::unique_ptr<contender> make_tl2cgen(const model_files& model) {
  shared_library library(model.path(".tl2cgen.so"));
  const std::string type = library.function<const char*()>("get_threshold_type")();
  if (type == "float32")
    return std::make_unique<tl2cgen_contender<float>>(model, std::move(library));
  if (type == "float64")
    return std::make_unique<tl2cgen_contender<double>>(model, std::move(library));
  throw std::runtime_error(model.path(".tl2cgen.so") + ": has thresholds of " + type);
}

std::vector<std::unique_ptr<contender>> make_contenders(const model_files& model, const peer_choice& peers) {
  std::vector<std::unique_ptr<contender>> out;
  out.push_back(make_petrify(model));
  if (model.has(".ubj") && !peers.xgboost.empty())
    out.push_back(make_xgboost(model, peers.xgboost));
  if (model.has(".txt") && !peers.lightgbm.empty())
    out.push_back(make_lightgbm(model, peers.lightgbm));
  if (model.has(".if_else.so") && peers.compiled)
    out.push_back(make_if_else(model));
  if (model.has(".tl2cgen.so") && peers.compiled)
    out.push_back(make_tl2cgen(model));
  return out;
}

} // namespace compare
