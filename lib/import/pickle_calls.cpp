#include "base/checked.hpp"
#include "base/fail.hpp"
#include "import/pickle_machine.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace petrify::inline v0 {
namespace pickle {
namespace {

// Entries of a joblib array's description.
constexpr std::uint32_t max_fields = 32;

bool is_latin1(std::string_view encoding) {
  return encoding == "latin1" || encoding == "latin-1" || encoding == "iso-8859-1";
}

// Maps U+0000..U+00FF, as UTF-8, to one byte each. Gives the number of bytes, or nullopt for any other text. `out` has
// room for as many bytes as `utf8` has: whole words are written, and their ends then overwritten.
// One step is a run of ASCII and the character behind it, without a branch for the run's length: in an array's bytes
// that is anybody's guess.
std::optional<std::size_t> decode_latin1_to(std::byte* out, std::string_view utf8) {
  const std::byte* start = out;
  const char* at = utf8.data();
  const char* end = at + utf8.size();
  bool good = true;
  while (end - at > 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    std::memcpy(out, &word, 8);
    const std::uint64_t wide = word & 0x8080'8080'8080'8080;
    const auto run = wide == 0 ? 8 : std::countr_zero(wide) / 8;
    at += run;
    out += run;
    if (wide == 0)
      continue;
    // C2 80..BF is 80..BF, C3 80..BF is C0..FF.
    const auto lead = static_cast<unsigned char>(at[0]);
    const auto next = static_cast<unsigned char>(at[1]);
    good &= ((lead & 0xfe) == 0xc2) & ((next & 0xc0) == 0x80);
    *out++ = static_cast<std::byte>((lead & 1U) << 6 | (next & 0x3fU) | 0x80U);
    at += 2;
  }
  while (at != end) {
    const auto lead = static_cast<unsigned char>(*at++);
    if (lead < 0x80) {
      *out++ = static_cast<std::byte>(lead);
      continue;
    }
    const auto next = at == end ? 0U : static_cast<unsigned char>(*at++);
    good &= ((lead & 0xfe) == 0xc2) & ((next & 0xc0) == 0x80);
    *out++ = static_cast<std::byte>((lead & 1U) << 6 | (next & 0x3fU) | 0x80U);
  }
  return good ? std::optional(static_cast<std::size_t>(out - start)) : std::nullopt;
}

} // namespace

void machine::stack_global() {
  const ref name = pop();
  const ref module = pop();
  const auto name_text = values_.text_of(name);
  const auto module_text = values_.text_of(module);
  if (!name_text || !module_text)
    fail(errc::malformed, where(), "STACK_GLOBAL of a ", to_string(values_.nodes[module].kind), " and a ",
         to_string(values_.nodes[name].kind), ", expected two texts");
  push(values_.add_global(*module_text, *name_text));
}

void machine::new_object(ref made_by, ref args, ref kwargs) {
  if (values_.nodes[args].kind != kind::tuple)
    fail(errc::malformed, where(), "arguments of a new object are a ", to_string(values_.nodes[args].kind),
         ", expected a tuple");
  push(values_.add_object({.made_by = made_by, .args = args, .kwargs = kwargs}));
}

void machine::reduce() {
  const ref args = pop();
  const ref function = pop();
  const node& tuple = values_.nodes[args];
  if (tuple.kind != kind::tuple)
    fail(errc::malformed, where(), "arguments of REDUCE are a ", to_string(tuple.kind), ", expected a tuple");
  const node& global = values_.nodes[function];
  if (global.kind == kind::global && global.flags != 0)
    if (const auto result = interpret(static_cast<callable>(global.flags), values_.items(tuple), args))
      return push(*result);
  push(values_.add_object({.made_by = function, .args = args}));
}

std::optional<ref> machine::interpret(callable function, std::span<const ref> args, ref args_tuple) {
  const auto kind_of = [&](std::size_t i) { return i < args.size() ? values_.nodes[args[i]].kind : kind::none; };
  switch (function) {
  case callable::reconstruct:
    if (kind_of(0) != kind::global)
      return std::nullopt;
    return values_.add_array({.made_by = args[0]});
  case callable::scalar: return make_scalar(args);
  case callable::dtype:
    if (kind_of(0) != kind::text)
      return std::nullopt;
    return values_.add({kind::dtype, 0, 0, args[0], none_ref});
  case callable::frombuffer: return make_from_buffer(args);
  case callable::encode:
    if (args.size() != 2)
      return std::nullopt;
    [[fallthrough]];
  case callable::bytes:
  case callable::bytearray: return make_bytes(args);
  case callable::set: {
    if (args.empty())
      return values_.add({kind::set, 0, 0, 0, 0});
    const kind from = kind_of(0);
    if (args.size() != 1 || (from != kind::list && from != kind::tuple && from != kind::set))
      return std::nullopt;
    // Shares the items as they are now: a list that grows later moves or only adds behind them.
    const node items = values_.nodes[args[0]];
    return values_.add({kind::set, 0, frozen, items.low, items.word});
  }
  case callable::dict:
    // OrderedDict(), defaultdict(factory): the entries follow.
    if (args.size() > 1 || kind_of(0) == kind::list)
      return std::nullopt;
    return values_.add({kind::dict, 0, called, 0, 0});
  case callable::reconstructor:
    if (args.empty())
      return std::nullopt;
    return values_.add_object({.made_by = args[0], .args = args_tuple});
  case callable::newobj: {
    if (args.empty())
      return std::nullopt;
    const ref made_by = args[0];
    const node all = values_.nodes[args_tuple];
    const ref rest = values_.add({kind::tuple, 0, frozen, all.low - 1, all.word + 1});
    return values_.add_object({.made_by = made_by, .args = rest});
  }
  case callable::newobj_ex:
    if (args.size() != 3 || kind_of(1) != kind::tuple)
      return std::nullopt;
    return values_.add_object({.made_by = args[0], .args = args[1], .kwargs = args[2]});
  case callable::other:
  case callable::joblib_array: break;
  }
  return std::nullopt;
}

std::optional<ref> machine::make_scalar(std::span<const ref> args) {
  if (args.size() != 2 || values_.nodes[args[0]].kind != kind::dtype)
    return std::nullopt;
  const auto dtype = values_.resolve_dtype(args[0]);
  if (dtype != nullptr && dtype->kind == 'O')
    return args[1];
  if (dtype == nullptr || dtype->has_objects())
    return std::nullopt;
  const auto bytes = values_.bytes_of(args[1]);
  if (!bytes || bytes->size() != dtype->total_size())
    fail(errc::malformed, where(), "scalar of ", petrify::describe(*dtype), " has ",
         bytes ? text(bytes->size(), " bytes") : text("a ", to_string(values_.nodes[args[1]].kind)), ", expected ",
         dtype->total_size(), " bytes");
  ref as_text = 0;
  if (dtype->kind == 'U') {
    values_.charge_decoding(bytes->size());
    const std::string utf8 = to_strings(make_numpy_array(dtype, {}, numpy_order::row_major, *bytes)).front();
    const std::size_t place = values_.owned.size();
    std::ranges::copy(std::as_bytes(std::span(utf8)), values_.add_owned(utf8.size()));
    as_text = values_.add_bytes(kind::text, flag_owned, place, utf8.size());
  }
  return values_.add({kind::scalar, 0, 0, args[0], std::uint64_t{as_text} << 32 | args[1]});
}

std::optional<ref> machine::make_from_buffer(std::span<const ref> args) {
  // (buffer, element type, shape, order [, axis order])
  if (args.size() < 4 || values_.nodes[args[1]].kind != kind::dtype || values_.resolve_dtype(args[1]) == nullptr)
    return std::nullopt;
  const auto order = values_.text_of(args[3]);
  const bool has_axes = args.size() > 4 && args[4] != none_ref;
  if (!order || (*order != "C" && *order != "F" && !(*order == "K" && has_axes)))
    fail(errc::malformed, where(), "array of order ", order ? quoted(*order) : to_string(values_.nodes[args[3]].kind),
         ", expected \"C\", \"F\" or \"K\" with an order of axes");
  if (!values_.bytes_of(args[0]))
    fail(errc::malformed, where(), "array's data is a ", to_string(values_.nodes[args[0]].kind), ", expected bytes");
  const array_record record{.made_by = values_.add_global("numpy", "ndarray"),
                            .dtype = args[1],
                            .shape = args[2],
                            .data = args[0],
                            .axes = *order == "K" ? args[4] : empty_tuple_ref,
                            .column_major = *order == "F"};
  values_.array_of(record);
  return values_.add_array(record);
}

std::optional<ref> machine::make_bytes(std::span<const ref> args) {
  if (args.empty())
    return values_.add_bytes(kind::bytes, 0, 0, 0);
  if (args.size() == 1 && values_.bytes_of(args[0]))
    return args[0];
  const auto encoding = args.size() == 2 ? values_.text_of(args[1]) : std::nullopt;
  if (!encoding || !is_latin1(*encoding) || values_.nodes[args[0]].kind != kind::text)
    return std::nullopt;
  return decode_latin1(args[0]);
}

ref machine::decode_latin1(ref id) {
  // A text that is referred to often must be decoded once: the result would grow beyond any bound.
  if (const auto known = values_.latin1.find(id); known != values_.latin1.end())
    return known->second;
  const node item = values_.nodes[id];
  if ((item.flags & flag_ascii) != 0)
    return values_.add_bytes(kind::bytes, item.flags & flag_owned, item.word, values_.bytes(item).size());
  const std::size_t place = values_.owned.size();
  const auto size = decode_latin1_to(values_.add_owned(values_.text(item).size()), values_.text(item));
  if (!size)
    fail(errc::malformed, where(), "text at byte ", item.word, " stands for bytes, but has characters past U+00FF");
  values_.owned.shrink(place + *size);
  const ref bytes = values_.add_bytes(kind::bytes, flag_owned, place, *size);
  values_.latin1.emplace(id, bytes);
  return bytes;
}

void machine::build() {
  const ref state = pop();
  const ref target = top();
  const node& item = values_.nodes[target];
  switch (item.kind) {
  case kind::array: return build_array(target, state);
  case kind::dtype: return build_dtype(target, state);
  case kind::object: return build_object(target, state);
  case kind::dict:
    // Attributes of an OrderedDict: nothing that anyone would look for.
    if (item.high == called)
      return;
    break;
  default: break;
  }
  fail(errc::malformed, where(), "BUILD of a ", to_string(item.kind), ", expected an object");
}

void machine::build_object(ref object, ref state) {
  object_record& record = values_.objects[values_.nodes[object].low];
  const node& made_by = values_.nodes[record.made_by];
  if (!nested_ && made_by.kind == kind::global && static_cast<callable>(made_by.flags) == callable::joblib_array) {
    const ref array = read_payload(state);
    stack_[stack_.size() - 1] = array;
    return;
  }
  if (record.state != none_ref)
    fail(errc::not_importable, where(), "the state of an object is set twice");
  record.state = state;
}

void machine::build_dtype(ref dtype, ref state) {
  node& item = values_.nodes[dtype];
  if (item.word != none_ref || values_.nodes[state].kind != kind::tuple)
    fail(errc::malformed, where(), "state of an array element type is a ", to_string(values_.nodes[state].kind),
         item.word != none_ref ? " and comes twice or late" : ", expected a tuple");
  item.word = state;
}

void machine::build_array(ref array, ref state) {
  array_record& record = values_.arrays[values_.nodes[array].low];
  if (record.dtype != none_ref)
    fail(errc::malformed, where(), "the state of an array is set twice");
  const node& tuple = values_.nodes[state];
  const std::span<const ref> parts = tuple.kind == kind::tuple ? values_.items(tuple) : std::span<const ref>();
  // (version, shape, element type, is column-major, data), in the oldest files without the version.
  const std::span<const ref> last = parts.size() == 4   ? parts
                                    : parts.size() == 5 ? parts.subspan(1)
                                                        : std::span<const ref>();
  const auto column_major = last.empty() ? std::nullopt : values_.int_of(last[2]);
  const auto dtype = column_major ? values_.resolve_dtype(last[1]) : nullptr;
  if (dtype == nullptr) {
    // A subclass with a state of its own, or elements of a type that only numpy could make sense of.
    const ref made_by = record.made_by;
    if (!column_major && values_.text(values_.nodes[made_by]) == "numpy.ndarray")
      fail(errc::malformed, where(), "state of an array is a ", to_string(tuple.kind), " of ", parts.size(),
           " items, expected a tuple of 5");
    values_.objects.push_back({.made_by = made_by, .state = state});
    values_.nodes[array] = {kind::object, 0, 0, static_cast<std::uint32_t>(values_.objects.size() - 1), 0};
    return;
  }
  array_record filled = record;
  filled.dtype = last[1];
  filled.shape = last[0];
  filled.column_major = *column_major != 0;
  filled.data = last[3];
  const node data = values_.nodes[last[3]];
  if (dtype->has_objects() ? data.kind != kind::list : !values_.bytes_of(last[3]))
    fail(errc::malformed, where(), "data of an array of ", petrify::describe(*dtype), " is a ", to_string(data.kind),
         dtype->has_objects() ? ", expected a list" : ", expected bytes");
  if (dtype->has_objects())
    // The items as they are now; a list that grows later moves or only adds behind them.
    filled.data = values_.add({kind::tuple, 0, frozen, data.low, data.word});
  values_.array_of(filled);
  values_.arrays[values_.nodes[array].low] = filled;
}

ref machine::read_payload(ref wrapper_state) {
  // Joblib writes 5 or 6; a huge one would be searched again for every array.
  if (const node& fields = values_.nodes[wrapper_state]; fields.kind != kind::dict || fields.low > 2 * max_fields)
    fail(errc::malformed, where(), "state of a joblib array is a ", to_string(fields.kind), " of ", fields.low / 2,
         " entries, expected a dict of at most ", max_fields);
  const auto field = [&](std::string_view name) {
    const ref* found = values_.find(wrapper_state, name);
    return found == nullptr ? none_ref : *found;
  };
  const auto dtype = values_.resolve_dtype(field("dtype"));
  if (dtype == nullptr)
    fail(errc::not_importable, where(), "joblib array without a known element type: its elements cannot be skipped");
  if (dtype->has_objects()) {
    machine inner(values_, offset(), limits_, true);
    const ref result = inner.run();
    at_ = begin_ + inner.offset();
    return result;
  }
  const auto order = values_.text_of(field("order"));
  if (!order || (*order != "C" && *order != "F"))
    fail(errc::malformed, where(), "joblib array of order ",
         order ? quoted(*order) : to_string(values_.nodes[field("order")].kind), ", expected \"C\" or \"F\"");
  array_record record{
      .made_by = field("subclass"), .dtype = field("dtype"), .shape = field("shape"), .column_major = *order == "F"};
  const auto count = checked_product(values_.extents(record.shape, "shape of a joblib array"));
  const auto size = count ? checked_mul(*count, dtype->item_size) : std::nullopt;
  if (!size)
    fail(errc::malformed, where(), "joblib array whose size overflows 64 bits");
  if (field("numpy_array_alignment_bytes") != none_ref)
    take(take_number(1));
  if (const auto left = static_cast<std::uint64_t>(end_ - at_); *size > left)
    fail(errc::truncated, where(), "joblib array of ", *size, " bytes, but only ", left, " are left");
  record.data = values_.add_bytes(kind::bytes, 0, offset(), *size);
  take(*size);
  values_.array_of(record);
  return values_.add_array(record);
}

} // namespace pickle
} // namespace petrify::inline v0
