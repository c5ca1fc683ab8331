#include "forest/category_sets.hpp"

#include "base/checksum.hpp"
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
  std::uint32_t num_words = 0;
  for (const std::uint32_t member : members) {
    if (member > max_category)
      fail(errc::invalid_argument, {}, "category ", member, ", expected at most ", max_category);
    num_words = std::max(num_words, member / 32 + 1);
  }
  scratch_.assign(1 + num_words, 0);
  scratch_[0] = num_words;
  for (const std::uint32_t member : members)
    scratch_[1 + member / 32] |= 1u << member % 32;
  const std::uint64_t sum = checksum(std::as_bytes(std::span(scratch_)));
  const auto [first, last] = begins_.equal_range(sum);
  for (auto at = first; at != last; ++at)
    if (words.size() - at->second >= scratch_.size() &&
        std::equal(scratch_.begin(), scratch_.end(), words.begin() + at->second))
      return at->second;
  num_members_ += members.size();
  if (words.size() + scratch_.size() > free_words + 64 * num_members_ || words.size() > 0xfffffff0u - scratch_.size())
    fail(errc::limit_exceeded, "category sets", words.size() + scratch_.size(), " words for ", num_members_,
         " members, expected fewer, or smaller category numbers");
  const auto begin = static_cast<std::uint32_t>(words.size());
  words.insert(words.end(), scratch_.begin(), scratch_.end());
  begins_.emplace(sum, begin);
  return begin;
}

} // namespace petrify::inline v0
