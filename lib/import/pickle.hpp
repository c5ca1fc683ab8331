// Pickle and joblib files as inert data: parsed, never executed.
//
// A document is what the pickle machine leaves behind: values that refer to each other. Classes and functions are only
// names; calls are recorded as objects with their arguments and state. Arrays and texts stay where they are in the
// input.
//
// A value may contain itself, and may be reached by more ways than anyone can walk (a list of twice the same list of
// twice ...). Code that recurses into values it does not know must bound both: see `walk`. A file may also name one
// big array a million times, so what is *built* from values must be bounded by the file's size as well.
//
// Thread safety: a document never changes after parse; any number of threads may read it.
#pragma once

#include "import/numpy.hpp"

#include <petrify/version.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::inline v0 {
namespace pickle {

enum class kind : std::uint8_t {
  none,
  boolean,
  integer,     // fits int64
  big_integer, // does not
  real,
  text,
  bytes, // bytes or bytearray
  tuple,
  list,
  dict,   // also OrderedDict and defaultdict; entries in file order
  set,    // also frozenset
  global, // a class or function, by name
  object, // an instance of a class, or an unknown function's result
  dtype,  // a numpy element type
  array,  // a numpy array
  scalar, // a numpy number, text, ...
};

// "none", "integer", ... for messages.
const char* to_string(kind kind) noexcept;

// Which value of its document: equal for the same (shared) value.
using ref = std::uint32_t;

class store;

// A light handle on one value. Borrows the document, which must outlive it. Accessors of the wrong kind give nullopt,
// an empty value or 0; they throw only where said.
class value {
public:
  value(const store& owner, ref id) noexcept : store_(&owner), id_(id) {}

  pickle::kind kind() const noexcept;
  ref id() const noexcept { return id_; }
  bool is(pickle::kind kind) const noexcept { return this->kind() == kind; }
  bool is_none() const noexcept { return is(kind::none); }
  // What it is, for messages: "integer", "object sklearn.tree._tree.Tree", "array of <f8".
  std::string describe() const;

  // Numbers. numpy scalars count like Python's. bool: booleans only. int: booleans and integers that fit. real: those
  // of them that a double holds exactly, and floats.
  std::optional<bool> as_bool() const noexcept;
  std::optional<std::int64_t> as_int() const noexcept;
  std::optional<double> as_real() const noexcept;
  // Text as UTF-8 (lone surrogates, which Python allows, come as three bytes). numpy.str_ too.
  std::optional<std::string_view> as_text() const noexcept;
  // Bytes, bytearray, numpy.bytes_, the raw bytes of a numpy scalar, and the 8-bit strings of Python 2 (these also are
  // text where they are ASCII). A big_integer: its two's complement, little-endian.
  std::optional<std::span<const std::byte>> as_bytes() const noexcept;

  // Elements of a tuple, list or set, entries of a dict, elements of an array of objects in C order.
  std::size_t size() const noexcept;
  // Element i of those, but of a dict its i-th *value*. Throws: invalid_argument past the end.
  value operator[](std::size_t i) const;
  // The i-th key of a dict. A key that was written twice is there twice. Throws: invalid_argument past the end.
  value key(std::size_t i) const;
  // A dict's value at a text key (the one written last). Cost: O(entries), O(log entries) for more than 32 of them.
  std::optional<value> find(std::string_view text) const noexcept;

  // "module.Name" of a global, of an object's class or of the function that was to make it, of an array's class
  // ("numpy.ndarray"). Empty for everything else. As in the file, but Python 2's __builtin__ and copy_reg read builtins
  // and copyreg.
  std::string_view class_name() const noexcept;
  // Arguments of an object: a tuple (empty if there are none), and the keywords' dict or none.
  value args() const noexcept;
  value kwargs() const noexcept;
  // State of an object as the file has it, or none.
  value state() const noexcept;
  // An attribute in the state, which is a dict or a pair (dict or None, dict of slots). nullopt for other states.
  std::optional<value> attr(std::string_view name) const noexcept;
  // What was appended to an object (subclass of list, deque), as a list, and what was set in it (subclass of dict), as
  // a dict.
  value items() const noexcept;
  value entries() const noexcept;

  // The element type of a dtype, array or scalar; null otherwise.
  std::shared_ptr<const numpy_dtype> dtype() const noexcept;
  // The array; nullopt for other kinds. Elements of arrays of objects are reached by size() and operator[].
  // Cost: some small allocations; elements are not copied.
  std::optional<numpy_array> as_array() const;

private:
  const store* store_;
  ref id_;
};

// The texts of an array of kind U, S or O, of a list, tuple or set, in C order. Throws: wrong_type, naming the first
// element that is no text.
std::vector<std::string> to_strings(const value& values);

// Bounds a recursive walk over values: how deep, and how many steps in all.
//     void visit(const value& v, walk& w) { auto inside = w.enter(); for (...) visit(v[i], w); }
class walk {
public:
  explicit walk(std::uint64_t max_steps, std::uint32_t max_depth = 1000) noexcept
      : steps_(max_steps), depth_(max_depth) {}

  class step {
  public:
    explicit step(walk& owner) noexcept : owner_(owner) {}
    step(const step&) = delete;
    step& operator=(const step&) = delete;
    ~step() { ++owner_.depth_; }

  private:
    walk& owner_;
  };

  // Counts one value, until the step dies one level deeper. Throws: limit_exceeded.
  [[nodiscard]] step enter();

private:
  std::uint64_t steps_;
  std::uint32_t depth_;
};

// What parse refuses to exceed. Beside these, memory is bounded by the input: at most about 50 bytes for each of its
// bytes in a stream made to do that, far less than its size in one of arrays. Nothing in parse recurses on the data.
struct pickle_limits {
  std::uint64_t max_values = 100'000'000;
  std::uint64_t max_memo = 100'000'000;
};

// A parsed stream. Borrows the bytes given to parse, which must outlive it, and owns the rest. Moving it keeps values
// valid.
class document {
public:
  explicit document(std::unique_ptr<const store> parsed, std::size_t size_bytes) noexcept;
  document(document&&) noexcept;
  document& operator=(document&&) noexcept;
  ~document();

  // What the stream stands for.
  value root() const& noexcept;
  value root() const&& = delete;
  // How many values there are; a sensible base for walk's max_steps.
  std::size_t num_values() const noexcept;
  // Bytes up to and including the last one of the stream. Like Python's readers, parse ignores what follows;
  // a caller that wants one stream only compares.
  std::size_t size_bytes() const noexcept { return size_bytes_; }

private:
  std::unique_ptr<const store> store_;
  std::size_t size_bytes_;
};

// Whether the bytes start like a pickle of protocol 2 or later. Cost: looks at 2 bytes.
bool is_pickle(std::span<const std::byte> bytes) noexcept;

// Reads a pickle (protocols 2 to 5) or an uncompressed joblib dump (0.10 and later) without executing anything.
// Places in errors are offsets in `bytes`. Cost: one pass over what is not an array.
// Throws: truncated; malformed for streams that no pickler writes; not_importable for protocols 0 and 1, persistent
// ids, out-of-band buffers, extension codes and arrays in side files; limit_exceeded.
document parse(std::span<const std::byte> bytes, const pickle_limits& limits = {});

} // namespace pickle
} // namespace petrify::inline v0
