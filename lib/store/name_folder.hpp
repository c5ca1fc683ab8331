// The files of one name in a store: where they are, what they are called, what CURRENT says.
#pragma once

#include <petrify/version.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::inline v0 {

// Path of `entry` in `folder`.
std::string path_in(const std::string& folder, std::string_view entry);

// The greatest number that a version can have: 18 digits.
inline constexpr std::uint64_t max_version = 999'999'999'999'999'999;

// "12.stone", and back: nullopt for anything that version_file_name would not give.
std::string version_file_name(std::uint64_t number);
std::optional<std::uint64_t> number_of(std::string_view file_name);

// What a CURRENT file holds: "12 ", 16 hexadecimal digits of the checksum of "12", and a newline. And back: nullopt for
// anything else.
std::string current_text(std::uint64_t number);
std::optional<std::uint64_t> parse_current(std::string_view text);

// Whether names of a store may be so.
bool is_store_name(std::string_view name) noexcept;

class name_folder {
public:
  // Throws: errc::invalid_argument for a name that is none.
  name_folder(const std::string& store_folder, std::string_view name);

  const std::string& name() const noexcept { return name_; }
  const std::string& path() const noexcept { return path_; }
  const std::string& versions_path() const noexcept { return versions_path_; }
  std::string current_path() const { return path_in(path_, "CURRENT"); }
  std::string version_path(std::uint64_t number) const { return path_in(versions_path_, version_file_name(number)); }

  // Numbers of the versions, ascending; empty where there is no such name. Throws: errc::io.
  std::vector<std::uint64_t> versions() const;
  // What CURRENT says; nullopt where it is missing or damaged. Throws: errc::io.
  std::optional<std::uint64_t> named_current() const;

  // Throws errc::not_found: there is no version, or not this one.
  [[noreturn]] void fail_empty() const;
  [[noreturn]] void fail_without(std::uint64_t number) const;

private:
  std::string name_;
  std::string path_;
  std::string versions_path_;
};

} // namespace petrify::inline v0
