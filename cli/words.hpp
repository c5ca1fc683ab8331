// Words for people: sizes, shapes, counts.
#pragma once

#include <petrify/file.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace petrify::cli {

// "900 bytes", "13.6 KiB", "1.5 GiB".
std::string size_words(std::uint64_t bytes);
// "(38, 4)", "(3,)", "()": as numpy writes shapes.
std::string shape_words(std::span<const std::uint64_t> shape);
// "1 tree", "2 trees".
std::string count_words(std::uint64_t count, std::string_view noun);
// With that many digits behind the point: "0.12".
std::string fixed_words(double x, int digits);

// The beginning of a value, as Python writes it: "{'depth': 7, 'names': ['a', 'b'], ..."; at most about `limit` bytes.
std::string value_words(const value_view& value, std::size_t limit = 100);

// The name of the forest that is meant: `name`, or when that is empty the file's only forest, or else "model".
// Throws: errc::not_found when the file has no forest, or several and none is called "model".
std::string forest_name(const file& from, const std::string& name);

} // namespace petrify::cli
