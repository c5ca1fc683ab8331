// The hot path: no allocation, no surprise for a careless caller; outputs, labels and decisions.
#include "support/allocations.hpp"
#include "support/random_forest.hpp"
#include "support/support.hpp"

#include <petrify/file.hpp>
#include <petrify/predictor.hpp>
#include <petrify/writer.hpp>

#include <array>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <new>
#include <thread>

#if defined(__linux__)
#include <dlfcn.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

// Locks that are free make no system call: they are counted, where no sanitizer has a function of that name already.
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define PETRIFY_COUNTS_LOCKS 1
namespace {
std::atomic<std::size_t> locks{0};
}
extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static const auto next = reinterpret_cast<int (*)(pthread_mutex_t*)>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
  ++locks;
  return next(mutex);
}
#endif

using namespace petrify;
using namespace petrify::test;

namespace {

// A classifier of three classes over two columns, with every part of a prediction in it.
forest_spec three_classes() {
  forest_spec spec;
  spec.task = task::classification;
  spec.vector_leaves = true;
  spec.epilogue = {{epilogue_step::operation::divide, 7, 0}, {epilogue_step::operation::normalize, 0, 0}};
  spec.num_raw_steps = 1;
  output_spec o;
  o.width = 3;
  o.labels.type = dtype::int64;
  o.labels.integers = {-5, 3, 40};
  spec.outputs = {o};
  spec.decision = decision::argmax_raw;
  return spec;
}

struct opened {
  temp_dir dir;
  std::unique_ptr<file> from;

  explicit opened(const naive_forest& naive) {
    writer out(dir.path("f.stone"));
    out.add("model", naive.build());
    out.commit();
    from = std::make_unique<file>(file::open(dir.path("f.stone")));
  }
  petrify::forest forest() const { return from->forest("model"); }
};

// A forest whose raw columns are `values`, whatever the row.
naive_forest constant(forest_spec spec, std::vector<double> values) {
  spec.num_columns = 1;
  spec.vector_leaves = true;
  naive_node leaf;
  leaf.values = std::move(values);
  return {std::move(spec), {naive_tree{{leaf}, 0}}};
}

// Every prediction that a predictor can make, often.
bool predict_often(const forest& model) {
  predictor fast(model);
  const std::array<double, 5> row{0.1, -2, 3, 0, 5};
  std::array<double, 3> scores{};
  std::array<std::uint32_t, 20> leaves{};
  const std::size_t allocations_before = petrify::test::num_allocations();
#if defined(PETRIFY_COUNTS_LOCKS)
  const std::size_t locks_before = locks;
#endif
  bool fine = true;
  for (int i = 0; i < 100; ++i) {
    fine &= fast.predict(row, scores);
    fine &= fast.predict_proba(row, scores);
    fine &= fast.predict_raw(row, scores);
    fine &= fast.predict_class(row, leaves);
    fine &= fast.apply(row, leaves);
  }
#if defined(PETRIFY_COUNTS_LOCKS)
  CHECK(locks == locks_before);
#endif
  CHECK(petrify::test::num_allocations() == allocations_before);
  return fine;
}

} // namespace

TEST_CASE("PredictorNeitherAllocatesNorLocks") {
  std::mt19937_64 random(7);
  const opened model(random_forest(three_classes(), {}, random));
  CHECK(predict_often(model.forest()));
#if defined(PETRIFY_COUNTS_LOCKS)
  const std::size_t before = locks; // and a lock would have been counted
  std::mutex mutex;
  { const std::lock_guard held(mutex); }
  CHECK(locks == before + 1);
#endif
}

#if defined(__linux__)
// Strict seccomp kills a thread at any system call but read, write and exit; a lock that somebody holds is one.
TEST_CASE("PredictorMakesNoSystemCall") {
  if (::prctl(PR_GET_SECCOMP) != 0) {
    MESSAGE("skipped: PredictorMakesNoSystemCall: this process is under a filter already");
    return;
  }
  std::mt19937_64 random(7);
  const opened model(random_forest(three_classes(), {}, random));
  const auto status_of = [&](auto work) {
    const pid_t child = ::fork();
    if (child == 0) {
      predictor fast(model.forest());
      if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
        ::_exit(77);
      ::syscall(SYS_exit, work(fast) ? 0 : 1); // _exit is exit_group, which is not allowed
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  };
  const int honest = status_of([](predictor& fast) {
    std::array<double, 5> row{0.1, -2, 3, 0, 5};
    std::array<double, 3> scores{};
    std::array<std::uint32_t, 20> leaves{};
    bool fine = true;
    for (int i = 0; i < 5000; ++i) {
      row[static_cast<std::size_t>(i) % 5] = i % 17 - 8;
      fine &= fast.predict(row, scores);
      fine &= fast.predict_proba(row, scores);
      fine &= fast.predict_raw(row, scores);
      fine &= fast.predict_class(row, leaves);
      fine &= fast.apply(row, leaves);
    }
    return fine;
  });
  if (WIFEXITED(honest) && WEXITSTATUS(honest) == 77) {
    MESSAGE("skipped: PredictorMakesNoSystemCall: this system has no seccomp");
    return;
  }
  CHECK(WIFEXITED(honest));
  CHECK(WEXITSTATUS(honest) == 0);
  // The test can fail.
  const int caught = status_of([](predictor&) { return ::getppid() != 0; });
  CHECK(WIFSIGNALED(caught));
  CHECK(WTERMSIG(caught) == SIGKILL);
}
#endif

TEST_CASE("IntegersAreNarrowedToFloat32WhereTheStepSaysSo") {
  const std::int64_t above = (std::int64_t{1} << 24) + 1; // float32 has no such number
  const auto leaf_of = [&](bool narrows, auto x) {
    forest_spec spec;
    spec.num_columns = 1;
    spec.outputs.resize(1);
    spec.comparisons = compare_as::float64;
    if (narrows)
      spec.steps = {{row_step::operation::narrow_integers, row_step::every_column, 0, 0}};
    forest_builder b(std::move(spec));
    b.begin_tree(3);
    b.split(0, 0, comparison::less_equal, static_cast<double>(above) - 0.5, missing::right, 1, 2);
    b.leaf(1, std::vector<double>{1});
    b.leaf(2, std::vector<double>{2});
    b.end_tree();
    const forest_model model = b.build();
    return model.view().apply(rows(&x, 1, 1)).at(0);
  };
  CHECK(leaf_of(true, above) == 1);
  CHECK(leaf_of(false, above) == 2);
  CHECK(leaf_of(true, static_cast<double>(above)) == 2);
  // Once, not through float64: 2^54 + 2^30 + 1 lies just above the middle of two float32.
  const std::int64_t middle = (std::int64_t{1} << 54) + (std::int64_t{1} << 30) + 1;
  forest_spec spec;
  spec.num_columns = 1;
  spec.outputs.resize(1);
  spec.comparisons = compare_as::float64;
  spec.steps = {{row_step::operation::narrow_integers, row_step::every_column, 0, 0}};
  forest_builder b(std::move(spec));
  b.begin_tree(3);
  b.split(0, 0, comparison::less_equal, static_cast<double>(std::int64_t{1} << 54), missing::right, 1, 2);
  b.leaf(1, std::vector<double>{1});
  b.leaf(2, std::vector<double>{2});
  b.end_tree();
  const forest_model model = b.build();
  CHECK(model.view().apply(rows(&middle, 1, 1)).at(0) == 2);
}

TEST_CASE("AReplacementLosesItsFractionInRowsOfIntegersWhereTheStepSaysSo") {
  using op = row_step::operation;
  const auto leaf_of = [](op what, double value, auto x) {
    forest_spec spec;
    spec.num_columns = 1;
    spec.outputs.resize(1);
    spec.steps = {{what, 0, -1, value}};
    forest_builder b(std::move(spec));
    b.begin_tree(3);
    b.split(0, 0, comparison::less_equal, value < 0 ? -2.25 : 2.25, missing::right, 1, 2);
    b.leaf(1, std::vector<double>{1});
    b.leaf(2, std::vector<double>{2});
    b.end_tree();
    const temp_dir dir;
    writer out(dir.path("f.stone"));
    out.add("model", b.build());
    out.commit();
    const file from = file::open(dir.path("f.stone"));
    return from.forest("model").apply(rows(&x, 1, 1)).at(0);
  };
  CHECK(leaf_of(op::replace_typed, 2.5, -1.0) == 2);
  CHECK(leaf_of(op::replace_typed, 2.5, -1.0f) == 2);
  CHECK(leaf_of(op::replace_typed, 2.5, std::int64_t{-1}) == 1); // 2
  CHECK(leaf_of(op::replace_typed, 2.5, std::int64_t{3}) == 2);
  CHECK(leaf_of(op::replace_typed, -2.5, -1.0) == 1);
  CHECK(leaf_of(op::replace_typed, -2.5, std::int64_t{-1}) == 2); // -2, towards zero
  CHECK(leaf_of(op::replace, 2.5, std::int64_t{-1}) == 2);
}

TEST_CASE("PredictorRefusesRowsAndOutputsOfTheWrongSizeAndWritesNothing") {
  std::mt19937_64 random(8);
  const opened model(random_forest(three_classes(), {}, random));
  predictor fast(model.forest());
  const std::vector<double> row(5);
  const std::vector<double> untouched{-1, -1, -1, -1};
  std::vector<double> out = untouched;
  CHECK_FALSE(fast.predict(std::vector<double>(4), out));
  CHECK_FALSE(fast.predict(std::vector<double>(6), out));
  CHECK_FALSE(fast.predict(std::vector<float>(), out));
  CHECK_FALSE(fast.predict_proba(row, std::span(out).first(2)));
  CHECK_FALSE(fast.predict_raw(row, std::span<double>()));
  std::vector<std::uint32_t> leaves(19, 7);
  CHECK_FALSE(fast.apply(row, leaves));
  CHECK_FALSE(fast.predict_class(row, std::span<std::uint32_t>()));
  CHECK(leaves == std::vector<std::uint32_t>(19, 7));
  CHECK(out == untouched);
  CHECK(fast.predict_proba(row, out));
  CHECK(out[3] == -1);
}

TEST_CASE("BatchRefusesMatricesOfTheWrongShape") {
  std::mt19937_64 random(9);
  const opened model(random_forest(three_classes(), {}, random));
  const forest f = model.forest();
  const std::vector<double> x(20);
  std::vector<double> out(12);
  CHECK_REFUSED(f.predict(rows(x.data(), 5, 4)), errc::invalid_argument, "4 columns, expected 5");
  CHECK_REFUSED(f.predict_proba(rows(x.data(), 4, 5), std::span(out).first(11)), errc::invalid_argument,
                "room for 11 values, expected 3 for each of 4 rows");
  CHECK(f.predict_proba(rows(x.data(), 0, 5)).empty());
}

TEST_CASE("ManyThreadsPredictFromOneForest") {
  std::mt19937_64 random(10);
  const naive_forest naive = random_forest(three_classes(), {}, random);
  const opened model(naive);
  const forest f = model.forest();
  const std::vector<float> x = awkward_rows<float>(naive, 2000, random);
  const rows matrix(x.data(), 2000, 5);
  const std::vector<double> expected = f.predict_proba(matrix);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      predictor fast(f);
      std::array<double, 3> out{};
      for (std::size_t i = 0; i < 2000; ++i)
        if (!fast.predict_proba(std::span(x).subspan(i * 5, 5), out) ||
            !std::equal(out.begin(), out.end(), expected.begin() + static_cast<std::ptrdiff_t>(i * 3)))
          ++wrong;
    });
  for (std::thread& t : threads)
    t.join();
  CHECK(wrong == 0);
}

TEST_CASE("FirstOfEqualClassesWins") {
  forest_spec spec = three_classes();
  const opened model(constant(spec, {1, 7, 7}));
  CHECK(model.forest().predict(std::vector<double>{0}) == std::vector<double>{3});
  CHECK(model.forest().predict_class(std::vector<double>{0}) == std::vector<std::uint32_t>{1});
}

TEST_CASE("EpilogueComputesTheFormulasOfTheFormat") {
  const auto proba = [](std::vector<epilogue_step> steps, std::vector<double> values, std::uint32_t raw_width = 2) {
    forest_spec spec;
    spec.epilogue = std::move(steps);
    output_spec o;
    o.width = raw_width;
    spec.outputs.assign(values.size() / raw_width, o);
    return opened(constant(spec, std::move(values))).forest().predict_proba(std::vector<double>{0});
  };
  using op = epilogue_step::operation;
  CHECK(proba({{op::divide, 3, 0}}, {1, 2}) == std::vector<double>{1.0 / 3, 2.0 / 3});
  CHECK(proba({{op::add, 0.5, 1}}, {1, 2}) == std::vector<double>{1, 2.5});
  CHECK(proba({{op::exp, 0, 0}}, {0, 1}) == std::vector<double>{1, std::exp(1.0)});
  CHECK(proba({{op::sigmoid, 2, 0}}, {0, 1}) == std::vector<double>{0.5, 1 / (1 + std::exp(-2.0))});
  CHECK(proba({{op::normalize, 0, 0}}, {1, 3}) == std::vector<double>{0.25, 0.75});
  CHECK(proba({{op::normalize, 0, 0}}, {0, 0}) == std::vector<double>{0, 0});
  const double e = std::exp(-1.0);
  CHECK(proba({{op::softmax, 0, 0}}, {0, 1}) == std::vector<double>{e / (e + 1), 1 / (e + 1)});
  // np.exp of float32 arrays, numpy 2.4.6; the second is not the nearest float32.
  for (const auto& [x, e32] :
       {std::pair{-1.0, 0x1.78b562p-2}, {-19.99, 0x1.1e214p-29}, {-100.5, 0x1p-145}, {-104.0, 0.0}})
    CHECK(proba({{op::softmax_numpy, 0, 0}}, {x, 0}) == std::vector<double>{e32 / (e32 + 1), 1 / (e32 + 1)});
  CHECK(proba({{op::complement, 0, 0}}, {0.25, 0.5}, 1) == std::vector<double>{0.75, 0.25, 0.5, 0.5});
  const double gap = 2 + (0.5 + std::log1p(std::exp(-3.0)));
  CHECK(proba({{op::softplus_gaps, 0.5, 0}}, {2, -3, 1000}, 1) == std::vector<double>{2, gap, gap + 1000.5});
  CHECK(proba({{op::softplus_gaps, 0.5, 0}}, {2}, 1) == std::vector<double>{2});
}

TEST_CASE("SortOrdersTheColumnsOfAllOutputsWithNanLast") {
  for (const std::uint32_t width : {1u, 3u}) {
    forest_spec spec;
    spec.epilogue = {{epilogue_step::operation::sort, 0, 0}};
    spec.start.assign(6, -0.0); // keeps the sign of a zero
    output_spec o;
    o.width = width;
    spec.outputs.assign(6 / width, o);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double inf = std::numeric_limits<double>::infinity();
    const opened model(constant(spec, {nan, inf, 0.0, -1, -0.0, -inf}));
    const std::vector<double> sorted = model.forest().predict_proba(std::vector<double>{0});
    REQUIRE(sorted.size() == 6);
    CHECK(std::vector<double>(sorted.begin(), sorted.end() - 1) == std::vector<double>{-inf, -1, 0, 0, inf});
    CHECK(std::signbit(sorted[2]));
    CHECK(!std::signbit(sorted[3]));
    CHECK(std::isnan(sorted[5]));
    CHECK(std::isnan(model.forest().predict_raw(std::vector<double>{0})[0])); // the raw score stays
  }
}

TEST_CASE("CutDecidesATieAsItIsTold") {
  for (const bool upper : {false, true})
    for (const decision rule : {decision::cut_raw, decision::cut_final}) {
      forest_spec spec;
      spec.task = task::classification;
      output_spec o;
      o.labels.type = dtype::string;
      o.labels.texts = {"no", "yes"};
      spec.outputs = {o};
      spec.epilogue = {{epilogue_step::operation::complement, 0, 0}};
      spec.decision = rule;
      spec.cut = 0.5;
      spec.cut_tie_is_upper = upper;
      const auto label = [&](double x) {
        return opened(constant(spec, {x})).forest().predict_class(std::vector<double>{0})[0];
      };
      CHECK(label(0.25) == 0);
      CHECK(label(0.75) == 1);
      CHECK(label(0.5) == (upper ? 1 : 0));
    }
}

TEST_CASE("TextLabelsAreRefusedAsNumbersAndGivenAsText") {
  forest_spec spec = three_classes();
  spec.outputs[0].labels = {dtype::string, {}, {}, {"setosa", "versicolor", "virgin\xc3\xa9"}};
  const opened model(constant(spec, {1, 0, 2}));
  const forest f = model.forest();
  CHECK_REFUSED(f.predict(std::vector<double>{0}), errc::wrong_type, "class labels are texts");
  CHECK(f.labels().type() == dtype::string);
  CHECK(f.labels().as_text(f.predict_class(std::vector<double>{0})[0]) == "virgin\xc3\xa9");
  CHECK(f.labels(1).size() == 0);
  predictor fast(f);
  std::array<double, 1> out{};
  CHECK(fast.predict(std::vector<double>{0}, out));
  CHECK(std::isnan(out[0]));
}

TEST_CASE("LabelsPrintAsPythonPrintsThem") {
  const auto texts = [](label_list labels) {
    forest_spec spec = three_classes();
    spec.outputs[0].labels = std::move(labels);
    const opened model(constant(spec, {1, 0, 2}));
    std::vector<std::string> out;
    for (std::size_t i = 0; i < 3; ++i)
      out.push_back(model.forest().labels().text(i));
    return out;
  };
  using strings = std::vector<std::string>;
  CHECK(texts({dtype::int32, {-1, 0, 7}, {}, {}}) == strings{"-1", "0", "7"});
  CHECK(texts({dtype::bool8, {0, 1, 1}, {}, {}}) == strings{"False", "True", "True"});
  CHECK(texts({dtype::uint64, {0, -1, 1}, {}, {}}) == strings{"0", "18446744073709551615", "1"});
  CHECK(texts({dtype::float64, {}, {0.5, 1.0, 1e16}, {}}) == strings{"0.5", "1.0", "1e+16"});
  CHECK(texts({dtype::float32, {}, {0.1f, -2.0, 4096}, {}}) == strings{"0.1", "-2.0", "4096.0"});
}

TEST_CASE("RegressionHasNoClasses") {
  forest_spec spec;
  spec.outputs.resize(2);
  const opened model(constant(spec, {1.5, -0.0}));
  const forest f = model.forest();
  CHECK_REFUSED(f.predict_class(std::vector<double>{0}), errc::wrong_type, "regression");
  CHECK(f.labels().size() == 0);
  CHECK(f.value_type() == dtype::float64);
  CHECK(f.output_shape(output::predict, 9) == std::vector<std::uint64_t>{9, 2});
  CHECK(f.output_shape(output::leaf, 9) == std::vector<std::uint64_t>{9});
}
