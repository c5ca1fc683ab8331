#include "import/npz.hpp"

#include "base/checked.hpp"
#include "base/fail.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace petrify::inline v0 {

namespace {

constexpr std::string_view ending = ".npy";

// What a zip is whose members are not all arrays, by a member that such files have; empty when nothing known.
std::string_view kind_of(std::span<const std::string> names) {
  struct look {
    std::string_view end; // of a member's name
    std::string_view what;
  };
  static constexpr look looks[] = {
      {"/data.pkl", "a PyTorch file (torch.save), expected its tensors in a .safetensors file: "
                    "safetensors.torch.save_file(state_dict, \"model.safetensors\")"},
      {"/constants.pkl", "a TorchScript model, which petrify does not import"},
      {"model.weights.h5", "a Keras model, which petrify does not import"},
      {"[Content_Types].xml", "an Office document"},
      {"META-INF/MANIFEST.MF", "a Java archive"},
      {"schema.json", "a skops file, expected the model as joblib.dump writes it"},
  };
  for (const look& candidate : looks)
    for (const std::string& name : names)
      if (name.ends_with(candidate.end))
        return candidate.what;
  return {};
}

void require_arrays(std::span<const std::string> names) {
  const auto other = std::ranges::find_if(names, [](const std::string& name) { return !name.ends_with(ending); });
  if (other == names.end())
    return;
  if (const std::string_view what = kind_of(names); !what.empty())
    fail(errc::not_importable, {}, "is ", what);
  if (std::ranges::none_of(names, [](const std::string& name) { return name.ends_with(ending); }))
    fail(errc::not_importable, {}, "is a zip archive without arrays (its first of ", names.size(), " members is ",
         quoted(names.front()), "), expected a .npz file of .npy members");
  fail(errc::not_importable, text("member ", quoted(*other)), "is no array, expected .npy members alone");
}

} // namespace

std::vector<zip::member> npz_members(std::span<const std::byte> archive, const decode_limits& limits,
                                     std::uint64_t* bytes_left) {
  const zip::archive zip(archive);
  require_arrays(zip.names());
  std::vector<zip::member> out = zip.members();
  const std::uint64_t by_ratio = checked_mul(limits.max_ratio, archive.size()).value_or(max_size);
  const std::uint64_t limit = std::min(std::max(by_ratio, limits.free_bytes), limits.max_bytes);
  std::uint64_t decoded = 0;
  for (const zip::member& one : out) {
    if (!one.is_deflated)
      continue;
    // Deflate makes at most 258 bytes of 2 bits.
    if (one.size / 1032 > one.stored.size())
      fail(errc::malformed, text("member ", quoted(one.name)), one.stored.size(), " compressed bytes cannot decode to ",
           one.size);
    const auto sum = checked_add(decoded, one.size);
    if (!sum || *sum > limit)
      fail(errc::limit_exceeded, text("member ", quoted(one.name)), "the compressed members of ", archive.size(),
           " bytes decode to more than ", limit, " bytes, which is the limit for them");
    decoded = *sum;
  }
  if (bytes_left != nullptr)
    *bytes_left = limit - decoded;
  return out;
}

std::string_view npz_name(const zip::member& of) noexcept {
  return std::string_view(of.name).substr(0, of.name.size() - ending.size());
}

npz_array::npz_array(const zip::member& of) : member_(of), content_(of) {
  std::vector<std::byte> start;
  const auto read_to = [&](std::uint64_t size) {
    size = std::min(size, member_.size);
    while (start.size() < size) {
      const auto piece = content_.next(size - start.size());
      start.insert(start.end(), piece.begin(), piece.end());
    }
  };
  read_to(npy_start_bytes);
  read_to(npy_header_bytes(start));
  description_ = parse_npy_header(start);
  const std::uint64_t expected = description_.header_bytes + description_.elements_bytes;
  if (member_.size != expected)
    fail(member_.size < expected ? errc::truncated : errc::malformed, text("byte ", member_.size),
         "the member ends here, but its array ends at byte ", expected);
}

numpy_array npz_array::whole() {
  std::span<const std::byte> elements;
  if (member_.is_deflated) {
    decoded_.resize(description_.elements_bytes);
    for (std::size_t at = 0; at < decoded_.size();) {
      const auto piece = content_.next(decoded_.size() - at);
      std::memcpy(decoded_.data() + at, piece.data(), piece.size());
      at += piece.size();
    }
    elements = decoded_.span();
  } else {
    elements = content_.next(description_.elements_bytes);
  }
  content_.finish();
  return make_numpy_array(std::make_shared<const numpy_dtype>(description_.dtype), description_.shape,
                          description_.order, elements);
}

} // namespace petrify::inline v0
