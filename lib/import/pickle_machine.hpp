// The pickle machine: runs one stream and leaves values in a store. Private to the room.
#pragma once

#include "base/fail.hpp"
#include "import/pickle_store.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::inline v0 {
namespace pickle {

// What the machine does for an opcode; one machine runs one stream. The opcodes are in pickle_machine.cpp, what calls
// and states mean in pickle_calls.cpp.
class machine {
public:
  // A nested stream is the payload of a joblib array of objects: there, no payload follows an array.
  machine(store& values, std::size_t offset, const pickle_limits& limits, bool nested) noexcept
      : values_(values), limits_(limits), begin_(values.input.data()), start_(begin_ + offset), at_(start_),
        opcode_at_(start_), end_(begin_ + values.input.size()), nested_(nested) {}

  // Runs to STOP; the result is the stream's value.
  ref run();
  std::size_t offset() const noexcept { return static_cast<std::size_t>(at_ - begin_); }

private:
  // True after STOP.
  bool step(std::uint8_t opcode);
  [[noreturn]] void refuse(std::uint8_t opcode) const;
  std::string where() const { return text("byte ", opcode_at_ - begin_); }

  // Input. `take` gives the place of the next `count` bytes and moves past them.
  const std::byte* take(std::uint64_t count);
  std::uint64_t take_number(std::size_t bytes);
  std::string_view take_line();
  void frame();

  // Stack.
  void push(ref id) { stack_.push_back(id); }
  ref pop();
  ref top() const;
  // Items above the last mark; drop_mark removes them and the mark.
  std::span<const ref> above_mark() const;
  void drop_mark();
  std::size_t floor() const noexcept { return marks_.empty() ? 0 : marks_[marks_.size() - 1]; }

  // Memo.
  void put(std::uint64_t index);
  void get(std::uint64_t index);

  // Values from bytes.
  void push_text(std::uint64_t size);
  void push_bytes(std::uint64_t size);
  void push_str8(std::uint64_t size);
  void push_long(std::uint64_t size);
  void push_tuple(std::size_t count);
  void push_container(pickle::kind kind, std::uint16_t high = 0);

  // Containers.
  void append(std::span<const ref> items, ref target);
  void set_entries(std::span<const ref> entries, ref target);
  void add_to_set(std::span<const ref> items, ref target);

  // Calls and states.
  void stack_global();
  void reduce();
  void new_object(ref made_by, ref args, ref kwargs);
  void build();
  // The result of a call that the machine interprets; nullopt for one that it only records.
  std::optional<ref> interpret(callable function, std::span<const ref> args, ref args_tuple);
  std::optional<ref> make_scalar(std::span<const ref> args);
  std::optional<ref> make_from_buffer(std::span<const ref> args);
  std::optional<ref> make_bytes(std::span<const ref> args);
  ref decode_latin1(ref text);
  void build_object(ref object, ref state);
  void build_array(ref array, ref state);
  void build_dtype(ref dtype, ref state);
  ref read_payload(ref wrapper_state);

  store& values_;
  const pickle_limits& limits_;
  const std::byte* begin_;
  const std::byte* start_;
  const std::byte* at_;
  const std::byte* opcode_at_;
  const std::byte* end_;
  bool nested_;
  pool<ref> stack_;
  pool<std::uint32_t> marks_;
  pool<ref> memo_;
  std::uint64_t memo_count_ = 0;
};

// The name Python's documentation has for an opcode, or null.
const char* opcode_name(std::uint8_t opcode) noexcept;

} // namespace pickle
} // namespace petrify::inline v0
