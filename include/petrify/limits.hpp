// limits: how much a file may ask of its reader before it is refused.
#pragma once

#include <petrify/version.hpp>

#include <cstdint>

namespace petrify::inline v0 {

// Opening reads the directory into memory; these bound what a hostile file can make it cost. A file beyond a limit
// gives errc::limit_exceeded with the number and the limit.
struct limits {
  // Bytes of the directory. The format itself allows no more than the default.
  std::uint64_t max_directory_bytes = std::uint64_t{64} << 20;
  // Named objects in one file.
  std::uint64_t max_objects = std::uint64_t{1} << 20;
  // Bytes of the whole file. Opening costs nothing for large files, but prefault, locked and private_copy take that
  // much memory, and a sparse file of any length costs its sender nothing.
  std::uint64_t max_file_bytes = ~std::uint64_t{0};
};

} // namespace petrify::inline v0
