#include "mapping/input_file.hpp"

#include "base/fail.hpp"
#include "mapping/io_error.hpp"

#include <boost/interprocess/mapped_region.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace petrify::inline v0 {

namespace bip = boost::interprocess;

namespace {

const char* kind_of_file(mode_t mode) {
  if (S_ISDIR(mode))
    return "a directory";
  if (S_ISFIFO(mode))
    return "a FIFO";
  if (S_ISSOCK(mode))
    return "a socket";
  return "a device";
}

// mapped_region takes any object that hands it a descriptor; Boost's own file_mapping would open the name again.
struct mappable {
  int descriptor;
  bip::mapping_handle_t get_mapping_handle() const {
    return bip::ipcdetail::mapping_handle_from_file_handle(descriptor);
  }
};

} // namespace

input_file::input_file(std::string path) : path_(std::move(path)) {
  do
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  while (descriptor_ < 0 && errno == EINTR);
  // Opening a socket's name fails with ENXIO, which would not tell the user what it is.
  struct stat info {};
  if (descriptor_ < 0) {
    const int reason = errno;
    if (reason == ENXIO && ::stat(path_.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
      throw error(errc::not_regular, path_, {}, text("is ", kind_of_file(info.st_mode), ", expected a regular file"));
    fail_io(path_, "open", reason);
  }
  const int stat_result = ::fstat(descriptor_, &info);
  const int reason = errno;
  if (stat_result != 0 || !S_ISREG(info.st_mode)) {
    ::close(std::exchange(descriptor_, -1));
    if (stat_result != 0)
      fail_io(path_, "fstat", reason);
    throw error(errc::not_regular, path_, {}, text("is ", kind_of_file(info.st_mode), ", expected a regular file"));
  }
  size_bytes_ = static_cast<std::uint64_t>(info.st_size);
}

input_file::input_file(input_file&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), size_bytes_(other.size_bytes_) {
}

input_file& input_file::operator=(input_file&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

input_file::~input_file() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
}

void input_file::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    // Linux reads at most 0x7ffff000 bytes at a time.
    const std::size_t wanted = std::min(out.size(), std::size_t{1} << 30);
    const ssize_t count = ::pread(descriptor_, out.data(), wanted, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      fail_io(path_, "pread", errno);
    if (count == 0)
      throw error(errc::truncated, path_, text("byte ", offset),
                  text("the file ends here, expected ", out.size(), " more bytes"));
    out = out.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

struct mapping::region {
  bip::mapped_region mapped;
};

mapping::mapping(const input_file& file) {
  if (file.size_bytes() == 0)
    return;
  try {
    region_ = std::make_unique<region>(region{bip::mapped_region(mappable{file.descriptor()}, bip::read_only, 0,
                                                                 static_cast<std::size_t>(file.size_bytes()))});
  } catch (const bip::interprocess_exception& failure) {
    fail_io(file.path(), "mmap", failure.get_native_error());
  }
  bytes_ = {static_cast<const std::byte*>(region_->mapped.get_address()), region_->mapped.get_size()};
}

mapping::mapping(mapping&&) noexcept = default;
mapping& mapping::operator=(mapping&&) noexcept = default;
mapping::~mapping() = default;

} // namespace petrify::inline v0
