// Files brought into the page cache, and out of it.
#pragma once

#include <string>

namespace compare {

// Reads the whole file.
void bring_in(const std::string& path);
// Writes the file back and asks the system to drop its pages; nobody may have it mapped. Returns the share of them that
// stayed. Throws: std::system_error.
double drop(const std::string& path);
// Of a file that counts as dropped: the system may read a page again at any time.
inline constexpr double most_that_may_stay = 0.01;
// drop, for who needs the file gone. Throws also: std::runtime_error when more stayed.
void throw_out(const std::string& path);

} // namespace compare
