// Files brought into the page cache, and out of it.
#pragma once

#include <string>

namespace compare {

// Reads the whole file.
void bring_in(const std::string& path);
// Writes the file back and asks the system to drop its pages; nobody may have it mapped.
// Throws: std::runtime_error when more than one page in a hundred stayed.
void throw_out(const std::string& path);

} // namespace compare
