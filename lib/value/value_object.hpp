// Values and records of a container.
#pragma once

#include "container/container.hpp"
#include "value/value_node.hpp"

namespace petrify::inline v0 {

// The table of object `index`, which must be a value: its segments, whose contents are not checked.
// Throws: errc::malformed.
value_table value_table_of(const container& from, std::size_t index);

// The bytes of object `index`, which must be a record. Throws: errc::malformed.
std::span<const std::byte> record_of(const container& from, std::size_t index);

// Checks the values, or the record as far as it can be checked without its schema. Appends at most one fault.
void verify_value(const container& from, std::size_t index, std::vector<error>& faults);
void verify_record(const container& from, std::size_t index, std::vector<error>& faults);

// Checks the attributes of object `index`, whatever its kind. Appends at most one fault.
void verify_attributes(const container& from, std::size_t index, std::vector<error>& faults);

} // namespace petrify::inline v0
