// store: a folder of models by name, each with numbered versions of which one is current.
#pragma once

#include <petrify/error.hpp>
#include <petrify/executor.hpp>
#include <petrify/file.hpp>
#include <petrify/follower.hpp>
#include <petrify/limits.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::inline v0 {

class writer;

// A version of a name, for listings.
struct stored_version {
  std::uint64_t number = 0;
  std::uint64_t size_bytes = 0;
  std::chrono::system_clock::time_point published;
};

// A name and its versions, in ascending order.
struct stored_name {
  std::string name;
  std::uint64_t current = 0; // the version that open and follow take; 0 where none can be opened
  std::vector<stored_version> versions;
};

// A version that is open.
struct opened_version {
  std::uint64_t number;
  petrify::file file;
};

struct prune_result {
  std::vector<std::uint64_t> removed;
  std::vector<std::uint64_t> held; // would have been removed, but somebody has them open
};

// A folder that many processes may use at once:
//
//     FOLDER/NAME/versions/1.stone, 2.stone, ...   read-only petrify files, never changed once they are there
//     FOLDER/NAME/CURRENT                          which of them is current
//
// docs/operations.md says how to run one: permissions, backup, containers.
//
// What is in it is whole at every moment. A version gets its name after all of it is on the disk and has passed
// file::verify; CURRENT changes by a rename. A process that dies, a disk that fills up or a power cut at any point of
// publish, rollback or prune leaves the versions as they were, and CURRENT at the old version or the new one. What a
// dead process left of a version that it had not finished, the next publish of that name removes. CURRENT itself can be
// made again: where it is missing or damaged, or names a version that is not there, the newest version that is sound
// enough to open takes its place.
//
// Who may write the folder decides what readers predict. open() takes files as vouched for (trust::caller), which is
// safe where only accounts that you trust may write FOLDER, NAME and versions; followers check nodes again. check()
// finds folders and files that anybody may write. Readers need to read only.
//
// Names have 1 to 128 of A-Z, a-z, 0-9, '.', '_' and '-', and begin with a letter, a digit or '_'. Version numbers
// begin at 1 and are not used again.
//
// Errors carry the path of the file or folder that they are about. Everything throws errc::invalid_argument for a name
// that is none, errc::not_found for a name or version that is not there, and errc::io. Thread safety: const members,
// which includes all that write, may be called from any number of threads and processes; writers of one name wait for
// each other (flock on its folder), readers for nobody, but for a moment while prune looks at the version that they
// open.
class store {
public:
  // Names a folder. Cost: nothing; it need not be there yet.
  explicit store(std::string folder);

  const std::string& path() const noexcept { return folder_; }

  // Makes a copy of a petrify file the next version of `name`, and current; returns its number. If a version has the
  // same bytes already, it becomes current and its number is returned, so that a call that failed or was killed can be
  // made again. When it returns, all is durable. The folders are made when they are missing; the folder that FOLDER is
  // in must be there. Cost: reads the file, writes it, checks it on the threads of `on`, four fsyncs.
  // Throws: what file::open throws, and the first fault that verify finds; then nothing has changed, but that folders
  // of the name may be there. If the last fsync alone failed, the version is current.
  std::uint64_t publish(std::string_view name, const std::string& file_path, executor& on = calling_thread()) const;
  // The same of a file that `write` makes: it adds objects, and does not call commit(). What it throws comes out.
  std::uint64_t publish(std::string_view name, const std::function<void(writer&)>& write,
                        executor& on = calling_thread()) const;

  // All names that have versions, in alphabetical order.
  std::vector<stored_name> list() const;
  stored_name list(std::string_view name) const;
  // The number of the current version. Cost: a file of some bytes is read.
  std::uint64_t current(std::string_view name) const;
  // Path of a version, the current one if none is said. Whoever opens it by its path does not hold it: prune may
  // remove it, which does no harm to who has it open already.
  std::string version_path(std::string_view name, std::optional<std::uint64_t> version = std::nullopt) const;

  // Opens a version, the current one if none is said. Cost: as file::open; forests are not checked again unless
  // `vouched` is trust::nothing. As long as a copy of the file lives, prune leaves the version (the file holds a shared
  // flock, and a descriptor for it). Throws also: what file::open throws.
  opened_version open(std::string_view name, std::optional<std::uint64_t> version = std::nullopt,
                      const open_options& options = {}, trust vouched = trust::caller) const;
  // Opens the current version and has a thread watch for the next ones (petrify/follower.hpp).
  follower follow(std::string_view name, follow_options options = {}) const;

  // Makes another version current, the one before the current if none is said, and returns its number. It is checked
  // as in publish, and durable when it returns. Throws also: what file::open throws, and the first fault of verify;
  // errc::not_found where there is none before.
  std::uint64_t rollback(std::string_view name, std::optional<std::uint64_t> version = std::nullopt,
                         executor& on = calling_thread()) const;
  // Removes versions, but not the newest `keep` (at least one), nor the current one, nor any that a file of this class
  // or a follower in any process holds. Throws also: errc::unsupported where the file system has no locks and so
  // nobody can tell what is held; errc::not_found where CURRENT names no version; errc::invalid_argument for a keep of
  // 0. One that cannot be removed does not keep the others from it.
  prune_result prune(std::string_view name, std::size_t keep) const;

  // Everything that is wrong: versions that do not pass verify, CURRENT, names of files that are not as they should be,
  // what anybody may write. Empty: the store is sound. Cost: reads all of it.
  std::vector<error> check(executor& on = calling_thread()) const;

private:
  friend class follow_state;
  static std::optional<file> open_file(const std::string& path, const open_options& options, trust vouched);

  std::string folder_;
};

} // namespace petrify::inline v0
