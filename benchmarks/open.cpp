// Does opening a file cost the same at any size?
//
// petrify_bench_open [--dir DIRECTORY] [--benchmark_...]
// Times include closing the file, and for "open_and_read" the page fault of the element.
#include "iris.hpp"
#include "run_benchmarks.hpp"
#include "sample_array.hpp"
#include "scratch_directory.hpp"

#include <petrify/petrify.hpp>

#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace {

// Array files of different sizes, each made and checked when a benchmark first asks for it: a filter leaves out the
// time and the disk that the others need.
class array_files {
public:
  explicit array_files(const std::filesystem::path& parent) : scratch_(parent) {}

  const bench::scratch_directory& scratch() const { return scratch_; }

  // Throws: bench::no_room; std::runtime_error when the file does not read back as written.
  const std::string& of_size(std::uint64_t mib) {
    if (const auto known = paths_.find(mib); known != paths_.end())
      return known->second;
    scratch_.require(mib << 20);
    const std::string path = scratch_.file(std::to_string(mib) + ".stone");
    const std::uint64_t num_elements = (mib << 20) / sizeof(float);
    bench::write_sample_array(path, num_elements);
    const auto file = petrify::file::open(path);
    const auto array = file.array<float>("array");
    bool is_right = array.rank() == 1 && array.size() == num_elements;
    for (const std::uint64_t i : {std::uint64_t{0}, num_elements / 3, num_elements / 2, num_elements - 1})
      is_right = is_right && array(i) == bench::sample_element(i);
    if (!is_right)
      throw std::runtime_error("the array does not read back as it was written");
    return paths_.emplace(mib, path).first->second;
  }

private:
  bench::scratch_directory scratch_;
  std::map<std::uint64_t, std::string> paths_;
};

std::string size_in_words(std::uint64_t mib) {
  return mib < 1024 ? std::to_string(mib) + "_MiB" : std::to_string(mib / 1024) + "_GiB";
}

template <class Body>
void register_array(const char* what, std::uint64_t mib, array_files& files, Body body) {
  const auto run = [&files, mib, body](benchmark::State& state) {
    try {
      const std::string& path = files.of_size(mib);
      for (auto _ : state)
        body(path);
    } catch (const bench::no_room& shortage) {
      state.SkipWithError(("skipped, not enough disk: " + std::string(shortage.what())).c_str());
    } catch (const std::exception& failure) {
      state.SkipWithError(failure.what());
    }
  };
  benchmark::RegisterBenchmark((what + std::string("/array_") + size_in_words(mib)).c_str(), run)
      ->Unit(benchmark::kMicrosecond);
}

template <class Body>
void register_forest(const char* name, Body body) {
  const auto run = [body](benchmark::State& state) {
    for (auto _ : state)
      body();
  };
  benchmark::RegisterBenchmark(name, run)->Unit(benchmark::kMicrosecond);
}

} // namespace

int main(int argc, char** argv) try {
  std::filesystem::path parent; // empty: $TMPDIR
  std::vector<std::string> arguments(argv, argv + argc);
  for (auto word = arguments.begin(); word != arguments.end(); ++word)
    if (*word == "--dir" && word + 1 != arguments.end()) {
      parent = word[1];
      arguments.erase(word, word + 2);
      break;
    }
  array_files files(parent);
  for (const std::uint64_t mib : {1u, 64u, 1024u, 4096u}) {
    register_array("open", mib, files, [](const std::string& path) {
      auto file = petrify::file::open(path);
      benchmark::DoNotOptimize(file);
    });
    register_array("open_and_read", mib, files, [](const std::string& path) {
      const auto file = petrify::file::open(path);
      const auto array = file.array<float>("array");
      float element = array(array.size() / 2);
      benchmark::DoNotOptimize(element);
    });
  }

  const std::string iris = files.scratch().file("iris.stone");
  bench::make_iris(iris);
  const std::vector<double> row{5.1, 3.5, 1.4, 0.2};
  register_forest("open/iris", [&] {
    auto file = petrify::file::open(iris);
    benchmark::DoNotOptimize(file);
  });
  register_forest("open_and_check/iris", [&] {
    const auto file = petrify::file::open(iris);
    auto forest = file.forest("model");
    benchmark::DoNotOptimize(forest);
  });
  register_forest("open_and_predict/iris", [&] {
    const auto file = petrify::file::open(iris);
    auto probabilities = file.forest("model").predict_proba(petrify::row_view(row));
    benchmark::DoNotOptimize(probabilities.data());
  });
  return bench::run_benchmarks(arguments);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "petrify_bench_open: %s\n", failure.what());
  return 2;
}
