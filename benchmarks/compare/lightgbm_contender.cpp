// LightGBM by its C API: its fast path for single rows, and LGBM_BoosterPredictForMat for batches.
#include "contender.hpp"
#include "lightgbm_library.hpp"

namespace compare {

namespace {

class lightgbm_contender final : public contender {
public:
  lightgbm_contender(const model_files& model, const std::string& library)
      : contender("LightGBM C API", true), model_(model), lightgbm_(library),
        booster_(lightgbm_, model.path(".txt"), model.num_columns), scores_(model.scores.size()) {
    use_threads(1);
  }

  void use_threads(unsigned threads) override { parameters_ = "num_threads=" + std::to_string(threads); }
  std::pair<const void*, std::size_t> row_memory(std::size_t i) const override {
    return {model_.row(i), model_.num_columns * sizeof(float)};
  }
  void predict_row(std::size_t i) override { booster_.predict_row(model_.row(i), scores_.data()); }
  void predict_batch(std::size_t first, std::size_t count) override {
    booster_.predict(model_.row(first), count, parameters_.c_str(), scores_.data());
  }
  std::vector<double> scores(std::size_t count) const override {
    return {scores_.begin(), scores_.begin() + static_cast<std::ptrdiff_t>(count * model_.width)};
  }

private:
  const model_files& model_;
  lightgbm_library lightgbm_;
  lightgbm_booster booster_;
  std::string parameters_;
  std::vector<double> scores_;
};

} // namespace

std::unique_ptr<contender> make_lightgbm(const model_files& model, const std::string& library) {
  return std::make_unique<lightgbm_contender>(model, library);
}

} // namespace compare
