// An array of a container: its description checked against its segments.
#pragma once

#include "container/container.hpp"

#include <petrify/array.hpp>

namespace petrify::inline v0 {

// View of object `index`, which must be an array. Cost: linear in its rank. Throws: errc::malformed.
any_array array_of(const container& from, std::size_t index);

// Checks the texts of a string array: order of their ends, UTF-8. Appends at most one fault.
void verify_array(const container& from, std::size_t index, std::vector<error>& faults);

// The order that is written: row-major where both orders are the same, so that equal content gives equal bytes.
axis_order canonical_order(axis_order order, std::span<const std::uint64_t> shape);

// Throws errc::invalid_argument when `elements` are not what type, item size and shape say.
void check_elements(dtype type, std::uint32_t item_size, std::uint64_t elements_bytes,
                    std::span<const std::uint64_t> shape);

} // namespace petrify::inline v0
