// Ways to keep a large float32 array in a file, each used as well as it can be: petrify and what else there is.
#pragma once

#include "sample_source.hpp"

#include <petrify/durability.hpp>
#include <petrify/residency.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

// Whether saving ends when the kernel has the bytes, or when the disk has them.
using petrify::durability;

// An array that is open or loaded. Its elements are valid as long as it lives.
class open_array {
public:
  open_array() = default;
  open_array(const open_array&) = delete;
  open_array& operator=(const open_array&) = delete;
  virtual ~open_array() = default;
  // Row-major, gapless.
  std::span<const float> elements() const noexcept { return elements_; }
  std::span<const std::uint64_t> shape() const noexcept { return shape_; }

protected:
  std::span<const float> elements_;
  std::span<const std::uint64_t> shape_;
};

class array_contender {
public:
  array_contender() = default;
  array_contender(const array_contender&) = delete;
  array_contender& operator=(const array_contender&) = delete;
  virtual ~array_contender() = default;

  virtual std::string_view name() const = 0;
  // What its files are; contenders of one format read each other's.
  virtual std::string_view format() const = 0;
  // Its elements stay in the page cache: opening reads none of them.
  virtual bool is_mapped() const = 0;
  // Why it cannot hold an array of so many bytes; nothing: it can.
  virtual std::optional<std::string> why_not(std::uint64_t size_bytes) const {
    (void)size_bytes;
    return std::nullopt;
  }
  // Takes elements piece by piece unless the library wants all of them in memory. Throws: std::exception.
  virtual void save(const std::string& path, const sample_source& source, durability wanted) const = 0;
  // Throws: std::exception, also for a file of another format as far as the library can tell.
  virtual std::unique_ptr<open_array> open(const std::string& path) const = 0;
};

// | name            | what it is                                                                          |
// | petrify         | petrify::writer; the file mapped                                                    |
// | mmap_raw        | a header of 64 bytes and the elements, mapped by hand: as fast as mapping can open  |
// | flatbuffer      | one FlatBuffer with a [float] vector, mapped and verified; below 2 GiB              |
// | read_bulk       | the raw file, read(2) into memory that nobody has cleared, in large pages: as fast  |
// |                 | as copying can load                                                                 |
// | stream_bulk     | the raw file by std::fstream, one read into a std::vector                           |
// | boost_archive   | Boost.Serialization's binary archive of a std::vector<float>                        |
// | stream_elements | the raw file by std::fstream in binary with a large buffer, one call an element     |
//
// The 64 bytes are for the streams too: behind a header of 24, copying takes a third longer.
// read_bulk and mmap_raw write pieces of 4 MiB into a temporary file that is renamed, as petrify does.
const std::vector<const array_contender*>& array_contenders();
// petrify's files, opened in another mode: "petrify_prefault", "petrify_private_copy".
const std::vector<const array_contender*>& petrify_modes();
// One of both lists; null: there is no such name.
const array_contender* find_contender(std::string_view name);

} // namespace bench
