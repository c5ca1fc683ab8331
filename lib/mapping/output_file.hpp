// A file that appears whole or not at all: written beside its target, made durable, renamed over it.
#pragma once

#include "mapping/descriptor.hpp"

#include <petrify/durability.hpp>
#include <petrify/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace petrify::inline v0 {

// Writes a temporary file in the target's folder; commit() puts it in the target's place. At every moment, and after a
// kill or a power cut at any moment, the target is the old file or the new one, whole. A target that another process
// has mapped is never changed: its bytes live on until the last mapping goes.
//
// The temporary file is `.NAME.RANDOM.petrify-tmp`, RANDOM being 12 of a-z and 0-9. Its writer holds flock(2) on it
// until it is renamed or removed; the kernel drops the lock of a writer that dies. So whoever starts to write NAME
// removes each such file of NAME that it can lock: those of dead writers, and never one of a live writer, be it another
// process, thread or object. A writer whose new file was taken for a dead one's, before it had the lock, makes another.
// What cannot be looked at or removed stays, without an error. On a file system without locks nothing is removed; where
// locks do not reach other machines (NFS with local_lock), a writer there may lose its temporary file to one here, and
// its commit() then fails.
//
// A failed write or commit gives up at once: the temporary file is removed and the object takes nothing more. (With
// reserved room its descriptor stays open until the object goes: another thread may be writing to it.) Calls that a
// signal interrupts are made again, but for fsync: after one that failed, a second one's success means nothing.
//
// A symbolic link as target is replaced itself. The new file's mode is 0666 without the umask, whatever the old one's.
//
// Errors carry the target's path. Thread safety: one thread at a time, but for write_reserved and read_reserved, which
// any number of threads may call at any time before commit(). After fork() it belongs to the parent: the
// child may only destroy it, which leaves the temporary file.
class output_file {
public:
  // Creates the temporary file. Cost: a look through the folder. Throws: errc::io, also when the folder does not exist
  // or may not be read and written; errc::not_regular when the target exists and is no regular file.
  explicit output_file(std::string target);
  output_file(const output_file&) = delete;
  output_file& operator=(const output_file&) = delete;
  // Removes the temporary file unless it was committed.
  ~output_file();

  const std::string& target() const noexcept { return target_; }
  // Bytes appended so far.
  std::uint64_t size_bytes() const noexcept { return flushed_ + buffer_.size(); }

  // Appends bytes; they reach the kernel in writes that end at multiples of 4 MiB, which lets it use large pages.
  // Throws: errc::io; errc::invalid_argument after commit() or an error.
  void append(std::span<const std::byte> bytes);
  // Overwrites bytes that were appended before. Throws: as append.
  void overwrite(std::uint64_t offset, std::span<const std::byte> bytes);
  // Leaves room for that many bytes, which write_reserved fills, and returns where it begins. What is not filled is
  // zero. Throws: as append.
  std::uint64_t reserve(std::uint64_t size_bytes);
  // Writes bytes to reserved room, straight from the caller's memory. Throws: as append, but errc::io after an error.
  void write_reserved(std::uint64_t offset, std::span<const std::byte> bytes);
  // Reads bytes of reserved room that were written. Throws: as write_reserved.
  void read_reserved(std::uint64_t offset, std::span<std::byte> out);
  // fsync, rename, fsync of the folder: when it returns, the new file survives a power cut. Unsynced: rename alone.
  // When it throws, the target is the old file or, if only the folder's fsync failed, the new one. Throws: as append.
  void commit(durability wanted = durability::synced);

  // Instead of commit(), for a file that is looked at before it gets a name, and that replaces nothing: seal(), then
  // link_as().
  //
  // Makes the temporary file read-only for everybody, and durable; nothing can be written any more. Throws: as append.
  void seal();
  // Descriptor of the temporary file, open for reading.
  int temporary_descriptor() const noexcept { return descriptor_.get(); }
  // Gives the sealed file the name `name` in the target's folder; false, and nothing has happened, when there is
  // something of that name. Where files can have one name only it is renamed: then whoever else makes such names must
  // be kept away meanwhile. The name is not durable before the folder is synced. Throws: as append.
  bool link_as(const std::string& name);

private:
  void create(const std::string& prefix);
  void require_open() const;
  void require_not_failed() const;
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  void flush();
  [[noreturn]] void give_up(const char* action, int reason);
  void remove() noexcept;

  std::string target_;
  std::string name_; // of the target in its folder
  std::string temporary_;
  int owner_; // the process
  descriptor folder_;
  descriptor descriptor_;
  std::atomic<bool> removed_ = false; // after an error: the name is gone
  std::atomic<bool> has_reserved_ = false;
  bool is_sealed_ = false;
  std::uint64_t flushed_ = 0;
  std::vector<std::byte> buffer_;
};

} // namespace petrify::inline v0
