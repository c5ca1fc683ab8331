#include "base/checksum.hpp"

#include "base/checksum_functions.hpp"
#include "base/opening.hpp"

namespace petrify::inline v0 {

namespace {

PETRIFY_OPENING const checksum_functions& chosen() noexcept {
#if defined(__x86_64__)
  static const checksum_functions& form = __builtin_cpu_supports("avx2") ? avx2_checksum : baseline_checksum;
  return form;
#else
  return baseline_checksum;
#endif
}

} // namespace

PETRIFY_OPENING std::uint64_t checksum(std::span<const std::byte> bytes) noexcept {
  return chosen().of(bytes.data(), bytes.size());
}

checksum_stream::checksum_stream() : state_(chosen().make()) {}
checksum_stream::~checksum_stream() { chosen().free(state_); }

void checksum_stream::append(std::span<const std::byte> bytes) noexcept {
  chosen().append(state_, bytes.data(), bytes.size());
}

std::uint64_t checksum_stream::finish() noexcept { return chosen().finish(state_); }

} // namespace petrify::inline v0
