#include "mapping/output_file.hpp"

#include "base/fail.hpp"
#include "mapping/io_error.hpp"

#include <algorithm>
#include <cerrno>
#include <random>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace petrify::inline v0 {

namespace {

constexpr std::size_t buffer_bytes = std::size_t{4} << 20;

// "dir/name" -> "dir/", "name" -> "".
std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

std::string random_letters() {
  constexpr char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device source;
  std::string out;
  for (int i = 0; i < 12; ++i)
    out += letters[source() % (sizeof letters - 1)];
  return out;
}

} // namespace

output_file::output_file(std::string target) : target_(std::move(target)) {
  struct stat info {};
  if (::stat(target_.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    throw error(errc::not_regular, target_, {},
                text("exists and is ", S_ISDIR(info.st_mode) ? "a directory" : "no regular file",
                     ", expected a regular file to replace or a new name"));
  const std::string folder = folder_of(target_);
  const std::string prefix = folder + "." + target_.substr(folder.size()) + ".";
  for (int attempt = 0; descriptor_ < 0; ++attempt) {
    temporary_ = prefix + random_letters() + ".petrify-tmp";
    descriptor_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor_ < 0 && errno != EINTR && (errno != EEXIST || attempt > 100))
      fail_io(target_, "create a temporary file beside it", errno);
  }
  try {
    buffer_.reserve(buffer_bytes);
  } catch (...) {
    discard();
    throw;
  }
}

output_file::~output_file() { discard(); }

void output_file::discard() noexcept {
  if (descriptor_ >= 0) {
    ::close(std::exchange(descriptor_, -1));
    ::unlink(temporary_.c_str());
  }
}

void output_file::append(std::span<const std::byte> bytes) {
  // What does not fit the buffer goes out in whole multiples of it, straight from the caller's memory.
  if (buffer_.size() + bytes.size() > buffer_bytes) {
    const std::size_t fill = buffer_.empty() ? 0 : buffer_bytes - buffer_.size();
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(fill));
    bytes = bytes.subspan(fill);
    flush();
    const std::size_t direct = bytes.size() / buffer_bytes * buffer_bytes;
    write_at(flushed_, bytes.first(direct));
    flushed_ += direct;
    bytes = bytes.subspan(direct);
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void output_file::overwrite(std::uint64_t offset, std::span<const std::byte> bytes) {
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
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), wanted, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      fail_io(target_, "write", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

void output_file::commit() {
  flush();
  if (::fsync(descriptor_) != 0)
    fail_io(target_, "fsync", errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0)
    fail_io(target_, "rename the temporary file to it", errno);
  // From here on the temporary name is gone: nothing is left to remove.
  ::close(std::exchange(descriptor_, -1));
  std::string folder = folder_of(target_);
  if (folder.empty())
    folder = ".";
  const int folder_descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_descriptor < 0)
    fail_io(target_, "open its folder", errno);
  const int result = ::fsync(folder_descriptor);
  const int reason = errno;
  ::close(folder_descriptor);
  // Some file systems (FUSE, network) know no fsync of a folder and say EINVAL.
  if (result != 0 && reason != EINVAL)
    fail_io(target_, "fsync its folder", reason);
}

} // namespace petrify::inline v0
