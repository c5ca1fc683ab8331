#include "mapping/system_calls.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstring>
#include <mutex>
#include <type_traits>
#include <utility>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace petrify::test {

namespace {

thread_local bool watching = false; // the calls of this thread
thread_local bool is_left_out = false;
std::atomic<bool> watching_others = false;
std::atomic<std::size_t> polls = 0;

std::mutex guard; // of what follows, which a watch_others has used by more than one thread
fault plan;
std::size_t num_watches = 0;
std::size_t num_counted = 0; // calls of the name that the plan counts
std::size_t struck = 0;
std::string struck_name;
std::vector<system_call> calls;

bool is_watched() { return watching || (watching_others && !is_left_out); }

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

// Calls that release something do so on Linux whatever they return.
bool releases(const std::string& name) { return name == "close" || name == "closedir" || name == "munmap"; }

bool makes_descriptor(const std::string& name) {
  return name == "open" || name == "openat" || name == "eventfd" || name == "inotify_init1";
}

// Whether the plan strikes this call.
bool strikes(const system_call& call) {
  if (plan.what == trouble::none)
    return false;
  if (struck > 0 && call.name == plan.afterwards)
    return true;
  const bool is_count = plan.what == trouble::short_count || plan.what == trouble::no_count;
  if ((is_count && call.name != "pwrite" && call.name != "pread") || struck >= plan.times)
    return false;
  return struck > 0 ? call.name == struck_name
                    : num_counted == plan.at && (plan.name.empty() || call.name == plan.name);
}

struct decision {
  bool hit;
  fault wanted;
  std::size_t watch;
};

decision decide(const system_call& call) {
  const std::lock_guard lock(guard);
  const bool hit = strikes(call);
  if (plan.name.empty() || call.name == plan.name)
    ++num_counted;
  if (hit && struck++ == 0)
    struck_name = call.name;
  return {hit, plan, num_watches};
}

void record(system_call&& call, std::size_t watch) {
  const std::lock_guard lock(guard);
  if (watch == num_watches && is_watched()) // it may have waited for longer than the watch lasted
    calls.push_back(std::move(call));
}

// Makes the call `real(size)` or what the plan says. `bad` is what the function returns when it fails.
template <class Real, class Result>
Result pass(system_call call, Result bad, Real real) {
  if (!is_watched())
    return real(call.size);
  const auto [hit, wanted, watch] = decide(call);
  if (hit && wanted.what == trouble::kill_before)
    ::raise(SIGKILL);
  Result result = bad;
  errno = 0;
  if (hit && wanted.what == trouble::failure) {
    if (releases(call.name))
      real(call.size);
    errno = wanted.error;
  } else if (hit && wanted.what == trouble::no_count) {
    result = Result{};
  } else if (call.name == "fsync" && !wanted.really_sync) {
    result = Result{}; // what the disk needs for it is not what is tested
  } else {
    result = real(hit && wanted.what == trouble::short_count ? (call.size + 1) / 2 : call.size);
  }
  const int error = errno;
  if (hit && wanted.what == trouble::kill_after)
    ::raise(SIGKILL);
  call.error = result == bad ? error : 0;
  if constexpr (std::is_pointer_v<Result>)
    call.result = result == bad ? -1 : 0;
  else
    call.result = static_cast<std::int64_t>(result);
  if (makes_descriptor(call.name))
    call.descriptor = static_cast<int>(call.result);
  if (call.name == "pwrite" && result != bad)
    call.bytes.resize(std::min(call.bytes.size(), static_cast<std::size_t>(call.result)));
  record(std::move(call), watch);
  errno = error;
  return result;
}

system_call about(const char* name, int descriptor, const char* path = "", std::uint64_t size = 0,
                  std::uint64_t offset = 0) {
  system_call out;
  if (!is_watched()) { // called by anybody, at any time: no memory is asked for
    out.size = size;
    return out;
  }
  out.name = name;
  out.descriptor = descriptor;
  out.path = path;
  out.size = size;
  out.offset = offset;
  return out;
}

// Of a path that is relative to a folder.
system_call about_entry(const char* name, int folder, const char* path, const char* new_path = "") {
  system_call out = about(name, folder, path);
  out.folder = folder;
  if (is_watched())
    out.new_path = new_path;
  return out;
}

bool keeps_bytes() { return is_watched() && plan.keeps_bytes; }

void begin(const fault& wanted) {
  const std::lock_guard lock(guard);
  calls.clear();
  calls.reserve(4096);
  plan = wanted;
  ++num_watches;
  num_counted = 0;
  struck = 0;
}

} // namespace

std::vector<system_call> watch(const std::function<void()>& f, const fault& wanted) {
  begin(wanted);
  struct stop_watching {
    ~stop_watching() { watching = false; }
  } at_end;
  watching = true;
  f();
  watching = false;
  return calls;
}

const std::vector<system_call>& last_calls() { return calls; }
bool has_struck() { return struck > 0; }

watch_others::watch_others(const fault& wanted) {
  is_left_out = true;
  begin(wanted);
  watching_others = true;
}
watch_others::~watch_others() {
  watching_others = false;
  is_left_out = false;
}
std::vector<system_call> watch_others::calls() const {
  const std::lock_guard lock(guard);
  return test::calls;
}
bool watch_others::has_struck() const {
  const std::lock_guard lock(guard);
  return struck > 0;
}
std::size_t num_polls() { return polls; }

} // namespace petrify::test

using petrify::test::about;
using petrify::test::about_entry;
using petrify::test::next;
using petrify::test::pass;
using petrify::test::system_call;

extern "C" {

int open(const char* path, int flags, ...) {
  static const auto real = next<int(const char*, int, ...)>("open");
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  system_call call = about("open", -1, path);
  call.flags = flags;
  return pass(std::move(call), -1, [&](std::size_t) { return real(path, flags, mode); });
}

int openat(int folder, const char* path, int flags, ...) {
  static const auto real = next<int(int, const char*, int, ...)>("openat");
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  system_call call = about_entry("openat", folder, path);
  call.flags = flags;
  return pass(std::move(call), -1, [&](std::size_t) { return real(folder, path, flags, mode); });
}

int close(int descriptor) {
  static const auto real = next<int(int)>("close");
  return pass(about("close", descriptor), -1, [&](std::size_t) { return real(descriptor); });
}

int stat(const char* path, struct stat* out) noexcept {
  static const auto real = next<int(const char*, struct stat*)>("stat");
  return pass(about("stat", -1, path), -1, [&](std::size_t) { return real(path, out); });
}

int fstat(int descriptor, struct stat* out) noexcept {
  static const auto real = next<int(int, struct stat*)>("fstat");
  return pass(about("fstat", descriptor), -1, [&](std::size_t) { return real(descriptor, out); });
}

int fstatat(int folder, const char* path, struct stat* out, int flags) noexcept {
  static const auto real = next<int(int, const char*, struct stat*, int)>("fstatat");
  return pass(about_entry("fstatat", folder, path), -1, [&](std::size_t) { return real(folder, path, out, flags); });
}

int flock(int descriptor, int operation) noexcept {
  static const auto real = next<int(int, int)>("flock");
  return pass(about("flock", descriptor), -1, [&](std::size_t) { return real(descriptor, operation); });
}

int fcntl(int descriptor, int command, ...) {
  static const auto real = next<int(int, int, ...)>("fcntl");
  va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*); // integers pass through it as well
  va_end(rest);
  return pass(about("fcntl", descriptor), -1, [&](std::size_t) { return real(descriptor, command, argument); });
}

ssize_t pwrite(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  static const auto real = next<ssize_t(int, const void*, std::size_t, off_t)>("pwrite");
  system_call call = about("pwrite", descriptor, "", size, static_cast<std::uint64_t>(offset));
  if (petrify::test::keeps_bytes())
    call.bytes.assign(static_cast<const char*>(bytes), size);
  return pass(std::move(call), ssize_t{-1}, [&](std::size_t part) { return real(descriptor, bytes, part, offset); });
}

ssize_t pread(int descriptor, void* bytes, std::size_t size, off_t offset) {
  static const auto real = next<ssize_t(int, void*, std::size_t, off_t)>("pread");
  return pass(about("pread", descriptor, "", size, static_cast<std::uint64_t>(offset)), ssize_t{-1},
              [&](std::size_t part) { return real(descriptor, bytes, part, offset); });
}

int fsync(int descriptor) {
  static const auto real = next<int(int)>("fsync");
  return pass(about("fsync", descriptor), -1, [&](std::size_t) { return real(descriptor); });
}

int renameat(int old_folder, const char* old_path, int new_folder, const char* new_path) noexcept {
  static const auto real = next<int(int, const char*, int, const char*)>("renameat");
  return pass(about_entry("renameat", old_folder, old_path, new_path), -1,
              [&](std::size_t) { return real(old_folder, old_path, new_folder, new_path); });
}

int unlinkat(int folder, const char* path, int flags) noexcept {
  static const auto real = next<int(int, const char*, int)>("unlinkat");
  return pass(about_entry("unlinkat", folder, path), -1, [&](std::size_t) { return real(folder, path, flags); });
}

int getentropy(void* out, std::size_t size) {
  static const auto real = next<int(void*, std::size_t)>("getentropy");
  return pass(about("getentropy", -1), -1, [&](std::size_t) { return real(out, size); });
}

DIR* fdopendir(int descriptor) {
  static const auto real = next<DIR*(int)>("fdopendir");
  return pass(about("fdopendir", descriptor), static_cast<DIR*>(nullptr),
              [&](std::size_t) { return real(descriptor); });
}

dirent* readdir(DIR* folder) {
  static const auto real = next<dirent*(DIR*)>("readdir");
  return pass(about("readdir", -1), static_cast<dirent*>(nullptr), [&](std::size_t) { return real(folder); });
}

int closedir(DIR* folder) {
  static const auto real = next<int(DIR*)>("closedir");
  return pass(about("closedir", -1), -1, [&](std::size_t) { return real(folder); });
}

void* mmap(void* at, std::size_t size, int protection, int flags, int descriptor, off_t offset) noexcept {
  static const auto real = next<void*(void*, std::size_t, int, int, int, off_t)>("mmap");
  return pass(about("mmap", descriptor), static_cast<void*>(MAP_FAILED),
              [&](std::size_t) { return real(at, size, protection, flags, descriptor, offset); });
}

int munmap(void* at, std::size_t size) noexcept {
  static const auto real = next<int(void*, std::size_t)>("munmap");
  return pass(about("munmap", -1), -1, [&](std::size_t) { return real(at, size); });
}

int madvise(void* at, std::size_t size, int advice) noexcept {
  static const auto real = next<int(void*, std::size_t, int)>("madvise");
  system_call call = about("madvise", -1);
  call.advice = advice;
  return pass(std::move(call), -1, [&](std::size_t) { return real(at, size, advice); });
}

int mprotect(void* at, std::size_t size, int protection) noexcept {
  static const auto real = next<int(void*, std::size_t, int)>("mprotect");
  return pass(about("mprotect", -1), -1, [&](std::size_t) { return real(at, size, protection); });
}

int mlock(const void* at, std::size_t size) noexcept {
  static const auto real = next<int(const void*, std::size_t)>("mlock");
  return pass(about("mlock", -1), -1, [&](std::size_t) { return real(at, size); });
}

int mkdir(const char* path, mode_t mode) noexcept {
  static const auto real = next<int(const char*, mode_t)>("mkdir");
  return pass(about("mkdir", -1, path), -1, [&](std::size_t) { return real(path, mode); });
}

int linkat(int old_folder, const char* old_path, int new_folder, const char* new_path, int flags) noexcept {
  static const auto real = next<int(int, const char*, int, const char*, int)>("linkat");
  return pass(about_entry("linkat", old_folder, old_path, new_path), -1,
              [&](std::size_t) { return real(old_folder, old_path, new_folder, new_path, flags); });
}

int fchmod(int descriptor, mode_t mode) noexcept {
  static const auto real = next<int(int, mode_t)>("fchmod");
  return pass(about("fchmod", descriptor), -1, [&](std::size_t) { return real(descriptor, mode); });
}

int eventfd(unsigned value, int flags) noexcept {
  static const auto real = next<int(unsigned, int)>("eventfd");
  return pass(about("eventfd", -1), -1, [&](std::size_t) { return real(value, flags); });
}

int inotify_init1(int flags) noexcept {
  static const auto real = next<int(int)>("inotify_init1");
  return pass(about("inotify_init1", -1), -1, [&](std::size_t) { return real(flags); });
}

int inotify_add_watch(int descriptor, const char* path, std::uint32_t mask) noexcept {
  static const auto real = next<int(int, const char*, std::uint32_t)>("inotify_add_watch");
  return pass(about("inotify_add_watch", descriptor, path), -1,
              [&](std::size_t) { return real(descriptor, path, mask); });
}

int poll(pollfd* waited, nfds_t size, int timeout) {
  static const auto real = next<int(pollfd*, nfds_t, int)>("poll");
  ++petrify::test::polls;
  return pass(about("poll", -1), -1, [&](std::size_t) { return real(waited, size, timeout); });
}

ssize_t read(int descriptor, void* bytes, std::size_t size) {
  static const auto real = next<ssize_t(int, void*, std::size_t)>("read");
  return pass(about("read", descriptor, "", size), ssize_t{-1},
              [&](std::size_t part) { return real(descriptor, bytes, part); });
}

ssize_t write(int descriptor, const void* bytes, std::size_t size) {
  static const auto real = next<ssize_t(int, const void*, std::size_t)>("write");
  return pass(about("write", descriptor, "", size), ssize_t{-1},
              [&](std::size_t part) { return real(descriptor, bytes, part); });
}

} // extern "C"
