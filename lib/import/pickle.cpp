#include "import/pickle.hpp"

#include "base/fail.hpp"
#include "import/pickle_machine.hpp"
#include "import/pickle_store.hpp"

#include <utility>

namespace petrify::inline v0 {
namespace pickle {
namespace {

// What pickles of protocols 0 and 1, which lack PROTO, commonly begin with.
constexpr std::string_view old_openings = "(]}c)INKMJGLFSUTVX";

[[noreturn]] void refuse_start(std::span<const std::byte> bytes) {
  if (bytes.empty())
    fail(errc::truncated, "byte 0", "no bytes, expected a pickle");
  if (old_openings.find(static_cast<char>(bytes[0])) != std::string_view::npos && bytes.back() == std::byte{'.'})
    fail(errc::not_importable, "byte 0", "a pickle of protocol 0 or 1, expected 2 to 5");
  const auto start = bytes.first(std::min(bytes.size(), std::size_t{16}));
  fail(errc::malformed, "byte 0", "not a pickle: starts with ",
       quoted({reinterpret_cast<const char*>(start.data()), start.size()}));
}

} // namespace

document::document(std::unique_ptr<const store> parsed, std::size_t size_bytes) noexcept
    : store_(std::move(parsed)), size_bytes_(size_bytes) {}
document::document(document&&) noexcept = default;
document& document::operator=(document&&) noexcept = default;
document::~document() = default;

value document::root() const& noexcept { return {*store_, store_->root}; }
std::size_t document::num_values() const noexcept { return store_->nodes.size(); }

bool is_pickle(std::span<const std::byte> bytes) noexcept {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x80} && bytes[1] >= std::byte{2} && bytes[1] <= std::byte{5};
}

document parse(std::span<const std::byte> bytes, const pickle_limits& limits) {
  if (bytes.empty() || bytes[0] != std::byte{0x80})
    refuse_start(bytes);
  auto values = std::make_unique<store>(bytes, limits);
  machine outer(*values, 0, limits, false);
  values->root = outer.run();
  values->finish();
  return document(std::move(values), outer.offset());
}

} // namespace pickle
} // namespace petrify::inline v0
