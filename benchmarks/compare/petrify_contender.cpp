#include "contender.hpp"

#include <petrify/petrify.hpp>
#include <petrify/thread_pool.hpp>

#include <memory>
#include <span>
#include <stdexcept>

namespace compare {

namespace {

class petrify_contender final : public contender {
public:
  explicit petrify_contender(const model_files& model)
      : contender("petrify", true), model_(model), file_(petrify::file::open(model.path(".stone"))),
        forest_(file_.forest("model")), one_row_(forest_), scores_(model.scores.size()) {
    if (forest_.num_columns() != model.num_columns || forest_.output_width(petrify::output::raw) != model.width)
      throw std::runtime_error(model.path(".stone") + ": is not of the model whose rows lie beside it");
  }

  void use_threads(unsigned threads) override { pool_ = std::make_unique<petrify::thread_pool>(threads); }
  std::pair<const void*, std::size_t> row_memory(std::size_t i) const override {
    return {model_.row(i), model_.num_columns * sizeof(float)};
  }
  void predict_row(std::size_t i) override {
    one_row_.predict_raw(std::span(model_.row(i), model_.num_columns), scores_);
  }
  void predict_batch(std::size_t first, std::size_t count) override {
    forest_.predict_raw({model_.row(first), count, model_.num_columns}, std::span(scores_).first(count * model_.width),
                        *pool_);
  }
  std::vector<double> scores(std::size_t count) const override {
    return {scores_.begin(), scores_.begin() + static_cast<std::ptrdiff_t>(count * model_.width)};
  }

private:
  const model_files& model_;
  petrify::file file_;
  petrify::forest forest_;
  petrify::predictor one_row_;
  std::unique_ptr<petrify::thread_pool> pool_ = std::make_unique<petrify::thread_pool>(1);
  std::vector<double> scores_;
};

} // namespace

std::unique_ptr<contender> make_petrify(const model_files& model) { return std::make_unique<petrify_contender>(model); }

} // namespace compare
