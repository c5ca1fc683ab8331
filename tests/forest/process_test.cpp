// What a process does around predictions: its floating-point mode, fork, threads, replacing the file.
#include "support/random_forest.hpp"
#include "support/support.hpp"

#include <petrify/file.hpp>
#include <petrify/predictor.hpp>
#include <petrify/thread_pool.hpp>
#include <petrify/writer.hpp>

#include <atomic>
#include <cfenv>
#include <cstring>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using namespace petrify;
using namespace petrify::test;

namespace {

forest_spec regression(compare_as comparisons, dtype type) {
  forest_spec spec;
  spec.task = task::regression;
  spec.comparisons = comparisons;
  spec.leaf_type = type;
  spec.accumulator = type;
  output_spec o;
  o.width = 1;
  o.value_type = type;
  spec.outputs = {o};
  return spec;
}

// Denormal leaves whose sums a flushing mode would turn to 0, and denormal thresholds that it would confuse.
naive_forest awkward_forest(compare_as comparisons, dtype type, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  naive_forest forest = random_forest(regression(comparisons, type), {}, random);
  for (naive_tree& tree : forest.trees)
    for (naive_node& n : tree.nodes) {
      if (!n.is_leaf && random() % 2 == 0)
        n.threshold = static_cast<double>(static_cast<int>(random() % 9) - 4) *
                      (comparisons == compare_as::float32 ? 1.4012984643248171e-45 : 4.9406564584124654e-324);
      for (double& x : n.values)
        if (random() % 2 == 0)
          x = type == dtype::float32 ? static_cast<double>(random() % 1000) * 1.4012984643248171e-45
                                     : static_cast<double>(random() % 1000) * 4.9406564584124654e-324;
    }
  return forest;
}

std::vector<double> awkward_rows(std::size_t count, std::size_t columns) {
  std::mt19937_64 random(99);
  std::vector<double> out(count * columns);
  for (double& x : out) {
    x = awkward_value(random);
    if (random() % 3 == 0)
      x = static_cast<double>(static_cast<int>(random() % 9) - 4) *
          (random() % 2 == 0 ? 1.4012984643248171e-45 : 4.9406564584124654e-324);
    if (random() % 20 == 0)
      x = std::nan("");
  }
  return out;
}

struct results {
  std::vector<double> values;
  std::vector<std::uint32_t> leaves;
  bool operator==(const results& other) const {
    return leaves == other.leaves && values.size() == other.values.size() &&
           std::memcmp(values.data(), other.values.data(), values.size() * sizeof(double)) == 0;
  }
};

template <class T>
results predict_all(const forest& model, const std::vector<T>& x) {
  const std::size_t columns = model.num_columns();
  const rows all(x.data(), x.size() / columns, columns);
  results out{model.predict(all), model.apply(all)};
  // Row by row as well.
  predictor one(model);
  for (std::size_t i = 0; i < x.size() / columns; ++i) {
    const std::span<const T> row(x.data() + i * columns, columns);
    out.values.push_back(0);
    (void)one.predict(row, std::span(out.values).last(1));
    std::vector<std::uint32_t> leaves(model.num_trees());
    (void)one.apply(row, leaves);
    out.leaves.insert(out.leaves.end(), leaves.begin(), leaves.end());
  }
  return out;
}

} // namespace

#if defined(__x86_64__)
TEST_CASE("FlushingDenormalsAndOtherRoundingsChangeNothing") {
  constexpr unsigned flush_to_zero = 0x8000;
  constexpr unsigned denormals_are_zero = 0x0040;
  const unsigned usual = _mm_getcsr();
  const std::vector<double> doubles = awkward_rows(200, 5);
  std::vector<float> floats(doubles.begin(), doubles.end());
  for (const compare_as comparisons : {compare_as::float32, compare_as::float64})
    for (const dtype type : {dtype::float32, dtype::float64}) {
      const naive_forest naive = awkward_forest(comparisons, type, 3);
      const temp_dir dir;
      const auto make = [&](const std::string& name) {
        writer out(dir.path(name));
        out.add("model", naive.build());
        out.commit();
        return read_bytes(dir.path(name));
      };
      const std::vector<std::byte> bytes = make("a");
      const file from = file::open(dir.path("a"));
      const results of_doubles = predict_all(from.forest("model"), doubles);
      const results of_floats = predict_all(from.forest("model"), floats);
      for (const unsigned mode : {flush_to_zero, denormals_are_zero, flush_to_zero | denormals_are_zero, 0x2000u,
                                  0x4000u, 0x6000u | flush_to_zero}) {
        _mm_setcsr((usual & ~0xe040u) | mode);
        const results flushed_doubles = predict_all(from.forest("model"), doubles);
        const results flushed_floats = predict_all(from.forest("model"), floats);
        const std::vector<std::byte> flushed_bytes = make("b");
        const bool opens = file::open(dir.path("b")).verify().empty();
        const unsigned left = _mm_getcsr();
        _mm_setcsr(usual);
        CHECK((left & 0xe040u) == mode); // the caller's mode is back
        CHECK(flushed_doubles == of_doubles);
        CHECK(flushed_floats == of_floats);
        CHECK(flushed_bytes == bytes);
        CHECK(opens);
      }
    }
}
#endif

#if defined(__x86_64__)
TEST_CASE("EnabledTrapsDoNotStrike") {
  constexpr unsigned invalid_zero_overflow = 0x0680;
  const temp_dir dir;
  writer out(dir.path("f"));
  out.add("model", awkward_forest(compare_as::float32, dtype::float32, 3).build());
  out.commit();
  const file from = file::open(dir.path("f"));
  const std::vector<double> x = awkward_rows(200, 5); // 1e300 overflows as float32; NaN, infinities
  const results expected = predict_all(from.forest("model"), x);
  const unsigned usual = _mm_getcsr();
  _mm_setcsr(usual & ~invalid_zero_overflow & ~0x3fu);
  const results with_traps = predict_all(from.forest("model"), x);
  const unsigned left = _mm_getcsr();
  _mm_setcsr(usual);
  CHECK((left & 0xffc0u) == (usual & ~invalid_zero_overflow & 0xffc0u));
  CHECK(with_traps == expected);
}
#endif

TEST_CASE("BothProcessesPredictAfterFork") {
  const temp_dir dir;
  writer out(dir.path("f"));
  out.add("model", awkward_forest(compare_as::float64, dtype::float64, 4).build());
  out.commit();
  const std::vector<double> x = awkward_rows(50, 5);
  for (const residency mode : {residency::lazy, residency::sparse, residency::prefault, residency::private_copy}) {
    const file from = file::open(dir.path("f"), {mode, {}});
    const forest model = from.forest("model");
    predictor before(model); // made by the parent, used by the child
    const results expected = predict_all(model, x);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      double value = 0;
      bool fine = predict_all(from.forest("model"), x) == expected;
      fine &= before.predict(std::span(x).first(5), std::span(&value, 1));
      fine &= std::memcmp(&value, expected.values.data(), sizeof value) == 0;
      fine &= from.verify().empty();
      ::_exit(fine ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(predict_all(model, x) == expected);
  }
}

TEST_CASE("EightThreadsPredictLookUpAndVerifyTogether") {
  const temp_dir dir;
  writer out(dir.path("f"));
  out.add("model", awkward_forest(compare_as::float64, dtype::float64, 5).build());
  out.add("numbers", std::vector<float>{1, 2, 3});
  out.commit();
  const std::vector<double> x = awkward_rows(40, 5);
  const file alone = file::open(dir.path("f"));
  const results expected = predict_all(alone.forest("model"), x);
  // Nobody has asked for the forest before the threads do.
  const file from = file::open(dir.path("f"));
  std::atomic<int> wrong{0};
  thread_pool pool(3);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        const forest model = from.forest("model", t % 2 == 0 ? trust::nothing : trust::caller);
        for (int i = 0; i < 5; ++i) {
          wrong += predict_all(model, x) == expected ? 0 : 1;
          wrong += from.array<float>("numbers")(2) == 3 ? 0 : 1;
          const rows all(x.data(), 40, 5);
          const std::vector<double> shared_out = model.predict(all, pool);
          wrong += std::memcmp(shared_out.data(), expected.values.data(), 40 * sizeof(double)) == 0 ? 0 : 1;
        }
        wrong += from.verify().empty() ? 0 : 1;
        const file copy = from; // copies share the mapping
        wrong += copy.forest("model").num_trees() == model.num_trees() ? 0 : 1;
      });
  }
  CHECK(wrong == 0);
}

TEST_CASE("AMappedFileOutlivesItsReplacementAndItsName") {
  const temp_dir dir;
  const std::string path = dir.path("f");
  const auto save = [&](std::uint64_t seed) {
    writer out(path);
    out.add("model", awkward_forest(compare_as::float64, dtype::float64, seed).build());
    out.add("padding", std::vector<double>(100 * seed));
    out.commit();
  };
  save(6);
  const std::vector<double> x = awkward_rows(40, 5);
  const file old = file::open(path);
  const results expected = predict_all(old.forest("model"), x);
  save(7);
  CHECK(old.verify().empty());
  CHECK(predict_all(old.forest("model"), x) == expected);
  const file renewed = file::open(path);
  CHECK_FALSE(predict_all(renewed.forest("model"), x) == expected);
  std::filesystem::remove(path);
  CHECK(old.verify().empty());
  CHECK(predict_all(old.forest("model"), x) == expected);
}
