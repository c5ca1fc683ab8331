// Content of files that follows from a number: for programs that kill writers and look at what is left.
#pragma once

#include <petrify/file.hpp>
#include <petrify/writer.hpp>

#include <algorithm>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace petrify::test {

// How large it gets.
struct content_sizes {
  std::uint64_t one_in; // so many have up to most_numbers numbers, the others up to few_numbers
  std::uint64_t most_numbers;
  std::uint64_t few_numbers;
  std::uint64_t bytes;
  std::uint64_t texts;
};

// A mix-up of two numbers shows in every array.
class numbered_content {
public:
  numbered_content(std::uint64_t number, const content_sizes& sizes) : number_(number) {
    std::mt19937_64 random(number);
    numbers_.resize(random() % sizes.one_in == 0 ? random() % sizes.most_numbers : random() % sizes.few_numbers);
    for (std::uint64_t i = 0; i < numbers_.size(); ++i)
      numbers_[i] = number * 0x9e3779b97f4a7c15 + i;
    bytes_.assign(random() % sizes.bytes, static_cast<std::uint8_t>(number));
    for (std::uint64_t i = random() % sizes.texts; i > 0; --i)
      texts_.push_back(std::to_string(number * i));
  }

  void add_to(writer& out) const {
    out.add("number", std::vector<std::uint64_t>{number_});
    out.add("numbers", numbers_);
    out.add("bytes", bytes_);
    out.add("texts", texts_);
  }

  // The number of what is in a file, every element of which is compared. Throws: std::runtime_error.
  static std::uint64_t number_in(const file& in, const content_sizes& sizes) {
    const std::uint64_t number = in.array<std::uint64_t>("number")(0);
    if (!numbered_content(number, sizes).is_in(in))
      throw std::runtime_error(in.path() + " says that it is " + std::to_string(number) +
                               ", but has another one's content");
    return number;
  }

private:
  bool is_in(const file& in) const {
    const auto numbers = in.array<std::uint64_t>("numbers").elements();
    const auto bytes = in.array<std::uint8_t>("bytes").elements();
    const auto texts = in.strings("texts");
    bool same = std::equal(numbers.begin(), numbers.end(), numbers_.begin(), numbers_.end()) &&
                std::equal(bytes.begin(), bytes.end(), bytes_.begin(), bytes_.end()) && texts.size() == texts_.size();
    for (std::uint64_t i = 0; same && i < texts.size(); ++i)
      same = texts[i] == texts_[i];
    return same;
  }

  std::uint64_t number_;
  std::vector<std::uint64_t> numbers_;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::string> texts_;
};

} // namespace petrify::test
