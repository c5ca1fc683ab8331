#include "mapping/output_file.hpp"

#include "base/fail.hpp"
#include "mapping/io_error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace petrify::inline v0 {

namespace {

constexpr std::size_t buffer_bytes = std::size_t{4} << 20;
constexpr std::size_t num_letters = 12;
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view suffix = ".petrify-tmp";

std::string random_letters(const std::string& target) {
  std::array<unsigned char, num_letters> random{};
  if (uninterrupted([&] { return ::getentropy(random.data(), random.size()); }) != 0)
    fail_io(target, "getentropy", errno);
  std::string out;
  for (const unsigned char byte : random)
    out += letters[byte % letters.size()];
  return out;
}

bool is_temporary(std::string_view name, std::string_view prefix) {
  if (name.size() != prefix.size() + num_letters + suffix.size() || !name.starts_with(prefix) ||
      !name.ends_with(suffix))
    return false;
  const std::string_view middle = name.substr(prefix.size(), num_letters);
  return middle.find_first_not_of(letters) == std::string_view::npos;
}

// Removes `name` if it is a regular file that no writer holds its lock on. One that has another name already (link_as)
// may be in use by readers, whose locks are shared.
void remove_if_dead(int folder, const char* name) {
  // For writing, because NFS locks nothing else, unless it was sealed; O_NONBLOCK and O_NOFOLLOW, because anybody can
  // make a FIFO or a link.
  constexpr int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  descriptor file(::openat(folder, name, O_RDWR | flags));
  if (!file && errno == EACCES)
    file = descriptor(::openat(folder, name, O_RDONLY | flags));
  struct stat opened {};
  struct stat named {};
  if (!file || ::fstat(file.get(), &opened) != 0 || !S_ISREG(opened.st_mode) ||
      ::flock(file.get(), (opened.st_nlink < 2 ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0)
    return;
  // Its writer may have renamed it over the target before the lock: then the name is gone, and nobody makes it again.
  if (::fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_dev == opened.st_dev &&
      named.st_ino == opened.st_ino)
    uninterrupted([&] { return ::unlinkat(folder, name, 0); });
}

// Removes what dead writers of the same target left. Whatever fails here is no reason not to write.
void remove_leftovers(int folder, std::string_view prefix) noexcept {
  descriptor listed(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* const entries = listed ? ::fdopendir(listed.get()) : nullptr;
  if (entries == nullptr)
    return;
  while (const dirent* entry = ::readdir(entries))
    if (is_temporary(entry->d_name, prefix))
      remove_if_dead(folder, entry->d_name);
  listed.release();
  ::closedir(entries);
}

} // namespace

output_file::output_file(std::string target) : target_(std::move(target)), owner_(::getpid()) {
  buffer_.reserve(buffer_bytes);
  struct stat info {};
  if (uninterrupted([&] { return ::stat(target_.c_str(), &info); }) == 0) {
    if (!S_ISREG(info.st_mode))
      throw error(errc::not_regular, target_, {},
                  text("exists and is ", S_ISDIR(info.st_mode) ? "a directory" : "no regular file",
                       ", expected a regular file to replace or a new name"));
  } else if (errno != ENOENT && errno != ELOOP && errno != EACCES) {
    // These three can be a link that leads nowhere, which is replaced; what else they may be, the next calls find.
    fail_io(target_, "stat", errno);
  }
  const std::string folder = target_.substr(0, target_.rfind('/') + 1);
  name_ = target_.substr(folder.size());
  if (name_.empty())
    fail_io(target_, "stat", ENOENT);
  folder_ = descriptor(
      uninterrupted([&] { return ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!folder_)
    fail_io(target_, "open its folder", errno);
  const std::string prefix = "." + name_ + ".";
  remove_leftovers(folder_.get(), prefix);
  create(prefix);
}

output_file::~output_file() { remove(); }

void output_file::create(const std::string& prefix) {
  for (int attempt = 0;; ++attempt) {
    temporary_ = prefix + random_letters(target_) + std::string(suffix);
    descriptor_ = descriptor(uninterrupted([&] {
      return ::openat(folder_.get(), temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    }));
    int reason = errno;
    if (descriptor_) {
      struct stat info {};
      // Locked, it is safe if its name is still there: whoever took it for a dead writer's had locked it before.
      if (uninterrupted([&] { return ::flock(descriptor_.get(), LOCK_EX | LOCK_NB); }) == 0 &&
          uninterrupted([&] { return ::fstatat(folder_.get(), temporary_.c_str(), &info, AT_SYMLINK_NOFOLLOW); }) == 0)
        return;
      reason = errno;
      // No locks here: then nobody removes it either.
      if (reason == ENOLCK || reason == EOPNOTSUPP || reason == EINVAL || reason == ENOSYS)
        return;
      remove();
      descriptor_.close();
      removed_ = false;
    }
    const bool was_taken = reason == EEXIST || reason == EWOULDBLOCK || reason == ENOENT;
    if (!was_taken || attempt == 100)
      fail_io(target_, "create a temporary file beside it", reason);
  }
}

// The name goes before the lock does, and it goes once.
void output_file::remove() noexcept {
  if (descriptor_ && !removed_.exchange(true) && owner_ == ::getpid())
    uninterrupted([&] { return ::unlinkat(folder_.get(), temporary_.c_str(), 0); });
}

void output_file::give_up(const char* action, int reason) {
  remove();
  // Its space is free again at once, unless another thread may be writing to it.
  if (!has_reserved_)
    descriptor_.close();
  fail_io(target_, action, reason);
}

void output_file::require_open() const {
  if (!descriptor_ || removed_ || is_sealed_)
    throw error(errc::invalid_argument, target_, "write", "was committed or has failed before, expected a new writer");
}

void output_file::append(std::span<const std::byte> bytes) {
  require_open();
  // Writes end at multiples of the buffer's size in the file; what does not fit the buffer goes out straight from the
  // caller's memory.
  const std::uint64_t room = buffer_bytes - flushed_ % buffer_bytes;
  if (buffer_.size() + bytes.size() >= room) {
    if (!buffer_.empty()) {
      const auto fill = static_cast<std::size_t>(room) - buffer_.size();
      buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(fill));
      bytes = bytes.subspan(fill);
      flush();
    }
    const auto direct = static_cast<std::size_t>((flushed_ + bytes.size()) / buffer_bytes * buffer_bytes - flushed_);
    write_at(flushed_, bytes.first(direct));
    flushed_ += direct;
    bytes = bytes.subspan(direct);
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void output_file::overwrite(std::uint64_t offset, std::span<const std::byte> bytes) {
  require_open();
  flush();
  write_at(offset, bytes);
}

void output_file::flush() {
  write_at(flushed_, buffer_);
  flushed_ += buffer_.size();
  buffer_.clear();
}

void output_file::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t wanted = std::min(bytes.size(), std::size_t{1} << 30);
    const ssize_t count =
        uninterrupted([&] { return ::pwrite(descriptor_.get(), bytes.data(), wanted, static_cast<off_t>(offset)); });
    if (count <= 0) // 0 would be no progress, for ever
      give_up("write", count < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

std::uint64_t output_file::reserve(std::uint64_t size_bytes) {
  require_open();
  flush();
  has_reserved_ = true;
  const std::uint64_t at = flushed_;
  flushed_ += size_bytes;
  return at;
}

void output_file::require_not_failed() const {
  if (removed_)
    throw error(errc::io, target_, "write", "another write has failed before, expected a new writer");
  require_open();
}

void output_file::write_reserved(std::uint64_t offset, std::span<const std::byte> bytes) {
  require_not_failed();
  write_at(offset, bytes);
}

void output_file::read_reserved(std::uint64_t offset, std::span<std::byte> out) {
  require_not_failed();
  while (!out.empty()) {
    const ssize_t count =
        uninterrupted([&] { return ::pread(descriptor_.get(), out.data(), out.size(), static_cast<off_t>(offset)); });
    if (count <= 0) // 0: the file has become shorter
      give_up("read", count < 0 ? errno : EIO);
    out = out.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

void output_file::commit(durability wanted) {
  require_open();
  flush();
  if (wanted == durability::synced && ::fsync(descriptor_.get()) != 0)
    give_up("fsync", errno);
  if (uninterrupted([&] { return ::renameat(folder_.get(), temporary_.c_str(), folder_.get(), name_.c_str()); }) != 0)
    give_up("rename the temporary file to it", errno);
  // From here on the temporary name is gone: nothing is left to remove.
  descriptor_.close();
  // Some file systems (FUSE, network) know no fsync of a folder and say EINVAL.
  if (wanted == durability::synced && ::fsync(folder_.get()) != 0 && errno != EINVAL)
    fail_io(target_, "fsync its folder", errno);
  folder_.close();
}

void output_file::seal() {
  require_open();
  flush();
  struct stat info {};
  if (::fstat(descriptor_.get(), &info) != 0 ||
      uninterrupted([&] { return ::fchmod(descriptor_.get(), info.st_mode & 0444); }) != 0)
    give_up("make it read-only", errno);
  if (::fsync(descriptor_.get()) != 0)
    give_up("fsync", errno);
  is_sealed_ = true;
}

bool output_file::link_as(const std::string& name) {
  if (!descriptor_ || removed_ || !is_sealed_)
    throw error(errc::invalid_argument, target_, "link", "is not sealed or has its name, expected a sealed file");
  bool has_two_names = true;
  if (uninterrupted([&] { return ::linkat(folder_.get(), temporary_.c_str(), folder_.get(), name.c_str(), 0); }) != 0) {
    if (errno == EEXIST)
      return false;
    // No hard links here (FAT, some of FUSE).
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != EMLINK)
      give_up("give it its name", errno);
    struct stat info {};
    if (uninterrupted([&] { return ::fstatat(folder_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW); }) == 0)
      return false;
    if (errno != ENOENT)
      give_up("give it its name", errno);
    if (uninterrupted([&] { return ::renameat(folder_.get(), temporary_.c_str(), folder_.get(), name.c_str()); }) != 0)
      give_up("give it its name", errno);
    has_two_names = false;
  }
  if (has_two_names)
    remove(); // what stays of it is a dead writer's for the next one
  // A forked child may have a copy of the descriptor: the lock goes now, or the file would seem to be in use.
  ::flock(descriptor_.get(), LOCK_UN);
  descriptor_.close();
  folder_.close();
  return true;
}

} // namespace petrify::inline v0
