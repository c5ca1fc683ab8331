// Everything a program can do with what is in a file.
#pragma once

#include <petrify/file.hpp>

namespace petrify::fuzz {

// Each throws petrify::error where a file is refused, and stops the process where an invariant is broken.
void use_array(const file& from, const std::string& name);
void use_value(const file& from, const std::string& name);
void use_record(const file& from, const std::string& name);
void use_forest(const file& from, const std::string& name);
// What was set beside an object of any kind.
void use_attributes(const file& from, const std::string& name);

} // namespace petrify::fuzz
