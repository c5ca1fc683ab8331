// How much memory this process has, and had.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

namespace bench {

struct process_status {
  long resident_kib = 0; // VmRSS
  long file_kib = 0;     // RssFile: of it, what lies in the page cache
  long peak_kib = 0;     // VmHWM
};

// Without streams or allocation: a measurement must not measure itself. The first call makes its own code and stack
// resident. Throws: std::runtime_error.
inline process_status status_now() {
  char text[8192];
  const int descriptor = ::open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  const ssize_t size = descriptor < 0 ? -1 : ::read(descriptor, text, sizeof text - 1);
  ::close(descriptor);
  if (size < 0)
    throw std::runtime_error("cannot read /proc/self/status");
  text[size] = '\0';
  const std::string_view status(text, static_cast<std::size_t>(size));
  const auto number_after = [&](std::string_view label) {
    const std::size_t at = status.find(label);
    return at == std::string_view::npos ? -1 : std::strtol(status.data() + at + label.size(), nullptr, 10);
  };
  return {number_after("VmRSS:"), number_after("RssFile:"), number_after("VmHWM:")};
}

} // namespace bench
