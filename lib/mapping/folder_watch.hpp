// Waiting for a file of a folder to be replaced.
#pragma once

#include "mapping/descriptor.hpp"

#include <petrify/version.hpp>

#include <atomic>
#include <chrono>
#include <string>

namespace petrify::inline v0 {

// Sleeps until a file is renamed into a folder, or time passes, or another thread wakes it. Where the system tells
// nothing of such changes (no inotify left, or `events` is off) only time and threads end a wait; of changes that other
// machines make in a shared folder it tells nothing either, so that who waits should look now and then all the same.
//
// Thread safety: wait by one thread; wake by any.
class folder_watch {
public:
  // Throws: errc::io where there is no descriptor for waking. What inotify refuses is no error.
  explicit folder_watch(std::string folder, bool events = true);

  // Whether the system tells of changes now.
  bool has_events() const noexcept { return watched_ >= 0; }

  enum class reason { changed, time_passed, woken };
  // Returns at once when something has happened since the last call. Where another folder has got the name, that one is
  // watched: after an event of the old one, or when time has passed.
  reason wait(std::chrono::milliseconds longest) noexcept;
  // Ends the current wait, or the next.
  void wake() noexcept;

private:
  bool watch() noexcept;
  bool take_events() noexcept;

  std::string folder_;
  descriptor wake_;
  descriptor events_;
  std::atomic<int> watched_ = -1;
};

} // namespace petrify::inline v0
