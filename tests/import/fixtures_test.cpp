// Every model under tests/data/models/sklearn-*: imported, saved, mapped, and compared bit for bit with what
// scikit-learn itself answered for the same rows.
#include "support/support.hpp"

#include "forest/evaluate.hpp"

#include <petrify/file.hpp>
#include <petrify/forest.hpp>
#include <petrify/import.hpp>
#include <petrify/npy.hpp>
#include <petrify/predictor.hpp>
#include <petrify/thread_pool.hpp>

#include <nlohmann/json.hpp>

#include <bit>
#include <cstring>

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

std::vector<std::string> releases() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(models))
    if (entry.path().filename().string().starts_with("sklearn-"))
      out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

std::size_t differing_bits(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size())
    return std::max(a.size(), b.size());
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    count += std::bit_cast<std::uint64_t>(a[i]) != std::bit_cast<std::uint64_t>(b[i]);
  return count;
}

// The origin's labels or values as texts, in row-major order, which is how they are compared whatever their type.
std::vector<std::string> label_texts(const any_array& labels) {
  std::vector<std::string> out;
  const auto put = [&](const auto& view, auto words) {
    for (const auto& x : view.elements())
      out.push_back(words(x));
  };
  const auto number = [](auto x) { return std::to_string(x); };
  switch (labels.type()) {
  case dtype::int64: put(labels.as<std::int64_t>(), number); break;
  case dtype::int32: put(labels.as<std::int32_t>(), number); break;
  case dtype::uint8: put(labels.as<std::uint8_t>(), number); break;
  case dtype::bool8:
    put(labels.as<bool8>(), [](bool8 x) { return std::string(x.byte != 0 ? "True" : "False"); });
    break;
  case dtype::float64: put(labels.as<double>(), [](double x) { return std::to_string(x); }); break;
  case dtype::float32: put(labels.as<float>(), [](float x) { return std::to_string(x); }); break;
  case dtype::string:
    for (std::uint64_t i = 0; i < labels.size(); ++i)
      out.emplace_back(labels.strings()[i]);
    break;
  default: FAIL("labels of an unexpected type");
  }
  return out;
}

std::string label_text(const class_labels& labels, std::uint32_t index) {
  if (labels.type() == dtype::float32 || labels.type() == dtype::float64)
    return std::to_string(labels.as_real(index));
  return labels.text(index);
}

template <class T>
std::vector<T> elements(const npy_file& from) {
  const auto view = from.array().as<T>();
  REQUIRE(from.array().order() == axis_order::row_major);
  return {view.elements().begin(), view.elements().end()};
}

template <class T>
void check_rows(const forest& model, const std::string& folder, const std::string& width) {
  const npy_file x(folder + "/x" + width + ".npy");
  const auto matrix = x.array().as<T>();
  const std::size_t num_rows = matrix.shape()[0];
  const rows all(matrix.data(), num_rows, matrix.shape()[1]);
  const npy_file expected_labels(folder + "/predict" + width + ".npy");
  std::vector<double> expected_scores;
  if (model.task() == task::classification)
    expected_scores = elements<double>(npy_file(folder + "/proba" + width + ".npy"));
  else
    expected_scores = elements<double>(expected_labels);

  // In a batch, in one with threads, through the reference kernel, and row by row.
  CHECK(differing_bits(model.predict_proba(all), expected_scores) == 0);
  static thread_pool pool(2);
  CHECK(differing_bits(model.predict_proba(all, pool), expected_scores) == 0);
  evaluator slow(model.data(), num_rows, reference_kernel);
  std::vector<double> scores(expected_scores.size());
  slow.numbers(all, 0, num_rows, output::proba, scores.data());
  CHECK(differing_bits(scores, expected_scores) == 0);
  predictor single(model);
  const std::size_t columns = matrix.shape()[1];
  const std::size_t score_width = model.output_width(output::proba);
  bool fine = true;
  for (std::size_t i = 0; i < num_rows; ++i)
    fine &= single.predict_proba(matrix.elements().subspan(i * columns, columns),
                                 std::span(scores).subspan(i * score_width, score_width));
  CHECK(fine);
  CHECK(differing_bits(scores, expected_scores) == 0);
  // Where the origin has no untransformed score of its own, probabilities are what it has.
  const bool counts = model.library_version() < "1.4" && model.num_trees() == 1 &&
                      model.task() == task::classification &&
                      model.model_class().find("Forest") == std::string_view::npos &&
                      model.model_class().find("ExtraTreesC") == std::string_view::npos;
  if (!counts)
    CHECK(differing_bits(model.predict_raw(all), expected_scores) == 0);

  if (model.task() == task::classification) {
    const std::vector<std::string> expected = label_texts(expected_labels.array());
    const std::vector<std::uint32_t> classes = model.predict_class(all);
    REQUIRE(classes.size() == expected.size());
    std::size_t differences = 0;
    for (std::size_t i = 0; i < classes.size(); ++i)
      differences += label_text(model.labels(i % model.num_outputs()), classes[i]) != expected[i];
    CHECK(differences == 0);
    CHECK(model.labels().type() == expected_labels.array().type());
  } else {
    CHECK(differing_bits(model.predict(all), expected_scores) == 0);
  }

  const npy_file expected_leaves(folder + "/leaf" + width + ".npy");
  const std::vector<std::int64_t> leaf_ids = elements<std::int64_t>(expected_leaves);
  const std::vector<std::uint32_t> leaves = model.apply(all);
  CHECK(std::equal(leaves.begin(), leaves.end(), leaf_ids.begin(), leaf_ids.end()));
}

void check_model(const std::string& model_path, const std::string& folder) {
  CAPTURE(model_path);
  const temp_dir dir;
  const std::string path = dir.path("model.stone");
  writer out(path);
  import_file(model_path, out);
  out.commit();
  const file from = file::open(path);
  for (const error& fault : from.verify())
    FAIL_CHECK(fault.what());
  const forest model = from.forest("model");
  check_rows<float>(model, folder, "32");
  check_rows<double>(model, folder, "64");
  // A lone tree has an unused root and one block's begin on top of its nodes.
  const double lone = model.num_trees() == 1 ? 12 : 0;
  CHECK(static_cast<double>(model.node_bytes()) <= 8.6 * static_cast<double>(model.num_nodes()) + lone);
}

} // namespace

TEST_CASE("EveryScikitLearnFixturePredictsTheOriginsBits") {
  REQUIRE(releases().size() >= 4);
  std::size_t checked = 0;
  for (const std::string& release : releases())
    for (const json& entry : read_json(models + release + "/cases.json")) {
      const std::string folder = models + release + "/" + entry["name"].get<std::string>();
      if (entry.contains("models"))
        for (const json& one : entry["models"])
          check_model(folder + "/" + one.get<std::string>(), folder);
      else
        check_model(folder + "/" + entry["model"].get<std::string>(), folder);
      ++checked;
    }
  CHECK(checked >= 240);
}

TEST_CASE("IrisNotebookPredictsTheNotebooksLabels") {
  const temp_dir dir;
  writer out(dir.path("iris.stone"));
  import_file(models + "iris/random_forest_model.pkl", out);
  out.commit();
  const file from = file::open(dir.path("iris.stone"));
  const forest model = from.forest("model");
  const npy_file x(models + "iris/X_test.npy");
  const auto view = x.array().as<double>();
  const rows all(view.data(), view.shape()[0], view.shape()[1]);
  const std::vector<std::int64_t> labels = elements<std::int64_t>(npy_file(models + "iris/labels.npy"));
  const std::vector<double> predicted = model.predict(all);
  CHECK(labels.size() == 38);
  CHECK(std::equal(predicted.begin(), predicted.end(), labels.begin(), labels.end()));
  CHECK(differing_bits(model.predict_proba(all), elements<double>(npy_file(models + "iris/probabilities.npy"))) == 0);
}

TEST_CASE("EveryArrayFixtureComesBackAsNumpySavedIt") {
  std::size_t checked = 0;
  for (const std::string& release : releases()) {
    const std::string folder = models + release + "/arrays/";
    if (!std::filesystem::exists(folder)) // some releases only have models
      continue;
    for (const json& entry : read_json(folder + "arrays.json"))
      for (const json& name : entry["files"]) {
        const std::string source = folder + name.get<std::string>();
        CAPTURE(source);
        const temp_dir dir;
        const std::string path = dir.path("a.stone");
        const bool refused = entry.contains("refused");
        const auto failure = error_of([&] {
          writer out(path);
          import_file(source, out);
          out.commit();
        });
        if (refused) {
          REQUIRE(failure.has_value());
          CHECK_MESSAGE(failure->code() == errc::not_importable, failure->what());
          CHECK(failure->path() == source);
          continue;
        }
        REQUIRE_MESSAGE(!failure.has_value(), failure->what());
        const file from = file::open(path);
        CHECK(from.verify().empty());
        CHECK(from.objects().size() == entry["arrays"].size() + entry["others"].size());
        if (entry["name"] == "mixed") { // as make_arrays.py has it
          CHECK(from.value("count").as_int() == 3);
          CHECK(from.value("title").as_text() == "gr\xc3\xb6\xc3\x9f"
                                                 "e");
          CHECK(from.value("nothing").is_null());
          CHECK(from.value("rate").as_real() == 0.25);
          const auto large = from.value("large").as_bytes();
          REQUIRE(large.has_value());
          CHECK(large->size() == 9); // 2^70: eight zeros and 0x40
          CHECK((*large)[8] == std::byte{0x40});
          CHECK(from.value("scalar").as_real() == 1.5);
        }
        for (const json& expected : entry["arrays"]) {
          std::string object;
          for (const json& step : expected["path"])
            object += (object.empty() ? "" : "/") + (step.is_string() ? step.get<std::string>() : step.dump());
          const any_array actual = from.array(object.empty() ? "array" : object);
          const npy_file saved(folder + expected["npy"].get<std::string>());
          const any_array& wanted = saved.array();
          CHECK(actual.type() == wanted.type());
          CHECK(std::equal(actual.shape().begin(), actual.shape().end(), wanted.shape().begin(), wanted.shape().end()));
          if (actual.type() == dtype::string) {
            for (std::uint64_t i = 0; i < actual.size(); ++i)
              CHECK(actual.strings()[i] == wanted.strings()[i]);
          } else if (actual.order() == wanted.order()) {
            CHECK(actual.bytes().size() == wanted.bytes().size());
            CHECK(std::memcmp(actual.bytes().data(), wanted.bytes().data(), wanted.bytes().size()) == 0);
          } else {
            // Same elements in another order of axes: compared element by element.
            const extents a(actual.shape(), actual.order());
            const extents b(wanted.shape(), wanted.order());
            std::vector<std::uint64_t> index(actual.rank());
            for (std::uint64_t n = 0; n < actual.size(); ++n) {
              std::uint64_t rest = n;
              for (std::size_t axis = actual.rank(); axis-- > 0;) {
                index[axis] = rest % actual.shape()[axis];
                rest /= actual.shape()[axis];
              }
              const std::size_t size = actual.item_size_bytes();
              CHECK(std::memcmp(actual.bytes().data() + static_cast<std::size_t>(a.offset(index)) * size,
                                wanted.bytes().data() + static_cast<std::size_t>(b.offset(index)) * size, size) == 0);
            }
          }
          ++checked;
        }
      }
  }
  CHECK(checked >= 400);
}

namespace {

// A value as make_values.py writes it.
json tagged(const value_view& v) {
  const auto hex = [](std::span<const std::byte> bytes) {
    std::string out;
    for (const std::byte b : bytes)
      for (const unsigned half : {std::to_integer<unsigned>(b) >> 4, std::to_integer<unsigned>(b) & 15})
        out += "0123456789abcdef"[half];
    return out;
  };
  switch (v.kind()) {
  case value_kind::null: return json::array({"null"});
  case value_kind::boolean: return json::array({"bool", *v.as_bool()});
  case value_kind::integer: return json::array({"int", std::to_string(*v.as_int())});
  case value_kind::big_integer: {
    // Decimal digits by dividing the magnitude by ten until nothing is left.
    std::vector<unsigned> digits; // base 256, least first
    const std::span<const std::byte> number = *v.as_bytes();
    for (const std::byte b : number)
      digits.push_back(std::to_integer<unsigned>(b));
    const bool negative = digits.back() >= 128;
    if (negative) {
      unsigned carry = 1;
      for (unsigned& d : digits) {
        d = (255 - d) + carry;
        carry = d >> 8;
        d &= 255;
      }
    }
    std::string out;
    while (std::any_of(digits.begin(), digits.end(), [](unsigned d) { return d != 0; })) {
      unsigned rest = 0;
      for (std::size_t i = digits.size(); i-- > 0;) {
        rest = rest << 8 | digits[i];
        digits[i] = rest / 10;
        rest %= 10;
      }
      out.insert(out.begin(), static_cast<char>('0' + rest));
    }
    return json::array({"int", (negative ? "-" : "") + out});
  }
  case value_kind::real: {
    std::array<std::byte, 8> bytes;
    const double x = *v.as_real();
    std::memcpy(bytes.data(), &x, sizeof x);
    std::reverse(bytes.begin(), bytes.end());
    return json::array({"real", hex(bytes)});
  }
  case value_kind::text: return json::array({"text", *v.as_text()});
  case value_kind::bytes: return json::array({"bytes", hex(*v.as_bytes())});
  case value_kind::list: {
    json out = json::array();
    for (const value_view element : v.elements())
      out.push_back(tagged(element));
    return json::array({"list", out});
  }
  case value_kind::dict: {
    json out = json::array();
    for (const auto& [key, value] : v.entries())
      out.push_back(json::array({tagged(key), tagged(value)}));
    return json::array({"dict", out});
  }
  }
  return {};
}

} // namespace

TEST_CASE("EveryValueFixtureComesBackAsPythonSavedIt") {
  const json listing = read_json(models + "values/values.json");
  std::size_t checked = 0;
  for (const json& entry : listing["cases"])
    for (const json& name : entry["files"]) {
      const std::string source = models + "values/" + name.get<std::string>();
      CAPTURE(source);
      const temp_dir dir;
      const auto import = [&] {
        writer out(dir.path("v.stone"));
        import_file(source, out);
        out.commit();
      };
      ++checked;
      if (entry.contains("refused")) {
        CHECK_REFUSED(import(), errc::not_importable, entry["refused"].get<std::string>());
        continue;
      }
      import();
      const file from = file::open(dir.path("v.stone"));
      CHECK(from.verify().empty());
      CHECK(tagged(from.value("value")) == entry["value"]);
    }
  CHECK(checked == 6 * 19);
}

// Work in proportion to entries * text would be hours here.
TEST_CASE("OneLongTextAsKeyOfManyEntriesIsLookedAtOnce") {
  std::string stream("\x80\x04X\0\0\x40\0", 7); // 4 MiB of text, kept as memo 1; then a dict
  stream.append(std::size_t{4} << 20, 'k');
  stream += "q\x01"
            "0}(";
  for (int i = 0; i < 200'000; ++i)
    stream += i + 1 < 200'000 ? "h\x01N" : "h\x01\x88"; // None, and True for the last
  stream += "u.";
  const temp_dir dir;
  writer out(dir.path("v"));
  import_bytes(std::as_bytes(std::span(stream)), out);
  out.commit();
  const file from = file::open(dir.path("v"));
  CHECK(from.value("value").size() == 1);
  CHECK((*from.value("value").entries().begin()).second.as_bool() == true);
}

TEST_CASE("WhatIsNotImportableIsRefusedInOneSentence") {
  // These load although Python would refuse or do harm: the harmful part is inert, the list holds two models.
  // A bomb within its limits is the bytes object that it says it is.
  const std::vector<std::string> accepted = {"os_system_in_forest.pkl", "list_of_models.joblib", "bomb_zlib.joblib"};
  for (const json& entry : read_json(models + "refused/refused.json")) {
    const std::string name = entry["file"].get<std::string>();
    CAPTURE(name);
    const temp_dir dir;
    const auto failure = error_of([&] {
      writer out(dir.path("x.stone"));
      import_file(models + "refused/" + name, out);
      out.commit();
    });
    if (std::find(accepted.begin(), accepted.end(), name) != accepted.end()) {
      CHECK_FALSE(failure.has_value());
      continue;
    }
    REQUIRE(failure.has_value());
    const std::string message = failure->what();
    CHECK(failure->path() == models + "refused/" + name);
    CHECK(message.find('\n') == std::string::npos);
    CHECK(dir.list().empty());
  }
  CHECK_FALSE(std::filesystem::exists("/tmp/petrify_pwned"));
}

TEST_CASE("RefusalsNameWhatWasSeenAndWhatIsKnown") {
  const temp_dir dir;
  const auto import = [&](const std::string& name) {
    writer out(dir.path("x.stone"));
    import_file(models + "refused/" + name, out);
  };
  CHECK_REFUSED(import("svc.joblib"), errc::not_importable,
                "svc.joblib: sklearn.svm._classes.SVC is not a model petrify knows (it knows scikit-learn's "
                "DecisionTreeClassifier");
  CHECK_REFUSED(import("../ensembles-1.9/refused/pipe_pca.joblib"), errc::not_importable,
                "sklearn.decomposition._pca.PCA\", expected StandardScaler");
  CHECK_REFUSED(import("os_system.pkl"), errc::not_importable, "os.system is not a model");
  CHECK_REFUSED(import("os_system_beside_array.joblib"), errc::not_importable, "entry \"extra\": posix.system");
  CHECK_REFUSED(import("lfs_pointer.pkl"), errc::not_importable, "which is a git-lfs pointer");
  CHECK_REFUSED(import("page.pkl"), errc::not_importable, "which is an HTML page");
  CHECK_REFUSED(import("empty.pkl"), errc::not_importable, "the file is empty");
  CHECK_REFUSED(import("joblib_zf.joblib"), errc::not_importable, "joblib before 0.10");
  CHECK_REFUSED(import("protocol_0.pkl"), errc::not_importable, "a pickle of protocol 0");
  CHECK_REFUSED(import("unfitted.joblib"), errc::not_importable, "expected a fitted one");
  CHECK_REFUSED(import("deep.pkl"), errc::limit_exceeded, "values are nested too deep, or contain themselves");
  CHECK_REFUSED(import("self_list.pkl"), errc::limit_exceeded, "element 0 value: nested more than 500 deep");
  CHECK_REFUSED(import("doubling.pkl"), errc::limit_exceeded, "shared so often");
  CHECK_REFUSED(import("number_and_text_key.pkl"), errc::not_importable, "entry \"5\": two entries have this name");
  CHECK_REFUSED(import("colliding_keys.pkl"), errc::not_importable, "entry \"a/b\": two entries have this name");
  CHECK_REFUSED(import("long_key.pkl"), errc::not_importable, "2000 bytes, expected 1 to 1024 bytes");
  CHECK_REFUSED(import("many_outputs.pkl"), errc::not_importable, "n_outputs_ is 100000000, expected at most 65536");
  CHECK_REFUSED(import("shared_tree.pkl"), errc::limit_exceeded, "more than twice the file");
  CHECK_REFUSED(import("version_1.pkl"), errc::not_importable, "_sklearn_version is \"1xxxx\", expected a version");
  CHECK_REFUSED(import("estimators_set.pkl"), errc::not_importable, "expected a list of trees");
  CHECK_REFUSED(import("bomb_xz.joblib"), errc::limit_exceeded, "which is the limit");
  CHECK_REFUSED(import("tree_cycle.pkl"), errc::invalid_argument, "tree 0 node 1: child 0 has another parent");
  CHECK_REFUSED(import("tree_child_range.pkl"), errc::not_importable, "tree 0 node 0: child 7, expected 0 to 6");
  CHECK_REFUSED(import("tree_feature_range.pkl"), errc::invalid_argument, "tree 0 node 0: tests column 4");
  CHECK_REFUSED(import("tree_half_leaf.pkl"), errc::not_importable, "tree 0 node 0: child -1");
  CHECK_REFUSED(import("no_such_file.pkl"), errc::io, "no such file");
}

TEST_CASE("WhatAReleaseNobodyTriedWroteIsRefused") {
  const temp_dir dir;
  const auto import_as = [&](const std::string& path, std::string_view now, std::string_view before) {
    const std::vector<std::byte> bytes = read_bytes(models + path);
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    REQUIRE(text.find(now) != std::string::npos);
    for (std::size_t at = 0; (at = text.find(now, at)) != std::string::npos; at += before.size())
      text.replace(at, now.size(), before);
    writer out(dir.path("x.stone"));
    import_bytes(std::as_bytes(std::span(text)), out);
  };
  CHECK_REFUSED(import_as("ensembles-0.22/gbc_binary/model.joblib", "0.22.2.post1", "0.21.3.post1"),
                errc::not_importable, "written by scikit-learn 0.21.3.post1, expected 0.22 or later");
  CHECK_REFUSED(import_as("sklearn-0.21/dt_balanced_12/model.joblib", "0.21.3", "0.20.4"), errc::not_importable,
                "written by scikit-learn 0.20.4, expected 0.21 or later");
}

TEST_CASE("ImportsWorkFromMemoryToo") {
  const temp_dir dir;
  const std::vector<std::byte> bytes = read_bytes(models + "iris/random_forest_model.pkl");
  writer a(dir.path("a.stone"));
  import_options options;
  options.name = "iris";
  std::uint64_t last = 0;
  options.progress = [&](std::string_view step, std::uint64_t done, std::uint64_t total) {
    if (step == "trees") {
      CHECK(done == last + 1);
      CHECK(total == 100);
      last = done;
    }
  };
  const auto objects = import_bytes(bytes, a, options);
  a.commit();
  CHECK(last == 100);
  REQUIRE(objects.size() == 1);
  CHECK(objects[0].name == "iris");
  const file from = file::open(dir.path("a.stone"));
  CHECK(from.forest("iris").num_trees() == 100);
  writer b(dir.path("b.stone"));
  CHECK_REFUSED(import_bytes(std::span(bytes).first(1000), b), errc::truncated, "byte ");
}

TEST_CASE("ElementsOfAMisalignedNpyAreMovedToWhereTheyCanBeRead") {
  // numpy pads its headers; other writers need not.
  const temp_dir dir;
  const double values[] = {1.5, -2.0, 1e300};
  for (std::size_t padding = 0; padding < 8; ++padding) {
    std::string dict = "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }" + std::string(padding, ' ') + "\n";
    std::string bytes = "\x93NUMPY\x01";
    bytes += '\0';
    bytes += static_cast<char>(dict.size());
    bytes += '\0';
    bytes += dict;
    bytes.append(reinterpret_cast<const char*>(values), sizeof values);
    write_text(dir.path("x.npy"), bytes);
    const npy_file x(dir.path("x.npy"));
    const auto view = x.array().as<double>();
    CHECK(reinterpret_cast<std::uintptr_t>(view.data()) % alignof(double) == 0);
    CHECK(std::equal(view.elements().begin(), view.elements().end(), values));
  }
}
