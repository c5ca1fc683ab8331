#include "raw_files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bench {

namespace {

[[noreturn]] void fail(const std::string& path) { throw std::system_error(errno, std::generic_category(), path); }

} // namespace

raw_descriptor::raw_descriptor(const std::string& path, int flags)
    : path_(path), number_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
  if (number_ < 0)
    fail(path_);
}

raw_descriptor::~raw_descriptor() { ::close(number_); }

std::size_t raw_descriptor::size_bytes() const {
  struct stat facts {};
  if (::fstat(number_, &facts) != 0)
    fail(path_);
  return static_cast<std::size_t>(facts.st_size);
}

void raw_descriptor::write_all(std::span<const std::byte> bytes) const {
  const off_t begin = ::lseek(number_, 0, SEEK_CUR);
  if (begin < 0)
    fail(path_);
  auto at = static_cast<std::size_t>(begin);
  while (!bytes.empty()) {
    // The cache's pages are as large as the writes that fill them, where these end where pages do.
    const std::size_t wanted = std::min(write_piece - at % write_piece, bytes.size());
    const ssize_t written = ::write(number_, bytes.data(), wanted);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      fail(path_);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    at += static_cast<std::size_t>(written);
  }
}

void raw_descriptor::sync() const {
  if (::fsync(number_) != 0)
    fail(path_);
}

void raw_descriptor::read_all(std::span<std::byte> out, std::size_t offset) const {
  constexpr std::size_t piece = std::size_t{64} << 20;
  while (!out.empty()) {
    const ssize_t got = ::pread(number_, out.data(), std::min(piece, out.size()), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      fail(path_);
    if (got == 0)
      throw std::runtime_error(path_ + ": ends at byte " + std::to_string(offset) + ", expected " +
                               std::to_string(out.size()) + " more");
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::size_t>(got);
  }
}

void sync_file(const std::string& path) { raw_descriptor(path, O_RDONLY).sync(); }

mapped_bytes::mapped_bytes(const std::string& path) : mapped_bytes(raw_descriptor(path, O_RDONLY), path) {}

mapped_bytes::mapped_bytes(const raw_descriptor& file, const std::string& path) : size_(file.size_bytes()) {
  if (size_ == 0)
    throw std::runtime_error(path + ": is empty");
  void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.number(), 0);
  if (mapped == MAP_FAILED)
    fail(path);
  data_ = static_cast<const std::byte*>(mapped);
}

mapped_bytes::~mapped_bytes() { ::munmap(const_cast<std::byte*>(data_), size_); }

large_memory::large_memory(std::size_t size_bytes) {
  if (size_bytes < std::size_t{32} << 20) {
    small_ = std::make_unique_for_overwrite<std::byte[]>(size_bytes);
    data_ = small_.get();
    return;
  }
  constexpr std::size_t large_page = std::size_t{2} << 20;
  mapped_size_ = size_bytes + large_page;
  mapped_ = ::mmap(nullptr, mapped_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped_ == MAP_FAILED)
    fail("memory of " + std::to_string(size_bytes) + " bytes");
  const auto at = (reinterpret_cast<std::uintptr_t>(mapped_) + large_page - 1) / large_page * large_page;
  data_ = reinterpret_cast<std::byte*>(at);
  ::madvise(data_, size_bytes, MADV_HUGEPAGE); // where it is unknown, small pages do
}

large_memory::~large_memory() {
  if (mapped_ != nullptr)
    ::munmap(mapped_, mapped_size_);
}

raw_header::raw_header(const std::vector<std::uint64_t>& shape) : rank(shape.size()) {
  if (rank > std::size(lengths))
    throw std::invalid_argument("a raw array has " + std::to_string(rank) + " axes, expected at most 7");
  std::ranges::copy(shape, lengths);
}

std::size_t raw_header::num_elements(std::size_t file_bytes, const std::string& path) const {
  std::uint64_t count = 1;
  bool is_right = rank <= std::size(lengths);
  for (std::uint64_t i = 0; is_right && i < rank; ++i)
    is_right = !__builtin_mul_overflow(count, lengths[i], &count);
  if (!is_right || file_bytes < sizeof(raw_header) || (file_bytes - sizeof(raw_header)) / sizeof(float) != count)
    throw std::runtime_error(path + ": is no raw array: " + std::to_string(file_bytes) + " bytes for rank " +
                             std::to_string(rank));
  return static_cast<std::size_t>(count);
}

void write_raw_array(const std::string& path, const sample_source& source, bool is_synced) {
  const std::string temporary = path + ".tmp";
  {
    const raw_descriptor out(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    const raw_header header(source.shape());
    out.write_all(std::as_bytes(std::span(&header, 1)));
    // The first piece is shorter by the header: none has to be cut in two.
    source.for_each_piece([&](std::span<const float> piece) { out.write_all(std::as_bytes(piece)); },
                          (write_piece - sizeof header) / sizeof(float));
    if (is_synced)
      out.sync();
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0)
    fail(path);
  if (is_synced) {
    const auto folder = std::filesystem::path(path).parent_path();
    raw_descriptor(folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY).sync();
  }
}

} // namespace bench
