#include "stone_file.hpp"

#include "base/checked.hpp"
#include "base/checksum.hpp"
#include "container/format.hpp"
#include "container/header.hpp"

#include <algorithm>
#include <cstring>

namespace petrify::fuzz {

namespace {

std::uint64_t load(std::span<const std::byte> file, std::size_t at) {
  std::uint64_t value;
  std::memcpy(&value, file.data() + at, sizeof value);
  return value;
}

void store(std::span<std::byte> file, std::size_t at, std::uint64_t value) {
  std::memcpy(file.data() + at, &value, sizeof value);
}

constexpr std::size_t directory_offset_at = 24;
constexpr std::size_t directory_checksum_at = 56;
constexpr std::size_t header_checksum_at = 120;

} // namespace

std::optional<stone_file> stone_file::take_apart(std::span<const std::byte> file) {
  if (file.size() < header_bytes)
    return std::nullopt;
  const std::uint64_t offset = load(file, directory_offset_at);
  if (offset < header_bytes || offset >= file.size())
    return std::nullopt;
  // FlatBuffers wants aligned bytes.
  const std::vector<std::byte> bytes(file.begin() + static_cast<std::ptrdiff_t>(offset), file.end());
  flatbuffers::Verifier verifier(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), 8,
                                 static_cast<flatbuffers::uoffset_t>(16 + bytes.size() / 16));
  if (!fbs::VerifyDirectoryBuffer(verifier))
    return std::nullopt;
  stone_file out;
  const fbs::Directory* stored = fbs::GetDirectory(bytes.data());
  // Flatc's object API reads vectors of 8 byte numbers where they are, and follows what is shared again and again.
  const auto is_aligned = [](const auto* vector) {
    return vector == nullptr || reinterpret_cast<std::uintptr_t>(vector->Data()) % 8 == 0;
  };
  if (!is_aligned(stored->segment_offsets()) || !is_aligned(stored->segment_sizes()))
    return std::nullopt;
  std::uint64_t budget = bytes.size();
  if (const auto* objects = stored->objects())
    for (const auto* object : *objects) {
      if (object->description() == nullptr || budget < 32)
        return std::nullopt;
      budget -= 32;
      if (const auto* nodes = object->attribute_nodes()) {
        const std::uint64_t size = std::uint64_t{nodes->size()} * sizeof(std::uint64_t);
        if (!is_aligned(nodes) || size > budget)
          return std::nullopt;
        budget -= size;
      }
      if (const auto* texts = object->attribute_bytes()) {
        if (texts->size() > budget)
          return std::nullopt;
        budget -= texts->size();
      }
      if (const auto* array = object->description_as_Array(); array != nullptr && !is_aligned(array->shape()))
        return std::nullopt;
      if (const auto* f = object->description_as_Forest();
          f != nullptr &&
          !(is_aligned(f->step_a()) && is_aligned(f->step_b()) && is_aligned(f->slot_cut_ends()) &&
            is_aligned(f->layout_num_nodes()) && is_aligned(f->start()) && is_aligned(f->epilogue_parameters()) &&
            is_aligned(f->label_integers()) && is_aligned(f->label_reals())))
        return std::nullopt;
    }
  stored->UnPackTo(&out.directory);
  const std::size_t count = std::min(out.directory.segment_offsets.size(), out.directory.segment_sizes.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t begin = out.directory.segment_offsets[i];
    const std::uint64_t size = out.directory.segment_sizes[i];
    if (!in_range(begin, size, file.size()))
      return std::nullopt;
    const auto bytes_of = file.subspan(begin, size);
    out.segments.emplace_back(bytes_of.begin(), bytes_of.end());
  }
  return out;
}

std::vector<std::byte> stone_file::put_together(const std::function<void(fbs::DirectoryT&)>& last) {
  std::vector<std::byte> file(header_bytes);
  directory.segment_offsets.clear();
  directory.segment_sizes.clear();
  std::vector<std::uint64_t> digests;
  for (const auto& segment : segments) {
    file.resize(align_up(file.size(), alignment_of_segment(segment.size(), directory.large_alignment)));
    directory.segment_offsets.push_back(file.size());
    directory.segment_sizes.push_back(segment.size());
    file.insert(file.end(), segment.begin(), segment.end());
    for (std::size_t at = 0; at < segment.size(); at += digest_chunk_bytes)
      digests.push_back(
          checksum(std::span(segment).subspan(at, std::min<std::size_t>(digest_chunk_bytes, segment.size() - at))));
  }
  file.resize(align_up(file.size(), segment_alignment));
  const auto table = std::as_bytes(std::span(digests));
  directory.digests_offset = file.size();
  directory.num_digests = digests.size();
  directory.digests_checksum = checksum(table);
  file.insert(file.end(), table.begin(), table.end());
  file.resize(align_up(file.size(), segment_alignment));

  if (last)
    last(directory);
  flatbuffers::FlatBufferBuilder builder;
  fbs::FinishDirectoryBuffer(builder, fbs::CreateDirectory(builder, &directory));
  const auto* bytes = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  header fields;
  fields.directory_offset = file.size();
  fields.directory_size = builder.GetSize();
  fields.directory_checksum = checksum({bytes, builder.GetSize()});
  file.insert(file.end(), bytes, bytes + builder.GetSize());
  fields.file_size = file.size();
  const auto start = encode(fields);
  std::copy(start.begin(), start.end(), file.begin());
  return file;
}

void seal(std::span<std::byte> file) {
  if (file.size() < header_bytes)
    return;
  const std::uint64_t offset = load(file, directory_offset_at);
  if (offset <= file.size()) {
    store(file, 16, file.size());
    store(file, 32, file.size() - offset);
    store(file, directory_checksum_at, checksum(file.subspan(offset)));
  }
  store(file, header_checksum_at, checksum(file.first(header_checksum_at)));
}

} // namespace petrify::fuzz
