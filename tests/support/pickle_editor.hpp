// Makes one value of a pickle wrong and leaves all others as they are: for tests of what a reader refuses.
//
// A pickle is a program for a stack machine. The editor runs it far enough to know which bytes make which value of
// which dict; a value is replaced by its own program, POP, and another program, so that the memo keeps its numbers.
#pragma once

#include "support/support.hpp"

#include <bit>
#include <cstring>
#include <map>

namespace petrify::test {

// Programs that push one value.
namespace pickled {

inline std::string bytes_of(std::uint64_t number, std::size_t size) {
  return {reinterpret_cast<const char*>(&number), size};
}
inline std::string none() { return "N"; }
inline std::string boolean(bool x) { return x ? "\x88" : "\x89"; }
inline std::string integer(std::int64_t x) { return "\x8a\x08" + bytes_of(static_cast<std::uint64_t>(x), 8); }
inline std::string real(double x) {
  std::string out = bytes_of(std::bit_cast<std::uint64_t>(x), 8);
  return "G" + std::string(out.rbegin(), out.rend());
}
inline std::string text(std::string_view x) { return "X" + bytes_of(x.size(), 4) + std::string(x); }
inline std::string list(const std::vector<std::string>& items) {
  std::string out = "](";
  for (const std::string& item : items)
    out += item;
  return out + "e";
}
// An array as numpy pickles it, of a plain type ("f8", "i4").
inline std::string array(const char* type, const std::vector<std::int64_t>& shape, std::string_view data) {
  using namespace std::string_literals;
  std::string out = "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85"s + "C\1b\x87R(K\1(";
  for (const std::int64_t length : shape)
    out += integer(length);
  out += "tcnumpy\ndtype\n" + text(type) + "\x89\x88\x87R(" + integer(3) + text("<") + "NNN" + integer(-1) +
         integer(-1) + integer(0) + "tb\x89";
  return out + "B" + bytes_of(data.size(), 4) + std::string(data) + "tb";
}
inline std::string reals(const std::vector<double>& x) {
  return array("f8", {static_cast<std::int64_t>(x.size())},
               {reinterpret_cast<const char*>(x.data()), x.size() * sizeof(double)});
}
inline std::string integers(const std::vector<std::int64_t>& x) {
  return array("i8", {static_cast<std::int64_t>(x.size())},
               {reinterpret_cast<const char*>(x.data()), x.size() * sizeof(std::int64_t)});
}

} // namespace pickled

class pickle_editor {
public:
  // The bytes that make a value, and the places inside.
  struct place {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  // A pickle of protocol 2 to 5 or an uncompressed joblib dump. `payloads`: where the elements of arrays lie in it,
  // which no operation says.
  pickle_editor(std::string bytes, std::vector<place> payloads)
      : bytes_(std::move(bytes)), payloads_(std::move(payloads)) {
    run();
  }

  const std::string& bytes() const noexcept { return bytes_; }
  place all() const noexcept { return {0, bytes_.size()}; }

  // The value of the `nth` dict entry of that name inside `where`, among those that are nested least.
  place entry(place where, std::string_view name, std::size_t nth = 0) const { return find(where, name, nth).value; }
  // Along a path of names, from the whole file on. "3" is an element of a list, "#3" of a tuple.
  place at(const std::vector<std::string_view>& path) const {
    place here = all();
    for (const std::string_view name : path)
      here = name[0] == '#' ? part(here, static_cast<std::size_t>(std::stoul(std::string(name.substr(1)))))
             : name[0] >= '0' && name[0] <= '9' ? element(here, static_cast<std::size_t>(std::stoul(std::string(name))))
                                                : entry(here, name);
    return here;
  }
  // Element `nth` of the list that is nested least inside `where`.
  place element(place where, std::size_t nth) const {
    std::vector<const found*> best;
    for (const found& one : elements_)
      if (inside(one.value, where))
        keep_least(best, one);
    REQUIRE(nth < best.size());
    return best[nth]->value;
  }

  // Element `nth` of the tuple of more than three elements that is this value.
  place part(place tuple, std::size_t nth) const {
    std::vector<place> found_parts;
    for (const found& one : parts_)
      if (one.key.begin == tuple.begin && one.key.end <= tuple.end)
        found_parts.push_back(one.value);
    REQUIRE(nth < found_parts.size());
    return found_parts[nth];
  }

  std::string with(place value, const std::string& program) const {
    std::string out = bytes_;
    return out.insert(value.end, "0" + program);
  }
  // As if the entry were not there: it has another name.
  std::string without(place where, std::string_view name) const {
    return with(find(where, name, 0).key, pickled::text("another"));
  }
  std::string with_bytes(std::size_t offset, std::string_view data) const {
    std::string out = bytes_;
    REQUIRE(offset + data.size() <= out.size());
    return out.replace(offset, data.size(), data);
  }

private:
  struct found {
    place key;
    place value;
    std::size_t height;
  };
  struct machine {
    std::vector<place> stack;
    std::vector<std::size_t> marks;
  };

  // Nested in it, and not the same.
  static bool inside(place a, place b) {
    return a.begin >= b.begin && a.end <= b.end && a.end - a.begin < b.end - b.begin;
  }

  static void keep_least(std::vector<const found*>& best, const found& one) {
    if (!best.empty() && one.height > best[0]->height)
      return;
    if (!best.empty() && one.height < best[0]->height)
      best.clear();
    best.push_back(&one);
  }

  const found& find(place where, std::string_view name, std::size_t nth) const {
    std::vector<const found*> best;
    for (const found& one : entries_)
      if (inside(one.value, where) && name_of(one.key) == name)
        keep_least(best, one);
    CAPTURE(std::string(name));
    REQUIRE(nth < best.size());
    return *best[nth];
  }

  // The text that a key is; texts from the memo are followed to where they were given.
  std::string_view name_of(place key) const {
    const std::string_view all(bytes_);
    switch (static_cast<unsigned char>(all[key.begin])) {
    case 0x8c: return all.substr(key.begin + 2, static_cast<unsigned char>(all[key.begin + 1]));
    case 'X': return all.substr(key.begin + 5, number(key.begin + 1, 4));
    case 'h':
    case 'j': {
      const auto memo = memo_at_.find(key.begin);
      return memo == memo_at_.end() ? std::string_view() : name_of(memo->second);
    }
    default: return {};
    }
  }

  std::uint64_t number(std::size_t at, std::size_t size) const {
    std::uint64_t out = 0;
    REQUIRE(at + size <= bytes_.size());
    std::memcpy(&out, bytes_.data() + at, size);
    return out;
  }

  std::size_t operation_length(std::size_t at) const {
    const auto lines = [&](int n) {
      std::size_t end = at;
      for (; n != 0; --n)
        end = bytes_.find('\n', end) + 1;
      return end - at;
    };
    switch (static_cast<unsigned char>(bytes_[at])) {
    case 'K':
    case 'q':
    case 'h':
    case 0x80: return 2;
    case 'M': return 3;
    case 'J':
    case 'r':
    case 'j': return 5;
    case 'G':
    case 0x95: return 9;
    case 0x8a:
    case 0x8c:
    case 'C': return 2 + number(at + 1, 1);
    case 'X':
    case 'B': return 5 + number(at + 1, 4);
    case 0x8d:
    case 0x8e:
    case 0x96: return 9 + number(at + 1, 8);
    case 'c': return lines(2);
    default: return 1;
    }
  }

  void run() {
    std::vector<machine> machines;
    std::vector<std::map<std::uint64_t, place>> memos;
    std::size_t at = 0;
    while (at < bytes_.size()) {
      const auto opcode = static_cast<unsigned char>(bytes_[at]);
      const std::size_t end = at + operation_length(at);
      if (opcode == 0x80) {
        machines.emplace_back();
        memos.emplace_back();
        at = end;
        continue;
      }
      REQUIRE_FALSE(machines.empty());
      std::vector<place>& stack = machines.back().stack;
      std::vector<std::size_t>& marks = machines.back().marks;
      std::map<std::uint64_t, place>& memo = memos.back();
      const auto height = [&] {
        std::size_t out = 0;
        for (const machine& one : machines)
          out += one.stack.size();
        return out;
      };
      const auto merge = [&](std::size_t count) { // of the last `count`, one
        REQUIRE(stack.size() >= count);
        const place whole{count == 0 ? at : stack[stack.size() - count].begin, end};
        stack.resize(stack.size() - count);
        stack.push_back(whole);
      };
      const auto take_above_mark = [&] {
        REQUIRE_FALSE(marks.empty());
        const std::vector<place> out(stack.begin() + static_cast<std::ptrdiff_t>(marks.back()), stack.end());
        stack.resize(marks.back());
        marks.pop_back();
        return out;
      };
      const auto add_entries = [&](const std::vector<place>& items) {
        for (std::size_t i = 0; i + 1 < items.size(); i += 2)
          entries_.push_back({items[i], items[i + 1], height()});
        stack.back().end = end;
      };
      const auto add_elements = [&](const std::vector<place>& items) {
        for (const place& item : items)
          elements_.push_back({{}, item, height()});
        stack.back().end = end;
      };
      switch (opcode) {
      case '(': marks.push_back(stack.size()); break;
      case 't':
      case 'l': {
        const std::vector<place> items = take_above_mark();
        stack.push_back({items.empty() ? at : items[0].begin, end});
        for (const place& item : items)
          parts_.push_back({stack.back(), item, height()});
        break;
      }
      case 0x85: merge(1); break;
      case 'R':
      case 0x81:
      case 0x93:
      case 0x86: merge(2); break;
      case 0x92:
      case 0x87: merge(3); break;
      case 'a': {
        const place item = stack.back();
        stack.pop_back();
        add_elements({item});
        break;
      }
      case 0x90:
      case 'e': add_elements(take_above_mark()); break;
      case 's': {
        const std::vector<place> items(stack.end() - 2, stack.end());
        stack.resize(stack.size() - 2);
        add_entries(items);
        break;
      }
      case 'u': add_entries(take_above_mark()); break;
      case 'b':
        stack.pop_back();
        stack.back().end = end;
        break;
      case 'q':
      case 'r':
      case 0x94:
        memo[opcode == 'q' ? number(at + 1, 1) : opcode == 'r' ? number(at + 1, 4) : memo.size()] = stack.back();
        stack.back().end = end;
        break;
      case 'h':
      case 'j': {
        const auto made = memo.find(number(at + 1, opcode == 'h' ? 1 : 4));
        if (made != memo.end())
          memo_at_[at] = made->second;
        stack.push_back({at, end});
        break;
      }
      case 0x95: break;
      case '.':
        machines.pop_back();
        memos.pop_back();
        if (machines.empty())
          return;
        machines.back().stack.back().end = end; // an array of objects, made by a pickle of its own
        break;
      default: stack.push_back({at, end});
      }
      at = end;
      // The elements of one of joblib's arrays, and the padding before them.
      if (opcode == 'b') {
        const auto skip_payload = [&] {
          for (const place& payload : payloads_)
            if (payload.begin == at && payload.end != at) {
              at = payload.end;
              return true;
            }
          return false;
        };
        const auto padding = static_cast<unsigned char>(bytes_[at]);
        if (!skip_payload() && padding >= 1 && padding <= 16 &&
            bytes_.compare(at + 1, padding, std::string(padding, '\xff')) == 0) {
          at += 1u + padding;
          skip_payload();
        }
        stack.back().end = at;
      }
    }
  }

  std::string bytes_;
  std::vector<place> payloads_;
  std::vector<found> entries_;
  std::vector<found> elements_;
  std::vector<found> parts_;             // of tuples, which stand in the place of the key
  std::map<std::size_t, place> memo_at_; // place of a GET -> what it gets
};

} // namespace petrify::test
