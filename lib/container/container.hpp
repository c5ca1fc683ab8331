// A petrify file that is open: its checked directory and its mapped segments.
#pragma once

#include "container/directory.hpp"
#include "mapping/input_file.hpp"

#include <petrify/error.hpp>
#include <petrify/executor.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace petrify::inline v0 {

// Thread safety: const; any number of threads. Everything it hands out borrows from it.
class container {
public:
  // Opens, checks header and directory in private memory, maps. Cost: linear in the directory, whatever the file's
  // size; what the residency asks for comes last. Throws: what decode_header, directory and mapping throw, with the
  // path.
  static std::shared_ptr<const container> open(const input_file& file, residency mode, const limits& bounds,
                                               bool is_vouched_for = false);
  // The same of bytes that stay the caller's; mode is lazy or private_copy.
  static std::shared_ptr<const container> open(std::span<const std::byte> bytes, residency mode, const limits& bounds);

  const std::string& path() const noexcept { return path_; }
  // Whether whoever opened it says that it has passed verify() since it was last written.
  bool is_vouched_for() const noexcept { return is_vouched_for_; }
  const directory& contents() const noexcept { return directory_; }
  std::span<const std::byte> bytes() const noexcept { return mapping_.bytes(); }

  // Mapped bytes of segment `index`, which must exist. Its start is aligned to 64 bytes in memory.
  std::span<const std::byte> segment(std::size_t index) const noexcept;
  // Mapped bytes of the segments that object `index` owns, in order.
  std::vector<std::span<const std::byte>> segments_of(std::size_t object) const;

  // Index of the object of that name. Throws: errc::not_found, which lists names that exist.
  std::size_t find(std::string_view name) const;
  // Index of the object of that name and kind. Throws also: errc::wrong_type; errc::unsupported for a kind this version
  // does not know.
  std::size_t find(std::string_view name, object_kind kind) const;

  // Checks digest table, digests and padding on the threads of `on`. Appends a fault for each that is wrong, in the
  // order of their places. `progress` is called one call at a time, from any of these threads; what it throws comes
  // out. Cost: reads the whole file.
  void verify(std::vector<error>& faults, executor& on,
              const std::function<void(std::uint64_t done, std::uint64_t total)>& progress) const;

  // Advice about pages of this file. Throws: errc::invalid_argument for bytes that are not in it.
  void advise(std::span<const std::byte> bytes, access_pattern pattern) const;

  // For as long as it lives pages are read ahead, whatever the residency: for what looks at all of an object.
  class reading_through {
  public:
    explicit reading_through(const container& of) noexcept : pages_(of.mapping_) { pages_.read_ahead(true); }
    reading_through(const reading_through&) = delete;
    reading_through& operator=(const reading_through&) = delete;
    ~reading_through() { pages_.read_ahead(false); }

  private:
    const mapping& pages_;
  };

  // What another room made of object `index`: made at the first call, then kept for as long as the container.
  // `make` returns a shared_ptr<const T>; for one object T must always be the same. Cost: a lock.
  template <class T, class Make>
  const T& decoded(std::size_t index, Make make) const {
    const std::lock_guard lock(annex_->mutex);
    return kept<T>(annex_->objects[index].decoded, make);
  }
  // The same of what is said beside the object: its attributes.
  template <class T, class Make>
  const T& decoded_attributes(std::size_t index, Make make) const {
    const std::lock_guard lock(annex_->mutex);
    return kept<T>(annex_->objects[index].attributes, make);
  }
  // Runs `check` unless it has succeeded for object `index` before. Cost: a lock.
  template <class Check>
  void check_once(std::size_t index, Check check) const {
    const std::lock_guard lock(annex_->mutex);
    bool& done = annex_->objects[index].checked;
    if (done)
      return;
    const reading_through pages(*this);
    check();
    done = true;
  }

private:
  container(std::string path, mapping mapped, directory contents);

  template <class T, class Make>
  static const T& kept(std::shared_ptr<const void>& where, Make& make) {
    if (!where)
      where = make();
    return *static_cast<const T*>(where.get());
  }

  struct annex {
    struct entry {
      std::shared_ptr<const void> decoded;
      std::shared_ptr<const void> attributes;
      bool checked = false;
    };
    std::mutex mutex;
    std::unordered_map<std::size_t, entry> objects;
  };

  std::string path_;
  mapping mapping_;
  directory directory_;
  bool is_vouched_for_ = false;
  std::unique_ptr<annex> annex_ = std::make_unique<annex>();
};

} // namespace petrify::inline v0
