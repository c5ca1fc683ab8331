#include "forest/stored_ids.hpp"

#include <algorithm>

namespace petrify::inline v0 {

std::vector<std::byte> pack_ids(std::span<const std::uint32_t> ids) {
  const std::uint32_t largest = ids.empty() ? 0 : *std::max_element(ids.begin(), ids.end());
  const auto pack = [&]<class Id>(Id) {
    std::vector<std::byte> out(ids.size() * sizeof(Id));
    std::transform(ids.begin(), ids.end(), reinterpret_cast<Id*>(out.data()),
                   [](std::uint32_t id) { return static_cast<Id>(id); });
    return out;
  };
  return largest < 1u << 8 ? pack(std::uint8_t{}) : largest < 1u << 16 ? pack(std::uint16_t{}) : pack(std::uint32_t{});
}

} // namespace petrify::inline v0
