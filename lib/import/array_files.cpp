// Files of several arrays, written: .npz and .safetensors.
#include <petrify/npy.hpp>
#include <petrify/safetensors.hpp>

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/utf8.hpp"
#include "container/format.hpp"
#include "import/array_output.hpp"
#include "import/safetensors.hpp"
#include "import/zip.hpp"
#include "mapping/output_file.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <string_view>

namespace petrify::inline v0 {

namespace {

void check_names(std::span<const named_array> arrays) {
  std::set<std::string_view> seen;
  for (const auto& [name, array] : arrays) {
    if (name.empty() || name.size() > max_name_bytes || !is_utf8(name))
      fail(errc::invalid_argument, text("array ", quoted(name)), "name of ", name.size(), " bytes, expected 1 to ",
           max_name_bytes, " bytes of UTF-8");
    if (!seen.insert(name).second)
      fail(errc::invalid_argument, text("array ", quoted(name)), "has the name of another, expected each name once");
  }
}

// A text as serde_json writes it: no more is escaped than must be.
void append_json(std::string& out, std::string_view of) {
  out += '"';
  for (const char c : of) {
    switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\b': out += "\\b"; break;
    case '\f': out += "\\f"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default:
      if (static_cast<unsigned char>(c) >= 0x20) {
        out += c;
      } else {
        constexpr std::string_view digits = "0123456789abcdef";
        out += "\\u00";
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
      }
    }
  }
  out += '"';
}

void append_json(std::string& out, const safetensors_metadata& texts) {
  append_json(out, safetensors::metadata_name);
  out += ":{";
  std::set<std::string_view> seen;
  for (const auto& [key, value] : texts) {
    if (!is_utf8(key) || !is_utf8(value) || !seen.insert(key).second)
      fail(errc::invalid_argument, text("metadata ", quoted(key)), "expected a text of UTF-8 under each name once");
    if (seen.size() > 1)
      out += ',';
    append_json(out, key);
    out += ':';
    append_json(out, value);
  }
  out += '}';
}

void append_json(std::string& out, const named_array& tensor, std::uint64_t begin) {
  append_json(out, tensor.name);
  out += text(":{\"dtype\":\"", safetensors::code_of(tensor.array.type()), "\",\"shape\":[");
  for (std::size_t axis = 0; axis < tensor.array.rank(); ++axis)
    out += text(axis == 0 ? "" : ",", tensor.array.shape()[axis]);
  out += text("],\"data_offsets\":[", begin, ',', begin + tensor.array.bytes().size(), "]}");
}

// The length of the header, and the header. `tensors` are in the order of the file.
std::string safetensors_header(std::span<const named_array* const> tensors,
                               const std::optional<safetensors_metadata>& metadata) {
  std::string out(8, '\0');
  out += '{';
  if (metadata)
    append_json(out, *metadata);
  std::uint64_t end = 0;
  for (const named_array* const one : tensors) {
    if (out.size() > 9)
      out += ',';
    append_json(out, *one, end);
    const auto sum = checked_add(end, one->array.bytes().size());
    if (!sum)
      fail(errc::invalid_argument, {}, "arrays of 2^63 bytes and more");
    end = *sum;
  }
  out += '}';
  out.append(align_up(out.size(), 8) - out.size(), ' ');
  const std::uint64_t length = out.size() - 8;
  if (length > safetensors::max_header_bytes)
    fail(errc::limit_exceeded, {}, "header of ", length, " bytes, expected at most ", safetensors::max_header_bytes);
  std::memcpy(out.data(), &length, sizeof length);
  return out;
}

} // namespace

void write_npz(const std::string& path, std::span<const named_array> arrays,
               const std::function<void(std::uint64_t done, std::uint64_t total)>& progress) {
  try {
    check_names(arrays);
    std::vector<npy_output> sources;
    sources.reserve(arrays.size());
    std::uint64_t total = 0;
    for (const auto& [name, array] : arrays) {
      if (name.find('\0') != name.npos)
        fail(errc::invalid_argument, text("array ", quoted(name)), "name with a NUL, which a zip cannot have");
      try {
        total += sources.emplace_back(array).size_bytes();
      } catch (const error& failure) {
        throw failure.at({}, text("array ", quoted(name)));
      }
    }
    output_file out(path);
    zip::archive_writer archive(out);
    byte_progress report(total, progress);
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      archive.begin(arrays[i].name + ".npy", sources[i].size_bytes());
      sources[i].write([&](std::span<const std::byte> bytes) {
        archive.append(bytes);
        report.add(bytes.size());
      });
      archive.end();
    }
    archive.finish();
    out.commit();
  } catch (const error& failure) {
    throw failure.at(path);
  }
}

void write_safetensors(const std::string& path, std::span<const named_array> tensors,
                       const std::optional<safetensors_metadata>& metadata,
                       const std::function<void(std::uint64_t done, std::uint64_t total)>& progress) {
  try {
    check_names(tensors);
    std::vector<const named_array*> order;
    order.reserve(tensors.size());
    for (const named_array& one : tensors) {
      if (one.name == safetensors::metadata_name)
        fail(errc::invalid_argument, text("array ", quoted(one.name)), "has the name that the format keeps for itself");
      if (safetensors::rank_of(one.array.type()) < 0)
        fail(errc::unsupported, text("array ", quoted(one.name)), "safetensors has no type for ",
             to_string(one.array.type()));
      order.push_back(&one);
    }
    std::ranges::sort(order, [](const named_array* a, const named_array* b) {
      const int left = safetensors::rank_of(a->array.type());
      const int right = safetensors::rank_of(b->array.type());
      return left != right ? left > right : a->name < b->name;
    });
    const std::string header = safetensors_header(order, metadata);
    std::uint64_t total = 0;
    for (const named_array* const one : order)
      total += one->array.bytes().size();
    output_file out(path);
    byte_progress report(total, progress);
    out.append(std::as_bytes(std::span(header)));
    for (const named_array* const one : order)
      write_row_major(one->array, [&](std::span<const std::byte> bytes) {
        out.append(bytes);
        report.add(bytes.size());
      });
    out.commit();
  } catch (const error& failure) {
    throw failure.at(path);
  }
}

} // namespace petrify::inline v0
