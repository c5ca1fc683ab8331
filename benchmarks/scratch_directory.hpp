// scratch_directory: a folder for large files that goes away with its owner.
#pragma once

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

#include <stdlib.h>

namespace bench {

// There is not enough disk for what a benchmark wants to write.
struct no_room : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class scratch_directory {
public:
  // In `parent`; empty: in $TMPDIR, else where temporary files go. Throws: std::system_error.
  explicit scratch_directory(const std::filesystem::path& parent = {}) {
    const auto base = parent.empty() ? std::filesystem::temp_directory_path() : parent;
    std::string name = (base / "petrify-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), name);
    path_ = name;
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  ~scratch_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string file(const std::string& name) const { return (path_ / name).string(); }

  // Throws no_room when fewer than `bytes` are free. An eighth more is asked for, so that the disk is not filled to
  // the last block under everybody else.
  void require(std::uint64_t bytes) const {
    const std::uint64_t needed = bytes + bytes / 8;
    const std::uint64_t free = std::filesystem::space(path_).available;
    if (free < needed)
      throw no_room("needs " + std::to_string(needed >> 20) + " MiB in " + path_.parent_path().string() +
                    ", which has " + std::to_string(free >> 20) + " MiB free; TMPDIR names another folder");
  }

private:
  std::filesystem::path path_;
};

} // namespace bench
