// JSON by RapidJSON's reader, which keeps no stack of its own on the machine's and gives numbers as texts.
#include "base/fail.hpp"
#include "import/json.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <cctype>

namespace petrify::inline v0 {
namespace json {

namespace {

// RapidJSON's events as the builder's calls. Returning false ends the parse.
class handler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, handler> {
public:
  explicit handler(builder& to) : to_(to) {}
  const builder::fault& fault() const noexcept { return fault_; }

  bool Null() {
    to_.add(value());
    return true;
  }
  bool Bool(bool one) {
    to_.add_bool(one);
    return true;
  }
  bool RawNumber(const char* digits, rapidjson::SizeType size, bool) { return went(to_.add_number({digits, size})); }
  bool String(const char* bytes, rapidjson::SizeType size, bool) {
    to_.add_text({bytes, size});
    return true;
  }
  bool StartObject() { return went(to_.begin_dict()); }
  bool Key(const char* bytes, rapidjson::SizeType size, bool) {
    to_.key({bytes, size});
    return true;
  }
  bool EndObject(rapidjson::SizeType) { return went(to_.end_dict()); }
  bool StartArray() { return went(to_.begin_list()); }
  bool EndArray(rapidjson::SizeType) {
    to_.end_list();
    return true;
  }

private:
  bool went(builder::fault fault) {
    fault_ = std::move(fault);
    return !fault_;
  }
  builder& to_;
  builder::fault fault_;
};

} // namespace

bool is_text(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < 2 || bytes[0] != std::byte{'{'})
    return false;
  const auto next = std::to_integer<unsigned char>(bytes[1]);
  return next == '"' || next == '}' || next == ' ' || next == '\n' || next == '\r' || next == '\t';
}

document parse_text(std::span<const std::byte> bytes, reals kept) {
  document out;
  builder to(*out.keys_, kept);
  handler events(to);
  rapidjson::MemoryStream stream(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  rapidjson::Reader reader;
  constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag |
                             rapidjson::kParseNanAndInfFlag | rapidjson::kParseValidateEncodingFlag;
  const auto result = reader.Parse<flags>(stream, events);
  if (result.IsError()) {
    const std::string where = text("byte ", result.Offset());
    if (events.fault())
      fail(errc::malformed, where, *events.fault());
    fail(result.Offset() >= bytes.size() ? errc::truncated : errc::malformed, where,
         "no JSON: ", rapidjson::GetParseError_En(result.Code()));
  }
  out.root_ = to.take();
  return out;
}

} // namespace json
} // namespace petrify::inline v0
