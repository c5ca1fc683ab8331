// value_view: nested data in a mapped file (a configuration, metrics, names of features), read where it lies.
// value_builder: makes such data for petrify::writer::add.
//
// A value is null, a boolean, a number, a text, bytes, a list or a dict, as in Python or JSON. Numbers keep their type;
// dicts keep their order, and any value may be a key.
#pragma once

#include <petrify/version.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace petrify::inline v0 {

struct value_table;

enum class value_kind : std::uint8_t {
  null = 1,
  boolean = 2,
  integer = 3,     // fits int64
  big_integer = 4, // does not
  real = 5,        // float64
  text = 6,        // UTF-8
  bytes = 7,
  list = 8,
  dict = 9,
};

// "null", "boolean", ..., for messages.
const char* to_string(value_kind kind) noexcept;

// Lists and dicts nest at most so deep, so that a recursive walk over any value is safe.
inline constexpr std::size_t max_value_depth = 500;

// One value. Borrows: the petrify::file it comes from must outlive it. As cheap to copy as two pointers.
//
// Accessors of the wrong kind give nullopt or nothing; they never throw. The whole table was checked when file::value
// first gave it out. Thread safety: const; any number of threads.
class value_view {
public:
  value_view(const value_table& table, std::uint64_t node) noexcept : table_(&table), node_(node) {}

  value_kind kind() const noexcept;
  bool is_null() const noexcept { return kind() == value_kind::null; }
  std::optional<bool> as_bool() const noexcept;
  // Integers only: a boolean is none.
  std::optional<std::int64_t> as_int() const noexcept;
  // Reals, and integers that a double holds exactly.
  std::optional<double> as_real() const noexcept;
  std::optional<std::string_view> as_text() const noexcept;
  // Bytes; of a big_integer its two's complement, little-endian. (Not `for (b : *v.as_bytes())`: C++ lets go of the
  // optional before the loop begins.)
  std::optional<std::span<const std::byte>> as_bytes() const noexcept;

  // Elements of a list, entries of a dict; else 0.
  std::size_t size() const noexcept;
  // Element `i` of a list. Cost: O(i): to visit all of them use elements(). Throws: errc::invalid_argument past the end
  // and for other kinds.
  value_view operator[](std::size_t i) const;
  // The value of a dict's first entry with this text as its key. Cost: O(size()).
  std::optional<value_view> find(std::string_view key) const noexcept;
  // The same. Throws: errc::not_found, which names the key; errc::wrong_type for other kinds.
  value_view at(std::string_view key) const;

  class element_iterator;
  class entry_iterator;
  template <class Iterator>
  struct range {
    Iterator first;
    Iterator last;
    Iterator begin() const noexcept { return first; }
    Iterator end() const noexcept { return last; }
  };
  // for (const value_view element : list.elements()); nothing for other kinds.
  range<element_iterator> elements() const noexcept;
  // for (const auto& [key, value] : dict.entries()); nothing for other kinds.
  range<entry_iterator> entries() const noexcept;

private:
  // The value that follows this one and all that is in it.
  value_view next() const noexcept;

  const value_table* table_;
  std::uint64_t node_;
};

class value_view::element_iterator {
public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = value_view;
  using difference_type = std::ptrdiff_t;
  using pointer = const value_view*;
  using reference = const value_view&;

  element_iterator(value_view at, std::size_t left) noexcept : at_(at), left_(left) {}
  reference operator*() const noexcept { return at_; }
  pointer operator->() const noexcept { return &at_; }
  element_iterator& operator++() noexcept {
    if (--left_ != 0)
      at_ = at_.next();
    return *this;
  }
  element_iterator operator++(int) noexcept {
    const element_iterator before = *this;
    ++*this;
    return before;
  }
  // Of iterators of the same list.
  bool operator==(const element_iterator& other) const noexcept { return left_ == other.left_; }

private:
  value_view at_;
  std::size_t left_;
};

class value_view::entry_iterator {
public:
  using iterator_category = std::input_iterator_tag;
  using value_type = std::pair<value_view, value_view>;
  using difference_type = std::ptrdiff_t;
  using pointer = void;
  using reference = value_type;

  entry_iterator(value_view key, std::size_t left) noexcept : key_(key), left_(left) {}
  value_type operator*() const noexcept { return {key_, key_.next()}; }
  entry_iterator& operator++() noexcept {
    if (--left_ != 0)
      key_ = key_.next().next();
    return *this;
  }
  entry_iterator operator++(int) noexcept {
    const entry_iterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const entry_iterator& other) const noexcept { return left_ == other.left_; }

private:
  value_view key_;
  std::size_t left_;
};

// Writes one value from front to back:
//
//     petrify::value_builder config;
//     config.begin_dict();
//     config.text("threshold").real(0.5);
//     config.text("names").begin_list().text("a").text("b").end();
//     config.end();
//     out.add("config", config);
//
// Every function throws errc::invalid_argument for what does not fit there: a second value outside a list or dict, an
// end() without a begin, a dict that ends after a key, text that is not valid UTF-8; errc::limit_exceeded for more than
// max_value_depth levels, and texts or lists of 2^32 and more. Memory: 16 bytes a value and its text.
class value_builder {
public:
  value_builder();
  value_builder(value_builder&&) noexcept;
  value_builder& operator=(value_builder&&) noexcept;
  ~value_builder();

  value_builder& null();
  value_builder& boolean(bool value);
  value_builder& integer(std::int64_t value);
  // Two's complement, little-endian; written as integer where it fits.
  value_builder& big_integer(std::span<const std::byte> twos_complement);
  value_builder& real(double value);
  value_builder& text(std::string_view value);
  value_builder& bytes(std::span<const std::byte> value);
  value_builder& begin_list();
  // Entries follow: a key, its value, the next key, ... That keys differ is the caller's business.
  value_builder& begin_dict();
  // Ends the list or dict that was begun last.
  value_builder& end();

  // Bytes that the value takes so far.
  std::uint64_t size_bytes() const noexcept;

private:
  friend class writer;
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace petrify::inline v0
