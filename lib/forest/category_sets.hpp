// Category sets of a forest under construction: equal ones are kept once.
#pragma once

#include <petrify/version.hpp>

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace petrify::inline v0 {

class category_sets {
public:
  // Where in `words` the set of these members, in any order, begins; it is added if it is new. Cost: a search among the
  // sets that there are; a new one besides is linear in its largest member.
  // Throws: errc::invalid_argument for a member that no origin has; errc::limit_exceeded when sets take much more room
  // than their members: a member of 2^24 costs 2 MiB.
  std::uint32_t intern(std::span<const std::uint32_t> members, std::vector<std::uint32_t>& words);

private:
  // By ascending members. No hash table, which sets can be made for.
  std::map<std::vector<std::uint32_t>, std::uint32_t> begins_;
  std::uint64_t num_members_ = 0; // of all sets here, and their words
  std::uint64_t num_words_ = 0;
};

} // namespace petrify::inline v0
