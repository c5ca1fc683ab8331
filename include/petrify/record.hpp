// record: an object of the user's own FlatBuffers table ("custom classes"). This header needs FlatBuffers, and what
// flatc has made of the user's schema; petrify.hpp does not include it.
//
//     flatbuffers::FlatBufferBuilder b;
//     FinishConfigBuffer(b, CreateConfig(b, ...));              // with the schema's file_identifier
//     petrify::add_record(out, "config", b);
//
//     const petrify::record<Config> config(file, "config", ConfigIdentifier());
//     use(config->threshold());
#pragma once

#include <petrify/error.hpp>
#include <petrify/file.hpp>
#include <petrify/writer.hpp>

#include <flatbuffers/flatbuffers.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>

namespace petrify::inline v0 {

// How much a record may ask of its reader.
struct record_limits {
  std::uint64_t max_bytes = std::uint64_t{1} << 20;
  // Tables in it, one that is referred to twice counting twice; 0: as many as its size explains, 16 + bytes / 16.
  std::uint32_t max_tables = 0;
  std::uint32_t max_depth = 64;
};

// A record in memory of its own: a copy, so that nobody can change it after it was checked. Table is flatc's.
//
// FlatBuffers' Verifier checks it, with a cap on tables. Cost: linear in the record for schemas without vectors of
// strings or tables; with them tables * size at worst, which a hostile file can reach and `limits` bound: 500 KB cost
// seconds, and twice as much four times as long. So raise max_bytes no further than your records need.
// Thread safety: like any value; const use from any number of threads.
template <class Table>
class record {
public:
  // `identifier`: the four characters of the schema's file_identifier.
  // Throws: errc::not_found; errc::wrong_type for another kind or identifier; errc::malformed; errc::limit_exceeded.
  record(const file& from, std::string_view name, const char* identifier, const record_limits& limits = {}) {
    const auto bytes = from.record_bytes(name);
    if (bytes.size() > limits.max_bytes)
      refuse(from, name, errc::limit_exceeded,
             "record of " + std::to_string(bytes.size()) + " bytes, expected at most " +
                 std::to_string(limits.max_bytes));
    copy_.reset(static_cast<std::byte*>(::operator new(bytes.size(), alignment)));
    std::copy(bytes.begin(), bytes.end(), copy_.get());
    const auto* start = reinterpret_cast<const std::uint8_t*>(copy_.get());
    if (!flatbuffers::BufferHasIdentifier(start, identifier)) {
      std::string found(reinterpret_cast<const char*>(start) + 4, 4);
      std::replace_if(
          found.begin(), found.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
      refuse(from, name, errc::wrong_type, "record with identifier \"" + found + "\", expected \"" + identifier + "\"");
    }
    const auto max_tables =
        limits.max_tables != 0 ? limits.max_tables : static_cast<std::uint32_t>(16 + bytes.size() / 16);
    flatbuffers::Verifier verifier(start, bytes.size(), limits.max_depth, max_tables);
    if (!verifier.VerifyBuffer<Table>(identifier))
      refuse(from, name, errc::malformed,
             "the bytes are no valid FlatBuffer of this type, or one of more than " + std::to_string(max_tables) +
                 " tables or " + std::to_string(limits.max_depth) + " levels");
    table_ = flatbuffers::GetRoot<Table>(start);
  }

  const Table& operator*() const noexcept { return *table_; }
  const Table* operator->() const noexcept { return table_; }

private:
  [[noreturn]] static void refuse(const file& from, std::string_view name, errc code, const std::string& message) {
    detail::raise(error(code, from.path(), "object \"" + std::string(name) + "\"", message));
  }

  static constexpr std::align_val_t alignment{64};
  struct release {
    void operator()(std::byte* p) const noexcept { ::operator delete(p, alignment); }
  };

  std::unique_ptr<std::byte, release> copy_;
  const Table* table_ = nullptr;
};

// Adds what `builder` has finished, with a file identifier. Throws: errc::invalid_argument for a name that is taken or
// a buffer without identifier; errc::io.
inline void add_record(writer& out, std::string_view name, const flatbuffers::FlatBufferBuilder& builder) {
  out.add_record_bytes(name, {reinterpret_cast<const std::byte*>(builder.GetBufferPointer()), builder.GetSize()});
}

} // namespace petrify::inline v0
