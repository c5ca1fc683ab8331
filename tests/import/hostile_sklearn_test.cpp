// Models made to do harm: refused or inert, in bounded time and memory.
#include "import/sklearn_model_file.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>

using namespace petrify;
using namespace petrify::test;

namespace {

// Bounds how long something takes and by how much the process grows meanwhile. The kernel's high-water mark is reset
// first.
class cost {
public:
  cost() : begin_(std::chrono::steady_clock::now()) {
    std::ofstream("/proc/self/clear_refs") << 5;
    before_ = peak_kib();
  }
  ~cost() {
    // Generous, for sanitizers and busy machines; without bounds these files would take hours and all memory.
    CHECK(std::chrono::steady_clock::now() - begin_ < std::chrono::seconds(2));
    CHECK(peak_kib() < before_ + (512 << 10));
  }
  cost(const cost&) = delete;
  cost& operator=(const cost&) = delete;

private:
  static long peak_kib() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmHWM:"))
        return std::stol(line.substr(6));
    return 0;
  }

  std::chrono::steady_clock::time_point begin_;
  long before_ = 0;
};

std::string repeated(std::size_t count, std::string_view piece) {
  std::string out;
  out.reserve(count * piece.size());
  for (std::size_t i = 0; i < count; ++i)
    out += piece;
  return out;
}

// One value once more, many times: DUP.
std::string duplicated(const model_file& model, pickle_editor::place value, std::size_t count) {
  std::string out = model.bytes();
  return out.insert(value.end, std::string(count, '2'));
}

} // namespace

TEST_CASE("CallsInsideASklearnModelAreNotMade") {
  using namespace pickled;
  const temp_dir dir;
  const std::string call = "cposix\nsystem\n" + text("touch " + dir.path("made")) + "\x85R";
  const model_file model("sklearn-1.9/rf_two_outputs/model.joblib");
  // Where nobody looks a call stays a record of itself.
  for (const char* name : {"max_depth", "random_state", "verbose"})
    check_accepted(name, model.with({name}, call));
  for (const char* name : {"estimators_", "n_outputs_", "n_classes_", "classes_", "n_features_in_", "_sklearn_version"})
    check_refused(name, model.with({name}, call), name);
  check_refused("tree_", model.with({"estimators_", "1", "tree_"}, call), "tree 1: tree_ is object \"posix.system\"");
  CHECK_FALSE(std::filesystem::exists(dir.path("made")));
}

TEST_CASE("SharedAndCyclicPartsOfASklearnModelAreBounded") {
  using namespace pickled;
  const cost bound;
  const model_file model("sklearn-1.9/rf_two_outputs/model.joblib");
  check_refused("a tree a million times", duplicated(model, model.edit().at({"estimators_", "0"}), 1'000'000),
                "the model's arrays together are more than twice the file");
  check_refused("trees that are their own list", model.with({"estimators_"}, "]2a"),
                "tree 0: list, expected a decision tree");
  check_refused("a tree that is its own list", model.with({"estimators_", "1"}, "]2a"), "tree 1: list");
  check_refused("labels that are their own list", model.with({"classes_"}, "]2a2a"), "classes_ is list");
  // Each tuple holds the one before twice: 2^60 elements.
  const std::string doubling = "]" + repeated(60, "2\x86");
  check_refused("shared tuples", model.with({"estimators_"}, doubling), "tree 0: tuple, expected a decision tree");
  check_refused("labels of shared tuples", model.with({"classes_"}, doubling), "classes_ is tuple");
  const model_file bagging("ensembles-1.9/bagc_half_features/model.joblib");
  check_refused("a subset a million times",
                duplicated(bagging, bagging.edit().at({"estimators_features_", "0"}), 1'000'000),
                "estimators_features_ is list of ");
  check_refused("a million outputs",
                model_file("ensembles-1.9/bagr_two_outputs/model.joblib.z")
                    .with({"estimators_", "0", "n_outputs_"}, integer(1'000'000)),
                "n_outputs_ is 1000000");
  // A pipeline that ends with itself, and one that has itself as many steps.
  const std::string pipeline =
      "\x80\4csklearn.pipeline\nPipeline\n)\x81q" + std::string(1, '\0') + "}" + text("steps") + "](";
  const std::string step = text("s") + std::string("h\0\x86", 3);
  check_refused("a pipeline in itself", pipeline + step + "esb.", "pipelines nested more than 20 deep");
  check_refused("a pipeline twice in itself", pipeline + step + step + "esb.", "");
  check_refused("a pipeline a thousand times in itself", pipeline + repeated(1000, step) + "esb.", "");
}

TEST_CASE("HugeNumbersInASklearnModelAreRefusedBeforeAnythingIsAllocated") {
  using namespace pickled;
  const cost bound;
  const model_file hist("ensembles-1.9/hgbc_binary/model.joblib");
  check_refused("2^31 - 1 features", hist.with({"n_features_in_"}, integer(0x7fffffff)),
                "the model's arrays together are more than twice the file");
  check_refused("2^20 trees in an iteration", hist.with({"n_trees_per_iteration_"}, integer(1 << 20)),
                "_baseline_prediction has 1 numbers, expected 1048576");
  const model_file model("ensembles-1.9/pipe_standard_rf/model.joblib");
  check_refused("2^31 - 1 features of a scaler", model.with({"steps", "0", "n_features_in_"}, integer(0x7fffffff)), "");
  const model_file tree("sklearn-1.9/dt_balanced_12/model.joblib");
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{-1},
                                                 {-1, -1},
                                                 {std::int64_t{1} << 62},
                                                 {std::int64_t{1} << 40, std::int64_t{1} << 40}})
    for (const char* name : {"nodes", "values"})
      check_refused("a shape", tree.with({"tree_", name}, array("f8", shape, std::string(8, '\0'))), "byte ");
  check_refused("2^31 - 1 outputs", tree.with({"n_outputs_"}, integer(0x7fffffff)), "n_outputs_ is 2147483647");
}

TEST_CASE("DeepNestingInASklearnModelIsBounded") {
  using namespace pickled;
  constexpr std::size_t depth = 1'000'000;
  const std::string lists = std::string(depth, ']') + std::string(depth - 1, 'a');
  const std::string tuples = "N" + std::string(depth, '\x85');
  const std::string calls = "cx\ny\n" + repeated(depth, ")R");
  const model_file model("sklearn-1.9/rf_two_outputs/model.joblib");
  for (const std::string& deep : {lists, tuples, calls}) {
    {
      const cost bound;
      check_accepted("where nobody looks", model.with({"max_depth"}, deep));
    }
    for (const char* name : {"estimators_", "n_outputs_", "n_classes_", "classes_", "n_features_in_"}) {
      const cost bound;
      check_refused(name, model.with({name}, deep), "");
    }
    const cost bound;
    check_refused("a whole file", "\x80\4" + deep + ".", "");
  }
}
