// A petrify file taken apart: the directory as objects, segments as bytes. Put together again everything that follows
// from these is right: places, digests, checksums. So a mutation reaches the checks behind the checksums.
#pragma once

#include "directory_generated.h" // with flatc's object API

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace petrify::fuzz {

struct stone_file {
  fbs::DirectoryT directory;
  std::vector<std::vector<std::byte>> segments;

  // nullopt where there is too little order to take apart.
  static std::optional<stone_file> take_apart(std::span<const std::byte> file);
  // Places, sizes and digests are the rule's; everything else of the directory stays as it is. `last`, if given,
  // changes the directory behind those.
  std::vector<std::byte> put_together(const std::function<void(fbs::DirectoryT&)>& last = {});
};

// Makes the checksums of a file right for whatever bytes it has, as far as its header can be followed.
void seal(std::span<std::byte> file);

} // namespace petrify::fuzz
