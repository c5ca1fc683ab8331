// The system calls that petrify makes, watched and made to fail. Linking system_calls.cpp puts its functions before
// the C library's; nothing changes until watch() is called.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace petrify::test {

struct system_call {
  std::string name;
  int descriptor = -1;      // that it is about; of open: the new one
  int folder = -1;          // that `path` is in, where it is relative: openat, linkat, renameat, unlinkat, fstatat
  std::string path;         // as given
  std::string new_path;     // rename, link
  int flags = 0;            // open
  std::uint64_t offset = 0; // pwrite, pread
  std::uint64_t size = 0;   // bytes asked for
  std::string bytes;        // that pwrite wrote, where fault::keeps_bytes
  int advice = 0;           // madvise
  std::int64_t result = 0;  // -1 also for MAP_FAILED and null
  int error = 0;            // errno, where it failed
};

enum class trouble {
  none,
  failure,     // the call is not made and gives -1 with `error`; close, closedir and munmap are made all the same
  short_count, // half the bytes (pwrite, pread)
  no_count,    // no bytes, result 0 (pwrite, pread)
  kill_before, // the process dies of SIGKILL
  kill_after,
};

struct fault {
  trouble what = trouble::none;
  std::size_t at = 0;    // the how-manieth call, from 0
  int error = 0;         // for failure
  std::size_t times = 1; // this call, and that many in all of the same name
  bool really_sync = false;
  bool keeps_bytes = false;
  std::string name = {};       // if there is one: only calls of this name are counted
  std::string afterwards = {}; // once it has struck, all calls of this name fail with `error` too
};

// Runs `f` with every call that this thread makes watched and `wanted` in force. Returns the calls; what f throws
// passes through, and the calls are in last_calls() then.
std::vector<system_call> watch(const std::function<void()>& f, const fault& wanted = {});
const std::vector<system_call>& last_calls();
// Whether the fault struck in the last watch.
bool has_struck();

// Watches the calls of all threads but the one that made it, while it lives. Which call is the how-manieth is known
// only where one other thread makes calls.
class watch_others {
public:
  explicit watch_others(const fault& wanted = {});
  watch_others(const watch_others&) = delete;
  watch_others& operator=(const watch_others&) = delete;
  ~watch_others();
  // So far.
  std::vector<system_call> calls() const;
  bool has_struck() const;
};
// How often a thread has begun to wait in poll, watched or not.
std::size_t num_polls();

} // namespace petrify::test
