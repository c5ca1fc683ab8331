// UBJSON, draft 12, as XGBoost writes it: numbers are big-endian, and arrays may have one type for all elements. Arrays
// of numbers of one type are not copied.
#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/utf8.hpp"
#include "import/json.hpp"

#include <bit>

namespace petrify::inline v0 {
namespace json {

class reader {
public:
  reader(std::span<const std::byte> bytes, builder& to) : bytes_(bytes), to_(to) {}

  // Without recursion: what is open is the builder's to know, and `left_` says how many elements it waits for.
  void read() {
    value_of(marker());
    while (!left_.empty())
      next();
  }

private:
  // Elements that an open container still waits for; -1: until its end marker.
  static constexpr std::int64_t until_end = -1;
  struct open {
    bool is_dict;
    std::int64_t left;
    char type; // of all elements; 0: each has its own
  };

  template <class... Pieces>
  [[noreturn]] void refuse(const Pieces&... pieces) const {
    fail(errc::malformed, text("byte ", at_), pieces...);
  }
  void require(builder::fault fault) const {
    if (fault)
      refuse(*fault);
  }

  std::span<const std::byte> take(std::uint64_t count) {
    if (count > bytes_.size() - at_)
      fail(errc::truncated, text("byte ", at_), "ends after ", bytes_.size() - at_, " bytes, expected ", count,
           " more");
    const auto out = bytes_.subspan(at_, count);
    at_ += count;
    return out;
  }
  char marker() {
    char out = 'N';
    while (out == 'N') // no-op
      out = static_cast<char>(take(1)[0]);
    return out;
  }
  std::uint64_t big_endian(std::size_t width) {
    std::uint64_t out = 0;
    for (const std::byte b : take(width))
      out = out << 8 | std::to_integer<std::uint64_t>(b);
    return out;
  }
  std::int64_t integer_of(char type) {
    switch (type) {
    case 'i': return static_cast<std::int8_t>(big_endian(1));
    case 'U': return static_cast<std::uint8_t>(big_endian(1));
    case 'I': return static_cast<std::int16_t>(big_endian(2));
    case 'l': return static_cast<std::int32_t>(big_endian(4));
    case 'L': return static_cast<std::int64_t>(big_endian(8));
    default: refuse("marker ", quoted({&type, 1}), ", expected an integer's");
    }
  }
  std::uint64_t count() {
    const std::int64_t out = integer_of(marker());
    if (out < 0)
      refuse("count ", out, ", expected 0 or more");
    return static_cast<std::uint64_t>(out);
  }
  std::string_view text_of() {
    const auto bytes = take(count());
    const std::string_view out(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!is_utf8(out))
      refuse("a text that is not valid UTF-8: ", quoted(out, 24));
    return out;
  }

  void value_of(char type) {
    switch (type) {
    case 'Z': return to_.add(value());
    case 'T': return to_.add_bool(true);
    case 'F': return to_.add_bool(false);
    case 'i':
    case 'U':
    case 'I':
    case 'l':
    case 'L': return to_.add_integer(integer_of(type));
    case 'd': return to_.add_real(static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(big_endian(4)))));
    case 'D': return to_.add_real(std::bit_cast<double>(big_endian(8)));
    case 'S': return to_.add_text(text_of());
    case '{': return begin(true);
    case '[': return begin(false);
    default: refuse("marker ", quoted({&type, 1}), ", expected a value's");
    }
  }

  static std::size_t width_of(char type) noexcept {
    switch (type) {
    case 'i':
    case 'U': return 1;
    case 'I': return 2;
    case 'l':
    case 'd': return 4;
    case 'L':
    case 'D': return 8;
    default: return 0;
    }
  }

  bool next_is(char expected) const noexcept {
    return at_ < bytes_.size() && bytes_[at_] == static_cast<std::byte>(expected);
  }

  void begin(bool is_dict) {
    char type = 0;
    std::int64_t left = until_end;
    if (next_is('$')) {
      (void)take(1);
      type = static_cast<char>(take(1)[0]);
      if (!next_is('#'))
        refuse("a container with a type but no count");
    }
    if (next_is('#')) {
      (void)take(1);
      const std::uint64_t size = count();
      // Every element but those of a type without bytes has one; XGBoost writes none of the latter.
      if (type == 'Z' || type == 'T' || type == 'F' || type == 'N' || size > bytes_.size() - at_)
        refuse("a container of ", size, " elements in ", bytes_.size() - at_, " bytes");
      left = static_cast<std::int64_t>(size);
    }
    if (!is_dict && type != 0 && width_of(type) != 0) {
      const auto size = checked_mul(static_cast<std::uint64_t>(left), width_of(type));
      return to_.add(value(std::make_unique<numbers>(numbers::packed{type, take(size.value_or(max_size))})));
    }
    require(is_dict ? to_.begin_dict() : to_.begin_list());
    left_.push_back({is_dict, left, type});
  }

  void end() {
    const bool is_dict = left_.back().is_dict;
    left_.pop_back();
    if (is_dict)
      require(to_.end_dict());
    else
      to_.end_list();
  }

  void next() {
    open& top = left_.back();
    if (top.left == 0)
      return end();
    char type = top.type;
    if (top.is_dict) {
      if (top.left == until_end && next_is('}')) {
        (void)take(1);
        return end();
      }
      to_.key(text_of());
      if (type == 0)
        type = marker();
    } else if (type == 0) {
      type = marker();
      if (top.left == until_end && type == ']')
        return end();
    }
    if (top.left > 0)
      --top.left;
    value_of(type); // may push to left_: `top` is not used behind it
  }

  std::span<const std::byte> bytes_;
  builder& to_;
  std::size_t at_ = 0;
  std::vector<open> left_;
};

bool is_ubjson(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < 2 || bytes[0] != std::byte{'{'})
    return false;
  const auto next = static_cast<char>(bytes[1]);
  return next == 'L' || next == 'i' || next == 'U' || next == 'I' || next == 'l' || next == '#' || next == '$';
}

document parse_ubjson(std::span<const std::byte> bytes) {
  document out;
  builder to(*out.keys_);
  reader(bytes, to).read();
  out.root_ = to.take();
  return out;
}

} // namespace json
} // namespace petrify::inline v0
