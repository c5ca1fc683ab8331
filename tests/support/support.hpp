// What tests share: folders that go away, files as bytes, and errors as values.
#pragma once

#include <petrify/error.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace petrify::test {

// A folder of its own for each object, removed with all that is in it.
class temp_dir {
public:
  temp_dir() : temp_dir(std::filesystem::temp_directory_path()) {}
  explicit temp_dir(const std::filesystem::path& parent) {
    std::random_device source;
    do
      path_ = parent / ("petrify-test-" + std::to_string(source()));
    while (!std::filesystem::create_directory(path_));
  }
  temp_dir(const temp_dir&) = delete;
  temp_dir& operator=(const temp_dir&) = delete;
  ~temp_dir() { std::filesystem::remove_all(path_); }

  std::string path(const std::string& name) const { return (path_ / name).string(); }
  // Names of the files in it.
  std::vector<std::string> list() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      out.push_back(entry.path().filename().string());
    return out;
  }

private:
  std::filesystem::path path_;
};

// Where to make a temp_dir that thousands of small files come and go in: in memory, where the system has that.
inline std::filesystem::path fast_folder() {
  const char* const memory = "/dev/shm";
  return ::access(memory, W_OK | X_OK) == 0 ? std::filesystem::path(memory) : std::filesystem::temp_directory_path();
}

inline std::vector<std::byte> read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE_MESSAGE(in.good(), path);
  const std::vector<char> chars((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto* bytes = reinterpret_cast<const std::byte*>(chars.data());
  return {bytes, bytes + chars.size()};
}

inline void write_bytes(const std::string& path, std::span<const std::byte> bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  REQUIRE_MESSAGE(out.good(), path);
}

inline void write_text(const std::string& path, std::string_view text) {
  write_bytes(path, std::as_bytes(std::span(text)));
}

// For its lifetime, a user who is not root.
class plain_user {
public:
  plain_user() : was_root_(::geteuid() == 0) {
    if (was_root_)
      REQUIRE(::seteuid(65534) == 0);
  }
  ~plain_user() {
    if (was_root_)
      static_cast<void>(::seteuid(0) == 0);
  }

private:
  bool was_root_;
};

// The error that f throws; nothing when it throws none.
template <class F>
std::optional<error> error_of(F&& f) {
  try {
    std::forward<F>(f)();
  } catch (const error& failure) {
    return failure;
  }
  return std::nullopt;
}

} // namespace petrify::test

// Checks that an expression throws a petrify::error of that code whose what() contains `part`.
#define CHECK_REFUSED(expression, expected_code, part)                                                                 \
  do {                                                                                                                 \
    const auto failure_ = ::petrify::test::error_of([&] { (void)(expression); });                                      \
    REQUIRE_MESSAGE(failure_.has_value(), "nothing was thrown");                                                       \
    CHECK_MESSAGE(failure_->code() == (expected_code), failure_->what());                                              \
    CHECK_MESSAGE(std::string_view(failure_->what()).find(part) != std::string_view::npos, failure_->what());          \
  } while (false)
