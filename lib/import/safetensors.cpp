#include "import/safetensors.hpp"

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "container/header.hpp"
#include "import/json.hpp"

#include <algorithm>
#include <cstring>

namespace petrify::inline v0 {
namespace safetensors {

namespace {

constexpr std::size_t length_bytes = 8;

struct known_type {
  std::string_view code;
  dtype type;
};
// In the library's order, by which it sorts tensors when it writes.
constexpr known_type types[] = {
    {"BOOL", dtype::bool8}, {"U8", dtype::uint8},    {"I8", dtype::int8},       {"I16", dtype::int16},
    {"U16", dtype::uint16}, {"F16", dtype::float16}, {"BF16", dtype::bfloat16}, {"I32", dtype::int32},
    {"U32", dtype::uint32}, {"F32", dtype::float32}, {"C64", dtype::complex64}, {"F64", dtype::float64},
    {"I64", dtype::int64},  {"U64", dtype::uint64},
};

std::uint64_t header_length(std::span<const std::byte> bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  return length;
}

// An array of whole numbers from 0 on, written as such; nullopt for anything else.
std::optional<std::vector<std::uint64_t>> whole_numbers(const json::value* from) {
  const json::numbers* const numbers = from == nullptr ? nullptr : from->as_numbers();
  if (numbers == nullptr || !numbers->is_whole())
    return std::nullopt;
  std::vector<std::uint64_t> out(numbers->size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto number = numbers->integer(i);
    if (!number || *number < 0)
      return std::nullopt;
    out[i] = static_cast<std::uint64_t>(*number);
  }
  return out;
}

std::string seen(const json::value* value) { return value == nullptr ? "is missing" : "is " + value->describe(); }

dtype type_of(const json::value* from) {
  const std::string* const code = from == nullptr ? nullptr : from->as_text();
  if (code == nullptr)
    fail(errc::malformed, {}, "dtype ", seen(from), ", expected a text such as \"F32\"");
  for (const known_type& known : types)
    if (known.code == *code)
      return known.type;
  fail(errc::not_importable, {}, "holds ", quoted(*code, 24),
       ", expected BOOL, U8 to U64, I8 to I64, F16, BF16, F32, F64 or C64",
       code->starts_with("F8") || code->starts_with("F6") || code->starts_with("F4")
           ? ": petrify has no floats of 8 bits and fewer"
           : "");
}

// Offsets count from the end of the header.
struct placed_tensor {
  tensor found;
  std::uint64_t begin;
  std::uint64_t end;
};

placed_tensor read_tensor(std::string_view name, const json::value& entry) {
  const json::dict* const fields = entry.as_dict();
  if (fields == nullptr)
    fail(errc::malformed, {}, "is ", entry.describe(), ", expected a dict of dtype, shape and data_offsets");
  for (const auto& [key, value] : *fields)
    if (key != "dtype" && key != "shape" && key != "data_offsets")
      fail(errc::malformed, {}, "has a field ", quoted(key, 24), ", expected dtype, shape and data_offsets");
  placed_tensor out{{std::string(name), type_of(entry.find("dtype")), {}, {}}, 0, 0};
  const json::value* const shape = entry.find("shape");
  const auto extents = whole_numbers(shape);
  if (!extents)
    fail(errc::malformed, {}, "shape ", seen(shape), ", expected whole numbers from 0 on");
  if (extents->size() > max_rank)
    fail(errc::not_importable, {}, extents->size(), " axes, expected at most ", max_rank);
  out.found.shape = *extents;
  const json::value* const place = entry.find("data_offsets");
  const auto offsets = whole_numbers(place);
  if (!offsets || offsets->size() != 2 || (*offsets)[1] < (*offsets)[0])
    fail(errc::malformed, {}, "data_offsets ", seen(place), ", expected begin and end");
  out.begin = (*offsets)[0];
  out.end = (*offsets)[1];
  std::vector<std::uint64_t> factors = out.found.shape;
  factors.push_back(size_bytes(out.found.type));
  if (const auto size = checked_product(factors); size != out.end - out.begin)
    fail(errc::malformed, {}, "data_offsets from ", out.begin, " to ", out.end, ", expected ",
         size ? text(*size) : "fewer than 2^63", " bytes for its type and shape");
  return out;
}

metadata read_metadata(const json::value& from) {
  const json::dict* const entries = from.as_dict();
  if (entries == nullptr)
    fail(errc::malformed, {}, "is ", from.describe(), ", expected a dict of texts");
  metadata out;
  out.reserve(entries->size());
  for (const auto& [key, value] : *entries) {
    if (value.as_text() == nullptr)
      fail(errc::malformed, text("key ", quoted(key)), "is ", value.describe(), ", expected a text");
    out.emplace_back(key, *value.as_text());
  }
  return out;
}

} // namespace

bool is_file(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < length_bytes + 2 || header_length(bytes) > max_header_bytes)
    return false;
  const auto next = std::to_integer<char>(bytes[length_bytes + 1]);
  return bytes[length_bytes] == std::byte{'{'} && (next == '"' || next == '}' || next == ' ' || next == '\n');
}

content parse(std::span<const std::byte> bytes) {
  if (!is_file(bytes)) {
    const std::string look = looks_like(bytes.first(std::min<std::size_t>(bytes.size(), 64)));
    const std::string_view start(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    fail(bytes.size() < length_bytes + 2 ? errc::truncated : errc::malformed, "byte 0",
         "no safetensors file: starts with ", quoted(start, 24), look.empty() ? std::string() : ", which is " + look,
         ", expected the length of a header of at most ", max_header_bytes, " bytes, and the header");
  }
  const std::uint64_t length = header_length(bytes);
  const auto behind = bytes.subspan(length_bytes);
  if (length > behind.size())
    fail(errc::truncated, "byte 0", "header of ", length, " bytes, but the file ends after ", behind.size(),
         ": a download or copy may have been cut off");
  const auto data = behind.subspan(length);

  content out;
  std::vector<placed_tensor> placed;
  try {
    const json::document document = json::parse_text(behind.first(length), json::reals::float64);
    const json::dict* const entries = document.root().as_dict();
    if (entries == nullptr)
      fail(errc::malformed, {}, "holds ", document.root().describe(), ", expected a dict");
    placed.reserve(entries->size());
    for (const auto& [name, entry] : *entries) {
      if (name == metadata_name) {
        try {
          out.texts = read_metadata(entry);
        } catch (const error& failure) {
          throw failure.at({}, metadata_name);
        }
        continue;
      }
      try {
        placed.push_back(read_tensor(name, entry));
      } catch (const error& failure) {
        throw failure.at({}, text("tensor ", quoted(name)));
      }
    }
  } catch (const error& failure) {
    throw failure.at({}, "header");
  }

  std::vector<placed_tensor*> order;
  order.reserve(placed.size());
  for (placed_tensor& one : placed)
    order.push_back(&one);
  std::ranges::sort(order, {}, [](const placed_tensor* one) { return std::pair(one->begin, one->end); });
  std::uint64_t end = 0;
  for (placed_tensor* const one : order) {
    if (one->begin != end)
      fail(errc::malformed, text("tensor ", quoted(one->found.name)), "begins at ", one->begin, ", expected at ", end,
           ", where the one before it ends");
    end = one->end;
  }
  if (end > data.size())
    fail(errc::truncated, text("tensor ", quoted(order.back()->found.name)), "the file has ", data.size(),
         " bytes of tensors, expected ", end, ": a download or copy may have been cut off");
  if (end < data.size())
    fail(errc::malformed, text("byte ", bytes.size() - (data.size() - end)), data.size() - end,
         " bytes follow the last tensor");
  out.tensors.reserve(placed.size());
  for (placed_tensor& one : placed) {
    one.found.bytes = data.subspan(one.begin, one.end - one.begin);
    out.tensors.push_back(std::move(one.found));
  }
  return out;
}

std::string_view code_of(dtype type) noexcept {
  const int rank = rank_of(type);
  return rank < 0 ? std::string_view() : types[rank].code;
}

int rank_of(dtype type) noexcept {
  const auto found = std::ranges::find(types, type, &known_type::type);
  return found == std::end(types) ? -1 : static_cast<int>(found - types);
}

} // namespace safetensors
} // namespace petrify::inline v0
