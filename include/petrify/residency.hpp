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
// | lazy, sparse | tens of microseconds    | SIGBUS                    | seen; SIGBUS                               |
// | prefault     | reads the file          | none: read at open, unless evicted since | seen; SIGBUS                |
// | locked       | reads the file          | none: pages stay          | seen; SIGBUS                               |
// | private_copy | reads and copies it     | none                      | none: nobody else can reach the copy       |
//
// What happens *while opening* (a file that shrinks, a disk that fails) is an error, never a signal, in the last three.
//
// When to choose sparse: a row touches some hundred pages of a forest of 200 MB, all over it. If the page cache does
// not hold the file, lazy brings in most of it for the first row, sparse these pages only. Each further row then costs
// its own pages until they are all there, so that lazy is ahead again after a handful of rows, and by far for a batch.
// With a file that is in the page cache both are the same. What looks at all of an object anyway (forest() without
// trust::caller, verify) reads as lazy does.
enum class residency : std::uint8_t {
  lazy,         // pages are read when they are first touched, with as many neighbours as the system thinks fit
  sparse,       // as lazy, but without neighbours: for a few rows of a large forest that no cache holds
  prefault,     // all pages are read and mapped at open: no page fault later, errors are errors
  locked,       // as prefault, and the system may not evict them (counts against RLIMIT_MEMLOCK)
  private_copy, // memory of this process's own, in large pages where the system has them, read-only once it is filled
};

// "lazy", "sparse", "prefault", "locked", "private_copy".
const char* to_string(residency mode) noexcept;

} // namespace petrify::inline v0
