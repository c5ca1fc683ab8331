#include <petrify/file.hpp>

#include "base/attempt.hpp"
#include "base/fail.hpp"
#include "base/opening.hpp"
#include "container/container.hpp"

#include <algorithm>

namespace petrify::inline v0 {

PETRIFY_OPENING file::file(std::shared_ptr<const container> opened) : container_(std::move(opened)) {}

PETRIFY_OPENING file file::open(const std::string& path, const open_options& options) {
  return file(container::open(input_file(path), options.residency, options.bounds));
}

file file::open_descriptor(int descriptor, const open_options& options) {
  return file(container::open(input_file(descriptor), options.residency, options.bounds));
}

file file::open_bytes(std::span<const std::byte> bytes, const open_options& options) {
  return file(container::open(bytes, options.residency, options.bounds));
}

std::optional<file> file::try_open(const std::string& path, std::optional<error>& why,
                                   const open_options& options) noexcept {
  return attempt(why, [&] { return open(path, options); });
}

const std::string& file::path() const noexcept { return container_->path(); }

std::uint64_t file::size_bytes() const noexcept { return container_->bytes().size(); }

std::string file::producer() const { return std::string(container_->contents().producer()); }

std::vector<object_info> file::objects() const {
  const directory& contents = container_->contents();
  std::vector<object_entry> entries = contents.objects();
  std::stable_sort(entries.begin(), entries.end(),
                   [](const object_entry& a, const object_entry& b) { return a.first_segment < b.first_segment; });
  std::vector<object_info> out;
  out.reserve(entries.size());
  for (const object_entry& entry : entries) {
    object_info info{std::string(entry.name), to_string(entry.kind), 0, entry.num_segments};
    for (std::uint32_t i = 0; i < entry.num_segments; ++i)
      info.size_bytes += contents.segment(entry.first_segment + i).size;
    out.push_back(std::move(info));
  }
  return out;
}

void file::advise(std::string_view name, access_pattern pattern) const {
  for (const auto segment : container_->segments_of(container_->find(name)))
    container_->advise(segment, pattern);
}

void file::advise_bytes(std::span<const std::byte> bytes, access_pattern pattern) const {
  container_->advise(bytes, pattern);
}

bool file::contains(std::string_view name) const noexcept { return container_->contents().find(name).has_value(); }

} // namespace petrify::inline v0
