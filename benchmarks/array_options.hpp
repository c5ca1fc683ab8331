// The options of the programs that measure arrays: where files go, and how large they are.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

struct array_options {
  std::filesystem::path parent; // of the scratch directory; empty: $TMPDIR
  std::vector<std::uint64_t> sizes_mib;
  std::uint64_t copied_up_to_mib = 1024; // what contenders that copy the file are asked to load
};

// Takes --dir DIRECTORY, --sizes-mb N,N,... and --copied-up-to-mb N out of main's arguments.
// Throws: std::invalid_argument.
inline array_options take_array_options(std::vector<std::string>& arguments, std::vector<std::uint64_t> default_sizes) {
  array_options out;
  out.sizes_mib = std::move(default_sizes);
  const auto size_of = [](std::string_view text) {
    std::uint64_t mib = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), mib);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || mib < 1 || mib > 4096)
      throw std::invalid_argument("a size is \"" + std::string(text) + "\", expected MiB from 1 to 4096");
    return mib;
  };
  std::vector<std::string> rest;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string word = arguments[i];
    if (word != "--dir" && word != "--sizes-mb" && word != "--copied-up-to-mb") {
      rest.push_back(word);
      continue;
    }
    if (++i == arguments.size())
      throw std::invalid_argument(word + " needs a value");
    const std::string_view value = arguments[i];
    if (word == "--dir") {
      out.parent = value;
    } else if (word == "--copied-up-to-mb") {
      out.copied_up_to_mib = size_of(value);
    } else {
      out.sizes_mib.clear();
      for (std::size_t at = 0; at <= value.size();) {
        const std::size_t comma = std::min(value.find(',', at), value.size());
        out.sizes_mib.push_back(size_of(value.substr(at, comma - at)));
        at = comma + 1;
      }
    }
  }
  arguments = std::move(rest);
  return out;
}

} // namespace bench
