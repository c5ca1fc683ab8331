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
  std::string path;         // as given
  std::string new_path;     // rename
  std::uint64_t offset = 0; // pwrite, pread
  std::uint64_t size = 0;   // bytes asked for
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
};

// Runs `f` with every call watched and `wanted` in force. Returns the calls; what f throws passes through, and the
// calls are in last_calls() then.
std::vector<system_call> watch(const std::function<void()>& f, const fault& wanted = {});
const std::vector<system_call>& last_calls();
// Whether the fault struck in the last watch.
bool has_struck();

} // namespace petrify::test
