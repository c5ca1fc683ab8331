#include "import/pickle_machine.hpp"

#include "base/checked.hpp"
#include "base/fail.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace petrify::inline v0 {
namespace pickle {
namespace {

constexpr ref unset = 0xffffffff;
constexpr std::size_t max_line = 1024;

// Texts shorter than this are checked at once; longer ones may turn out to be Latin-1 bytes, whose decoder checks them.
constexpr std::uint64_t small_text = 256;

bool is_ascii(const std::byte* bytes, std::size_t size) {
  constexpr std::uint64_t high_bits = 0x8080'8080'8080'8080;
  std::uint64_t bits = 0;
  std::size_t i = 0;
  for (; i + 8 <= size && (bits & high_bits) == 0; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i, 8);
    bits |= word;
  }
  for (; i < size && (bits & high_bits) == 0; ++i)
    bits |= static_cast<std::uint64_t>(bytes[i]);
  return (bits & high_bits) == 0;
}

} // namespace

ref machine::run() {
  try {
    for (;;) {
      opcode_at_ = at_;
      if (at_ == end_)
        fail(errc::truncated, where(), "the stream ends without STOP");
      if (step(static_cast<std::uint8_t>(*at_++)))
        return pop();
    }
  } catch (const error& e) {
    if (e.where().starts_with("byte "))
      throw;
    throw e.at({}, where());
  }
}

const std::byte* machine::take(std::uint64_t count) {
  const auto left = static_cast<std::uint64_t>(end_ - at_);
  if (count > left)
    fail(errc::truncated, where(), "the stream ends inside ", opcode_name(static_cast<std::uint8_t>(*opcode_at_)), ": ",
         count, " bytes expected, ", left, " left");
  return std::exchange(at_, at_ + count);
}

std::uint64_t machine::take_number(std::size_t bytes) {
  std::uint64_t number = 0;
  std::memcpy(&number, take(bytes), bytes);
  return number;
}

std::string_view machine::take_line() {
  const std::string_view window(reinterpret_cast<const char*>(at_),
                                std::min(static_cast<std::size_t>(end_ - at_), max_line));
  const std::size_t size = window.find('\n');
  if (size == window.npos) {
    if (window.size() < max_line)
      fail(errc::truncated, where(), "the stream ends inside a name of GLOBAL");
    fail(errc::limit_exceeded, where(), "name of GLOBAL is longer than ", max_line, " bytes");
  }
  at_ += size + 1;
  return window.substr(0, size);
}

void machine::frame() {
  const std::uint64_t size = take_number(8);
  const auto left = static_cast<std::uint64_t>(end_ - at_);
  if (size > left)
    fail(errc::truncated, where(), "FRAME of ", size, " bytes, but only ", left, " are left");
}

ref machine::pop() {
  const ref id = top();
  stack_.shrink(stack_.size() - 1);
  return id;
}

ref machine::top() const {
  if (stack_.size() <= floor())
    fail(errc::malformed, where(), "the stack is empty", marks_.empty() ? "" : " above the last MARK");
  return stack_[stack_.size() - 1];
}

std::span<const ref> machine::above_mark() const {
  if (marks_.empty())
    fail(errc::malformed, where(), "no MARK on the stack");
  return {stack_.data() + floor(), stack_.size() - floor()};
}

void machine::drop_mark() {
  stack_.shrink(floor());
  marks_.shrink(marks_.size() - 1);
}

void machine::put(std::uint64_t index) {
  const ref id = top();
  // Every entry takes a byte of the stream at least, so that a larger index is no pickler's.
  if (index > static_cast<std::uint64_t>(at_ - start_))
    fail(errc::malformed, where(), "memo entry ", index, " set by byte ", at_ - start_,
         " of the stream: picklers number entries from 0");
  if (index >= limits_.max_memo)
    fail(errc::limit_exceeded, where(), "memo entry ", index, ", at most ", limits_.max_memo, " are allowed");
  if (index >= memo_.size()) {
    const std::size_t place = memo_.add(index + 1 - memo_.size());
    std::fill(memo_.data() + place, memo_.data() + index + 1, unset);
  }
  memo_count_ += memo_[index] == unset;
  memo_[index] = id;
}

void machine::get(std::uint64_t index) {
  if (index >= memo_.size() || memo_[index] == unset)
    fail(errc::malformed, where(), opcode_name(static_cast<std::uint8_t>(*opcode_at_)), " of memo entry ", index,
         ", but only ", memo_count_, " entries are set");
  push(memo_[index]);
}

void machine::push_text(std::uint64_t size) {
  const std::byte* bytes = take(size);
  const bool ascii = is_ascii(bytes, size);
  const ref id = values_.add_bytes(kind::text, ascii ? flag_ascii : std::uint8_t{0},
                                   static_cast<std::uint64_t>(bytes - begin_), size);
  if (!ascii && size >= small_text)
    values_.check_later(id);
  else if (!ascii && !is_python_text({reinterpret_cast<const char*>(bytes), size}))
    fail(errc::malformed, where(), "text of ", size, " bytes is not UTF-8");
  push(id);
}

void machine::push_bytes(std::uint64_t size) {
  const std::byte* bytes = take(size);
  push(values_.add_bytes(kind::bytes, 0, static_cast<std::uint64_t>(bytes - begin_), size));
}

void machine::push_str8(std::uint64_t size) {
  const std::byte* bytes = take(size);
  const bool ascii = is_ascii(bytes, size);
  push(values_.add_bytes(ascii ? kind::text : kind::bytes, ascii ? flag_str8 | flag_ascii : 0,
                         static_cast<std::uint64_t>(bytes - begin_), size));
}

void machine::push_long(std::uint64_t size) {
  const std::byte* bytes = take(size);
  if (size == 0)
    return push(values_.add_integer(0));
  // Bytes that only repeat the sign add nothing.
  std::uint64_t used = size;
  const auto is_sign_of = [&](std::uint64_t i) {
    const bool negative = (bytes[i - 1] & std::byte{0x80}) != std::byte{0};
    return bytes[i] == (negative ? std::byte{0xff} : std::byte{0});
  };
  while (used > 8 && is_sign_of(used - 1))
    --used;
  if (used > 8)
    return push(values_.add_bytes(kind::big_integer, 0, static_cast<std::uint64_t>(bytes - begin_), used));
  const bool negative = (bytes[used - 1] & std::byte{0x80}) != std::byte{0};
  std::uint64_t number = negative ? ~std::uint64_t{0} : 0;
  std::memcpy(&number, bytes, used);
  push(values_.add_integer(static_cast<std::int64_t>(number)));
}

void machine::push_tuple(std::size_t count) {
  if (stack_.size() - floor() < count)
    fail(errc::malformed, where(), "TUPLE", count, " of ", stack_.size() - floor(), " values");
  const ref id = values_.add_tuple(stack_.data() + stack_.size() - count, count);
  stack_.shrink(stack_.size() - count);
  push(id);
}

void machine::push_container(pickle::kind kind, std::uint16_t high) { push(values_.add({kind, 0, high, 0, 0})); }

void machine::append(std::span<const ref> items, ref target) {
  if (values_.nodes[target].kind == kind::object) {
    const std::uint32_t place = values_.nodes[target].low;
    if (values_.objects[place].items == empty_list_ref)
      values_.objects[place].items = values_.add({kind::list, 0, 0, 0, 0});
    target = values_.objects[place].items;
  }
  if (values_.nodes[target].kind != kind::list)
    fail(errc::malformed, where(), "items appended to a ", to_string(values_.nodes[target].kind));
  values_.append(target, items.data(), items.size());
}

void machine::set_entries(std::span<const ref> entries, ref target) {
  if (entries.size() % 2 != 0)
    fail(errc::malformed, where(), "SETITEMS of ", entries.size(), " values, expected pairs");
  if (values_.nodes[target].kind == kind::object) {
    const std::uint32_t place = values_.nodes[target].low;
    if (values_.objects[place].entries == empty_dict_ref)
      values_.objects[place].entries = values_.add({kind::dict, 0, 0, 0, 0});
    target = values_.objects[place].entries;
  }
  if (values_.nodes[target].kind != kind::dict)
    fail(errc::malformed, where(), "entries set in a ", to_string(values_.nodes[target].kind));
  values_.append(target, entries.data(), entries.size());
}

void machine::add_to_set(std::span<const ref> items, ref target) {
  if (values_.nodes[target].kind == kind::object)
    return append(items, target);
  if (values_.nodes[target].kind != kind::set)
    fail(errc::malformed, where(), "ADDITEMS to a ", to_string(values_.nodes[target].kind));
  values_.append(target, items.data(), items.size());
}

bool machine::step(std::uint8_t opcode) {
  switch (opcode) {
  case 0x80: { // PROTO
    const std::uint64_t protocol = take_number(1);
    if (protocol < 2 || protocol > 5)
      fail(errc::not_importable, where(), "pickle protocol ", protocol, ", expected 2 to 5");
    break;
  }
  case 0x95: frame(); break; // FRAME
  case '.': return true;     // STOP

  case '(': // MARK
    if (stack_.size() > 0xffffffff)
      fail(errc::limit_exceeded, where(), "stack of ", stack_.size(), " values");
    marks_.push_back(static_cast<std::uint32_t>(stack_.size()));
    break;
  case '0': // POP takes a mark where that is on top
    if (!marks_.empty() && stack_.size() == floor())
      drop_mark();
    else
      pop();
    break;
  case '1': // POP_MARK
    above_mark();
    drop_mark();
    break;
  case '2': push(top()); break; // DUP

  case 'N': push(none_ref); break;                                                       // NONE
  case 0x88: push(true_ref); break;                                                      // NEWTRUE
  case 0x89: push(false_ref); break;                                                     // NEWFALSE
  case 'K': push(small_int_ref + static_cast<ref>(take_number(1))); break;               // BININT1
  case 'M': push(values_.add_integer(static_cast<std::int64_t>(take_number(2)))); break; // BININT2
  case 'J':                                                                              // BININT
    push(values_.add_integer(static_cast<std::int32_t>(static_cast<std::uint32_t>(take_number(4)))));
    break;
  case 0x8a: push_long(take_number(1)); break; // LONG1
  case 0x8b: {                                 // LONG4
    const auto size = static_cast<std::int32_t>(static_cast<std::uint32_t>(take_number(4)));
    if (size < 0)
      fail(errc::malformed, where(), "LONG4 of ", size, " bytes");
    push_long(static_cast<std::uint64_t>(size));
    break;
  }
  case 'G': // BINFLOAT
    push(values_.add({kind::real, 0, 0, 0, __builtin_bswap64(take_number(8))}));
    break;

  case 0x8c: push_text(take_number(1)); break;  // SHORT_BINUNICODE
  case 'X': push_text(take_number(4)); break;   // BINUNICODE
  case 0x8d: push_text(take_number(8)); break;  // BINUNICODE8
  case 'C': push_bytes(take_number(1)); break;  // SHORT_BINBYTES
  case 'B': push_bytes(take_number(4)); break;  // BINBYTES
  case 0x8e: push_bytes(take_number(8)); break; // BINBYTES8
  case 0x96: push_bytes(take_number(8)); break; // BYTEARRAY8
  case 'U': push_str8(take_number(1)); break;   // SHORT_BINSTRING
  case 'T': {                                   // BINSTRING
    const auto size = static_cast<std::int32_t>(static_cast<std::uint32_t>(take_number(4)));
    if (size < 0)
      fail(errc::malformed, where(), "BINSTRING of ", size, " bytes");
    push_str8(static_cast<std::uint64_t>(size));
    break;
  }

  case ')': push(empty_tuple_ref); break; // EMPTY_TUPLE
  case 0x85: push_tuple(1); break;        // TUPLE1
  case 0x86: push_tuple(2); break;        // TUPLE2
  case 0x87: push_tuple(3); break;        // TUPLE3
  case 't': {                             // TUPLE
    const auto items = above_mark();
    const ref id = values_.add_tuple(items.data(), items.size());
    drop_mark();
    push(id);
    break;
  }
  case ']': push_container(kind::list); break; // EMPTY_LIST
  case 'a': {                                  // APPEND
    const ref item = pop();
    append({&item, 1}, top());
    break;
  }
  case '}': push_container(kind::dict); break; // EMPTY_DICT
  case 's': {                                  // SETITEM
    const ref item = pop();
    const ref entry[] = {pop(), item};
    set_entries(entry, top());
    break;
  }
  case 0x8f: push_container(kind::set); break; // EMPTY_SET
  case 'e':                                    // APPENDS
  case 'u':                                    // SETITEMS
  case 0x90: {                                 // ADDITEMS
    const auto items = above_mark();
    const std::size_t below = marks_.size() > 1 ? marks_[marks_.size() - 2] : 0;
    if (floor() <= below)
      fail(errc::malformed, where(), "nothing below the MARK for ", opcode_name(opcode), " to fill");
    const ref target = stack_[floor() - 1];
    opcode == 'e' ? append(items, target) : opcode == 'u' ? set_entries(items, target) : add_to_set(items, target);
    drop_mark();
    break;
  }
  case 0x91: { // FROZENSET
    const auto items = above_mark();
    const ref id = values_.add({kind::set, 0, 0, 0, 0});
    values_.append(id, items.data(), items.size());
    values_.nodes[id].high = frozen;
    drop_mark();
    push(id);
    break;
  }

  case 'q': put(take_number(1)); break; // BINPUT
  case 'r': put(take_number(4)); break; // LONG_BINPUT
  case 0x94: put(memo_count_); break;   // MEMOIZE
  case 'h': get(take_number(1)); break; // BINGET
  case 'j': get(take_number(4)); break; // LONG_BINGET

  case 'c': { // GLOBAL
    const std::string_view module = take_line();
    push(values_.add_global(module, take_line()));
    break;
  }
  case 0x93: stack_global(); break; // STACK_GLOBAL
  case 'R': reduce(); break;        // REDUCE
  case 0x81: {                      // NEWOBJ
    const ref args = pop();
    new_object(pop(), args, none_ref);
    break;
  }
  case 0x92: { // NEWOBJ_EX
    const ref kwargs = pop();
    const ref args = pop();
    new_object(pop(), args, kwargs);
    break;
  }
  case 'b': build(); break; // BUILD
  default: refuse(opcode);
  }
  return false;
}

void machine::refuse(std::uint8_t opcode) const {
  const char* name = opcode_name(opcode);
  switch (opcode) {
  case 0x82:
  case 0x83:
  case 0x84:
    fail(errc::not_importable, where(), name, ": extension codes mean something only to the program that wrote them");
  case 'P':
  case 'Q': fail(errc::not_importable, where(), name, ": the object is outside of the file (persistent id)");
  case 0x97:
  case 0x98: fail(errc::not_importable, where(), name, ": the data is outside of the file (out-of-band buffer)");
  default: break;
  }
  if (name != nullptr)
    fail(errc::not_importable, where(), name, ": an opcode of pickle protocols 0 and 1, expected 2 to 5");
  fail(errc::malformed, where(), "unknown opcode ", std::uint32_t{opcode});
}

const char* opcode_name(std::uint8_t opcode) noexcept {
  switch (opcode) {
  case 0x80: return "PROTO";
  case 0x81: return "NEWOBJ";
  case 0x82: return "EXT1";
  case 0x83: return "EXT2";
  case 0x84: return "EXT4";
  case 0x85: return "TUPLE1";
  case 0x86: return "TUPLE2";
  case 0x87: return "TUPLE3";
  case 0x88: return "NEWTRUE";
  case 0x89: return "NEWFALSE";
  case 0x8a: return "LONG1";
  case 0x8b: return "LONG4";
  case 0x8c: return "SHORT_BINUNICODE";
  case 0x8d: return "BINUNICODE8";
  case 0x8e: return "BINBYTES8";
  case 0x8f: return "EMPTY_SET";
  case 0x90: return "ADDITEMS";
  case 0x91: return "FROZENSET";
  case 0x92: return "NEWOBJ_EX";
  case 0x93: return "STACK_GLOBAL";
  case 0x94: return "MEMOIZE";
  case 0x95: return "FRAME";
  case 0x96: return "BYTEARRAY8";
  case 0x97: return "NEXT_BUFFER";
  case 0x98: return "READONLY_BUFFER";
  case '(': return "MARK";
  case ')': return "EMPTY_TUPLE";
  case '.': return "STOP";
  case '0': return "POP";
  case '1': return "POP_MARK";
  case '2': return "DUP";
  case 'B': return "BINBYTES";
  case 'C': return "SHORT_BINBYTES";
  case 'F': return "FLOAT";
  case 'G': return "BINFLOAT";
  case 'I': return "INT";
  case 'J': return "BININT";
  case 'K': return "BININT1";
  case 'L': return "LONG";
  case 'M': return "BININT2";
  case 'N': return "NONE";
  case 'P': return "PERSID";
  case 'Q': return "BINPERSID";
  case 'R': return "REDUCE";
  case 'S': return "STRING";
  case 'T': return "BINSTRING";
  case 'U': return "SHORT_BINSTRING";
  case 'V': return "UNICODE";
  case 'X': return "BINUNICODE";
  case ']': return "EMPTY_LIST";
  case 'a': return "APPEND";
  case 'b': return "BUILD";
  case 'c': return "GLOBAL";
  case 'd': return "DICT";
  case 'e': return "APPENDS";
  case 'g': return "GET";
  case 'h': return "BINGET";
  case 'i': return "INST";
  case 'j': return "LONG_BINGET";
  case 'l': return "LIST";
  case 'o': return "OBJ";
  case 'p': return "PUT";
  case 'q': return "BINPUT";
  case 'r': return "LONG_BINPUT";
  case 's': return "SETITEM";
  case 't': return "TUPLE";
  case 'u': return "SETITEMS";
  case '}': return "EMPTY_DICT";
  default: return nullptr;
  }
}

} // namespace pickle
} // namespace petrify::inline v0
