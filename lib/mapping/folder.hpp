// Folders, small files in them, and locks: what a store asks of the operating system.
#pragma once

#include "mapping/descriptor.hpp"

#include <petrify/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace petrify::inline v0 {

// Everything here throws errc::io, with the path, for what the system refuses; "not there" is nullopt or false.

// Names of what is in a folder, but for "." and "..", in no order.
std::optional<std::vector<std::string>> names_in(const std::string& folder);
// Makes a folder; false if something of that name is there. It is not durable until its own folder is synced.
bool make_folder(const std::string& path);
// Makes the names in a folder durable. File systems that know no fsync of a folder say EINVAL, which is no error.
void sync_folder(const std::string& path);
// Makes the name of a folder durable: syncs the folder that it is in, or, where that may not be read, its file system.
void sync_name_of(const std::string& folder);
// False if there is no such file. It is not durable until its folder is synced.
bool remove_file(const std::string& path);

// The first bytes of a file, at most `limit` of them. What is no regular file is not there.
std::optional<std::string> read_small_file(const std::string& path, std::size_t limit);

struct file_facts {
  std::uint64_t size_bytes = 0;
  std::chrono::system_clock::time_point changed; // its content
  unsigned mode = 0;                             // permissions
  std::uint64_t device = 0;                      // with the next one: which file it is
  std::uint64_t inode = 0;
  bool is_regular = false;
  bool is_folder = false;
};
enum class links { stay, follow }; // whether facts about a symbolic link are its own, or those of what it leads to
std::optional<file_facts> facts_of(const std::string& path, links how = links::stay);
// Whether the file that a descriptor is open on still has a name.
bool has_name(int descriptor);

enum class lock_kind { shared, exclusive };
enum class lock_result { taken, refused, unsupported };
// flock(2) without waiting. The lock belongs to the open file: it goes with the last copy of the descriptor, in this
// process and in forked ones.
lock_result try_lock(int descriptor, lock_kind kind, const std::string& path);

// An exclusive lock on a folder, against others of this class: waits until it is free. Where the file system has no
// locks it is none.
class folder_lock {
public:
  explicit folder_lock(const std::string& path);
  folder_lock(const folder_lock&) = delete;
  folder_lock& operator=(const folder_lock&) = delete;
  // Also where a forked child has a copy of the descriptor.
  ~folder_lock();

private:
  descriptor folder_;
};

} // namespace petrify::inline v0
