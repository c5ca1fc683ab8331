// durability: what writer::commit waits for.
#pragma once

#include <petrify/version.hpp>

#include <cstdint>

namespace petrify::inline v0 {

// In both cases a reader finds the old file or the new one, whole, at every moment, and so does who comes after a
// writer that was killed. They differ when the machine itself fails.
enum class durability : std::uint8_t {
  // The disk has the file when commit returns: it survives a power cut. Cost: what the disk needs for all of it.
  synced,
  // The system writes it when it likes. After a power cut soon after, the path may have the old file, the new one, or
  // one of any size up to the new one's in which bytes are missing. open refuses it when the header or the directory
  // are hit; that elements are missing, only verify finds. For files that can be made again, and for file systems in
  // memory, where both are the same.
  unsynced,
};

} // namespace petrify::inline v0
