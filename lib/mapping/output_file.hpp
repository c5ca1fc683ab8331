// A file that appears whole or not at all: written beside its target, made durable, renamed over it.
#pragma once

#include <petrify/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace petrify::inline v0 {

// Writes a temporary file in the target's folder; commit() puts it in the target's place. A target that another
// process has mapped is never changed: its bytes live on until the last mapping goes.
//
// Errors carry the target's path. Thread safety: one thread at a time.
class output_file {
public:
  // Creates the temporary file, ".NAME.RANDOM.petrify-tmp". Throws: errc::io; errc::not_regular when the target
  // exists and is no regular file.
  explicit output_file(std::string target);
  output_file(const output_file&) = delete;
  output_file& operator=(const output_file&) = delete;
  // Removes the temporary file unless it was committed.
  ~output_file();

  const std::string& target() const noexcept { return target_; }
  // Bytes appended so far.
  std::uint64_t size_bytes() const noexcept { return flushed_ + buffer_.size(); }

  // Appends bytes; they reach the kernel in writes of 4 MiB, which lets it use large pages. Throws: errc::io.
  void append(std::span<const std::byte> bytes);
  // Overwrites bytes that were appended before. Throws: errc::io.
  void overwrite(std::uint64_t offset, std::span<const std::byte> bytes);
  // fsync, rename, fsync of the folder: when it returns, the new file survives a power cut. When it throws, the target
  // is the old file or, if only the folder's fsync failed, the new one; it is whole either way. Throws: errc::io.
  void commit();

private:
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  void flush();
  void discard() noexcept;

  std::string target_;
  std::string temporary_;
  int descriptor_ = -1;
  std::uint64_t flushed_ = 0;
  std::vector<std::byte> buffer_;
};

} // namespace petrify::inline v0
