// Version of the petrify library, and the inline namespace that carries it.
//
// Everything public lives in petrify::v0, an inline namespace: programs write petrify::file, while the linker sees
// the version, so that two versions of the library in one program cannot be mixed up silently.
#pragma once

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || __SIZEOF_POINTER__ != 8
#error "petrify maps its files as they are: it needs a 64-bit little-endian host"
#endif

#define PETRIFY_VERSION_MAJOR 0
#define PETRIFY_VERSION_MINOR 1
#define PETRIFY_VERSION_PATCH 0
#define PETRIFY_VERSION_STRING "0.1.0"

namespace petrify::inline v0 {

// The version of the file format that this library writes and reads (docs/format.md). It is frozen: every later release
// reads it too.
inline constexpr unsigned format_version = 1;

} // namespace petrify::inline v0
