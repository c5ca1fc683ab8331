// file: a petrify file that is open. Start here: file::open maps it, array() and forest() give views of it.
#pragma once

#include <petrify/array.hpp>
#include <petrify/error.hpp>
#include <petrify/forest.hpp>
#include <petrify/limits.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::inline v0 {

class container;

// One object of a file, for listings.
struct object_info {
  std::string name;
  std::string kind;             // "array", "forest", or "unknown" for a kind of a later petrify
  std::uint64_t size_bytes = 0; // of its segments
  std::uint64_t num_segments = 0;
};

// Whether forest() checks the nodes. A checked forest cannot make a prediction read outside the mapping.
enum class trust {
  nothing, // one linear pass over the nodes, once per file and forest (2 GB/s and more; it doubles as read-ahead)
  caller,  // none: the caller vouches that this file passed verify() since it was last written
};

using verify_progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// A mapped petrify file. Copies share the mapping; the last one unmaps it. Views (array_view, forest, ...) borrow:
// some copy of the file must outlive them.
//
// Thread safety: const members may be called from any number of threads. After fork() both processes may go on
// using it. The file must not be changed in place while it is mapped (petrify::writer never does); a file that is
// truncated meanwhile raises SIGBUS at the next touch of a lost page, as with every mapping.
class file {
public:
  // Opens, checks header and directory, maps. Cost: tens of microseconds at any size: one open, two reads, one map.
  // Throws: errc::io, not_regular, not_petrify, truncated, corrupt, malformed, unsupported, limit_exceeded.
  static file open(const std::string& path, const limits& bounds = {});

  const std::string& path() const noexcept;
  std::uint64_t size_bytes() const noexcept;
  // Library and version that wrote it.
  std::string producer() const;
  // All objects, in the order in which they were written.
  std::vector<object_info> objects() const;
  bool contains(std::string_view name) const noexcept;

  // View of array `name`. Cost: a binary search; no element is touched.
  // Throws: errc::not_found, wrong_type, malformed.
  any_array array(std::string_view name) const&;
  any_array array(std::string_view name) const&& = delete; // the view would outlive the file
  template <element T>
  array_view<T> array(std::string_view name) const& {
    return typed_array(name, dtype_of<T>).template as<T>();
  }
  template <element T>
  array_view<T> array(std::string_view name) const&& = delete;
  // View of string array `name`. Throws: as array.
  string_array strings(std::string_view name) const&;
  string_array strings(std::string_view name) const&& = delete;

  // View of forest `name` (petrify/forest.hpp). Cost: the first call checks the nodes (see trust), later ones do not.
  // Throws: errc::not_found, wrong_type, malformed (with tree and node), unsupported.
  petrify::forest forest(std::string_view name, trust vouched = trust::nothing) const&;
  petrify::forest forest(std::string_view name, trust vouched = trust::nothing) const&& = delete;

  // Checks every byte: checksums, padding, every object's description, text and structure.
  // Returns the faults: every checksum and gap that is wrong, and the first thing wrong with each object's content;
  // none means that the file is sound. Cost: reads the whole file. `progress`, if given, is called now and then with
  // the bytes done and their total.
  std::vector<error> verify(const verify_progress& progress = {}) const;

private:
  explicit file(std::shared_ptr<const container> opened);
  any_array typed_array(std::string_view name, dtype wanted) const;

  std::shared_ptr<const container> container_;
};

// Opens and verifies: what cannot be opened gives one fault. Cost: reads the whole file. Throws: nothing but bad_alloc.
std::vector<error> verify(const std::string& path, const limits& bounds = {}, const verify_progress& progress = {});

} // namespace petrify::inline v0
