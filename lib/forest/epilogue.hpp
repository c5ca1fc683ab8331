// The epilogue: from a row's sums to its raw score and its final columns (docs/format.md, "Epilogue").
#pragma once

#include "container/format.hpp"

#include <petrify/error.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace petrify::inline v0 {

struct epilogue_entry {
  epilogue_op op = epilogue_op::none;
  double parameter = 0;
  std::uint32_t column = 0;
};

// How many columns an epilogue makes of an output's sums.
struct column_counts {
  std::uint32_t sums = 0;
  std::uint32_t raw = 0;
  std::uint32_t final = 0;
};

// Checks the operations against the sums of each output and returns what they make of them.
// Throws: `wrong` with the place of the operation; errc::unsupported for one that is not known.
std::vector<column_counts> check_epilogue(std::span<const epilogue_entry> epilogue, std::uint32_t num_raw_ops,
                                          std::span<const std::uint32_t> output_widths, errc wrong);

} // namespace petrify::inline v0
