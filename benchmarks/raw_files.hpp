// Files written, read and mapped with nothing but system calls.
#pragma once

#include "sample_source.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace bench {

inline constexpr std::size_t write_piece = std::size_t{4} << 20;

class raw_descriptor {
public:
  // Throws: std::system_error, with the path.
  raw_descriptor(const std::string& path, int flags);
  raw_descriptor(const raw_descriptor&) = delete;
  raw_descriptor& operator=(const raw_descriptor&) = delete;
  ~raw_descriptor();
  int number() const { return number_; }
  std::size_t size_bytes() const;
  // At the file's position, in pieces that end at multiples of write_piece in the file. Throws: std::system_error.
  void write_all(std::span<const std::byte> bytes) const;
  void sync() const;
  // Exactly so many bytes from an offset on. Throws: std::system_error; std::runtime_error at the end of the file.
  void read_all(std::span<std::byte> out, std::size_t offset) const;

private:
  std::string path_;
  int number_;
};

// Waits until the disk has a file. Throws: std::system_error.
void sync_file(const std::string& path);

// A whole file, mapped for reading.
class mapped_bytes {
public:
  explicit mapped_bytes(const std::string& path);
  mapped_bytes(const raw_descriptor& file, const std::string& path);
  mapped_bytes(const mapped_bytes&) = delete;
  mapped_bytes& operator=(const mapped_bytes&) = delete;
  ~mapped_bytes();
  std::span<const std::byte> bytes() const { return {data_, size_}; }

private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Memory that nobody has written to. From 32 MiB on, where malloc would ask the system each time, it is the system's
// own, in large pages where it has them; below, malloc hands out again what was freed, which costs no page fault.
class large_memory {
public:
  explicit large_memory(std::size_t size_bytes);
  large_memory(const large_memory&) = delete;
  large_memory& operator=(const large_memory&) = delete;
  ~large_memory();
  std::byte* data() const { return data_; }

private:
  std::unique_ptr<std::byte[]> small_;
  void* mapped_ = nullptr; // null: small_ holds it
  std::size_t mapped_size_ = 0;
  std::byte* data_ = nullptr;
};

// A raw array file: 64 bytes with the rank and up to seven lengths, then the elements.
struct raw_header {
  std::uint64_t rank = 0;
  std::uint64_t lengths[7] = {};

  explicit raw_header(const std::vector<std::uint64_t>& shape);
  raw_header() = default;
  // The number of elements. Throws: std::runtime_error unless a file of so many bytes can have this header.
  std::size_t num_elements(std::size_t file_bytes, const std::string& path) const;
};

// Writes path.tmp and renames it. With is_synced: fsync before, and of the folder after.
void write_raw_array(const std::string& path, const sample_source& source, bool is_synced);

} // namespace bench
