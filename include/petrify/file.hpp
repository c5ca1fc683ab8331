// file: a petrify file that is open. Start here: file::open maps it, array() and forest() give views of it.
#pragma once

#include <petrify/access_pattern.hpp>
#include <petrify/array.hpp>
#include <petrify/error.hpp>
#include <petrify/executor.hpp>
#include <petrify/forest.hpp>
#include <petrify/limits.hpp>
#include <petrify/residency.hpp>
#include <petrify/value.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::inline v0 {

class container;

// One object of a file, for listings.
struct object_info {
  std::string name;
  std::string kind;             // "array", "forest", "value", "record", or "unknown": of a later petrify
  std::uint64_t size_bytes = 0; // of its segments
  std::uint64_t num_segments = 0;
};

// Whether forest() checks the nodes. A checked forest cannot make a prediction read outside the mapping.
enum class trust {
  nothing, // one linear pass over the nodes, once per file and forest, about as fast as memory is read (30 GB/s with
           // AVX2; 12 in plain C++); it doubles as read-ahead
  caller,  // none: the caller vouches that this file passed verify() since it was last written
};

struct open_options {
  petrify::residency residency = petrify::residency::lazy;
  limits bounds;
};

using verify_progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// A mapped petrify file. Copies share the mapping; the last one unmaps it. Views (array_view, forest, ...) borrow:
// some copy of the file must outlive them.
//
// Thread safety: const members may be called from any number of threads. After fork() both processes may go on
// using it (with `locked` the child's pages are not locked). The file must not be changed in place while it is mapped;
// petrify/residency.hpp says what happens then, and how to be immune.
class file {
public:
  // Opens, checks header and directory, maps. Cost: tens of microseconds at any size: one open, two reads, one map;
  // modes other than lazy and sparse read the file. Throws: errc::io, not_regular, not_petrify, truncated, corrupt,
  // malformed, unsupported, limit_exceeded.
  static file open(const std::string& path, const open_options& options = {});
  // The same of a descriptor that is open for reading, which stays the caller's and may be closed afterwards. Errors
  // name it "descriptor N".
  static file open_descriptor(int descriptor, const open_options& options = {});
  // The same of bytes in memory, which must stay as they are until the last copy of the file is gone, and start at a
  // multiple of 64 (with private_copy neither). Errors name them "memory". Throws: errc::invalid_argument for bytes
  // that are not aligned, and for the modes sparse, prefault and locked: how the caller's memory is kept is the
  // caller's affair.
  static file open_bytes(std::span<const std::byte> bytes, const open_options& options = {});
  // open for programs without exceptions: on failure nullopt, and `why` says what open would have thrown (nullopt too
  // where memory has run out). The try_ functions below are the same of other functions that throw.
  static std::optional<file> try_open(const std::string& path, std::optional<error>& why,
                                      const open_options& options = {}) noexcept;

  const std::string& path() const noexcept;
  std::uint64_t size_bytes() const noexcept;
  // Library and version that wrote it.
  std::string producer() const;
  // All objects, in the order in which they were written.
  std::vector<object_info> objects() const;
  bool contains(std::string_view name) const noexcept;

  // View of array `name`. Cost: a binary search; no element is touched.
  // Throws: errc::not_found, wrong_type, malformed, unsupported.
  any_array array(std::string_view name) const&;
  any_array array(std::string_view name) const&& = delete; // the view would outlive the file
  template <element T>
  array_view<T> array(std::string_view name) const& {
    return typed_array(name, dtype_of<T>).template as<T>();
  }
  template <element T>
  array_view<T> array(std::string_view name) const&& = delete;
  std::optional<any_array> try_array(std::string_view name, std::optional<error>& why) const& noexcept;
  std::optional<any_array> try_array(std::string_view name, std::optional<error>& why) const&& = delete;
  template <element T>
  std::optional<array_view<T>> try_array(std::string_view name, std::optional<error>& why) const& noexcept {
    const std::optional<any_array> found = try_typed_array(name, dtype_of<T>, why);
    return found ? std::optional(found->template as<T>()) : std::nullopt;
  }
  template <element T>
  std::optional<array_view<T>> try_array(std::string_view name, std::optional<error>& why) const&& = delete;
  // View of string array `name`. Throws: as array.
  string_array strings(std::string_view name) const&;
  string_array strings(std::string_view name) const&& = delete;

  // View of forest `name` (petrify/forest.hpp). Cost: the first call checks the nodes (see trust), later ones do not.
  // Throws: errc::not_found, wrong_type, malformed (with tree and node), unsupported.
  petrify::forest forest(std::string_view name, trust vouched = trust::nothing) const&;
  petrify::forest forest(std::string_view name, trust vouched = trust::nothing) const&& = delete;
  std::optional<petrify::forest> try_forest(std::string_view name, std::optional<error>& why,
                                            trust vouched = trust::nothing) const& noexcept;
  std::optional<petrify::forest> try_forest(std::string_view name, std::optional<error>& why,
                                            trust vouched = trust::nothing) const&& = delete;

  // View of value `name` (petrify/value.hpp). Cost: the first call checks the whole value in one pass; later
  // ones do not. Throws: errc::not_found, wrong_type, malformed (with the node), unsupported.
  value_view value(std::string_view name) const&;
  value_view value(std::string_view name) const&& = delete;
  std::optional<value_view> try_value(std::string_view name, std::optional<error>& why) const& noexcept;
  std::optional<value_view> try_value(std::string_view name, std::optional<error>& why) const&& = delete;

  // What was set beside object `name`, of any kind, by writer::set_attributes: a dict whose keys are texts, empty where
  // nothing was. Broken ones leave the object itself usable. Cost: the first call checks them in one pass; later ones
  // do not. Throws: errc::not_found, malformed (with the node), unsupported.
  value_view attributes(std::string_view name) const&;
  value_view attributes(std::string_view name) const&& = delete;
  std::optional<value_view> try_attributes(std::string_view name, std::optional<error>& why) const& noexcept;
  std::optional<value_view> try_attributes(std::string_view name, std::optional<error>& why) const&& = delete;

  // The bytes of record `name`, mapped and not checked: use petrify::record (petrify/record.hpp), which checks a copy.
  // Throws: errc::not_found, wrong_type, malformed, unsupported.
  std::span<const std::byte> record_bytes(std::string_view name) const&;
  std::span<const std::byte> record_bytes(std::string_view name) const&& = delete;

  // Says how object `name`, or a part of an array of this file, is going to be used (petrify/access_pattern.hpp), until
  // the next advice; with residency::sparse until something looks at all of an object. Of a part: the bytes from its
  // lowest to its highest element; a slice of columns has all rows between them. Cost: a system call; `done` also that
  // of the next touch of each page. Throws: errc::not_found; errc::invalid_argument for a part of something else.
  void advise(std::string_view name, access_pattern pattern) const;
  template <element T>
  void advise(const array_view<T>& part, access_pattern pattern) const {
    if (part.size() != 0)
      advise_bytes(
          std::as_bytes(std::span(part.data() + part.places().lowest(), part.data() + part.places().highest() + 1)),
          pattern);
  }

  // Checks every byte: checksums, padding, every object's description, text, structure and attributes.
  // Returns the faults: every checksum and gap that is wrong, and the first thing wrong with each object's content and
  // with its attributes; none means that the file is sound. Checksums are computed on the threads of `on`, the rest on
  // the caller's; the faults and their order do not depend on them. `progress`, if given, is called now and then, one
  // call at a time, from whichever of these threads it is, with the bytes done, which never become fewer, and their
  // total; what it throws comes out of verify. Cost: reads the whole file.
  std::vector<error> verify(const verify_progress& progress = {}, executor& on = calling_thread()) const;

private:
  friend class store;
  explicit file(std::shared_ptr<const container> opened);
  void advise_bytes(std::span<const std::byte> bytes, access_pattern pattern) const;
  any_array typed_array(std::string_view name, dtype wanted) const;
  std::optional<any_array> try_typed_array(std::string_view name, dtype wanted,
                                           std::optional<error>& why) const noexcept;

  std::shared_ptr<const container> container_;
};

// Opens and verifies: what cannot be opened gives one fault. Cost: reads the whole file. Throws: nothing but bad_alloc
// and what `progress` or the executor throws.
std::vector<error> verify(const std::string& path, const open_options& options = {},
                          const verify_progress& progress = {}, executor& on = calling_thread());

} // namespace petrify::inline v0
