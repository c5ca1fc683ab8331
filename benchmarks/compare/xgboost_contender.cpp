// XGBoost by its C API: XGBoosterPredictFromDense, its prediction without a DMatrix.
#include "contender.hpp"
#include "xgboost_library.hpp"

#include <algorithm>
#include <cstring>

namespace compare {

namespace {

class xgboost_contender final : public contender {
public:
  xgboost_contender(const model_files& model, const xgboost_library& library)
      : contender("XGBoost " + library.version_text() + " C API", true), model_(model), xgboost_(library),
        booster_(xgboost_, model.path(xgboost_.extension())), proxy_(xgboost_), row_(model.num_columns),
        row_text_(dense_matrix_text(row_.data(), 1, model.num_columns)) {
    use_threads(1);
  }

  void use_threads(unsigned threads) override { booster_.set("nthread", std::to_string(threads)); }
  std::pair<const void*, std::size_t> row_memory(std::size_t i) const override {
    return {model_.row(i), model_.num_columns * sizeof(float)};
  }
  // The text that says where the row is stays the same: writing one for each row would be a cost of this program's.
  void predict_row(std::size_t i) override {
    std::memcpy(row_.data(), model_.row(i), row_.size() * sizeof(float));
    booster_.predict(row_text_, proxy_, scores_, num_scores_);
  }
  void predict_batch(std::size_t first, std::size_t count) override {
    booster_.predict(dense_matrix_text(model_.row(first), count, model_.num_columns), proxy_, scores_, num_scores_);
  }
  std::vector<double> scores(std::size_t count) const override {
    return {scores_, scores_ + std::min<std::size_t>(count * model_.width, num_scores_)};
  }

private:
  const model_files& model_;
  xgboost_library xgboost_;
  xgboost_booster booster_;
  xgboost_proxy proxy_;
  std::vector<float> row_;
  std::string row_text_;
  const float* scores_ = nullptr; // XGBoost's own memory
  std::uint64_t num_scores_ = 0;
};

} // namespace

std::unique_ptr<contender> make_xgboost(const model_files& model, const std::string& library) {
  return std::make_unique<xgboost_contender>(model, xgboost_library(library));
}

} // namespace compare
