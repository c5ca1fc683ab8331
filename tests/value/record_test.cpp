// Records: the user's own FlatBuffers table, copied and verified.
#include "support/reseal.hpp"
#include "support/support.hpp"

#include <petrify/record.hpp>

#include "container/container_writer.hpp"

#include "config_generated.h"

using namespace petrify;
using namespace petrify::test;

namespace {

struct saved_record {
  temp_dir dir;
  std::string path = dir.path("r.stone");
  std::vector<std::byte> bytes;

  saved_record() {
    flatbuffers::FlatBufferBuilder b;
    const auto first = user::CreatePartDirect(b, "first", 0.25);
    const auto second = user::CreatePartDirect(b, "second", -1);
    const std::vector<flatbuffers::Offset<user::Part>> parts{first, second};
    const auto inner = user::CreateConfigDirect(b, "inner");
    user::FinishConfigBuffer(b, user::CreateConfig(b, b.CreateString("outer"), 0.5, b.CreateVector(parts),
                                                   b.CreateVectorOfStrings({"a", "b"}),
                                                   b.CreateVector(std::vector<std::int64_t>{1, -2}), inner));
    writer out(path);
    add_record(out, "config", b);
    out.add("numbers", std::vector<float>{1});
    out.commit();
    bytes = read_bytes(path);
  }
};

using config = record<user::Config>;

} // namespace

TEST_CASE("ARecordComesBackAsTheUsersTable") {
  const saved_record s;
  const file from = file::open(s.path);
  const config c(from, "config", user::ConfigIdentifier());
  CHECK(c->title()->str() == "outer");
  CHECK(c->threshold() == 0.5);
  CHECK(c->parts()->Get(1)->name()->str() == "second");
  CHECK((*c).counts()->Get(1) == -2);
  CHECK(c->next()->title()->str() == "inner");
  CHECK(reinterpret_cast<std::uintptr_t>(c->counts()->Data()) % 8 == 0);
  CHECK(from.verify().empty());
  // The record is a copy: it outlives the file, and a move.
  auto kept = std::make_unique<config>(config(file::open(s.path), "config", "CNFG"));
  CHECK(config(std::move(*kept))->title()->str() == "outer");
}

TEST_CASE("ARecordOfAnotherKindIsRefused") {
  const saved_record s;
  const file from = file::open(s.path);
  CHECK_REFUSED(config(from, "config", "OTHR"), errc::wrong_type,
                s.path + ": object \"config\": record with identifier \"CNFG\", expected \"OTHR\"");
  CHECK_REFUSED(config(from, "numbers", "CNFG"), errc::wrong_type, "is of kind array, expected record");
  CHECK_REFUSED(config(from, "missing", "CNFG"), errc::not_found, "no such object");
  CHECK_REFUSED(from.value("config"), errc::wrong_type, "is of kind record, expected value");
}

TEST_CASE("ARecordHasLimits") {
  const saved_record s;
  const file from = file::open(s.path);
  CHECK_REFUSED(config(from, "config", "CNFG", {.max_bytes = 100}), errc::limit_exceeded,
                "bytes, expected at most 100");
  CHECK_REFUSED(config(from, "config", "CNFG", {.max_tables = 3}), errc::malformed, "or one of more than 3 tables");
  CHECK_REFUSED(config(from, "config", "CNFG", {.max_depth = 1}), errc::malformed, "or 1 levels");
  CHECK(config(from, "config", "CNFG", {.max_tables = 4})->threshold() == 0.5);
}

// What a hostile file can do to a reader of records: nothing but waste what the limits allow.
TEST_CASE("DamagedRecordsAreRefusedOrHarmless") {
  const saved_record s;
  std::size_t refused = 0;
  const std::size_t size = [&] {
    const file sound = file::open(s.path);
    return sound.record_bytes("config").size();
  }();
  for (std::size_t i = 0; i < size; ++i)
    for (const unsigned change : {0x01u, 0x04u, 0x80u, 0xffu}) {
      std::vector<std::byte> bytes = s.bytes;
      bytes[128 + i] ^= static_cast<std::byte>(change);
      write_bytes(s.path, bytes);
      const file from = file::open(s.path);
      try {
        const config c(from, "config", "CNFG");
        // Everything is read.
        std::size_t sum = 0;
        for (const user::Config* at = &*c; at != nullptr; at = at->next()) {
          sum += at->title() == nullptr ? 0 : at->title()->size();
          for (std::size_t k = 0; at->parts() != nullptr && k < at->parts()->size(); ++k) {
            const user::Part* part = at->parts()->Get(static_cast<flatbuffers::uoffset_t>(k));
            sum += part->name() == nullptr ? 0 : part->name()->str().size();
          }
          for (std::size_t k = 0; at->words() != nullptr && k < at->words()->size(); ++k)
            sum += at->words()->Get(static_cast<flatbuffers::uoffset_t>(k))->str().size();
        }
        CHECK(sum < 100'000);
      } catch (const error& failure) {
        ++refused;
        CHECK((failure.code() == errc::malformed || failure.code() == errc::wrong_type));
      }
    }
  CHECK(refused > size); // more than a quarter of all changes
}

TEST_CASE("ARecordIsOneSegmentOfABuffersSize") {
  const temp_dir dir;
  const std::string path = dir.path("f");
  const auto open_with = [&](const std::vector<std::size_t>& sizes) {
    container_writer out(path);
    out.begin_object("r");
    for (const std::size_t size : sizes)
      out.add_segment(std::vector<std::byte>(size));
    out.end_object(record_description{});
    out.commit();
    const file from = file::open(path);
    CHECK(from.verify().size() == 1);
    (void)from.record_bytes("r");
  };
  CHECK_REFUSED(open_with({}), errc::malformed, "object \"r\": 0 segments, expected 1");
  CHECK_REFUSED(open_with({16, 16}), errc::malformed, "2 segments, expected 1");
  CHECK_REFUSED(open_with({7}), errc::malformed, "record of 7 bytes, expected 8 to 2147483647");
  writer out(path);
  CHECK_REFUSED(out.add_record_bytes("r", std::vector<std::byte>(7)), errc::invalid_argument, "record of 7 bytes");
  flatbuffers::FlatBufferBuilder b;
  b.Finish(user::CreateConfig(b)); // without identifier: whatever stands there is none
  add_record(out, "r", b);
  out.commit();
  const file from = file::open(path);
  CHECK_REFUSED(config(from, "r", "CNFG"), errc::wrong_type, "expected \"CNFG\"");
}
