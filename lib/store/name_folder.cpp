#include "store/name_folder.hpp"

#include "base/checksum.hpp"
#include "base/fail.hpp"
#include "mapping/folder.hpp"

#include <algorithm>
#include <charconv>
#include <span>

namespace petrify::inline v0 {

namespace {

constexpr std::string_view version_suffix = ".stone";
constexpr std::size_t max_name_bytes = 128;
constexpr std::size_t max_digits = 18; // of a number that a CURRENT or file name may have
constexpr std::size_t hex_digits = 16;

bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Decimal, without leading zeros, from 1 on.
std::optional<std::uint64_t> parse_number(std::string_view digits) {
  std::uint64_t out = 0;
  if (digits.empty() || digits.size() > max_digits || digits[0] == '0')
    return std::nullopt;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (failure != std::errc() || end != digits.data() + digits.size())
    return std::nullopt;
  return out;
}

std::string hex_checksum(std::string_view digits) {
  constexpr std::string_view letters = "0123456789abcdef";
  const std::uint64_t sum = checksum(std::as_bytes(std::span(digits)));
  std::string out;
  for (std::size_t i = 0; i < hex_digits; ++i)
    out += letters[sum >> (4 * (hex_digits - 1 - i)) & 15];
  return out;
}

} // namespace

std::string path_in(const std::string& folder, std::string_view entry) {
  std::string out = folder.empty() ? "." : folder;
  if (!out.ends_with('/'))
    out += '/';
  return out.append(entry);
}

std::string version_file_name(std::uint64_t number) { return text(number, version_suffix); }

std::optional<std::uint64_t> number_of(std::string_view file_name) {
  if (!file_name.ends_with(version_suffix))
    return std::nullopt;
  return parse_number(file_name.substr(0, file_name.size() - version_suffix.size()));
}

std::string current_text(std::uint64_t number) {
  const std::string digits = text(number);
  return text(digits, ' ', hex_checksum(digits), '\n');
}

std::optional<std::uint64_t> parse_current(std::string_view whole) {
  const std::string_view digits = whole.substr(0, whole.find(' '));
  const std::optional<std::uint64_t> number = parse_number(digits);
  return number && whole == current_text(*number) ? number : std::nullopt;
}

bool is_store_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= max_name_bytes && (is_letter_or_digit(name[0]) || name[0] == '_') &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

name_folder::name_folder(const std::string& store_folder, std::string_view name)
    : name_(name), path_(path_in(store_folder, name)), versions_path_(path_in(path_, "versions")) {
  if (!is_store_name(name))
    throw error(errc::invalid_argument, store_folder, text("name ", quoted(name)),
                "expected 1 to 128 of A-Z, a-z, 0-9, '.', '_' and '-', the first a letter, a digit or '_'");
}

std::vector<std::uint64_t> name_folder::versions() const {
  std::vector<std::uint64_t> out;
  if (const auto files = names_in(versions_path_))
    for (const std::string& file : *files)
      if (const auto number = number_of(file))
        out.push_back(*number);
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<std::uint64_t> name_folder::named_current() const {
  // One byte more than it may have, so that a longer one is seen as damaged.
  const auto whole = read_small_file(current_path(), max_digits + hex_digits + 3);
  return whole ? parse_current(*whole) : std::nullopt;
}

void name_folder::fail_empty() const {
  throw error(errc::not_found, path_, {}, "the store has no version of this name, expected one that was published");
}

void name_folder::fail_without(std::uint64_t number) const {
  const std::vector<std::uint64_t> numbers = versions();
  if (numbers.empty())
    fail_empty();
  constexpr std::size_t shown = 10;
  std::string list;
  for (std::size_t i = numbers.size() > shown ? numbers.size() - shown : 0; i < numbers.size(); ++i)
    list += text(list.empty() ? (numbers.size() > shown ? "..., " : "") : ", ", numbers[i]);
  throw error(errc::not_found, path_, text("version ", number), text("is not there, expected one of ", list));
}

} // namespace petrify::inline v0
