// Marks, sizes and flags of the zip format (PKWARE's APPNOTE.TXT, 4.3).
#pragma once

#include <petrify/version.hpp>

#include <cstdint>

namespace petrify::inline v0 {

namespace zip {

inline constexpr std::uint32_t local_mark = 0x04034b50;
inline constexpr std::uint32_t entry_mark = 0x02014b50;
inline constexpr std::uint32_t end_mark = 0x06054b50;
inline constexpr std::uint32_t end64_mark = 0x06064b50;
inline constexpr std::uint32_t end64_place_mark = 0x07064b50;
inline constexpr std::uint64_t local_bytes = 30;
inline constexpr std::uint64_t entry_bytes = 46;
inline constexpr std::uint64_t end_bytes = 22;
inline constexpr std::uint64_t end64_bytes = 56;
inline constexpr std::uint64_t end64_place_bytes = 20;
inline constexpr unsigned encrypted_flag = 1;
inline constexpr unsigned descriptor_flag = 8; // sizes and checksum stand behind the content
inline constexpr unsigned utf8_flag = 0x800;
inline constexpr unsigned deflate_method = 8;
// A field that is full says that its value stands in the extra field for 64 bits, or in the end for 64 bits.
inline constexpr std::uint32_t full = 0xffffffff;
inline constexpr std::uint16_t full16 = 0xffff;
inline constexpr std::uint16_t extra64 = 1;
inline constexpr std::uint16_t extra_align = 0xd935; // an alignment, and zeros up to it
inline constexpr std::uint64_t content_alignment = 64;

} // namespace zip
} // namespace petrify::inline v0
