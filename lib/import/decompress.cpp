#include "import/decompress.hpp"

#include "base/checked.hpp"
#include "base/fail.hpp"

#include <bzlib.h>
#include <lz4frame.h>
#include <lzma.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>

namespace petrify::inline v0 {
namespace {

using bytes = std::span<const std::byte>;

// What xz and lzma may take for their window, which a stream of 13 bytes can ask for in full: as much as may be
// decoded, since a larger one is never filled; but no less than the strongest preset needs (65 MiB), and never more
// than this.
constexpr std::uint64_t min_lzma_memory = std::uint64_t{128} << 20;
constexpr std::uint64_t max_lzma_memory = std::uint64_t{1} << 30;

template <std::size_t N>
bool starts_with(bytes input, const std::array<unsigned char, N>& magic) {
  return input.size() >= N && std::memcmp(input.data(), magic.data(), N) == 0;
}

// Whether `rest` may be a member with this magic, be it cut off inside the magic.
template <std::size_t N>
bool may_start_with(bytes rest, const std::array<unsigned char, N>& magic) {
  return !rest.empty() && std::memcmp(rest.data(), magic.data(), std::min(rest.size(), N)) == 0;
}

constexpr std::array<unsigned char, 3> bzip2_magic{'B', 'Z', 'h'};
constexpr std::array<unsigned char, 6> xz_magic{0xfd, '7', 'z', 'X', 'Z', 0};
constexpr std::array<unsigned char, 2> lzma_magic{0x5d, 0};

bool starts_xz(bytes input) { return starts_with(input, xz_magic); }
bool starts_lzma(bytes input) { return starts_with(input, lzma_magic); }
bool starts_gzip(bytes input) { return starts_with<2>(input, {0x1f, 0x8b}); }
bool starts_bzip2(bytes input) {
  if (!starts_with(input, bzip2_magic) || input.size() < 4)
    return false;
  const auto level = std::to_integer<char>(input[3]);
  return level >= '1' && level <= '9';
}
bool starts_zlib(bytes input) {
  if (input.size() < 2)
    return false;
  // Deflate with the full window, the header's own check, and no preset dictionary: text may begin with an x, too.
  const auto method = std::to_integer<unsigned>(input[0]);
  const auto flags = std::to_integer<unsigned>(input[1]);
  return method == 0x78 && (method * 256 + flags) % 31 == 0 && (flags & 0x20) == 0;
}
bool starts_lz4(bytes input) { return starts_with<4>(input, {0x04, 0x22, 0x4d, 0x18}); }

// The decoded bytes so far. It always has room for one byte more than allowed, so that a stream that ends exactly at
// the limit can be told from one that goes on.
class sink {
public:
  sink(std::uint64_t input_size, const decode_limits& limits) : input_size_(input_size) {
    const std::uint64_t by_ratio = checked_mul(limits.max_ratio, input_size).value_or(max_size);
    limit_ = std::min({std::max(by_ratio, limits.free_bytes), limits.max_bytes, max_size - 1});
    const std::uint64_t guess = std::max<std::uint64_t>(checked_mul(3, input_size).value_or(limit_), 4096);
    out_.reserve(std::min({guess, limit_ + 1, std::uint64_t{256} << 20}));
  }

  std::span<std::byte> room() {
    if (out_.size() == out_.capacity())
      out_.reserve(std::min(out_.capacity() + out_.capacity() / 2, limit_ + 1));
    return {out_.data() + out_.size(), out_.capacity() - out_.size()};
  }

  void commit(std::size_t written) {
    out_.resize(out_.size() + written);
    if (out_.size() > limit_)
      fail(errc::limit_exceeded, {}, input_size_, " compressed bytes decode to more than ", limit_,
           " bytes, which is the limit for them");
  }

  std::size_t size() const { return out_.size(); }
  // Bytes that the stream may decode to.
  std::uint64_t limit() const { return limit_; }
  byte_buffer take() {
    out_.shrink_to_fit();
    return std::move(out_);
  }

private:
  byte_buffer out_;
  std::uint64_t limit_ = 0;
  std::uint64_t input_size_;
};

// One decompression library, decoding one member after the other.
class decoder {
public:
  decoder() = default;
  decoder(const decoder&) = delete;
  decoder& operator=(const decoder&) = delete;
  virtual ~decoder() = default;

  // Decodes from the front of `in` and removes that, also before it throws (an error that has no place).
  struct progress {
    std::size_t written = 0;
    bool end = false; // of the member
  };
  virtual progress step(bytes& in, std::span<std::byte> out) = 0;
  virtual void next_member() = 0;
  // What follows a member: where the next one starts, or the end of the input if the rest is to be ignored.
  virtual bytes skip_to_member(bytes rest) const = 0;
};

[[noreturn]] void no_memory(const char* name) {
  fail(errc::limit_exceeded, {}, "no memory for the ", name, " decoder");
}

bytes without_zeros(bytes rest) {
  const auto first = std::find_if(rest.begin(), rest.end(), [](std::byte b) { return b != std::byte{0}; });
  return rest.subspan(static_cast<std::size_t>(first - rest.begin()));
}

template <class Count>
Count at_most(std::size_t size) {
  return static_cast<Count>(std::min<std::size_t>(size, std::size_t{1} << 30));
}

class zlib_decoder final : public decoder {
public:
  explicit zlib_decoder(bool gzip) : gzip_(gzip) {
    if (inflateInit2(&stream_, gzip ? 16 + MAX_WBITS : MAX_WBITS) != Z_OK)
      no_memory("zlib");
  }
  ~zlib_decoder() override { inflateEnd(&stream_); }

  progress step(bytes& in, std::span<std::byte> out) override {
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    const auto in_size = stream_.avail_in = at_most<uInt>(in.size());
    const auto out_size = stream_.avail_out = at_most<uInt>(out.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    in = in.subspan(in_size - stream_.avail_in);
    if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END) {
      if (result == Z_MEM_ERROR)
        no_memory("zlib");
      fail(errc::malformed, {}, stream_.msg != nullptr ? stream_.msg : "the stream needs a preset dictionary");
    }
    return {out_size - stream_.avail_out, result == Z_STREAM_END};
  }
  void next_member() override { inflateReset(&stream_); }
  // Python's gzip module allows zero bytes between members and after the last; zlib streams have no such custom.
  bytes skip_to_member(bytes rest) const override { return gzip_ ? without_zeros(rest) : rest; }

private:
  z_stream stream_{};
  bool gzip_;
};

class bzip2_decoder final : public decoder {
public:
  bzip2_decoder() { start(); }
  ~bzip2_decoder() override { BZ2_bzDecompressEnd(&stream_); }

  progress step(bytes& in, std::span<std::byte> out) override {
    stream_.next_in = const_cast<char*>(reinterpret_cast<const char*>(in.data()));
    stream_.next_out = reinterpret_cast<char*>(out.data());
    const auto in_size = stream_.avail_in = at_most<unsigned>(in.size());
    const auto out_size = stream_.avail_out = at_most<unsigned>(out.size());
    const int result = BZ2_bzDecompress(&stream_);
    in = in.subspan(in_size - stream_.avail_in);
    if (result == BZ_MEM_ERROR)
      no_memory("bzip2");
    if (result != BZ_OK && result != BZ_STREAM_END)
      fail(errc::malformed, {}, result == BZ_DATA_ERROR_MAGIC ? "not a bzip2 stream" : "a block's checksum is wrong");
    return {out_size - stream_.avail_out, result == BZ_STREAM_END};
  }
  void next_member() override {
    BZ2_bzDecompressEnd(&stream_);
    start();
  }
  // Python's bz2 module ignores whatever does not start a member.
  bytes skip_to_member(bytes rest) const override { return may_start_with(rest, bzip2_magic) ? rest : rest.last(0); }

private:
  void start() {
    stream_ = {};
    if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK)
      no_memory("bzip2");
  }

  bz_stream stream_{};
};

class lzma_decoder final : public decoder {
public:
  explicit lzma_decoder(std::uint64_t memory) : memory_(memory) { next_member(); }
  ~lzma_decoder() override { lzma_end(&stream_); }

  progress step(bytes& in, std::span<std::byte> out) override {
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    stream_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    stream_.avail_in = in.size();
    stream_.avail_out = out.size();
    const lzma_ret result = lzma_code(&stream_, LZMA_RUN);
    in = in.last(stream_.avail_in);
    switch (result) {
    case LZMA_OK:
    case LZMA_BUF_ERROR:
    case LZMA_STREAM_END: break;
    case LZMA_MEM_ERROR: no_memory("lzma");
    case LZMA_MEMLIMIT_ERROR:
      fail(errc::limit_exceeded, {}, "the lzma decoder would need ", lzma_memusage(&stream_), " bytes, allowed are ",
           memory_);
    case LZMA_OPTIONS_ERROR: fail(errc::unsupported, {}, "the stream uses options that liblzma does not know");
    case LZMA_FORMAT_ERROR: fail(errc::malformed, {}, "neither an xz nor an lzma stream");
    default: fail(errc::malformed, {}, "the compressed data is damaged");
    }
    return {out.size() - stream_.avail_out, result == LZMA_STREAM_END};
  }
  // The same struct may be initialised again: liblzma then reuses or frees what it holds.
  void next_member() override {
    if (lzma_auto_decoder(&stream_, memory_, 0) != LZMA_OK)
      no_memory("lzma");
  }
  // The xz format pads with zero bytes; beyond them Python's lzma module ignores whatever does not start a member.
  bytes skip_to_member(bytes rest) const override {
    rest = without_zeros(rest);
    return may_start_with(rest, xz_magic) || may_start_with(rest, lzma_magic) ? rest : rest.last(0);
  }

private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  std::uint64_t memory_;
};

class lz4_decoder final : public decoder {
public:
  lz4_decoder() {
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION)) != 0)
      no_memory("lz4");
  }
  ~lz4_decoder() override { LZ4F_freeDecompressionContext(context_); }

  progress step(bytes& in, std::span<std::byte> out) override {
    std::size_t consumed = in.size();
    std::size_t written = out.size();
    const std::size_t result = LZ4F_decompress(context_, out.data(), &written, in.data(), &consumed, nullptr);
    if (LZ4F_isError(result) != 0)
      fail(errc::malformed, {}, LZ4F_getErrorName(result));
    in = in.subspan(consumed);
    return {written, result == 0};
  }
  void next_member() override { LZ4F_resetDecompressionContext(context_); }
  bytes skip_to_member(bytes rest) const override { return rest; }

private:
  LZ4F_dctx* context_ = nullptr;
};

std::unique_ptr<decoder> make_decoder(compression kind, std::uint64_t max_decoded) {
  switch (kind) {
  case compression::zlib: return std::make_unique<zlib_decoder>(false);
  case compression::gzip: return std::make_unique<zlib_decoder>(true);
  case compression::bzip2: return std::make_unique<bzip2_decoder>();
  case compression::xz:
  case compression::lzma:
    return std::make_unique<lzma_decoder>(std::clamp(max_decoded, min_lzma_memory, max_lzma_memory));
  case compression::lz4: return std::make_unique<lz4_decoder>();
  case compression::none: break;
  }
  fail(errc::invalid_argument, {}, "no decoder for compression ", static_cast<int>(kind));
}

// Decodes one member from the front of `in`, and removes it.
void decode_member(decoder& source, bytes& in, sink& out) {
  for (;;) {
    const std::size_t before = in.size();
    const auto [written, end] = source.step(in, out.room());
    out.commit(written);
    if (end)
      return;
    if (in.size() != before || written != 0)
      continue;
    if (in.empty())
      fail(errc::truncated, {}, "the compressed stream ends early, after ", out.size(), " decoded bytes");
    fail(errc::malformed, {}, "the compressed stream is stuck");
  }
}

} // namespace

const char* to_string(compression kind) noexcept {
  switch (kind) {
  case compression::none: return "none";
  case compression::zlib: return "zlib";
  case compression::gzip: return "gzip";
  case compression::bzip2: return "bzip2";
  case compression::xz: return "xz";
  case compression::lzma: return "lzma";
  case compression::lz4: return "lz4";
  }
  return "unknown";
}

compression detect_compression(bytes input) {
  if (starts_zlib(input))
    return compression::zlib;
  if (starts_gzip(input))
    return compression::gzip;
  if (starts_bzip2(input))
    return compression::bzip2;
  if (starts_xz(input))
    return compression::xz;
  if (starts_lzma(input))
    return compression::lzma;
  if (starts_lz4(input))
    return compression::lz4;
  if (starts_with<2>(input, {'Z', 'F'}))
    fail(errc::not_importable, "byte 0", "starts with \"ZF\": a compressed file of joblib before 0.10, ",
         "expected one of 0.10 or later; load it with an old joblib and dump it again");
  return compression::none;
}

byte_buffer decompress(compression kind, bytes input, const decode_limits& limits) {
  if (kind == compression::none) {
    byte_buffer copy;
    copy.resize(input.size());
    if (!input.empty())
      std::memcpy(copy.data(), input.data(), input.size());
    return copy;
  }
  sink out(input.size(), limits);
  const auto source = make_decoder(kind, out.limit());
  bytes rest = input;
  try {
    do {
      decode_member(*source, rest, out);
      rest = source->skip_to_member(rest);
      if (!rest.empty())
        source->next_member();
    } while (!rest.empty());
  } catch (const error& e) {
    throw e.at({}, text(to_string(kind), " byte ", input.size() - rest.size()));
  }
  return out.take();
}

} // namespace petrify::inline v0
