#include "import/json.hpp"

#include "base/fail.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace petrify::inline v0 {
namespace json {

namespace {

std::size_t width_of(char type) noexcept {
  switch (type) {
  case 'i':
  case 'U': return 1;
  case 'I': return 2;
  case 'l':
  case 'd': return 4;
  default: return 8; // L, D
  }
}

// A big-endian number of Width bytes.
template <class T>
T load(const std::byte* from) noexcept {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bits = bits << 8 | std::to_integer<std::uint64_t>(from[i]);
  if constexpr (sizeof(T) == 4)
    return std::bit_cast<T>(static_cast<std::uint32_t>(bits));
  else if constexpr (sizeof(T) == 8)
    return std::bit_cast<T>(bits);
  else
    return static_cast<T>(bits);
}

std::int64_t packed_integer(char type, const std::byte* at) noexcept {
  switch (type) {
  case 'i': return load<std::int8_t>(at);
  case 'U': return load<std::uint8_t>(at);
  case 'I': return load<std::int16_t>(at);
  case 'l': return load<std::int32_t>(at);
  default: return load<std::int64_t>(at);
  }
}

std::optional<std::int64_t> whole(double x) noexcept {
  if (!(x >= -9007199254740992.0 && x <= 9007199254740992.0) || std::trunc(x) != x)
    return std::nullopt;
  return static_cast<std::int64_t>(x);
}

} // namespace

std::size_t numbers::size() const noexcept {
  if (const auto* raw = std::get_if<packed>(&of_))
    return raw->bytes.size() / width_of(raw->type);
  if (const auto* small = std::get_if<std::vector<std::int32_t>>(&of_))
    return small->size();
  if (const auto* large = std::get_if<std::vector<std::int64_t>>(&of_))
    return large->size();
  if (const auto* wide = std::get_if<std::vector<double>>(&of_))
    return wide->size();
  return std::get<std::vector<float>>(of_).size();
}

double numbers::wide(std::size_t i) const noexcept {
  if (const auto* wide = std::get_if<std::vector<double>>(&of_))
    return (*wide)[i];
  if (const auto whole = integer(i))
    return static_cast<double>(*whole);
  return static_cast<double>(real(i));
}

float numbers::real(std::size_t i) const noexcept {
  if (const auto* raw = std::get_if<packed>(&of_)) {
    const std::byte* at = raw->bytes.data() + i * width_of(raw->type);
    if (raw->type == 'd')
      return load<float>(at);
    if (raw->type == 'D')
      return static_cast<float>(load<double>(at));
    return static_cast<float>(packed_integer(raw->type, at));
  }
  if (const auto* narrow = std::get_if<std::vector<float>>(&of_))
    return (*narrow)[i];
  if (const auto* wide = std::get_if<std::vector<double>>(&of_))
    return static_cast<float>((*wide)[i]);
  return static_cast<float>(*integer(i));
}

std::optional<std::int64_t> numbers::integer(std::size_t i) const noexcept {
  if (const auto* raw = std::get_if<packed>(&of_)) {
    const std::byte* at = raw->bytes.data() + i * width_of(raw->type);
    if (raw->type == 'd')
      return whole(static_cast<double>(load<float>(at)));
    if (raw->type == 'D')
      return whole(load<double>(at));
    return packed_integer(raw->type, at);
  }
  if (const auto* small = std::get_if<std::vector<std::int32_t>>(&of_))
    return (*small)[i];
  if (const auto* large = std::get_if<std::vector<std::int64_t>>(&of_))
    return (*large)[i];
  if (const auto* wide = std::get_if<std::vector<double>>(&of_))
    return whole((*wide)[i]);
  return whole(static_cast<double>(std::get<std::vector<float>>(of_)[i]));
}

bool numbers::is_whole() const noexcept {
  if (const auto* raw = std::get_if<packed>(&of_))
    return raw->type != 'd' && raw->type != 'D';
  return !std::holds_alternative<std::vector<float>>(of_) && !std::holds_alternative<std::vector<double>>(of_);
}

std::optional<bool> value::as_bool() const noexcept {
  const bool* const found = std::get_if<bool>(&of_);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

std::optional<std::int64_t> value::as_int() const noexcept {
  if (const auto* const found = std::get_if<std::int64_t>(&of_))
    return *found;
  if (const auto* const real = std::get_if<double>(&of_))
    return whole(*real);
  return std::nullopt;
}

std::optional<double> value::as_real() const noexcept {
  if (const auto* const found = std::get_if<double>(&of_))
    return *found;
  if (const auto* const integer = std::get_if<std::int64_t>(&of_))
    return static_cast<double>(*integer);
  return std::nullopt;
}

const std::string* value::as_text() const noexcept {
  const auto* const found = std::get_if<std::unique_ptr<std::string>>(&of_);
  return found == nullptr ? nullptr : found->get();
}

const numbers* value::as_numbers() const noexcept {
  static const numbers none{numbers::storage(std::vector<std::int32_t>())};
  if (const auto* const found = std::get_if<std::unique_ptr<numbers>>(&of_))
    return found->get();
  const list* const items = as_list();
  return items != nullptr && items->empty() ? &none : nullptr;
}

const list* value::as_list() const noexcept {
  static const list none;
  if (const auto* const found = std::get_if<std::unique_ptr<list>>(&of_))
    return found->get();
  const auto* const packed = std::get_if<std::unique_ptr<numbers>>(&of_);
  return packed != nullptr && (*packed)->size() == 0 ? &none : nullptr;
}

const dict* value::as_dict() const noexcept {
  const auto* const found = std::get_if<std::unique_ptr<dict>>(&of_);
  return found == nullptr ? nullptr : found->get();
}

const value* value::find(std::string_view key) const noexcept {
  if (const dict* const entries = as_dict())
    for (const auto& [name, entry] : *entries)
      if (name == key)
        return &entry;
  return nullptr;
}

std::string value::describe() const {
  switch (of_.index()) {
  case 0: return "null";
  case 1: return std::get<bool>(of_) ? "true" : "false";
  case 2: return text(std::get<std::int64_t>(of_));
  case 3: return text(std::get<double>(of_));
  case 4: return text("the text ", quoted(*as_text(), 24));
  case 5: return text("an array of ", as_numbers()->size(), " numbers");
  case 6: return text("a list of ", as_list()->size(), " values");
  default: return text("a dict of ", as_dict()->size(), " entries");
  }
}

std::string_view builder::intern(std::string_view key) {
  const auto found = keys_.find(key);
  return found != keys_.end() ? *found : *keys_.emplace(key).first;
}

builder::fault builder::begin_dict() {
  if (open_.size() >= max_depth)
    return text("nested more than ", max_depth, " deep");
  open_.push_back({});
  open_.back().is_dict = true;
  return std::nullopt;
}

builder::fault builder::begin_list() {
  if (open_.size() >= max_depth)
    return text("nested more than ", max_depth, " deep");
  open_.push_back({});
  return std::nullopt;
}

void builder::key(std::string_view name) { open_.back().key = intern(name); }

void builder::unpack(frame& top) {
  if (!top.packed)
    return;
  const numbers all(std::move(*top.packed));
  top.packed.reset();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto integer = all.integer(i);
    top.items.push_back(integer ? value(*integer) : value(all.wide(i)));
  }
}

void builder::add(value one) {
  if (open_.empty()) {
    root_ = std::move(one);
    complete_ = true;
    return;
  }
  frame& top = open_.back();
  if (top.is_dict) {
    top.entries.emplace_back(*std::exchange(top.key, std::nullopt), std::move(one));
    return;
  }
  unpack(top);
  top.items.push_back(std::move(one));
}

bool builder::pack(std::int64_t one) {
  if (open_.empty() || open_.back().is_dict || !open_.back().items.empty())
    return false;
  auto& packed = open_.back().packed;
  if (!packed)
    packed.emplace(std::vector<std::int32_t>());
  if (auto* const narrow = std::get_if<std::vector<float>>(&*packed)) {
    narrow->push_back(static_cast<float>(one));
    return true;
  }
  if (auto* const wide = std::get_if<std::vector<double>>(&*packed)) {
    wide->push_back(static_cast<double>(one));
    return true;
  }
  if (auto* const small = std::get_if<std::vector<std::int32_t>>(&*packed)) {
    if (one == static_cast<std::int32_t>(one)) {
      small->push_back(static_cast<std::int32_t>(one));
      return true;
    }
    packed = std::vector<std::int64_t>(small->begin(), small->end());
  }
  std::get<std::vector<std::int64_t>>(*packed).push_back(one);
  return true;
}

template <class Real>
bool builder::pack_real(Real one) {
  if (open_.empty() || open_.back().is_dict || !open_.back().items.empty())
    return false;
  auto& packed = open_.back().packed;
  if (!packed)
    packed.emplace(std::vector<Real>());
  if (!std::holds_alternative<std::vector<Real>>(*packed)) {
    const numbers so_far(std::move(*packed));
    std::vector<Real> all(so_far.size());
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i] = std::is_same_v<Real, float> ? static_cast<Real>(so_far.real(i)) : static_cast<Real>(so_far.wide(i));
    packed = std::move(all);
  }
  std::get<std::vector<Real>>(*packed).push_back(one);
  return true;
}

void builder::add_bool(bool one) {
  // XGBoost before 1.6 wrote default_left as booleans.
  if (kept_ == reals::float32 && !open_.empty() && !open_.back().is_dict && pack(std::int64_t{one}))
    return;
  add(value(one));
}

void builder::add_integer(std::int64_t one) {
  if (!pack(one))
    add(value(one));
}

void builder::add_real(double one) {
  if (!(kept_ == reals::float32 ? pack_real(static_cast<float>(one)) : pack_real(one)))
    add(value(one));
}

template <class Real>
builder::fault builder::add_real_text(std::string_view digits) {
  const char* const end = digits.data() + digits.size();
  Real out = 0;
  if (digits == "NaN") {
    out = std::numeric_limits<Real>::quiet_NaN();
  } else if (digits == "Infinity" || digits == "Inf") {
    out = std::numeric_limits<Real>::infinity();
  } else if (digits == "-Infinity" || digits == "-Inf") {
    out = -std::numeric_limits<Real>::infinity();
  } else {
    const auto result = std::from_chars(digits.data(), end, out);
    if (result.ptr != end || digits.empty())
      return text("the number ", quoted(digits, 32), ", expected one that can be read");
    if (result.ec == std::errc::result_out_of_range) // too large is infinite, too small is zero, as strtof has it
      out = static_cast<Real>(std::strtod(std::string(digits).c_str(), nullptr));
  }
  if (!pack_real(out))
    add(value(static_cast<double>(out)));
  return std::nullopt;
}

builder::fault builder::add_number(std::string_view digits) {
  const char* const end = digits.data() + digits.size();
  std::int64_t integer = 0;
  const auto as_integer = std::from_chars(digits.data(), end, integer);
  // "-0" is a float: its sign would be lost.
  if (as_integer.ec == std::errc() && as_integer.ptr == end && digits != "-0") {
    add_integer(integer);
    return std::nullopt;
  }
  const bool in_list = !open_.empty() && !open_.back().is_dict && open_.back().items.empty();
  return in_list && kept_ == reals::float32 ? add_real_text<float>(digits) : add_real_text<double>(digits);
}

builder::fault builder::end_dict() {
  frame top = std::move(open_.back());
  open_.pop_back();
  // Keys are interned: equal ones are at one place.
  std::vector<const char*> keys;
  keys.reserve(top.entries.size());
  for (const auto& entry : top.entries)
    keys.push_back(entry.first.data());
  std::sort(keys.begin(), keys.end(), std::less<>());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end())
    for (const auto& entry : top.entries)
      if (entry.first.data() == *twice)
        return text("the key ", quoted(entry.first, 64), " is given twice, expected once");
  add(value(std::make_unique<dict>(std::move(top.entries))));
  return std::nullopt;
}

void builder::end_list() {
  frame top = std::move(open_.back());
  open_.pop_back();
  if (top.packed)
    add(value(std::make_unique<numbers>(std::move(*top.packed))));
  else
    add(value(std::make_unique<list>(std::move(top.items))));
}

} // namespace json
} // namespace petrify::inline v0
