// Zip archives as .npz files use them: members read where they lie in the archive's bytes, and written uncompressed.
//
// zlib does what is compressed. Nothing that an archive says is believed twice: its directory and its members' headers
// must agree, and every place is checked. Errors have no path.
#pragma once

#include "import/decompress_buffer.hpp"
#include "mapping/output_file.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::inline v0 {

namespace zip {

// Whether the bytes start like a zip archive with members. Cost: looks at 4 bytes.
bool is_archive(std::span<const std::byte> bytes) noexcept;

// One member. Borrows the archive's bytes.
struct member {
  std::string name;
  bool is_deflated = false;
  std::uint32_t checksum = 0; // CRC-32 of the content
  std::uint64_t size = 0;     // of the content
  std::span<const std::byte> stored;
};

// An archive whose directory was found. Borrows the archive's bytes.
class archive {
public:
  // Throws: truncated when there is no directory at the end; malformed.
  explicit archive(std::span<const std::byte> bytes);

  // The members' names as the directory has them, bytes of any kind. Throws: malformed.
  std::vector<std::string> names() const;
  // All members. Their headers and the directory say the same, none shares bytes with another or with the directory,
  // and the first one begins at byte 0. Names are UTF-8. Cost: linear in the members, whatever the archive says.
  // Throws: malformed; not_importable for encrypted members and methods of compression other than deflate, by name.
  std::vector<member> members() const;

private:
  template <class Visit>
  void for_each_entry(Visit visit) const;

  std::span<const std::byte> bytes_;
  std::uint64_t num_members_ = 0;
  std::uint64_t begin_ = 0; // of the directory
  std::uint64_t end_ = 0;
};

// A member's content, from front to back. Memory: a buffer for deflated ones, none for others.
class content {
public:
  explicit content(const member& of);
  ~content();
  content(const content&) = delete;
  content& operator=(const content&) = delete;

  // The next bytes, at most so many; nothing at the end. They are valid until the next call; those of a member that is
  // not deflated for as long as the archive's. Throws: malformed, truncated.
  std::span<const std::byte> next(std::size_t most);
  // To be called at the end: that nothing follows, and the checksum. Throws: malformed; corrupt.
  void finish();

private:
  struct inflater;
  std::span<const std::byte> rest_; // of the stored bytes
  std::uint64_t left_;              // of the content
  std::uint32_t expected_;
  std::uint32_t checksum_ = 0;
  std::unique_ptr<inflater> inflater_;
};

// Writes an archive: members uncompressed, with 64-bit sizes where they are needed and a time that is always the same,
// their contents at multiples of 64. Memory: some hundred bytes a member. Errors of the file come through.
class archive_writer {
public:
  // `out` is empty.
  explicit archive_writer(output_file& out) : out_(out) {}

  // A member whose content has `size` bytes. Names are UTF-8 without NUL, at most 64,000 bytes.
  void begin(const std::string& name, std::uint64_t size);
  void append(std::span<const std::byte> bytes);
  // Throws: invalid_argument unless the content has that many bytes; so does append.
  void end();
  // The directory. The file is the caller's to commit.
  void finish();

private:
  struct entry {
    std::string name;
    std::uint64_t offset;
    std::uint64_t size;
    std::uint32_t checksum;
  };
  output_file& out_;
  std::vector<entry> members_;
  std::uint64_t left_ = 0; // of the content of the last one
};

} // namespace zip
} // namespace petrify::inline v0
