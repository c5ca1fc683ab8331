#include "import/pickle_store.hpp"

#include "base/checked.hpp"
#include "base/fail.hpp"

#include <algorithm>

namespace petrify::inline v0 {
namespace pickle {
namespace {

constexpr int max_dtype_depth = 16;
constexpr std::size_t max_field_name = 256;

// Each one costs an exception inside.
constexpr std::uint32_t max_unusable_dtypes = 10'000;

} // namespace

void store::spend(std::size_t cost) {
  if (cost > dtype_budget_)
    fail(errc::limit_exceeded, {}, "array element types have more fields than a stream of ", input.size(),
         " bytes can describe");
  dtype_budget_ -= cost;
}

std::shared_ptr<const numpy_dtype> store::dtype_of(ref id) const noexcept {
  const node& item = nodes[id];
  if (item.kind != kind::dtype)
    return nullptr;
  const auto place = static_cast<std::uint32_t>(item.word >> 32);
  return place == 0 || place == dtype_unusable ? nullptr : dtypes[place - 1];
}

std::shared_ptr<const numpy_dtype> store::resolve_dtype(ref id) {
  if (nodes[id].kind != kind::dtype)
    return nullptr;
  if ((nodes[id].word >> 32) == 0) {
    std::uint64_t place = dtype_unusable;
    try {
      std::size_t fields = 0;
      dtypes.push_back(std::make_shared<const numpy_dtype>(build_dtype(id, 0, fields)));
      place = dtypes.size();
    } catch (const error& e) {
      if (e.code() != errc::not_importable)
        throw;
      if (++num_unusable_dtypes_ > max_unusable_dtypes)
        fail(errc::limit_exceeded, {}, "more than ", max_unusable_dtypes, " array element types that are not known");
    }
    nodes[id].word |= place << 32;
  }
  return dtype_of(id);
}

void store::resolve_unused_dtypes() {
  // No array has these types, so that it is nobody's business whether they make sense.
  bool trying = true;
  for (std::size_t id = first_free_ref; id < nodes.size(); ++id) {
    if (nodes[id].kind != kind::dtype || (nodes[id].word >> 32) != 0)
      continue;
    try {
      if (trying)
        resolve_dtype(static_cast<ref>(id));
    } catch (const error&) {
      trying = ++num_unusable_dtypes_ <= max_unusable_dtypes;
    }
    if ((nodes[id].word >> 32) == 0)
      nodes[id].word |= std::uint64_t{dtype_unusable} << 32;
  }
}

numpy_dtype store::build_dtype(ref id, int depth, std::size_t& fields) {
  spend(1);
  if (depth > max_dtype_depth)
    fail(errc::limit_exceeded, {}, "array element type nested deeper than ", max_dtype_depth);
  const node& item = nodes[id];
  if (item.kind != kind::dtype)
    fail(errc::not_importable, {}, "array element type is a ", to_string(item.kind));
  numpy_dtype dtype = parse_numpy_dtype(text_of(item.low).value_or(""));
  const ref state_ref = static_cast<ref>(item.word);
  if (state_ref == none_ref)
    return dtype;

  // (version, byte order, sub-array, names, fields, item size, alignment, flags [, metadata])
  const auto state = items(nodes[state_ref]);
  const auto version = state.empty() ? std::nullopt : int_of(state[0]);
  if (state.size() < 8 || !version || *version < 3 || *version > 4)
    fail(errc::malformed, {}, "state of array element type ", petrify::describe(dtype), " has ", state.size(),
         " items and version ", version.value_or(-1), ", expected at least 8 and version 3 or 4");
  const auto order = text_of(state[1]);
  const auto size = int_of(state[5]);
  if (!order || order->size() != 1 || !size)
    fail(errc::malformed, {}, "state of array element type ", petrify::describe(dtype),
         " has no byte order or no item size");
  dtype.swapped = *order == ">";
  if (dtype.kind == 'S' || dtype.kind == 'U' || dtype.kind == 'V') {
    if (*size < 0 || (dtype.kind == 'U' && *size % 4 != 0))
      fail(errc::malformed, {}, "array element type ", petrify::describe(dtype), " has an item size of ", *size);
    dtype.item_size = static_cast<std::uint64_t>(*size);
  }

  if (state[2] != none_ref) {
    const node& pair = nodes[state[2]];
    if (pair.kind != kind::tuple || pair.low != 2)
      fail(errc::malformed, {}, "sub-array of an array element type is a ", to_string(pair.kind),
           ", expected a pair of type and shape");
    const std::uint64_t size_bytes = dtype.item_size;
    const ref shape = items(pair)[1];
    auto subarray =
        nodes[shape].kind == kind::integer
            ? std::vector<std::uint64_t>{static_cast<std::uint64_t>(std::max<std::int64_t>(*int_of(shape), 0))}
            : extents(shape, "shape of a sub-array");
    dtype = build_dtype(items(pair)[0], depth + 1, fields);
    dtype.subarray.insert(dtype.subarray.begin(), subarray.begin(), subarray.end());
    if (dtype.subarray.size() > max_numpy_axes || dtype.total_size() != size_bytes)
      fail(errc::malformed, {}, "sub-array ", petrify::describe(dtype), " does not fill its ", size_bytes, " bytes");
  } else if (state[3] != none_ref) {
    add_fields(dtype, state[3], state[4], depth, fields);
  }
  return dtype;
}

void store::add_fields(numpy_dtype& dtype, ref names, ref fields, int depth, std::size_t& count) {
  const node& list = nodes[names];
  const node& dict = nodes[fields];
  if (dtype.kind != 'V' || list.kind != kind::tuple || dict.kind != kind::dict)
    fail(errc::malformed, {}, "fields of array element type ", petrify::describe(dtype), " are a ",
         to_string(list.kind), " and a ", to_string(dict.kind), ", expected a tuple and a dict");
  spend(list.low + dict.low);
  count += list.low;
  // A field with a title is in the dict twice.
  if (count > max_numpy_fields || dict.low / 2 > 2 * max_numpy_fields)
    fail(errc::limit_exceeded, {}, "array element type of more than ", max_numpy_fields, " fields");

  std::unordered_map<std::string_view, ref> places;
  for (std::uint32_t i = 0; i < dict.low; i += 2)
    if (const auto key = text_of(items(dict)[i]); key && key->size() <= max_field_name)
      places[*key] = items(dict)[i + 1];
  for (std::uint32_t i = 0; i < list.low; ++i) {
    const auto name = text_of(items(list)[i]);
    if (name && name->size() > max_field_name)
      fail(errc::limit_exceeded, {}, "field name of ", name->size(), " bytes, at most ", max_field_name,
           " are allowed");
    const auto place = name ? places.find(*name) : places.end();
    const node& entry = nodes[place == places.end() ? none_ref : place->second];
    const bool is_entry = entry.kind == kind::tuple && entry.low >= 2;
    const auto offset = is_entry ? int_of(items(entry)[1]) : std::nullopt;
    if (!offset || *offset < 0)
      fail(errc::malformed, {}, "field ", i, " of an array element type has no type and offset");
    numpy_dtype::field field{std::string(*name), static_cast<std::uint64_t>(*offset),
                             build_dtype(items(entry)[0], depth + 1, count)};
    if (!in_range(field.offset, field.dtype.total_size(), dtype.item_size))
      fail(errc::malformed, {}, "field ", quoted(field.name), " of an array element type ends past its ",
           dtype.item_size, " bytes");
    places.erase(place); // so that a name cannot occur twice
    dtype.fields.push_back(std::move(field));
  }
}

} // namespace pickle
} // namespace petrify::inline v0
