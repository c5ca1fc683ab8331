// The functions of one form, as PETRIFY_CHECKSUM_FORM; included after xxhash.h with all of it inline.

namespace petrify::inline v0 {
namespace {

PETRIFY_OPENING std::uint64_t checksum_of(const void* bytes, std::size_t size) noexcept {
  return XXH3_64bits(bytes, size);
}

void* make_state() {
  auto* const state = new XXH3_state_t;
  XXH3_64bits_reset(state);
  return state;
}

void free_state(void* state) noexcept { delete static_cast<XXH3_state_t*>(state); }

void append_to(void* state, const void* bytes, std::size_t size) noexcept {
  XXH3_64bits_update(static_cast<XXH3_state_t*>(state), bytes, size);
}

std::uint64_t finish_state(void* state) noexcept {
  const std::uint64_t digest = XXH3_64bits_digest(static_cast<XXH3_state_t*>(state));
  XXH3_64bits_reset(static_cast<XXH3_state_t*>(state));
  return digest;
}

} // namespace

const checksum_functions PETRIFY_CHECKSUM_FORM = {checksum_of, make_state, free_state, append_to, finish_state};

} // namespace petrify::inline v0
