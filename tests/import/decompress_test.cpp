// Decompressors, on streams that Python's modules made.
#include "import/decompress.hpp"

#include <petrify/error.hpp>

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace std::string_literals;
using petrify::byte_buffer;
using petrify::compression;
using petrify::decode_limits;
using petrify::errc;
using petrify::error;

constexpr std::string_view plain = "a forest stands\n";
constexpr std::string_view zlib_hex = "789c4b5448cb2f4a2d2e51282e49cc4b29e60200320e05cc";
constexpr std::string_view gzip_hex = "1f8b08000000000002034b5448cb2f4a2d2e51282e49cc4b29e6020057b2ff9710000000";
constexpr std::string_view bzip2_hex =
    "425a6839314159265359f27c7f38000001d1800010400027019c002000229806d4201a69a1410da5d2"
    "1147b85dc914e14243c9f1fce0";
constexpr std::string_view xz_hex =
    "fd377a585a000004e6d6b4460200210116000000742fe5a301000f6120666f72657374207374616e64730a"
    "00380d28ead5f9dd2000012810e50b6c601fb6f37d010000000004595a";
constexpr std::string_view lzma_hex = "5d00008000ffffffffffffffff00308808c7342b43492128ef40873d81093e9a9e84fffee11800";
constexpr std::string_view lz4_hex = "04224d186840100000000000000065100000806120666f72657374207374616e64730a00000000";
// 1 MiB of zero bytes.
constexpr std::string_view bzip2_zeros_hex =
    "425a683931415926535938571ce50008084000c0040008200030cc0529a60806c4201e2ee48a70a12070ae39ca";
constexpr std::string_view xz_zeros_hex =
    "fd377a585a000004e6d6b4460200210116000000742fe5a3efffff00d95d00006ffdffffa3b7ff473e481572396151b89228"
    "e6a38607f9eee41e82d32fc53a3c014bb17ec98a8a4d2fa30dd97fa6e38c231153e05918c5758ae277f8b6947f0c6ac0de74"
    "4964e2e95c53b204d8f7440cab5f0d6d46e9e5c37688b79657acb64de1691d6ffb4b88106c42cb883f5c008fd04eaf262894"
    "711f3d8f24e1709ea7235fec28cb85d195988a7e2a91f22775f719c006984d98fdd8afd5900fc42553f8f591363105a5b0ee"
    "6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522af7e49525000000"
    "0000c2f6ba3ea2706b600001f5018080400079977f47b1c467fb020000000004595a";

std::string unhex(std::string_view hex) {
  std::string out;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return out;
}

struct sample {
  compression kind;
  std::string bytes;
};
const sample samples[] = {
    {compression::zlib, unhex(zlib_hex)}, {compression::gzip, unhex(gzip_hex)}, {compression::bzip2, unhex(bzip2_hex)},
    {compression::xz, unhex(xz_hex)},     {compression::lzma, unhex(lzma_hex)}, {compression::lz4, unhex(lz4_hex)},
};

compression detect(std::string_view bytes) { return petrify::detect_compression(std::as_bytes(std::span(bytes))); }

std::string decode(compression kind, std::string_view bytes, const decode_limits& limits = {}) {
  const byte_buffer out = petrify::decompress(kind, std::as_bytes(std::span(bytes)), limits);
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

errc code_of(compression kind, const std::string& bytes, const decode_limits& limits = {}) {
  try {
    decode(kind, bytes, limits);
  } catch (const error& e) {
    CHECK(e.path().empty());
    CHECK(e.where().starts_with(petrify::to_string(kind) + " byte "s));
    return e.code();
  }
  return errc::io;
}

} // namespace

TEST_CASE("CompressionIsToldFromTheFirstBytes") {
  for (const auto& [kind, bytes] : samples)
    CHECK(detect(bytes) == kind);
  for (const char* other : {"", "\x80\4N.", "x", "x=1\n", "xz", "BZip", "BZh0", "BZ", "]q", "{", "\x93NUMPY", "ZIP"})
    CHECK(detect(other) == compression::none);
}

TEST_CASE("EveryCompressionDecodes") {
  for (const auto& [kind, bytes] : samples)
    CHECK(decode(kind, bytes) == plain);
  CHECK(decode(compression::none, "as it is") == "as it is");
  CHECK(decode(compression::none, "").empty());
}

TEST_CASE("JoblibBefore010FilesAreRefusedByName") {
  try {
    detect("ZF0x1000");
    FAIL("accepted");
  } catch (const error& e) {
    CHECK(e.code() == errc::not_importable);
    CHECK(e.message().starts_with("starts with \"ZF\": a compressed file of joblib before 0.10"));
  }
}

TEST_CASE("ConcatenatedMembersAreAllDecoded") {
  for (const auto& [kind, bytes] : samples)
    CHECK(decode(kind, bytes + bytes + bytes) == std::string(plain) + std::string(plain) + std::string(plain));
}

TEST_CASE("TruncatedStreamsAreRefusedAtEveryLength") {
  for (const auto& [kind, bytes] : samples)
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CAPTURE(size);
      CHECK(code_of(kind, bytes.substr(0, size)) == errc::truncated);
      if (size != 0)
        CHECK(code_of(kind, bytes + bytes.substr(0, size)) == errc::truncated);
    }
}

TEST_CASE("DamagedStreamsNeverCrash") {
  for (const auto& [kind, bytes] : samples)
    for (std::size_t at = 0; at < bytes.size(); ++at)
      for (const int mask : {1, 16, 128, 255}) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ mask);
        code_of(kind, damaged, {.free_bytes = 1 << 20});
      }
}

TEST_CASE("WrongChecksumsAreRefused") {
  std::string zlib = samples[0].bytes;
  zlib.back() ^= 1;
  CHECK(code_of(compression::zlib, zlib) == errc::malformed);
  std::string gzip = samples[1].bytes;
  gzip[gzip.size() - 8] ^= 1;
  CHECK(code_of(compression::gzip, gzip) == errc::malformed);
}

TEST_CASE("WhatMayFollowTheLastMemberIsWhatPythonAccepts") {
  const auto follows = [](std::size_t i, std::string_view tail) {
    return code_of(samples[i].kind, samples[i].bytes + std::string(tail));
  };
  constexpr errc fine = errc::io;
  const std::string zeros(7, '\0');
  CHECK(follows(0, "garbage") == errc::malformed); // zlib
  CHECK(follows(0, zeros) == errc::malformed);
  CHECK(follows(1, "garbage") == errc::malformed); // gzip
  CHECK(follows(1, zeros) == fine);
  CHECK(follows(2, "garbage") == fine); // bzip2
  CHECK(follows(2, zeros) == fine);
  CHECK(follows(3, "garbage") == fine); // xz
  CHECK(follows(3, zeros) == fine);
  CHECK(follows(4, "garbage") == fine);            // lzma
  CHECK(follows(5, "garbage") == errc::malformed); // lz4
  CHECK(follows(5, zeros) == errc::malformed);
  CHECK(decode(compression::gzip, samples[1].bytes + zeros + samples[1].bytes) ==
        std::string(plain) + std::string(plain));
}

TEST_CASE("BombsAreRefusedPastTheRatioOnly") {
  const std::string bomb = unhex(bzip2_zeros_hex);
  CHECK(decode(compression::bzip2, bomb) == std::string(1 << 20, '\0'));
  CHECK(code_of(compression::bzip2, bomb, {.free_bytes = 1000}) == errc::limit_exceeded);
  CHECK(code_of(compression::xz, unhex(xz_zeros_hex), {.free_bytes = 1000}) == errc::limit_exceeded);
  CHECK(code_of(compression::bzip2, bomb, {.max_ratio = 100'000, .free_bytes = 1000}) == errc::io);
}

TEST_CASE("LimitsAreExact") {
  for (const auto& [kind, bytes] : samples) {
    CHECK(decode(kind, bytes, {.max_bytes = plain.size()}) == plain);
    CHECK(code_of(kind, bytes, {.max_bytes = plain.size() - 1}) == errc::limit_exceeded);
    CHECK(decode(kind, bytes, {.max_ratio = 0, .free_bytes = plain.size()}) == plain);
    CHECK(code_of(kind, bytes, {.max_ratio = 0, .free_bytes = plain.size() - 1}) == errc::limit_exceeded);
    CHECK(code_of(kind, bytes, {.max_bytes = 0}) == errc::limit_exceeded);
  }
}

TEST_CASE("AnLzmaWindowBeyondMemoryIsRefused") {
  const auto with_window = [](char top) {
    std::string bytes = samples[4].bytes;
    bytes.replace(1, 4, "\0\0\0"s + top);
    return bytes;
  };
  const decode_limits any{.free_bytes = std::uint64_t{4} << 30};
  CHECK(code_of(compression::lzma, with_window('\x80'), any) == errc::limit_exceeded); // 2 GiB
  CHECK(code_of(compression::lzma, with_window('\x20')) == errc::limit_exceeded);      // 512 MiB of at most 256 decoded
  CHECK(decode(compression::lzma, with_window('\x20'), any) == plain);
  // The strongest preset's, 64 MiB, whatever may be decoded.
  CHECK(decode(compression::lzma, with_window('\x04'), {.max_bytes = plain.size()}) == plain);
}

TEST_CASE("BuffersGrowMoveAndShrink") {
  byte_buffer buffer;
  CHECK(buffer.empty());
  buffer.resize(3);
  std::memcpy(buffer.data(), "abc", 3);
  buffer.resize(100'000);
  CHECK(buffer.capacity() >= 100'000);
  CHECK(std::memcmp(buffer.data(), "abc", 3) == 0);
  byte_buffer other = std::move(buffer);
  CHECK(other.size() == 100'000);
  other.resize(2);
  other.shrink_to_fit();
  CHECK(other.capacity() == 2);
  CHECK(other.span().size() == 2);
  other.resize(0);
  other.shrink_to_fit();
  CHECK(other.capacity() == 0);
}
