#include "container/container.hpp"

#include "base/checksum.hpp"
#include "base/fail.hpp"
#include "base/opening.hpp"
#include "container/header.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

namespace petrify::inline v0 {

namespace {

// Names for a message about one that was not found.
std::string known_names(const std::vector<object_entry>& objects) {
  constexpr std::size_t shown = 5;
  if (objects.empty())
    return "the file has no objects";
  std::string out = "the file has ";
  for (std::size_t i = 0; i < std::min(shown, objects.size()); ++i)
    out += (i == 0 ? "" : ", ") + quoted(objects[i].name);
  if (objects.size() > shown)
    out += text(" and ", objects.size() - shown, " more");
  return out;
}

} // namespace

PETRIFY_OPENING container::container(std::string path, mapping mapped, directory contents)
    : path_(std::move(path)), mapping_(std::move(mapped)), directory_(std::move(contents)) {}

namespace {

// The checked directory of a file of `size` bytes, of which read(offset, out) reads some.
template <class Read>
PETRIFY_OPENING directory read_directory(std::uint64_t size, const limits& bounds, const Read& read) {
  if (size > bounds.max_file_bytes)
    fail(errc::limit_exceeded, {}, "the file has ", size, " bytes, expected at most ", bounds.max_file_bytes);
  std::array<std::byte, header_bytes> start;
  const auto start_bytes =
      std::span(start).first(static_cast<std::size_t>(std::min<std::uint64_t>(header_bytes, size)));
  read(0, start_bytes);
  const header fields = decode_header(start_bytes, size);
  if (fields.directory_size > bounds.max_directory_bytes)
    fail(errc::limit_exceeded, "header", "directory of ", fields.directory_size, " bytes, expected at most ",
         bounds.max_directory_bytes);
  auto bytes = std::make_unique_for_overwrite<std::byte[]>(fields.directory_size);
  const std::span<std::byte> directory_bytes(bytes.get(), fields.directory_size);
  read(fields.directory_offset, directory_bytes);
  const std::uint64_t computed = checksum(directory_bytes);
  if (computed != fields.directory_checksum)
    fail(errc::corrupt, "directory", "checksum ", fields.directory_checksum, " stored, but the bytes give ", computed);
  return {std::move(bytes), {fields.directory_offset, fields.directory_size}, bounds};
}

PETRIFY_OPENING directory read_directory(std::span<const std::byte> file, const limits& bounds) {
  return read_directory(file.size(), bounds, [&](std::uint64_t offset, std::span<std::byte> out) {
    std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
  });
}

} // namespace

PETRIFY_OPENING std::shared_ptr<const container> container::open(const input_file& file, residency mode,
                                                                 const limits& bounds, bool is_vouched_for) {
  try {
    // Header and directory are read, not looked at through the mapping: a file that changes between the check and
    // the use cannot change these.
    directory contents = read_directory(
        file.size_bytes(), bounds, [&](std::uint64_t offset, std::span<std::byte> out) { file.read_at(offset, out); });
    mapping mapped(file, mode);
    // A private copy is what counts: it may have been read after somebody had changed the file.
    if (mode == residency::private_copy)
      contents = read_directory(mapped.bytes(), bounds);
    const std::shared_ptr<container> out(new container(file.path(), std::move(mapped), std::move(contents)));
    out->is_vouched_for_ = is_vouched_for;
    return out;
  } catch (const error& failure) {
    throw failure.at(file.path());
  }
}

PETRIFY_OPENING std::shared_ptr<const container> container::open(std::span<const std::byte> bytes, residency mode,
                                                                 const limits& bounds) {
  const std::string path = "memory";
  try {
    if (mode != residency::lazy && mode != residency::private_copy)
      fail(errc::invalid_argument, {}, "opened with residency ", to_string(mode), ", expected lazy or private_copy");
    if (mode == residency::lazy && reinterpret_cast<std::uintptr_t>(bytes.data()) % segment_alignment != 0)
      fail(errc::invalid_argument, {}, "bytes that are not aligned to ", segment_alignment,
           ", expected them to be, or residency private_copy");
    directory contents = read_directory(bytes, bounds);
    mapping mapped = mode == residency::private_copy ? mapping::copied(bytes) : mapping::borrowed(bytes);
    return std::shared_ptr<const container>(new container(path, std::move(mapped), std::move(contents)));
  } catch (const error& failure) {
    throw failure.at(path);
  }
}

PETRIFY_OPENING std::span<const std::byte> container::segment(std::size_t index) const noexcept {
  const extent place = directory_.segment(index);
  return mapping_.bytes().subspan(place.offset, place.size);
}

std::vector<std::span<const std::byte>> container::segments_of(std::size_t object) const {
  const object_entry& entry = directory_.objects()[object];
  std::vector<std::span<const std::byte>> out;
  out.reserve(entry.num_segments);
  for (std::uint32_t i = 0; i < entry.num_segments; ++i)
    out.push_back(segment(entry.first_segment + i));
  return out;
}

void container::advise(std::span<const std::byte> bytes, access_pattern pattern) const {
  const auto all = mapping_.bytes();
  const std::less<> before; // whatever memory the bytes are of
  if (before(bytes.data(), all.data()) || before(all.data() + all.size(), bytes.data() + bytes.size()))
    throw error(errc::invalid_argument, path_, "advise", "the part is not of this file");
  mapping_.advise(bytes, pattern);
}

PETRIFY_OPENING std::size_t container::find(std::string_view name) const {
  if (const auto index = directory_.find(name))
    return *index;
  throw error(errc::not_found, path_, text("object ", quoted(name)),
              "no such object, " + known_names(directory_.objects()));
}

PETRIFY_OPENING std::size_t container::find(std::string_view name, object_kind kind) const {
  const std::size_t index = find(name);
  const object_kind found = directory_.objects()[index].kind;
  if (found == object_kind::unknown)
    throw error(errc::unsupported, path_, text("object ", quoted(name)),
                "its kind is not known to petrify " PETRIFY_VERSION_STRING);
  if (found != kind)
    throw error(errc::wrong_type, path_, text("object ", quoted(name)),
                text("is of kind ", to_string(found), ", expected ", to_string(kind)));
  return index;
}

} // namespace petrify::inline v0
