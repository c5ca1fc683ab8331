// The code of README.md. Run it where this was run:
//     petrify convert random_forest_model.pkl iris.stone
#include <petrify/petrify.hpp>

#include <cstdio>
#include <vector>

int main() try {
  // README: predict
  auto file = petrify::file::open("iris.stone");                  // maps; nothing is parsed or copied
  auto forest = file.forest("model");                             // a view of the mapped nodes
  auto p = forest.predict_proba(std::vector{6.1, 2.8, 4.7, 1.2}); // the bits scikit-learn gives
  std::printf("class %s, probability %g\n", forest.labels().text(1).c_str(), p[1]);
  // README: end

  // README: hot path
  petrify::predictor fast(forest); // one per thread: owns the scratch memory
  const float row[] = {6.1f, 2.8f, 4.7f, 1.2f};
  double scores[3];
  fast.predict_proba(row, scores); // noexcept: no allocation, no lock, no system call
  // README: end

  // README: store
  petrify::store models("models");
  models.publish("iris", "iris.stone"); // checked, durable, then current; another process does that

  petrify::follower iris = models.follow("iris"); // its thread opens new versions before anybody sees them
  petrify::followed<petrify::predictor> newest(iris, [](const petrify::file& version) { // one per thread
    return petrify::predictor(version.forest("model"));
  });
  newest->predict_proba(row, scores); // a generation check, 1 ns, more than a plain prediction
  // README: end

  // README: batches
  petrify::thread_pool pool(2);         // once a process; 1: no thread but the caller's
  const std::vector<float> table(4000); // 1000 rows
  std::vector<double> scores_of_all(3000);
  forest.predict_proba(petrify::rows(table.data(), 1000, 4), scores_of_all, pool);
  // README: end

  // README: arrays
  petrify::writer out("bundle.stone");
  out.add<float>("embeddings", std::vector<float>(64000), {1000, 64});
  out.add("names", std::vector<std::string>{"setosa", "versicolor", "virginica"});
  petrify::value_builder config;
  config.begin_dict().text("threshold").real(0.5).text("columns").begin_list().text("a").text("b").end().end();
  out.add("config", config);
  petrify::value_builder facts; // beside an object: unit, axes, source, ...
  facts.begin_dict().text("unit").text("mm").end();
  out.set_attributes("embeddings", facts);
  out.commit(); // durable, then renamed into place

  auto bundle = petrify::file::open("bundle.stone");
  auto embeddings = bundle.array<float>("embeddings"); // a view of mapped bytes
  auto names = bundle.strings("names");
  auto unit = bundle.attributes("embeddings").at("unit").as_text().value();
  auto threshold = bundle.value("config").at("threshold").as_real();
  std::printf("%g %s, ", static_cast<double>(embeddings(999, 63)), std::string(unit).c_str());
  std::printf("%s %g\n", std::string(names[2]).c_str(), *threshold);
  // README: end
  return scores[1] == p[1] ? 0 : 1;
} catch (const petrify::error& failure) {
  std::fprintf(stderr, "quickstart: %s\n", failure.what());
  return 1;
}
