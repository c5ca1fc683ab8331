#include "base/checksum.hpp"

// Compiled in: an installed petrify asks nothing of the programs that link it.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace petrify::inline v0 {

std::uint64_t checksum(std::span<const std::byte> bytes) noexcept { return XXH3_64bits(bytes.data(), bytes.size()); }

struct checksum_stream::state {
  XXH3_state_t xxh3;
};

checksum_stream::checksum_stream() : state_(std::make_unique<state>()) { XXH3_64bits_reset(&state_->xxh3); }
checksum_stream::~checksum_stream() = default;

void checksum_stream::append(std::span<const std::byte> bytes) noexcept {
  XXH3_64bits_update(&state_->xxh3, bytes.data(), bytes.size());
}

std::uint64_t checksum_stream::finish() noexcept {
  const std::uint64_t digest = XXH3_64bits_digest(&state_->xxh3);
  XXH3_64bits_reset(&state_->xxh3);
  return digest;
}

} // namespace petrify::inline v0
