// Every model under tests/data/models/{xgboost,lightgbm,ensembles}-*: imported, saved, mapped, and compared with what
// the library itself answered for the same rows: raw scores bit for bit, labels equal, the rest within a few ulp.
#include "support/pair_order.hpp"
#include "support/support.hpp"

#include "forest/evaluate.hpp"

#include <petrify/file.hpp>
#include <petrify/forest.hpp>
#include <petrify/import.hpp>
#include <petrify/npy.hpp>
#include <petrify/predictor.hpp>

#include <nlohmann/json.hpp>

#include <bit>
#include <cmath>
#include <map>

using namespace petrify;
using namespace petrify::test;
using nlohmann::json;

namespace {

const std::string models = std::string(PETRIFY_TEST_DATA) + "/models/";

json read_json(const std::string& path) {
  std::ifstream in(path);
  REQUIRE_MESSAGE(in.good(), path);
  return json::parse(in);
}

std::vector<std::string> releases(const std::string& library) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(models))
    if (entry.path().filename().string().starts_with(library + "-"))
      out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

// Numbers of a .npy file of any type, in C order.
struct table {
  dtype type = dtype::none;
  std::vector<std::uint64_t> shape;
  std::vector<double> values;
  std::vector<std::string> texts; // of labels that are texts

  explicit table(const std::string& path) {
    const npy_file from(path);
    const any_array& array = from.array();
    type = array.type();
    shape.assign(array.shape().begin(), array.shape().end());
    const auto put = [&]<class T>(T) {
      const auto view = array.as<T>();
      REQUIRE((array.order() == axis_order::row_major || shape.size() < 2));
      for (const T x : view.elements())
        if constexpr (std::is_same_v<T, bool8>)
          values.push_back(x.byte);
        else
          values.push_back(static_cast<double>(x));
    };
    switch (type) {
    case dtype::float64: put(double()); break;
    case dtype::float32: put(float()); break;
    case dtype::int64: put(std::int64_t()); break;
    case dtype::int32: put(std::int32_t()); break;
    case dtype::int16: put(std::int16_t()); break;
    case dtype::int8: put(std::int8_t()); break;
    case dtype::uint16: put(std::uint16_t()); break;
    case dtype::uint32: put(std::uint32_t()); break;
    case dtype::uint8: put(std::uint8_t()); break;
    case dtype::bool8: put(bool8()); break;
    case dtype::string:
      for (std::uint64_t i = 0; i < array.size(); ++i)
        texts.emplace_back(array.strings()[i]);
      break;
    default: FAIL("an array of an unexpected type: " << path);
    }
  }
};

// How many numbers of the type lie between two of them; 0 for the same bits, and for two NaNs.
std::uint64_t ulps(double a, double b, dtype type) {
  if (std::isnan(a) || std::isnan(b))
    return std::isnan(a) == std::isnan(b) ? 0 : ~std::uint64_t{0};
  const auto place = [](auto x) {
    using bits = std::conditional_t<sizeof x == 4, std::int32_t, std::int64_t>;
    const auto folded = std::bit_cast<bits>(x);
    return static_cast<std::int64_t>(folded < 0 ? std::numeric_limits<bits>::min() - folded : folded);
  };
  const std::int64_t left = type == dtype::float32 ? place(static_cast<float>(a)) : place(a);
  const std::int64_t right = type == dtype::float32 ? place(static_cast<float>(b)) : place(b);
  return left > right ? static_cast<std::uint64_t>(left) - static_cast<std::uint64_t>(right)
                      : static_cast<std::uint64_t>(right) - static_cast<std::uint64_t>(left);
}

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (std::isnan(a) && std::isnan(b));
}

struct tally {
  std::size_t files = 0;
  std::size_t scores = 0;
  std::size_t exact = 0;         // of them, those that must be equal bit for bit
  std::uint64_t worst_raw = 0;   // ulp, of the others
  std::uint64_t worst_final = 0; // ulp, of transformed outputs
  // By model class: pairs of siblings whose right one's subtree comes first, having more training rows.
  std::map<std::string, std::size_t> right_first;
};

// Rows as they are in the fixture: float32, float64 or int64.
template <class F>
void with_rows(const std::string& path, F f) {
  const npy_file from(path);
  const any_array& x = from.array();
  REQUIRE(x.shape().size() == 2);
  const auto run = [&]<class T>(T) {
    const auto view = x.as<T>();
    f(rows(view.data(), x.shape()[0], x.shape()[1]));
  };
  switch (x.type()) {
  case dtype::float32: return run(float());
  case dtype::float64: return run(double());
  case dtype::int64: return run(std::int64_t());
  default: FAIL("rows of an unexpected type: " << path);
  }
}

std::vector<double> one_by_one(const forest& model, const rows& x, output kind) {
  evaluator slow(model.data(), 1, reference_kernel);
  const std::size_t width = model.output_width(kind);
  std::vector<double> out(x.num_rows() * width);
  for (std::size_t i = 0; i < x.num_rows(); ++i)
    slow.numbers(x, i, 1, kind, out.data() + i * width);
  return out;
}

void check_numbers(const std::vector<double>& seen, const table& expected, std::uint64_t most_ulps,
                   std::uint64_t& worst) {
  REQUIRE(seen.size() == expected.values.size());
  std::size_t wrong = 0;
  std::string first;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const bool equal = same_bits(seen[i], expected.values[i]);
    const std::uint64_t distance = equal ? 0 : ulps(seen[i], expected.values[i], expected.type);
    worst = std::max(worst, std::min<std::uint64_t>(distance, most_ulps));
    if (most_ulps == 0 ? !equal : distance > most_ulps)
      if (wrong++ == 0)
        first = std::to_string(i) + ": " + std::to_string(seen[i]) + " for " + std::to_string(expected.values[i]) +
                ", " + std::to_string(distance) + " ulp";
  }
  CHECK_MESSAGE(wrong == 0, wrong << " of " << seen.size() << " differ, the first at " << first);
}

// The columns that a Booster's own output has of petrify's: the last of two for a probability, all others as they are.
std::vector<double> as_the_origin_has_it(const forest& model, const rows& x, const table& expected) {
  std::vector<double> out = model.predict_proba(x);
  const std::size_t width = model.output_width(output::proba);
  if (expected.values.size() == out.size() || width < 2)
    return out;
  REQUIRE(expected.values.size() == x.num_rows());
  if (width != 2) // the index of the class, as multi:softmax has it
    return model.predict(x);
  std::vector<double> last;
  for (std::size_t i = 0; i < x.num_rows(); ++i)
    last.push_back(out[2 * i + 1]);
  return last;
}

void check_labels(const forest& model, const rows& x, const table& expected, std::uint64_t most_ulps,
                  std::uint64_t& worst) {
  if (model.task() != task::classification && model.task() != task::anomaly)
    return check_numbers(model.predict(x), expected, most_ulps, worst);
  if (expected.type != dtype::string)
    return check_numbers(model.predict(x), expected, 0, worst);
  const std::vector<std::uint32_t> classes = model.predict_class(x);
  REQUIRE(classes.size() == expected.texts.size());
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < classes.size(); ++i)
    wrong += model.labels().as_text(classes[i]) != expected.texts[i];
  CHECK(wrong == 0);
}

void check_set(const forest& model, const std::string& folder, const std::string& set, bool raw_exact, tally& seen) {
  CAPTURE(set);
  const auto path = [&](const char* what) { return folder + "/" + what + set + ".npy"; };
  with_rows(path("x"), [&](const rows& x) {
    const table raw(path("raw"));
    const std::vector<double> scores = model.predict_raw(x);
    check_numbers(scores, raw, raw_exact ? 0 : 4, seen.worst_raw);
    const std::vector<double> slow = one_by_one(model, x, output::raw);
    CHECK(std::equal(slow.begin(), slow.end(), scores.begin(), scores.end(), same_bits));
    seen.scores += scores.size();
    seen.exact += raw_exact ? scores.size() : 0;
    const std::uint64_t most = model.score_type() == dtype::float32 ? 2 : 4;
    if (std::filesystem::exists(path("proba"))) {
      const table proba(path("proba"));
      check_numbers(as_the_origin_has_it(model, x, proba), proba, most, seen.worst_final);
    }
    if (std::filesystem::exists(path("predict")))
      check_labels(model, x, table(path("predict")), most, seen.worst_final);
    if (std::filesystem::exists(path("leaf"))) {
      const table leaves(path("leaf"));
      const std::vector<std::uint32_t> ids = model.apply(x);
      CHECK(std::equal(ids.begin(), ids.end(), leaves.values.begin(), leaves.values.end(),
                       [](std::uint32_t a, double b) { return static_cast<double>(a) == b; }));
    }
  });
}

void check_case(const std::string& folder, const json& entry, tally& seen) {
  for (const json& name : entry["models"]) {
    const std::string source = folder + "/" + name.get<std::string>();
    CAPTURE(source);
    const temp_dir dir;
    import_options options;
    if (entry.value("limit", false))
      options.iterations = entry["iterations"].get<std::uint32_t>();
    if (entry.contains("missing"))
      options.missing = entry["missing"].get<double>();
    const auto failure = error_of([&] {
      writer out(dir.path("model.stone"));
      import_file(source, out, options);
      out.commit();
    });
    CHECK_MESSAGE(!failure, failure->what());
    if (failure)
      continue;
    const file from = file::open(dir.path("model.stone"));
    for (const error& fault : from.verify())
      FAIL_CHECK(fault.what());
    const forest model = from.forest("model");
    // XGBoost numbers siblings one after the other, however it grows and prunes trees.
    if (model.library() == "xgboost")
      CHECK(model.data().leaf_ids != leaf_id_rule::stored);
    seen.right_first[std::string(model.model_class())] += num_right_first(model.data());
    for (const json& set : entry["sets"])
      check_set(model, folder, set.get<std::string>(), entry["raw_exact"].get<bool>(), seen);
    ++seen.files;
  }
}

tally check_library(const std::string& library) {
  tally seen;
  for (const std::string& release : releases(library))
    for (const json& entry : read_json(models + release + "/cases.json"))
      check_case(models + release + "/" + entry["name"].get<std::string>(), entry, seen);
  MESSAGE(library << ": " << seen.files << " files, " << seen.scores << " raw scores, " << seen.exact
                  << " of them bit for bit, the others within " << seen.worst_raw << " ulp, transformed within "
                  << seen.worst_final << " ulp");
  return seen;
}

std::size_t right_first_of(const tally& seen, const char* part_of_class) {
  std::size_t out = 0;
  for (const auto& [name, count] : seen.right_first)
    out += name.find(part_of_class) != std::string::npos ? count : 0;
  return out;
}

} // namespace

TEST_CASE("EveryXgboostFixturePredictsTheOriginsBits") {
  const tally seen = check_library("xgboost");
  CHECK(seen.files >= 600);
  CHECK(right_first_of(seen, "") > 0);
}

TEST_CASE("EveryLightgbmFixturePredictsTheOriginsBits") {
  const tally seen = check_library("lightgbm");
  CHECK(seen.files >= 700);
  CHECK(right_first_of(seen, "") > 0);
}

TEST_CASE("EveryScikitLearnEnsembleFixturePredictsTheOriginsBits") {
  const tally seen = check_library("ensembles");
  CHECK(seen.files >= 200);
  CHECK(right_first_of(seen, ".GradientBoosting") > 0);
  CHECK(right_first_of(seen, ".HistGradientBoosting") > 0);
}

TEST_CASE("NamesOfCategoriesAreThoseOfTheDataFrame") {
  std::size_t named = 0;
  for (const std::string release : {"xgboost-3.1", "xgboost-3.2", "xgboost-3.3", "xgboost-3.4"})
    for (const json& entry : read_json(models + release + "/cases.json"))
      if (entry.contains("categories"))
        for (const json& name : entry["models"]) {
          const std::string source =
              models + release + "/" + entry["name"].get<std::string>() + "/" + name.get<std::string>();
          CAPTURE(source);
          const temp_dir dir;
          writer out(dir.path("model.stone"));
          import_file(source, out);
          out.commit();
          const file from = file::open(dir.path("model.stone"));
          const forest model = from.forest("model");
          for (std::size_t j = 0; j < entry["categories"].size(); ++j) {
            std::vector<std::string> expected;
            bool is_right = true; // before 3.4 the names of a column with one that is not ASCII are cut wrongly
            for (const json& one : entry["categories"][j]) {
              expected.push_back(one.is_string() ? one.get<std::string>() : one.dump());
              for (const char c : expected.back())
                is_right &= static_cast<signed char>(c) >= 0 || release == "xgboost-3.4";
            }
            const auto names = model.category_names(j);
            if (is_right)
              CHECK(std::equal(names.begin(), names.end(), expected.begin(), expected.end()));
            else
              CHECK(names.empty());
            named += names.size();
          }
        }
  CHECK(named > 0);
}

TEST_CASE("WhatALibraryHasAndPetrifyHasNotIsRefusedByName") {
  std::size_t refused = 0;
  for (const char* library : {"xgboost", "lightgbm", "ensembles"})
    for (const std::string& release : releases(library)) {
      const std::string folder = models + release + "/refused/";
      if (!std::filesystem::exists(folder))
        continue;
      for (const json& entry : read_json(folder + "refused.json")) {
        const std::string source = folder + entry["file"].get<std::string>();
        CAPTURE(source);
        const temp_dir dir;
        const auto failure = error_of([&] {
          writer out(dir.path("model.stone"));
          import_file(source, out);
        });
        REQUIRE(failure.has_value());
        CHECK(std::string_view(failure->what()).find("\n") == std::string_view::npos);
        CHECK(failure->path() == source);
        CHECK((failure->code() == errc::not_importable || failure->code() == errc::malformed));
        ++refused;
      }
    }
  CHECK(refused >= 10);
}
