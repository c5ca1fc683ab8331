#include "forest/category_sets.hpp"

#include "base/fail.hpp"

#include <algorithm>

namespace petrify::inline v0 {

namespace {

// No origin has categories from 2^24 on: their float32 would not tell neighbours apart.
constexpr std::uint32_t max_category = (1u << 24) - 1;
// Words that sets may take beside 64 for each of their members.
constexpr std::uint64_t free_words = std::uint64_t{1} << 22;

} // namespace

std::uint32_t category_sets::intern(std::span<const std::uint32_t> members, std::vector<std::uint32_t>& words) {
  std::vector<std::uint32_t> ascending(members.begin(), members.end());
  if (!std::is_sorted(ascending.begin(), ascending.end()))
    std::sort(ascending.begin(), ascending.end());
  ascending.erase(std::unique(ascending.begin(), ascending.end()), ascending.end());
  if (!ascending.empty() && ascending.back() > max_category)
    fail(errc::invalid_argument, {}, "category ", ascending.back(), ", expected at most ", max_category);
  const auto known = begins_.find(ascending);
  if (known != begins_.end())
    return known->second;
  const std::uint64_t num_words = ascending.empty() ? 0 : ascending.back() / 32 + 1;
  num_members_ += ascending.size();
  num_words_ += 1 + num_words;
  if (num_words_ > free_words + 64 * num_members_ || words.size() + 1 + num_words > 0xfffffff0u)
    fail(errc::limit_exceeded, "category sets", num_words_, " words for ", num_members_,
         " members, expected fewer, or smaller category numbers");
  const auto begin = static_cast<std::uint32_t>(words.size());
  words.resize(words.size() + 1 + num_words);
  words[begin] = static_cast<std::uint32_t>(num_words);
  for (const std::uint32_t member : ascending)
    words[begin + 1 + member / 32] |= 1u << member % 32;
  begins_.emplace(std::move(ascending), begin);
  return begin;
}

} // namespace petrify::inline v0
