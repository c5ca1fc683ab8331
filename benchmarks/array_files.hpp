// Array files of all contenders and sizes, each made and checked when a benchmark first asks for it: a filter leaves
// out the time and the disk that the others need.
#pragma once

#include "array_contenders.hpp"
#include "array_options.hpp"
#include "scratch_directory.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bench {

// A contender cannot do what it is asked.
struct skipped : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Throws: std::runtime_error unless the array is the sample, each element of it.
inline void require_sample(const open_array& array, const std::vector<std::uint64_t>& shape, const std::string& what) {
  const auto elements = array.elements();
  if (!std::ranges::equal(array.shape(), shape) || elements.size() != sample_source(shape).size())
    throw std::runtime_error(what + ": the array has another shape than the one written");
  for (std::size_t i = 0; i < elements.size(); ++i)
    if (elements[i] != sample_element(i))
      throw std::runtime_error(what + ": element " + std::to_string(i) + " is " + std::to_string(elements[i]) +
                               ", expected " + std::to_string(sample_element(i)));
}

class array_files {
public:
  // row_floats: 0 for arrays of rank 1, else the length of their rows.
  explicit array_files(const std::filesystem::path& parent, std::uint64_t row_floats = 0)
      : scratch_(parent), row_floats_(row_floats) {}

  const scratch_directory& scratch() const { return scratch_; }

  std::vector<std::uint64_t> shape(std::uint64_t mib) const {
    const std::uint64_t count = (mib << 20) / sizeof(float);
    return row_floats_ == 0 ? std::vector{count} : std::vector{count / row_floats_, row_floats_};
  }

  // A file that this contender has read back, every element. Throws: no_room, skipped, std::exception.
  const std::string& path(const array_contender& contender, std::uint64_t mib) {
    const std::string& made = make(contender, mib);
    if (checked_.insert({contender.name(), mib}).second)
      require_sample(*contender.open(made), shape(mib), std::string(contender.name()));
    return made;
  }

  // The file, open, and its memory touched. It stays open. Throws: as path.
  const open_array& open(const array_contender& contender, std::uint64_t mib) {
    std::unique_ptr<open_array>& held = open_[{contender.name(), mib}];
    if (held == nullptr) {
      held = contender.open(make(contender, mib));
      require_sample(*held, shape(mib), std::string(contender.name()));
    }
    return *held;
  }

private:
  using key = std::pair<std::string_view, std::uint64_t>;

  const std::string& make(const array_contender& contender, std::uint64_t mib) {
    if (const auto reason = contender.why_not(mib << 20))
      throw skipped(*reason);
    std::string& path = paths_[{contender.format(), mib}];
    if (path.empty()) {
      scratch_.require(mib << 20);
      const std::string wanted = scratch_.file(std::to_string(mib) + '.' + std::string(contender.format()));
      // Synced, so that no disk is busy with it while something is measured.
      contender.save(wanted, sample_source(shape(mib)), durability::synced);
      path = wanted;
    }
    return path;
  }

  scratch_directory scratch_;
  std::uint64_t row_floats_;
  std::map<key, std::string> paths_;
  std::set<key> checked_;
  std::map<key, std::unique_ptr<open_array>> open_;
};

inline std::string size_in_words(std::uint64_t mib) {
  return mib < 1024 || mib % 1024 != 0 ? std::to_string(mib) + "_MiB" : std::to_string(mib / 1024) + "_GiB";
}

// Registers `what/SIZE/CONTENDER`; the caller says by which clock. Body is called with the benchmark's state; what it
// throws becomes the row's text, and a failure of the program unless it is a lack of room or of a way.
template <class Body>
benchmark::internal::Benchmark* register_array(const std::string& what, std::uint64_t mib, std::string_view contender,
                                               Body body) {
  const auto run = [body](benchmark::State& state) {
    try {
      body(state);
    } catch (const no_room& shortage) {
      state.SkipWithError(("skipped, not enough disk: " + std::string(shortage.what())).c_str());
    } catch (const skipped& reason) {
      state.SkipWithError(("skipped: " + std::string(reason.what())).c_str());
    } catch (const std::exception& failure) {
      state.SkipWithError(failure.what());
    }
  };
  const std::string name = what + '/' + size_in_words(mib) + '/' + std::string(contender);
  return benchmark::RegisterBenchmark(name.c_str(), run)->Unit(benchmark::kMicrosecond);
}

// Registers body(state, path of the contender's file) for each contender and size: questions that begin with opening.
// Contenders that copy are asked up to options.copied_up_to_mib; the one that reads element by element is run once
// where that takes seconds.
template <class Body>
void register_opening(const std::string& what, const array_options& options,
                      const std::vector<const array_contender*>& contenders, array_files& files, Body body) {
  for (const std::uint64_t mib : options.sizes_mib)
    for (const array_contender* one : contenders) {
      if (!one->is_mapped() && mib > options.copied_up_to_mib)
        continue;
      auto* registered = register_array(what, mib, one->name(), [&files, one, mib, body](benchmark::State& state) {
        body(state, *one, files.path(*one, mib));
      });
      registered->UseRealTime();
      if (one->name() == "stream_elements" && mib >= 256)
        registered->Repetitions(1);
    }
}

// A column beside the time: 10^9 bytes of payload a second.
inline benchmark::Counter gigabytes(std::uint64_t mib) {
  return {static_cast<double>(mib << 20) / 1e9, benchmark::Counter::kIsIterationInvariantRate};
}

} // namespace bench
