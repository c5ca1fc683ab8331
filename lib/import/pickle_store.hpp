// How a document keeps its values: compact nodes that refer to each other by number. Private to the room.
#pragma once

#include "import/pickle.hpp"
#include "import/pickle_pool.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace petrify::inline v0 {
namespace pickle {

// What a global means to the machine; everything that it need not know is `other`.
enum class callable : std::uint8_t {
  other,
  reconstruct,   // numpy's array shell, filled by BUILD
  scalar,        // numpy's scalar
  dtype,         // numpy.dtype
  frombuffer,    // numpy's array of protocol 5
  encode,        // _codecs.encode: bytes below protocol 3
  bytes,         // builtins.bytes
  bytearray,     // builtins.bytearray
  set,           // builtins.set, builtins.frozenset
  dict,          // collections.OrderedDict, collections.defaultdict
  reconstructor, // copyreg._reconstructor
  newobj,        // copyreg.__newobj__
  newobj_ex,     // copyreg.__newobj_ex__
  joblib_array,  // joblib's NumpyArrayWrapper: elements follow in the stream
};

// One value, 16 bytes. What the words mean by kind:
//   boolean, integer, real   word: the value or its bits
//   text, bytes, big_integer high:low: length; word: offset in the input, or in `owned` if so flagged
//   global                   the same, always in `owned`; flags: callable
//   tuple, list, dict, set   low: refs; word: place in `refs`; flags: log2 of the capacity plus 1, 0 for none
//   object                   low: place in `objects`
//   dtype                    low: code; word: state in the lower half, place in `dtypes` plus 1 in the upper
//   array                    low: place in `arrays`
//   scalar                   low: dtype; word: bytes in the lower half, text in the upper
struct node {
  pickle::kind kind;
  std::uint8_t flags;
  std::uint16_t high;
  std::uint32_t low;
  std::uint64_t word;
};
static_assert(sizeof(node) == 16);

// Flags of text and bytes.
inline constexpr std::uint8_t flag_owned = 1;
inline constexpr std::uint8_t flag_ascii = 2;
inline constexpr std::uint8_t flag_str8 = 4; // an 8-bit string of Python 2
// `high` of a container whose refs may not grow: they are shared with another node.
inline constexpr std::uint16_t frozen = 1;
// `high` of a dict that a call made: it may be given a state, which is dropped.
inline constexpr std::uint16_t called = 2;

inline constexpr std::uint32_t dtype_unusable = 0xffffffff;

// Refs of values that are always there.
inline constexpr ref none_ref = 0;
inline constexpr ref false_ref = 1;
inline constexpr ref true_ref = 2;
inline constexpr ref empty_tuple_ref = 3;
inline constexpr ref empty_list_ref = 4;
inline constexpr ref empty_dict_ref = 5;
inline constexpr ref small_int_ref = 6; // and 255 more
inline constexpr ref first_free_ref = small_int_ref + 256;

struct object_record {
  ref made_by = none_ref; // class or function
  ref args = empty_tuple_ref;
  ref kwargs = none_ref;
  ref state = none_ref;
  ref items = empty_list_ref;
  ref entries = empty_dict_ref;
};

struct array_record {
  ref made_by = none_ref; // class
  ref dtype = none_ref;   // none until BUILD
  ref shape = empty_tuple_ref;
  ref data = none_ref; // bytes; a tuple for objects
  ref axes = empty_tuple_ref;
  bool column_major = false;
};

struct text_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
};

class store {
public:
  store(std::span<const std::byte> input, const pickle_limits& limits);

  std::span<const std::byte> input;
  pool<node> nodes;
  pool<ref> refs;
  pool<std::byte> owned;
  pool<object_record> objects;
  pool<array_record> arrays;
  std::vector<std::shared_ptr<const numpy_dtype>> dtypes;
  ref root = none_ref;

  // Adds a value. Throws: limit_exceeded.
  ref add(const node& item) {
    if (nodes.size() >= max_values_)
      refuse_value();
    nodes.push_back(item);
    return static_cast<ref>(nodes.size() - 1);
  }
  ref add_integer(std::int64_t number) {
    if (number >= 0 && number < 256)
      return small_int_ref + static_cast<ref>(number);
    return add({kind::integer, 0, 0, 0, static_cast<std::uint64_t>(number)});
  }
  ref add_bytes(pickle::kind kind, std::uint8_t flags, std::uint64_t offset, std::uint64_t size) {
    return add({kind, flags, static_cast<std::uint16_t>(size >> 32), static_cast<std::uint32_t>(size), offset});
  }
  ref add_tuple(const ref* items, std::size_t count);
  ref add_object(const object_record& record);
  ref add_array(const array_record& record);
  // The global of that name; the same one for the same name.
  ref add_global(std::string_view module, std::string_view name);
  // Room for `count` decoded bytes, to be shrunk to what it took.
  std::byte* add_owned(std::size_t count);
  // Counts bytes that are decoded where a shared value may be decoded again and again. Throws: limit_exceeded.
  void charge_decoding(std::uint64_t count);

  // Appends to a list, set or dict. May move `items`' own pool, so they must not lie in `refs`.
  void append(ref container, const ref* items, std::size_t count);

  std::span<const std::byte> bytes(const node& item) const noexcept {
    const std::byte* base = (item.flags & flag_owned) != 0 || item.kind == kind::global ? owned.data() : input.data();
    return {base + item.word, (std::size_t{item.high} << 32) | item.low};
  }
  std::string_view text(const node& item) const noexcept {
    const auto raw = bytes(item);
    return {reinterpret_cast<const char*>(raw.data()), raw.size()};
  }
  std::span<const ref> items(const node& item) const noexcept { return {refs.data() + item.word, item.low}; }

  // The text of a text value, else nullopt.
  std::optional<std::string_view> text_of(ref id) const noexcept;
  // The raw bytes of bytes and of Python 2's strings, else nullopt.
  std::optional<std::span<const std::byte>> bytes_of(ref id) const noexcept;
  std::optional<std::int64_t> int_of(ref id) const noexcept;
  // A dict's value at a text key, or null.
  const ref* find(ref dict, std::string_view key) const noexcept;
  // The tuple's numbers, all at least 0. Throws: malformed, naming `what`.
  std::vector<std::uint64_t> extents(ref tuple, std::string_view what) const;

  // The element type of a dtype value; null for one that only numpy could make sense of. Throws: malformed,
  // limit_exceeded.
  std::shared_ptr<const numpy_dtype> resolve_dtype(ref id);
  // The same once parse is done.
  std::shared_ptr<const numpy_dtype> dtype_of(ref id) const noexcept;
  // Throws: malformed when sizes do not fit.
  numpy_array array_of(const array_record& record) const;

  // What is left to do when the stream has ended: text that nobody looked at, dtypes, indexes of big dicts.
  void finish();
  // Remembers a text to be checked by finish, unless it has been decoded as Latin-1 before.
  void check_later(ref text) { unchecked_.push_back(text); }
  // Latin-1 texts turned into bytes: text -> bytes.
  std::unordered_map<ref, ref> latin1;

private:
  [[noreturn]] void refuse_value() const;
  void resolve_unused_dtypes();
  numpy_dtype build_dtype(ref id, int depth, std::size_t& fields);
  void add_fields(numpy_dtype& dtype, ref names, ref fields, int depth, std::size_t& count);
  void spend(std::size_t cost);

  std::uint64_t max_values_;
  // How many more fields dtypes may have in all. A field that is written costs 8 bytes at least, but a shared one
  // nothing.
  std::uint64_t dtype_budget_;
  std::uint64_t decoding_budget_;
  std::uint32_t num_unusable_dtypes_ = 0;
  std::unordered_map<std::string, ref, text_hash, std::equal_to<>> globals_;
  std::vector<ref> unchecked_;
  std::vector<ref> big_dicts_;
  // dict -> its entries' numbers in order of key text, in `refs`: place and count.
  std::unordered_map<ref, std::pair<std::size_t, std::size_t>> index_;
};

// Well-formed UTF-8, surrogates allowed.
bool is_python_text(std::string_view bytes) noexcept;

} // namespace pickle
} // namespace petrify::inline v0
