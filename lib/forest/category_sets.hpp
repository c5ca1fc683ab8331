// Category sets of a forest under construction: equal ones are kept once.
#pragma once

#include <petrify/version.hpp>

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace petrify::inline v0 {

class category_sets {
public:
  // Where in `words` the set of these members begins; it is added if it is new. Cost: linear in the largest member.
  // Throws: errc::limit_exceeded when sets take much more room than their members: a member of 2^24 costs 2 MiB.
  std::uint32_t intern(std::span<const std::uint32_t> members, std::vector<std::uint32_t>& words);

private:
  std::unordered_multimap<std::uint64_t, std::uint32_t> begins_; // by checksum
  std::vector<std::uint32_t> scratch_;
  std::uint64_t num_members_ = 0;
};

} // namespace petrify::inline v0
