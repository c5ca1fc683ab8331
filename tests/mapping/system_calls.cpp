#include "mapping/system_calls.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstring>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace petrify::test {

namespace {

bool watching = false;
fault plan;
std::size_t struck = 0;
std::vector<system_call> calls;

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

// Calls that release something do so on Linux whatever they return.
bool releases(const std::string& name) { return name == "close" || name == "closedir" || name == "munmap"; }

// Makes the call `real(size)` or what the plan says. `bad` is what the function returns when it fails.
template <class Real, class Result>
Result pass(system_call call, Result bad, Real real) {
  if (!watching)
    return real(call.size);
  const std::size_t index = calls.size();
  const bool counts = call.name == "pwrite" || call.name == "pread";
  const bool is_count = plan.what == trouble::short_count || plan.what == trouble::no_count;
  const bool hit = plan.what != trouble::none && (!is_count || counts) && index >= plan.at && struck < plan.times &&
                   (index == plan.at || (struck > 0 && calls[plan.at].name == call.name));
  if (hit)
    ++struck;
  if (hit && plan.what == trouble::kill_before)
    ::raise(SIGKILL);
  Result result = bad;
  errno = 0;
  if (hit && plan.what == trouble::failure) {
    if (releases(call.name))
      real(call.size);
    errno = plan.error;
  } else if (hit && plan.what == trouble::no_count) {
    result = Result{};
  } else if (call.name == "fsync" && !plan.really_sync) {
    result = Result{}; // what the disk needs for it is not what is tested
  } else {
    result = real(hit && plan.what == trouble::short_count ? (call.size + 1) / 2 : call.size);
  }
  const int error = errno;
  if (hit && plan.what == trouble::kill_after)
    ::raise(SIGKILL);
  call.error = result == bad ? error : 0;
  if constexpr (std::is_pointer_v<Result>)
    call.result = result == bad ? -1 : 0;
  else
    call.result = static_cast<std::int64_t>(result);
  if (call.name == "open" || call.name == "openat")
    call.descriptor = static_cast<int>(call.result);
  calls.push_back(std::move(call));
  errno = error;
  return result;
}

system_call about(const char* name, int descriptor, const char* path = "", std::uint64_t size = 0,
                  std::uint64_t offset = 0) {
  system_call out;
  if (!watching) { // called by anybody, at any time: no memory is asked for
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

} // namespace

std::vector<system_call> watch(const std::function<void()>& f, const fault& wanted) {
  calls.clear();
  calls.reserve(4096);
  plan = wanted;
  struck = 0;
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

} // namespace petrify::test

using petrify::test::about;
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
  return pass(about("open", -1, path), -1, [&](std::size_t) { return real(path, flags, mode); });
}

int openat(int folder, const char* path, int flags, ...) {
  static const auto real = next<int(int, const char*, int, ...)>("openat");
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return pass(about("openat", -1, path), -1, [&](std::size_t) { return real(folder, path, flags, mode); });
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
  return pass(about("fstatat", folder, path), -1, [&](std::size_t) { return real(folder, path, out, flags); });
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
  return pass(about("pwrite", descriptor, "", size, static_cast<std::uint64_t>(offset)), ssize_t{-1},
              [&](std::size_t part) { return real(descriptor, bytes, part, offset); });
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
  system_call call = about("renameat", old_folder, old_path);
  call.new_path = new_path;
  return pass(std::move(call), -1, [&](std::size_t) { return real(old_folder, old_path, new_folder, new_path); });
}

int unlinkat(int folder, const char* path, int flags) noexcept {
  static const auto real = next<int(int, const char*, int)>("unlinkat");
  return pass(about("unlinkat", folder, path), -1, [&](std::size_t) { return real(folder, path, flags); });
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

} // extern "C"
