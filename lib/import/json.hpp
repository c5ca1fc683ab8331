// Documents of JSON and UBJSON, as model files have them: small tables of texts and numbers around long arrays of
// numbers. The arrays stay packed, so that a document takes no more memory than the file it was read from.
#pragma once

#include <petrify/version.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace petrify::inline v0 {

namespace json {

// Dicts and lists nested deeper than this are refused; models need ten.
inline constexpr std::size_t max_depth = 100;

// How numbers of arrays that are not all whole are kept.
enum class reals { float32, float64 };

// An array of nothing but numbers (with reals::float32 booleans count as 0 and 1).
class numbers {
public:
  // The raw elements of a UBJSON array, big-endian, of its type (one of i U I l L d D). Borrows.
  struct packed {
    char type;
    std::span<const std::byte> bytes;
  };
  using storage = std::variant<std::vector<std::int32_t>, std::vector<std::int64_t>, std::vector<float>,
                               std::vector<double>, packed>;

  explicit numbers(storage of) noexcept : of_(std::move(of)) {}
  std::size_t size() const noexcept;
  // Element i < size() rounded to float32, once: from the text of a JSON number directly.
  float real(std::size_t i) const noexcept;
  // Element i as float64; of a document read as float32 it has been rounded to that before.
  double wide(std::size_t i) const noexcept;
  // Element i < size(); nullopt when it is not whole.
  std::optional<std::int64_t> integer(std::size_t i) const noexcept;
  // Whether all were written as whole numbers: 1, not 1.0.
  bool is_whole() const noexcept;

private:
  storage of_;
};

class value;
using list = std::vector<value>;
using dict = std::vector<std::pair<std::string_view, value>>; // keys are the document's

class value {
public:
  using storage = std::variant<std::monostate, bool, std::int64_t, double, std::unique_ptr<std::string>,
                               std::unique_ptr<numbers>, std::unique_ptr<list>, std::unique_ptr<dict>>;
  value() = default;
  explicit value(storage of) noexcept : of_(std::move(of)) {}

  bool is_null() const noexcept { return of_.index() == 0; }
  std::optional<bool> as_bool() const noexcept;
  std::optional<std::int64_t> as_int() const noexcept;
  std::optional<double> as_real() const noexcept;
  const std::string* as_text() const noexcept;
  // An empty array is both numbers and a list.
  const numbers* as_numbers() const noexcept;
  const list* as_list() const noexcept;
  const dict* as_dict() const noexcept;
  // The entry of a dict; null when there is none or this is no dict. Cost: linear in its entries.
  const value* find(std::string_view key) const noexcept;
  // What it is, for messages: "a text", "an array of 5 numbers".
  std::string describe() const;

private:
  storage of_;
};

// A document. Borrows the bytes it was read from.
class document {
public:
  const value& root() const noexcept { return root_; }

private:
  friend class reader;
  friend document parse_text(std::span<const std::byte>, reals);
  friend document parse_ubjson(std::span<const std::byte>);
  std::unique_ptr<std::set<std::string, std::less<>>> keys_ = std::make_unique<std::set<std::string, std::less<>>>();
  value root_;
};

// What both readers build documents with: values come in the order of the file.
class builder {
public:
  explicit builder(std::set<std::string, std::less<>>& keys, reals kept = reals::float32) : keys_(keys), kept_(kept) {}

  // Where it is, for messages, and what is wrong there.
  using fault = std::optional<std::string>;
  fault begin_dict();
  fault begin_list();
  void key(std::string_view name);
  void add(value one);
  void add_text(std::string_view one) { add(value(std::make_unique<std::string>(one))); }
  void add_bool(bool one);
  // A number as JSON writes it; NaN, Infinity and -Infinity too.
  fault add_number(std::string_view text);
  void add_integer(std::int64_t one);
  void add_real(double one);
  fault end_dict();
  void end_list();
  bool is_complete() const noexcept { return complete_; }
  bool wants_key() const noexcept { return !open_.empty() && open_.back().is_dict && !open_.back().key; }
  value take() noexcept { return std::move(root_); }

private:
  // A dict or list that has not ended.
  struct frame {
    bool is_dict = false;
    std::optional<std::string_view> key; // of the entry that is to come
    dict entries;
    list items;
    std::optional<numbers::storage> packed; // items so far, when all are numbers
  };
  std::string_view intern(std::string_view key);
  // Into a packed list if the frame on top is one, or can become one.
  bool pack(std::int64_t one);
  template <class Real>
  bool pack_real(Real one);
  template <class Real>
  fault add_real_text(std::string_view digits);
  void unpack(frame& top);

  std::set<std::string, std::less<>>& keys_;
  reals kept_;
  std::vector<frame> open_;
  value root_;
  bool complete_ = false;
};

// Whether the bytes start like a JSON, or a UBJSON, object. Cost: looks at the first bytes.
bool is_text(std::span<const std::byte> bytes) noexcept;
bool is_ubjson(std::span<const std::byte> bytes) noexcept;

// JSON with the literals NaN, Infinity and -Infinity. Throws: malformed (with the byte), limit_exceeded.
document parse_text(std::span<const std::byte> bytes, reals kept = reals::float32);
// UBJSON (draft 12, big-endian). Throws: truncated, malformed (with the byte), limit_exceeded.
document parse_ubjson(std::span<const std::byte> bytes);

} // namespace json
} // namespace petrify::inline v0
