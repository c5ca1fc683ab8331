// layout_choice: in which form a forest's nodes are written.
#pragma once

#include <cstdint>

namespace petrify::inline v0 {

// Every form gives the same predictions. What a forest cannot have is refused by name.
enum class layout_choice : std::uint8_t {
  automatic, // nodes of 8 bytes where they fit, else of 16; dense tables beside them where these are no larger
  nodes,     // the same nodes alone: the smallest file
  n8,        // nodes of 8 bytes alone
  n16,       // nodes of 16 bytes alone
  dense,     // the same nodes, and dense tables beside them however large these are
};

// "auto", "nodes", "n8", "n16", "dense".
const char* to_string(layout_choice choice) noexcept;

} // namespace petrify::inline v0
