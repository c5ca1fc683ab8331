// One file, opened once: its descriptor, its size, and one read-only mapping of the whole of it.
#pragma once

#include <petrify/access_pattern.hpp>
#include <petrify/residency.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace petrify::inline v0 {

// A regular file that is open for reading. The descriptor is closed with the object; a mapping outlives it.
//
// Errors carry the path. Thread safety: const members may be called from any number of threads.
class input_file {
public:
  // Opens with O_CLOEXEC | O_NONBLOCK, so that a FIFO without a writer cannot block.
  // Throws: errc::io; errc::not_regular for a directory, FIFO, socket or device.
  explicit input_file(std::string path);
  // A duplicate of the caller's descriptor. Throws: the same; the path is "descriptor N".
  explicit input_file(int descriptor);
  input_file(input_file&& other) noexcept;
  input_file& operator=(input_file&& other) noexcept;
  ~input_file();

  const std::string& path() const noexcept { return path_; }
  // Size when it was opened, in bytes.
  std::uint64_t size_bytes() const noexcept { return size_bytes_; }

  // Fills `out` with the bytes from `offset` on, through pread. Throws: errc::io; errc::truncated at the file's end.
  void read_at(std::uint64_t offset, std::span<std::byte> out) const;

  int descriptor() const noexcept { return descriptor_; }

private:
  void require_regular();

  std::string path_;
  int descriptor_ = -1;
  std::uint64_t size_bytes_ = 0;
};

// All bytes of an input_file, or of the caller's memory, for reading. Movable; views of it stay valid when it moves.
class mapping {
public:
  // Maps `file`'s own descriptor: the name is not looked up again. An empty file gives an empty mapping. Private copies
  // are read-only memory of this process. Cost: lazy, sparse: one mmap, no page is read; else the whole file is read.
  // Throws: errc::io, also where a page cannot be read; errc::truncated where the file has become shorter.
  explicit mapping(const input_file& file, residency mode = residency::lazy);
  // The caller's bytes where they are, or a private copy of them. Throws: errc::io for a lack of memory.
  static mapping borrowed(std::span<const std::byte> bytes) noexcept;
  static mapping copied(std::span<const std::byte> bytes);
  mapping(mapping&&) noexcept;
  mapping& operator=(mapping&&) noexcept;
  ~mapping();

  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  // Advice about the pages with some of these bytes, which must lie in the mapping; for access_pattern::done about
  // those with no others. Memory that is not a file's takes none.
  void advise(std::span<const std::byte> part, access_pattern pattern) const noexcept;
  // Whether the system reads pages of a sparse mapping ahead: not unless told so. Other mappings stay as they are.
  void read_ahead(bool on) const noexcept;

private:
  struct region;
  struct private_pages;
  mapping() noexcept;
  void keep(private_pages&& filled, const std::string& path);

  std::unique_ptr<region> region_;
  std::unique_ptr<private_pages> pages_;
  std::span<const std::byte> bytes_;
  bool is_sparse_ = false;
};

} // namespace petrify::inline v0
