// The sample array of sample_array.hpp as something to be saved: from memory, or piece by piece.
#pragma once

#include "sample_array.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bench {

// float32 elements and the lengths of their axes.
class sample_source {
public:
  static constexpr std::size_t floats_a_piece = std::size_t{1} << 20; // 4 MiB

  // Elements are made when they are asked for, in pieces of 4 MiB: memory does not grow with the array.
  explicit sample_source(std::vector<std::uint64_t> shape) : shape_(std::move(shape)) {
    for (const std::uint64_t length : shape_)
      size_ *= length;
  }
  // The same, held in memory, which must outlive the source.
  sample_source(std::vector<std::uint64_t> shape, const std::vector<float>& memory) : sample_source(std::move(shape)) {
    memory_ = &memory;
  }

  const std::vector<std::uint64_t>& shape() const { return shape_; }
  std::uint64_t size() const { return size_; }
  std::uint64_t size_bytes() const { return size_ * sizeof(float); }
  // Null where elements are made piece by piece.
  const std::vector<float>* memory() const { return memory_; }

  // Calls take(span of elements) for all of them in order; once for all where they are in memory. The first piece may
  // be shorter than the others, for who has written something before it.
  template <class Take>
  void for_each_piece(Take take, std::size_t first_piece = floats_a_piece) const {
    if (memory_ != nullptr)
      return take(std::span<const float>(*memory_));
    std::vector<float> piece(static_cast<std::size_t>(std::min<std::uint64_t>(size_, floats_a_piece)));
    std::size_t wanted = std::min(first_piece, piece.size());
    for (std::uint64_t first = 0; first < size_;) {
      const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, size_ - first));
      fill(std::span(piece).first(count), first);
      take(std::span<const float>(piece).first(count));
      first += count;
      wanted = piece.size();
    }
  }

  // Elements `first`, `first` + 1, ...
  static void fill(std::span<float> out, std::uint64_t first) {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = sample_element(first + i);
  }

private:
  std::vector<std::uint64_t> shape_;
  std::uint64_t size_ = 1;
  const std::vector<float>* memory_ = nullptr;
};

// The sum of the first `count` elements of the sample. It is a float64 sum in any order, bit for bit, as long as no
// partial sum passes 2^53, which is an array of 4 GiB.
inline std::uint64_t sum_of_sample(std::uint64_t count) {
  constexpr std::uint64_t period = std::uint64_t{1} << 24;
  const std::uint64_t rest = count % period;
  return count / period * (period / 2 * (period - 1)) + (rest == 0 ? 0 : rest * (rest - 1) / 2);
}

} // namespace bench
