#include "opening.hpp"

#include "lightgbm_library.hpp"
#include "page_cache.hpp"
#include "xgboost_library.hpp"

#include <petrify/petrify.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <span>

namespace compare {

namespace {

struct moments {
  double open_ns;
  double first_row_ns;
};

class stopwatch {
public:
  double ns() const {
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start_).count();
  }

private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

struct way {
  std::string name;
  std::string file;
  std::function<moments()> run;
};

void require_answer(const model_files& model, std::span<const double> scores) {
  if (!std::ranges::equal(scores, std::span(model.scores).first(model.width)))
    throw std::runtime_error(model.name + ": the first prediction after opening is wrong");
}

moments open_petrify(const model_files& model, petrify::trust vouched,
                     petrify::residency mode = petrify::residency::lazy) {
  std::vector<double> scores(model.width);
  const stopwatch watch;
  const auto file = petrify::file::open(model.path(".stone"), {mode, {}});
  const auto forest = file.forest("model", vouched);
  const double opened = watch.ns();
  petrify::predictor(forest).predict_raw(std::span(model.row(0), model.num_columns), scores);
  const double answered = watch.ns();
  require_answer(model, scores);
  return {opened, answered};
}

moments open_xgboost(const model_files& model, const xgboost_library& library) {
  const std::string row = dense_matrix_text(model.row(0), 1, model.num_columns);
  const float* scores = nullptr;
  std::uint64_t num_scores = 0;
  const stopwatch watch;
  xgboost_booster booster(library, model.path(library.extension()));
  const double opened = watch.ns();
  const xgboost_proxy proxy(library);
  booster.predict(row, proxy, scores, num_scores);
  const double answered = watch.ns();
  require_answer(model, std::vector<double>(scores, scores + num_scores));
  return {opened, answered};
}

moments open_lightgbm(const model_files& model, const lightgbm_library& library) {
  std::vector<double> scores(model.width);
  const stopwatch watch;
  lightgbm_booster booster(library, model.path(".txt"), model.num_columns);
  const double opened = watch.ns();
  booster.predict_row(model.row(0), scores.data());
  const double answered = watch.ns();
  require_answer(model, scores);
  return {opened, answered};
}

double median(std::vector<double> of) {
  const auto middle = of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2);
  std::nth_element(of.begin(), middle, of.end());
  return *middle;
}

} // namespace

std::vector<opening> time_openings(const model_files& model, const peer_choice& peers) {
  std::vector<way> ways{
      {"petrify, nodes unchecked", ".stone", [&] { return open_petrify(model, petrify::trust::caller); }},
      {"petrify, nodes unchecked, sparse", ".stone",
       [&] { return open_petrify(model, petrify::trust::caller, petrify::residency::sparse); }},
      {"petrify, nodes checked", ".stone", [&] { return open_petrify(model, petrify::trust::nothing); }},
  };
  if (model.has(".ubj") && !peers.xgboost.empty()) {
    const auto library = std::make_shared<xgboost_library>(peers.xgboost);
    ways.push_back({"XGBoost " + library->version_text() + " C API", library->extension(),
                    [&model, library] { return open_xgboost(model, *library); }});
  }
  if (model.has(".txt") && !peers.lightgbm.empty()) {
    const auto library = std::make_shared<lightgbm_library>(peers.lightgbm);
    ways.push_back({"LightGBM C API", ".txt", [&model, library] { return open_lightgbm(model, *library); }});
  }

  std::vector<opening> out;
  for (const bool is_cold : {false, true}) {
    const std::size_t turns = is_cold ? 5 : 21;
    std::vector<std::vector<double>> opens(ways.size());
    std::vector<std::vector<double>> firsts(ways.size());
    for (std::size_t turn = 0; turn < turns; ++turn)
      for (std::size_t w = 0; w < ways.size(); ++w) {
        const std::string path = model.path(ways[w].file);
        is_cold ? throw_out(path) : bring_in(path);
        const moments seen = ways[w].run();
        opens[w].push_back(seen.open_ns);
        firsts[w].push_back(seen.first_row_ns);
      }
    for (std::size_t w = 0; w < ways.size(); ++w)
      out.push_back({ways[w].name, is_cold, median(opens[w]), median(firsts[w]), turns});
  }
  for (const way& one : ways)
    bring_in(model.path(one.file));
  return out;
}

} // namespace compare
