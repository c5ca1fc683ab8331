#include "mapping/folder.hpp"

#include "mapping/io_error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace petrify::inline v0 {

namespace {

descriptor open_folder(const std::string& path) {
  return descriptor(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
}

// What flock says where there are no locks.
bool means_no_locks(int reason) {
  return reason == ENOLCK || reason == EOPNOTSUPP || reason == EINVAL || reason == ENOSYS;
}

struct closes_folder {
  DIR* entries;
  ~closes_folder() { ::closedir(entries); }
};

} // namespace

std::optional<std::vector<std::string>> names_in(const std::string& folder) {
  descriptor opened = open_folder(folder);
  if (!opened) {
    if (errno == ENOENT)
      return std::nullopt;
    fail_io(folder, "open", errno);
  }
  DIR* const entries = ::fdopendir(opened.get());
  if (entries == nullptr)
    fail_io(folder, "list", errno);
  opened.release();
  const closes_folder at_end{entries};
  std::vector<std::string> out;
  for (;;) {
    const dirent* entry = nullptr;
    const int result = uninterrupted([&] {
      errno = 0;
      entry = ::readdir(entries);
      return entry == nullptr && errno != 0 ? -1 : 0;
    });
    if (result != 0)
      fail_io(folder, "list", errno);
    if (entry == nullptr)
      return out;
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0)
      out.emplace_back(entry->d_name);
  }
}

bool make_folder(const std::string& path) {
  if (uninterrupted([&] { return ::mkdir(path.c_str(), 0777); }) == 0)
    return true;
  if (errno == EEXIST)
    return false;
  fail_io(path, "make this folder", errno);
}

void sync_folder(const std::string& path) {
  const descriptor opened = open_folder(path);
  if (!opened)
    fail_io(path, "open", errno);
  if (::fsync(opened.get()) != 0 && errno != EINVAL)
    fail_io(path, "fsync", errno);
}

void sync_name_of(const std::string& folder) {
  std::size_t end = folder.size();
  while (end > 1 && folder[end - 1] == '/')
    --end;
  const std::size_t slash = folder.rfind('/', end - 1);
  const std::string outer = slash == std::string::npos ? "." : folder.substr(0, std::max<std::size_t>(slash, 1));
  const descriptor opened = open_folder(outer);
  if (opened || errno != EACCES)
    return sync_folder(outer);
  const descriptor inner = open_folder(folder);
  if (!inner || ::syncfs(inner.get()) != 0)
    fail_io(folder, "make its name durable", errno);
}

bool remove_file(const std::string& path) {
  if (uninterrupted([&] { return ::unlinkat(AT_FDCWD, path.c_str(), 0); }) == 0)
    return true;
  if (errno == ENOENT)
    return false;
  fail_io(path, "remove", errno);
}

std::optional<std::string> read_small_file(const std::string& path, std::size_t limit) {
  const descriptor opened(
      uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW); }));
  if (!opened) {
    if (errno == ENOENT || errno == ELOOP || errno == ENXIO)
      return std::nullopt;
    fail_io(path, "open", errno);
  }
  std::string out(limit, '\0');
  std::size_t size = 0;
  while (size < limit) {
    const ssize_t count =
        uninterrupted([&] { return ::pread(opened.get(), out.data() + size, limit - size, static_cast<off_t>(size)); });
    if (count < 0 && (errno == EISDIR || errno == ESPIPE))
      return std::nullopt;
    if (count < 0)
      fail_io(path, "read", errno);
    if (count == 0)
      break;
    size += static_cast<std::size_t>(count);
  }
  out.resize(size);
  return out;
}

std::optional<file_facts> facts_of(const std::string& path, links how) {
  struct stat info {};
  const int flags = how == links::stay ? AT_SYMLINK_NOFOLLOW : 0;
  if (uninterrupted([&] { return ::fstatat(AT_FDCWD, path.c_str(), &info, flags); }) != 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      return std::nullopt;
    fail_io(path, "stat", errno);
  }
  file_facts out;
  out.size_bytes = static_cast<std::uint64_t>(info.st_size);
  out.changed = std::chrono::system_clock::time_point(std::chrono::duration_cast<std::chrono::system_clock::duration>(
      std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::nanoseconds(info.st_mtim.tv_nsec)));
  out.mode = info.st_mode & 07777;
  out.device = info.st_dev;
  out.inode = info.st_ino;
  out.is_regular = S_ISREG(info.st_mode);
  out.is_folder = S_ISDIR(info.st_mode);
  return out;
}

bool has_name(int descriptor) {
  struct stat info {};
  return ::fstat(descriptor, &info) == 0 && info.st_nlink != 0;
}

lock_result try_lock(int descriptor, lock_kind kind, const std::string& path) {
  const int operation = (kind == lock_kind::shared ? LOCK_SH : LOCK_EX) | LOCK_NB;
  if (uninterrupted([&] { return ::flock(descriptor, operation); }) == 0)
    return lock_result::taken;
  if (errno == EWOULDBLOCK)
    return lock_result::refused;
  // EBADF: file systems of other machines want a file that is open for writing for an exclusive lock.
  if (means_no_locks(errno) || errno == EBADF)
    return lock_result::unsupported;
  fail_io(path, "lock", errno);
}

folder_lock::folder_lock(const std::string& path) : folder_(open_folder(path)) {
  if (!folder_)
    fail_io(path, "open", errno);
  if (uninterrupted([&] { return ::flock(folder_.get(), LOCK_EX); }) != 0 && !means_no_locks(errno))
    fail_io(path, "lock", errno);
}

folder_lock::~folder_lock() { ::flock(folder_.get(), LOCK_UN); }

} // namespace petrify::inline v0
