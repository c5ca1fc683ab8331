// Which version of a name is current.
#pragma once

#include "store/name_folder.hpp"

#include <cstdint>

namespace petrify::inline v0 {

// The version that CURRENT names. Where CURRENT is missing or damaged, or names one that is not there, the newest
// version that opens; one that the system refuses to open is an error. Throws: errc::not_found where there is none;
// what opening the newest one throws where none opens; errc::io.
std::uint64_t current_of(const name_folder& of);

// Makes a version current for good: when it returns, the disk has it. Only for who has the folder's lock.
// Throws: errc::io.
void make_current(const name_folder& of, std::uint64_t number);

} // namespace petrify::inline v0
