#include "mapping/input_file.hpp"

#include "base/fail.hpp"
#include "base/opening.hpp"
#include "mapping/descriptor.hpp"
#include "mapping/io_error.hpp"

#include <boost/interprocess/mapped_region.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
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

PETRIFY_OPENING input_file::input_file(std::string path) : path_(std::move(path)) {
  descriptor_ = uninterrupted([&] { return ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); });
  // Opening a socket's name fails with ENXIO, which would not tell the user what it is.
  struct stat info {};
  if (descriptor_ < 0) {
    const int reason = errno;
    if (reason == ENXIO && ::stat(path_.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
      throw error(errc::not_regular, path_, {}, text("is ", kind_of_file(info.st_mode), ", expected a regular file"));
    fail_io(path_, "open", reason);
  }
  require_regular();
}

input_file::input_file(int descriptor) : path_(text("descriptor ", descriptor)) {
  descriptor_ = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (descriptor_ < 0)
    fail_io(path_, "duplicate", errno);
  require_regular();
}

PETRIFY_OPENING void input_file::require_regular() {
  struct stat info {};
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

PETRIFY_OPENING input_file::~input_file() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
}

PETRIFY_OPENING void input_file::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    // Linux reads at most 0x7ffff000 bytes at a time.
    const std::size_t wanted = std::min(out.size(), std::size_t{1} << 30);
    const ssize_t count =
        uninterrupted([&] { return ::pread(descriptor_, out.data(), wanted, static_cast<off_t>(offset)); });
    if (count < 0)
      fail_io(path_, "pread", errno);
    if (count == 0)
      throw error(errc::truncated, path_, text("byte ", offset),
                  text("the file ends here, expected ", out.size(), " more bytes"));
    out = out.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

namespace {

// What the kernel gives since Linux 5.14; older C libraries do not name it.
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

// Reads every page and maps it. What a touch would answer with SIGBUS is an error here.
void populate(const input_file& file, void* at, std::size_t size) {
  if (uninterrupted([&] { return ::madvise(at, size, MADV_POPULATE_READ); }) == 0)
    return;
  if (errno == EFAULT || errno == EHWPOISON)
    throw error(errc::io, file.path(), "prefault",
                "a page cannot be read: the file was cut off while it was opened, or its disk fails");
  if (errno != EINVAL)
    fail_io(file.path(), "prefault", errno);
  // An older kernel: reading brings the pages into the cache and reports errors; they are mapped at first touch.
  std::vector<std::byte> window(std::min<std::size_t>(size, std::size_t{1} << 20));
  for (std::size_t done = 0; done < size; done += window.size())
    file.read_at(done, std::span(window).first(std::min(window.size(), size - done)));
}

void lock(const input_file& file, const void* at, std::size_t size) {
  if (::mlock(at, size) == 0)
    return;
  const int reason = errno;
  rlimit allowed{};
  ::getrlimit(RLIMIT_MEMLOCK, &allowed);
  if ((reason == ENOMEM || reason == EPERM || reason == EAGAIN) && allowed.rlim_cur < size)
    throw error(
        errc::io, file.path(), "lock",
        text(size, " bytes, expected at most the ", allowed.rlim_cur, " that RLIMIT_MEMLOCK lets this process lock"));
  fail_io(file.path(), "lock", reason);
}

} // namespace

namespace {

int advice_of(access_pattern pattern) {
  switch (pattern) {
  case access_pattern::normal: return MADV_NORMAL;
  case access_pattern::sequential: return MADV_SEQUENTIAL;
  case access_pattern::random: return MADV_RANDOM;
  case access_pattern::soon: return MADV_WILLNEED;
  case access_pattern::done: return MADV_DONTNEED; // of a file's shared mapping: nothing is lost
  }
  return MADV_NORMAL;
}

} // namespace

struct mapping::region {
  bip::mapped_region mapped;
};

// Memory that no other process can reach, as a shared mapping can be. Anonymous memory rather than a sealed memfd:
// systems give it large pages when asked, which for shared memory most of them are set up to refuse.
struct mapping::private_pages {
  std::span<std::byte> bytes;

  private_pages(const std::string& path, std::size_t size) {
    void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
      fail_io(path, "allocate a private copy", errno);
    bytes = {static_cast<std::byte*>(at), size};
    ::madvise(at, size, MADV_HUGEPAGE); // only makes it faster
  }
  private_pages(private_pages&& other) noexcept : bytes(std::exchange(other.bytes, {})) {}
  private_pages& operator=(private_pages&&) = delete;
  ~private_pages() {
    if (!bytes.empty())
      ::munmap(bytes.data(), bytes.size());
  }
};

mapping::mapping() noexcept = default;

PETRIFY_OPENING mapping::mapping(const input_file& file, residency mode) {
  const auto size = static_cast<std::size_t>(file.size_bytes());
  if (size == 0)
    return;
  if (mode == residency::private_copy) {
    private_pages copy(file.path(), size);
    file.read_at(0, copy.bytes);
    keep(std::move(copy), file.path());
    return;
  }
  try {
    region_ =
        std::make_unique<region>(region{bip::mapped_region(mappable{file.descriptor()}, bip::read_only, 0, size)});
  } catch (const bip::interprocess_exception& failure) {
    fail_io(file.path(), "mmap", failure.get_native_error());
  }
  bytes_ = {static_cast<const std::byte*>(region_->mapped.get_address()), region_->mapped.get_size()};
  is_sparse_ = mode == residency::sparse;
  read_ahead(false);
  if (mode == residency::prefault || mode == residency::locked)
    populate(file, region_->mapped.get_address(), size);
  if (mode == residency::locked)
    lock(file, bytes_.data(), size);
}

void mapping::read_ahead(bool on) const noexcept {
  if (is_sparse_) // advice: without it reading is slower, no more
    ::madvise(const_cast<std::byte*>(bytes_.data()), bytes_.size(), on ? MADV_NORMAL : MADV_RANDOM);
}

void mapping::advise(std::span<const std::byte> part, access_pattern pattern) const noexcept {
  if (!region_ || part.empty())
    return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<std::uintptr_t>(part.data());
  const bool inside = pattern == access_pattern::done;
  const std::uintptr_t begin = (start + (inside ? page - 1 : 0)) / page * page;
  const std::uintptr_t end = (start + part.size() + (inside ? 0 : page - 1)) / page * page;
  if (begin < end)
    ::madvise(reinterpret_cast<void*>(begin), end - begin, advice_of(pattern));
}

void mapping::keep(private_pages&& filled, const std::string& path) {
  if (::mprotect(filled.bytes.data(), filled.bytes.size(), PROT_READ) != 0)
    fail_io(path, "make the private copy read-only", errno);
  pages_ = std::make_unique<private_pages>(std::move(filled));
  bytes_ = pages_->bytes;
}

mapping mapping::borrowed(std::span<const std::byte> bytes) noexcept {
  mapping out;
  out.bytes_ = bytes;
  return out;
}

mapping mapping::copied(std::span<const std::byte> bytes) {
  mapping out;
  if (bytes.empty())
    return out;
  private_pages copy("memory", bytes.size());
  std::memcpy(copy.bytes.data(), bytes.data(), bytes.size());
  out.keep(std::move(copy), "memory");
  return out;
}

PETRIFY_OPENING mapping::mapping(mapping&&) noexcept = default;
mapping& mapping::operator=(mapping&&) noexcept = default;
PETRIFY_OPENING mapping::~mapping() = default;

const char* to_string(access_pattern pattern) noexcept {
  switch (pattern) {
  case access_pattern::normal: return "normal";
  case access_pattern::sequential: return "sequential";
  case access_pattern::random: return "random";
  case access_pattern::soon: return "soon";
  case access_pattern::done: return "done";
  }
  return "unknown";
}

const char* to_string(residency mode) noexcept {
  switch (mode) {
  case residency::lazy: return "lazy";
  case residency::sparse: return "sparse";
  case residency::prefault: return "prefault";
  case residency::locked: return "locked";
  case residency::private_copy: return "private_copy";
  }
  return "unknown";
}

} // namespace petrify::inline v0
