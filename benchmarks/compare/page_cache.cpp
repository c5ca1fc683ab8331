#include "page_cache.hpp"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace compare {

namespace {

class descriptor {
public:
  explicit descriptor(const std::string& path) : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (number_ < 0)
      throw std::system_error(errno, std::generic_category(), path);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() { ::close(number_); }
  int number() const { return number_; }
  std::size_t size_bytes() const {
    struct stat facts {};
    return ::fstat(number_, &facts) == 0 ? static_cast<std::size_t>(facts.st_size) : 0;
  }

private:
  int number_;
};

// Of the file's pages, how many the page cache holds.
double share_in_cache(const descriptor& file) {
  const std::size_t size_bytes = file.size_bytes();
  void* mapped = size_bytes == 0 ? MAP_FAILED : ::mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, file.number(), 0);
  if (mapped == MAP_FAILED)
    return 0;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((size_bytes + page - 1) / page);
  const int status = ::mincore(mapped, size_bytes, pages.data());
  ::munmap(mapped, size_bytes);
  if (status != 0)
    return 0;
  const auto present = std::count_if(pages.begin(), pages.end(), [](unsigned char p) { return (p & 1) != 0; });
  return static_cast<double>(present) / static_cast<double>(pages.size());
}

} // namespace

void bring_in(const std::string& path) {
  const descriptor file(path);
  std::vector<char> block(std::size_t{1} << 20);
  while (::read(file.number(), block.data(), block.size()) > 0)
    ;
}

double drop(const std::string& path) {
  const descriptor file(path);
  if (::fsync(file.number()) != 0) // what is not written back cannot be dropped
    throw std::system_error(errno, std::generic_category(), path);
  ::posix_fadvise(file.number(), 0, 0, POSIX_FADV_DONTNEED);
  return share_in_cache(file);
}

void throw_out(const std::string& path) {
  if (const double share = drop(path); share > most_that_may_stay)
    throw std::runtime_error(path + ": the system keeps " + std::to_string(static_cast<int>(100 * share)) +
                             " % of it in the page cache");
}

} // namespace compare
