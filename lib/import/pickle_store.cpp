#include "import/pickle_store.hpp"

#include "base/fail.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <bit>

namespace petrify::inline v0 {
namespace pickle {
namespace {

// Dicts of more entries get an index, so that a file cannot make every look-up walk through a huge one. Longer keys
// stay out of it, so that sorting costs little a key.
constexpr std::uint32_t indexed_entries = 32;
constexpr std::size_t max_indexed_key = 128;

// A class or function whose name is longer is no honest one.
constexpr std::size_t max_global_name = 512;

struct known_global {
  std::string_view name;
  callable meaning;
};

constexpr known_global known_globals[] = {
    {"numpy.core.multiarray._reconstruct", callable::reconstruct},
    {"numpy._core.multiarray._reconstruct", callable::reconstruct},
    {"numpy.core.multiarray.scalar", callable::scalar},
    {"numpy._core.multiarray.scalar", callable::scalar},
    {"numpy.dtype", callable::dtype},
    {"numpy.core.numeric._frombuffer", callable::frombuffer},
    {"numpy._core.numeric._frombuffer", callable::frombuffer},
    {"_codecs.encode", callable::encode},
    {"builtins.bytes", callable::bytes},
    {"builtins.bytearray", callable::bytearray},
    {"builtins.set", callable::set},
    {"builtins.frozenset", callable::set},
    {"collections.OrderedDict", callable::dict},
    {"collections.defaultdict", callable::dict},
    {"copyreg._reconstructor", callable::reconstructor},
    {"copyreg.__newobj__", callable::newobj},
    {"copyreg.__newobj_ex__", callable::newobj_ex},
    {"joblib.numpy_pickle.NumpyArrayWrapper", callable::joblib_array},
    {"sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper", callable::joblib_array},
};

callable meaning_of(std::string_view global) {
  const auto* found = std::ranges::find(known_globals, global, &known_global::name);
  return found == std::end(known_globals) ? callable::other : found->meaning;
}

std::string_view today(std::string_view module) {
  return module == "__builtin__" ? "builtins" : module == "copy_reg" ? "copyreg" : module;
}

} // namespace

bool is_python_text(std::string_view bytes) noexcept {
  // A surrogate is ED A0..BF 80..BF; between surrogates the text must be ordinary UTF-8.
  std::size_t start = 0;
  for (std::size_t at = bytes.find('\xed'); at != bytes.npos; at = bytes.find('\xed', at + 1)) {
    if (at + 2 >= bytes.size() || static_cast<unsigned char>(bytes[at + 1]) < 0xa0)
      continue;
    if (!is_utf8(bytes.substr(start, at - start)) || (bytes[at + 1] & 0xc0) != 0x80 || (bytes[at + 2] & 0xc0) != 0x80)
      return false;
    start = at + 3;
    at += 2;
  }
  return is_utf8(bytes.substr(start));
}

store::store(std::span<const std::byte> bytes, const pickle_limits& limits)
    : input(bytes), max_values_(std::min<std::uint64_t>(limits.max_values, 0xffff'fff0) + first_free_ref),
      dtype_budget_(bytes.size() / 8 + 4096), decoding_budget_(2 * std::uint64_t{bytes.size()} + 65536) {
  nodes.push_back({kind::none, 0, 0, 0, 0});
  nodes.push_back({kind::boolean, 0, 0, 0, 0});
  nodes.push_back({kind::boolean, 0, 0, 0, 1});
  for (const kind empty : {kind::tuple, kind::list, kind::dict})
    nodes.push_back({empty, 0, frozen, 0, 0});
  for (std::uint64_t number = 0; number < 256; ++number)
    nodes.push_back({kind::integer, 0, 0, 0, number});
}

void store::refuse_value() const {
  fail(errc::limit_exceeded, {}, "more than ", max_values_ - first_free_ref, " values");
}

ref store::add_tuple(const ref* items, std::size_t count) {
  if (count == 0)
    return empty_tuple_ref;
  const std::size_t place = refs.add(count);
  std::copy_n(items, count, refs.data() + place);
  return add({kind::tuple, 0, frozen, static_cast<std::uint32_t>(count), place});
}

ref store::add_object(const object_record& record) {
  objects.push_back(record);
  return add({kind::object, 0, 0, static_cast<std::uint32_t>(objects.size() - 1), 0});
}

ref store::add_array(const array_record& record) {
  arrays.push_back(record);
  return add({kind::array, 0, 0, static_cast<std::uint32_t>(arrays.size() - 1), 0});
}

ref store::add_global(std::string_view module, std::string_view name) {
  if (module.size() > max_global_name || name.size() > max_global_name)
    fail(errc::limit_exceeded, {}, "global ", quoted(module), " ", quoted(name), " has a name of ",
         std::max(module.size(), name.size()), " bytes, at most ", max_global_name, " are allowed");
  char joined[2 * max_global_name + 1];
  module = today(module);
  char* end = std::copy(module.begin(), module.end(), joined);
  *end++ = '.';
  end = std::copy(name.begin(), name.end(), end);
  const std::string_view full(joined, static_cast<std::size_t>(end - joined));

  if (const auto known = globals_.find(full); known != globals_.end())
    return known->second;
  if (!is_utf8(full))
    fail(errc::malformed, {}, "global ", quoted(full), " is not named in UTF-8");
  if (name == "NDArrayWrapper" || name == "ZNDArrayWrapper")
    fail(errc::not_importable, {}, "a dump of joblib before 0.10 (", quoted(full),
         "), whose arrays are in files beside it; load it with an old joblib and dump it again");
  charge_decoding(full.size());
  const std::size_t place = owned.size();
  std::copy(full.begin(), full.end(), reinterpret_cast<char*>(add_owned(full.size())));
  const ref id = add(
      {kind::global, static_cast<std::uint8_t>(meaning_of(full)), 0, static_cast<std::uint32_t>(full.size()), place});
  globals_.emplace(full, id);
  return id;
}

std::byte* store::add_owned(std::size_t count) {
  const std::size_t place = owned.add(count);
  return owned.data() + place;
}

void store::charge_decoding(std::uint64_t count) {
  if (count > decoding_budget_)
    fail(errc::limit_exceeded, {}, "more than ", 2 * std::uint64_t{input.size()} + 65536,
         " bytes of decoded text in a stream of ", input.size(), " bytes");
  decoding_budget_ -= count;
}

void store::append(ref container, const ref* items, std::size_t count) {
  node& to = nodes[container];
  if (to.high == frozen)
    fail(errc::malformed, {}, "items added to a ", to_string(to.kind), " that is already in use");
  const std::uint64_t needed = to.low + count;
  if (needed > std::uint64_t{1} << 31)
    fail(errc::limit_exceeded, {}, "a ", to_string(to.kind), " of ", needed, " items");
  const std::uint64_t capacity = to.flags == 0 ? 0 : std::uint64_t{1} << (to.flags - 1);
  if (needed > capacity) {
    const std::uint64_t bigger = std::bit_ceil(needed);
    if (capacity != 0 && to.word + capacity == refs.size()) {
      refs.add(bigger - capacity);
    } else {
      const std::size_t place = refs.add(bigger);
      std::copy_n(refs.data() + to.word, to.low, refs.data() + place);
      to.word = place;
    }
    to.flags = static_cast<std::uint8_t>(std::countr_zero(bigger) + 1);
  }
  std::copy_n(items, count, refs.data() + to.word + to.low);
  if (to.kind == kind::dict && to.low / 2 <= indexed_entries && needed / 2 > indexed_entries)
    big_dicts_.push_back(container);
  to.low = static_cast<std::uint32_t>(needed);
}

std::optional<std::string_view> store::text_of(ref id) const noexcept {
  const node& item = nodes[id];
  if (item.kind == kind::text)
    return text(item);
  if (item.kind == kind::scalar && (item.word >> 32) != 0)
    return text(nodes[item.word >> 32]);
  return std::nullopt;
}

std::optional<std::span<const std::byte>> store::bytes_of(ref id) const noexcept {
  const node& item = nodes[id];
  if (item.kind == kind::bytes || (item.kind == kind::text && (item.flags & flag_str8) != 0))
    return bytes(item);
  return std::nullopt;
}

std::optional<std::int64_t> store::int_of(ref id) const noexcept {
  const node& item = nodes[id];
  if (item.kind == kind::integer || item.kind == kind::boolean)
    return static_cast<std::int64_t>(item.word);
  return std::nullopt;
}

const ref* store::find(ref dict, std::string_view key) const noexcept {
  const node& item = nodes[dict];
  if (item.kind != kind::dict)
    return nullptr;
  const ref* entries = refs.data() + item.word;
  if (const auto sorted = index_.find(dict); sorted != index_.end() && key.size() <= max_indexed_key) {
    const std::span<const ref> numbers(refs.data() + sorted->second.first, sorted->second.second);
    const auto after =
        std::ranges::upper_bound(numbers, key, {}, [&](ref i) { return *text_of(entries[std::size_t{2} * i]); });
    if (after == numbers.begin() || *text_of(entries[std::size_t{2} * after[-1]]) != key)
      return nullptr;
    return &entries[std::size_t{2} * after[-1] + 1];
  }
  for (std::uint32_t i = item.low; i != 0; i -= 2)
    if (const auto name = text_of(entries[i - 2]); name && *name == key)
      return &entries[i - 1];
  return nullptr;
}

std::vector<std::uint64_t> store::extents(ref tuple, std::string_view what) const {
  const node& item = nodes[tuple];
  if (item.kind != kind::tuple || item.low > max_numpy_axes)
    fail(errc::malformed, {}, what, " is a ", to_string(item.kind), " of ", item.low, ", expected a tuple of at most ",
         max_numpy_axes);
  std::vector<std::uint64_t> out;
  out.reserve(item.low);
  for (const ref id : items(item)) {
    const auto extent = int_of(id);
    if (!extent || *extent < 0)
      fail(errc::malformed, {}, what, " has ", extent ? petrify::text(*extent) : to_string(nodes[id].kind),
           " as extent ", out.size());
    out.push_back(static_cast<std::uint64_t>(*extent));
  }
  return out;
}

void store::finish() {
  for (const ref id : unchecked_)
    if (!latin1.contains(id) && !is_python_text(text(nodes[id])))
      fail(errc::malformed, petrify::text("byte ", nodes[id].word), "text of ", bytes(nodes[id]).size(),
           " bytes is not UTF-8");
  for (const ref dict : big_dicts_) {
    const std::uint32_t entries = nodes[dict].low / 2;
    const std::size_t place = refs.size();
    for (std::uint32_t i = 0; i < entries; ++i)
      if (const auto key = text_of(refs[nodes[dict].word + 2 * std::uint64_t{i}]);
          key && key->size() <= max_indexed_key)
        refs.push_back(i);
    const std::span<ref> numbers(refs.data() + place, refs.size() - place);
    // Stable, so that of equal keys the one written last comes last.
    std::ranges::stable_sort(numbers, {},
                             [&](ref i) { return *text_of(refs[nodes[dict].word + 2 * std::uint64_t{i}]); });
    index_.emplace(dict, std::pair(place, numbers.size()));
  }
  resolve_unused_dtypes();
}

} // namespace pickle
} // namespace petrify::inline v0
