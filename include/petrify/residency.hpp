// residency: where the bytes of an open file are, and what follows when the file or its disk fails.
#pragma once

#include <petrify/version.hpp>

#include <cstdint>

namespace petrify::inline v0 {

// What opening does with the file's pages. A view of the page cache is shared by all processes. It is also at the mercy
// of whoever changes the file *in place* (petrify::writer never does: it replaces files): bytes change under the views,
// and a touch of a page that was cut off, or that the disk cannot read, raises SIGBUS. docs/security.md tells more.
//
// | mode         | cost of open            | a disk error while in use | in-place change or truncation while in use |
// | lazy         | tens of microseconds    | SIGBUS                    | seen; SIGBUS                               |
// | prefault     | reads the file          | none: read at open, unless evicted since | seen; SIGBUS                |
// | locked       | reads the file          | none: pages stay          | seen; SIGBUS                               |
// | private_copy | reads and copies it     | none                      | none: nobody else can reach the copy       |
//
// What happens *while opening* (a file that shrinks, a disk that fails) is an error, never a signal, in the last three.
enum class residency : std::uint8_t {
  lazy,         // pages are read when they are first touched
  prefault,     // all pages are read and mapped at open: no page fault later, errors are errors
  locked,       // as prefault, and the system may not evict them (counts against RLIMIT_MEMLOCK)
  private_copy, // memory of this process's own, in large pages where the system has them, read-only once it is filled
};

// "lazy", "prefault", "locked", "private_copy".
const char* to_string(residency mode) noexcept;

} // namespace petrify::inline v0
