#include "mapping/folder_watch.hpp"

#include "mapping/io_error.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace petrify::inline v0 {

namespace {

constexpr std::chrono::milliseconds longest_sleep{10}; // nobody can wake it

} // namespace

folder_watch::folder_watch(std::string folder, bool events)
    : folder_(std::move(folder)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_)
    fail_io(folder_, "make an eventfd to watch it with", errno);
  if (events) {
    events_ = descriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    watch();
  }
}

// Watches the folder that has the name now. Whether that is another one than before.
bool folder_watch::watch() noexcept {
  if (!events_)
    return false;
  const int before = watched_;
  watched_ =
      ::inotify_add_watch(events_.get(), folder_.c_str(), IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
  if (before >= 0 && before != watched_)
    ::inotify_rm_watch(events_.get(), before);
  return watched_ >= 0 && before != watched_;
}

// Whether there were any. Their names do not matter: who waits looks at what it wants to know.
bool folder_watch::take_events() noexcept {
  alignas(inotify_event) char buffer[4096];
  bool any = false;
  for (;;) {
    const ssize_t size = uninterrupted([&] { return ::read(events_.get(), buffer, sizeof buffer); });
    if (size < 0 && errno != EAGAIN) { // it would be ready for ever, and never read
      events_.close();
      watched_ = -1;
      return true;
    }
    if (size <= 0)
      return any;
    any = true;
    for (const char* at = buffer; at < buffer + size;) {
      inotify_event event;
      std::memcpy(&event, at, sizeof event);
      at += sizeof event + event.len;
      // Of a watch that was given up before: not about the present one.
      if (event.wd != watched_)
        continue;
      if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0) {
        ::inotify_rm_watch(events_.get(), watched_);
        watched_ = -1;
      }
    }
  }
}

folder_watch::reason folder_watch::wait(std::chrono::milliseconds longest) noexcept {
  if (watched_ < 0 && watch())
    return reason::changed; // what happened while nobody watched
  pollfd waited[] = {{wake_.get(), POLLIN, 0}, {events_.get(), POLLIN, 0}};
  const auto timeout = static_cast<int>(std::clamp<std::int64_t>(longest.count(), 0, INT_MAX));
  const int num_ready = ::poll(waited, events_ ? 2 : 1, timeout);
  // A signal ends the wait early, which is no harm. Without memory to wait in (ENOMEM) waits must not become a spin.
  if (num_ready < 0 && errno != EINTR)
    std::this_thread::sleep_for(std::clamp(longest, std::chrono::milliseconds(0), longest_sleep));
  if (num_ready <= 0) {
    watch(); // a folder above it may have been replaced, of which no event tells
    return reason::time_passed;
  }
  const bool changed = (waited[1].revents & POLLIN) != 0 && take_events();
  if ((waited[0].revents & POLLIN) != 0) {
    std::uint64_t count;
    [[maybe_unused]] const ssize_t size = ::read(wake_.get(), &count, sizeof count);
  }
  return changed ? reason::changed : reason::woken;
}

void folder_watch::wake() noexcept {
  const std::uint64_t one = 1;
  // It fails only where the counter is full, and then the wait is over anyway.
  [[maybe_unused]] const ssize_t size = ::write(wake_.get(), &one, sizeof one);
}

} // namespace petrify::inline v0
