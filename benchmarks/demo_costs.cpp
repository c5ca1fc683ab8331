// What does it cost to get the first answer from a file: petrify against a stream serializer written by hand?
//
// petrify_demo_costs FILE.stone [--array-mb N]
// Exit status: 0 measured, 1 answers differ, 2 nothing could be measured.
#include "environment.hpp"
#include "naive_stream.hpp"
#include "sample_array.hpp"
#include "scratch_directory.hpp"
#include "thresholds.hpp"

#include <petrify/petrify.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace {

using seconds = double;

// The program ends with 1: a figure for a wrong answer is no figure.
struct wrong_answer : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void require(bool same, const std::string& what) {
  if (!same)
    throw wrong_answer(what);
}

class stopwatch {
public:
  seconds elapsed() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// When the file was open or loaded, and when the first answer was there, both since the start.
struct costs {
  seconds open;
  seconds answer;
};

struct contender {
  const char* name;
  std::uint64_t file_bytes;
  std::function<costs()> run;
  std::vector<costs> runs = {};

  costs median() {
    const auto of = [&](seconds costs::*part) {
      const auto middle = runs.begin() + static_cast<std::ptrdiff_t>(runs.size() / 2);
      std::nth_element(runs.begin(), middle, runs.end(),
                       [part](const costs& a, const costs& b) { return a.*part < b.*part; });
      return (*middle).*part;
    };
    return {of(&costs::open), of(&costs::answer)};
  }
};

// Runs all of them in turn, so that what else the machine does hits all alike: up to max_rounds times, fewer when that
// would take longer than the budget. Three rounds, the least that has a median, may take ten seconds.
void measure(std::vector<contender>& contenders, std::size_t max_rounds, seconds budget) {
  constexpr seconds longest = 10;
  const stopwatch since_start;
  for (std::size_t done = 1; done <= max_rounds; ++done) {
    for (contender& one : contenders)
      one.runs.push_back(one.run());
    const auto rounds = static_cast<double>(done);
    if (since_start.elapsed() * (rounds + 1) / rounds > (done < 3 ? longest : budget))
      return;
  }
}

std::string in_words(seconds time) {
  char text[32];
  if (time < 1e-3)
    std::snprintf(text, sizeof text, "%.1f us", time * 1e6);
  else if (time < 1)
    std::snprintf(text, sizeof text, "%.2f ms", time * 1e3);
  else
    std::snprintf(text, sizeof text, "%.2f s", time);
  return text;
}

std::string size_in_words(std::uint64_t bytes) {
  char text[32];
  const auto kib = static_cast<double>(bytes) / 1024;
  if (kib < 1024)
    std::snprintf(text, sizeof text, "%.1f KiB", kib);
  else
    std::snprintf(text, sizeof text, "%.1f MiB", kib / 1024);
  return text;
}

void print_table(const std::string& title, const char* answer, std::vector<contender>& contenders) {
  const std::size_t num_runs = contenders.front().runs.size();
  std::printf("\n%s (%zu run%s each)\n", title.c_str(), num_runs, num_runs == 1 ? "" : "s");
  std::printf("%-26s %12s %14s %20s %12s\n", "", "file", "open or load", answer, "ratio");
  seconds best = 0;
  for (contender& one : contenders) {
    const costs typical = one.median();
    std::printf("%-26s %12s %14s %20s", one.name, size_in_words(one.file_bytes).c_str(), in_words(typical.open).c_str(),
                in_words(typical.answer).c_str());
    if (best == 0)
      best = typical.answer;
    const double times = typical.answer / best;
    std::printf(times < 10 ? " %10.2g x" : " %10.0f x", times);
    std::printf("\n");
  }
}

// The hand-written file is made durable as petrify's is, so that no disk is busy with it while we measure.
void sync_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return;
  ::fsync(descriptor);
  ::close(descriptor);
}

template <class T>
void save_file(const std::string& path, const T& content, naive::transfer how) {
  {
    std::ofstream out(path, std::ios::binary);
    naive::save(out, content, how);
    out.flush();
    require(out.good(), "cannot write " + path);
  }
  sync_file(path);
}

std::string forest_name(const petrify::file& file) {
  for (const petrify::object_info& object : file.objects())
    if (object.kind == "forest")
      return object.name;
  throw std::invalid_argument(file.path() + ": has no forest, expected one");
}

void compare_forest(const std::string& path, const bench::scratch_directory& scratch) {
  constexpr std::size_t num_rows = 1000;
  const auto file = petrify::file::open(path);
  const std::string name = forest_name(file);
  const petrify::forest forest = file.forest(name);
  const std::vector<float> values = bench::random_rows(forest, num_rows);
  const std::size_t width = forest.num_columns();
  const auto row = [&](std::size_t i) { return std::span(values).subspan(i * width, width); };

  const std::string plain_path = scratch.file("forest.bin");
  {
    const naive::forest plain = naive::copy_of(forest);
    std::uint64_t plain_bytes = 0;
    for (const naive::tree& tree : plain.trees)
      plain_bytes += 16 + tree.nodes.size() * sizeof(naive::node) + tree.values.size() * sizeof(double);
    scratch.require(2 * plain_bytes);
    save_file(plain_path, plain, naive::transfer::in_bulk);
    const std::string other_path = scratch.file("forest_by_element.bin");
    save_file(other_path, plain, naive::transfer::by_element);
    require(std::filesystem::file_size(plain_path) == std::filesystem::file_size(other_path),
            "the two ways to save a forest give files of different size");
    std::filesystem::remove(other_path);
  }

  const std::vector<double> expected = forest.predict_proba(petrify::rows(values.data(), num_rows, width));
  const std::size_t num_classes = expected.size() / num_rows;
  const auto expected_of = [&](std::size_t i) { return std::span(expected).subspan(i * num_classes, num_classes); };
  for (const auto how : {naive::transfer::in_bulk, naive::transfer::by_element}) {
    std::ifstream in(plain_path, std::ios::binary);
    const naive::forest plain = naive::load_forest(in, how);
    for (std::size_t i = 0; i < num_rows; ++i)
      require(std::ranges::equal(plain.predict_proba(row(i)), expected_of(i)),
              "row " + std::to_string(i) + ": the predictions of petrify and of the plain forest differ");
  }

  const auto check = [&](const std::vector<double>& probabilities) {
    require(std::ranges::equal(probabilities, expected_of(0)), "the first prediction of a run is wrong");
  };
  const auto stream = [&](naive::transfer how) {
    const stopwatch watch;
    std::ifstream in(plain_path, std::ios::binary);
    const naive::forest plain = naive::load_forest(in, how);
    const seconds loaded = watch.elapsed();
    const std::vector<double> probabilities = plain.predict_proba(row(0));
    const seconds answered = watch.elapsed();
    check(probabilities);
    return costs{loaded, answered};
  };
  const auto mapped = [&](petrify::trust vouched) {
    const stopwatch watch;
    const auto opened = petrify::file::open(path);
    const petrify::forest model = opened.forest(name, vouched);
    const seconds open = watch.elapsed();
    const std::vector<double> probabilities = model.predict_proba(petrify::row_view(row(0)));
    const seconds answered = watch.elapsed();
    check(probabilities);
    return costs{open, answered};
  };
  const std::uint64_t plain_bytes = std::filesystem::file_size(plain_path);
  std::vector<contender> contenders{
      {"petrify", file.size_bytes(), [&] { return mapped(petrify::trust::nothing); }},
      // The streams check no node; this does not either.
      {"petrify, nodes unchecked", file.size_bytes(), [&] { return mapped(petrify::trust::caller); }},
      {"stream, vector by vector", plain_bytes, [&] { return stream(naive::transfer::in_bulk); }},
      {"stream, value by value", plain_bytes, [&] { return stream(naive::transfer::by_element); }},
  };
  measure(contenders, 201, 3);
  print_table("forest \"" + name + "\": " + std::to_string(forest.num_trees()) + " trees, " +
                  std::to_string(forest.num_nodes()) + " nodes",
              "+ first prediction", contenders);
}

void compare_array(std::uint64_t array_mb, const bench::scratch_directory& scratch) {
  const std::uint64_t num_elements = (array_mb << 20) / sizeof(float);
  const std::uint64_t position = num_elements / 2;
  scratch.require(2 * (array_mb << 20));
  const std::string path = scratch.file("array.stone");
  const std::string plain_path = scratch.file("array.bin");
  bench::write_sample_array(path, num_elements);

  const auto file = petrify::file::open(path);
  {
    const auto view = file.array<float>("array");
    naive::array plain{{view.shape().begin(), view.shape().end()}, {}};
    plain.elements.assign(view.elements().begin(), view.elements().end());
    save_file(plain_path, plain, naive::transfer::in_bulk);
  }
  for (const auto how : {naive::transfer::in_bulk, naive::transfer::by_element}) {
    std::ifstream in(plain_path, std::ios::binary);
    const naive::array plain = naive::load_array(in, how);
    const auto view = file.array<float>("array");
    require(std::ranges::equal(plain.shape, view.shape()) && view.size() == num_elements, "the arrays' shapes differ");
    for (std::uint64_t i = 0; i < num_elements; ++i)
      if (plain.elements[i] != bench::sample_element(i) || view.data()[i] != bench::sample_element(i))
        throw wrong_answer("element " + std::to_string(i) + " of the array is wrong");
  }

  const auto check = [&](float element) {
    require(element == bench::sample_element(position), "the first element of a run is wrong");
  };
  const auto stream = [&](naive::transfer how) {
    const stopwatch watch;
    std::ifstream in(plain_path, std::ios::binary);
    const naive::array plain = naive::load_array(in, how);
    const seconds loaded = watch.elapsed();
    const float element = plain.elements[position];
    const seconds answered = watch.elapsed();
    check(element);
    return costs{loaded, answered};
  };
  const auto mapped = [&] {
    const stopwatch watch;
    const auto opened = petrify::file::open(path);
    const auto view = opened.array<float>("array");
    const seconds open = watch.elapsed();
    const float element = view(position);
    const seconds answered = watch.elapsed();
    check(element);
    return costs{open, answered};
  };
  const std::uint64_t plain_bytes = std::filesystem::file_size(plain_path);
  std::vector<contender> contenders{
      {"petrify", file.size_bytes(), mapped},
      {"stream, vector by vector", plain_bytes, [&] { return stream(naive::transfer::in_bulk); }},
      {"stream, value by value", plain_bytes, [&] { return stream(naive::transfer::by_element); }},
  };
  measure(contenders, 5, 4);
  print_table("array: " + std::to_string(num_elements) + " elements of float32", "+ one element", contenders);
}

constexpr const char* usage = "usage: petrify_demo_costs FILE.stone [--array-mb N]\n"
                              "  FILE.stone     a forest that petrify convert made\n"
                              "  --array-mb N   size of the array in MiB, 1 to 65536 (256); twice that is written to\n"
                              "                 $TMPDIR and removed again\n";

int fail_usage() {
  std::fputs(usage, stderr);
  return 2;
}

} // namespace

int main(int argc, char** argv) {
  std::string path;
  std::uint64_t array_mb = 256;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--help")
      return std::fputs(usage, stdout) < 0 ? 2 : 0;
    if (word == "--array-mb" && i + 1 < argc) {
      const std::string_view number = argv[++i];
      const auto parsed = std::from_chars(number.data(), number.data() + number.size(), array_mb);
      if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size() || array_mb < 1 || array_mb > 65536)
        return fail_usage();
    } else if (!path.empty() || word.starts_with("--")) {
      return fail_usage();
    } else {
      path = word;
    }
  }
  if (path.empty())
    return fail_usage();

  try {
    const bench::scratch_directory scratch;
    for (const auto& [name, value] : bench::environment())
      std::printf("%-9s %s\n", name.c_str(), value.c_str());
    std::printf("%-9s medians of interleaved runs; files are in the page cache; answers were compared first\n",
                "method");
    compare_forest(path, scratch);
    compare_array(array_mb, scratch);
    return 0;
  } catch (const wrong_answer& difference) {
    std::fprintf(stderr, "petrify_demo_costs: answers differ: %s\n", difference.what());
    return 1;
  } catch (const bench::no_room& shortage) {
    std::fprintf(stderr, "petrify_demo_costs: not enough disk: %s; --array-mb makes a smaller array\n",
                 shortage.what());
    return 2;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "petrify_demo_costs: %s\n", failure.what());
    return 2;
  }
}
