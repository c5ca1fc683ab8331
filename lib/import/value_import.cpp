#include "import/value_import.hpp"

#include "base/fail.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string_view>
#include <unordered_map>

namespace petrify::inline v0 {

namespace {

[[noreturn]] void refuse(const pickle::value& value,
                         const char* expected = "null, a boolean, a number, a text, bytes, a list or a dict") {
  fail(errc::not_importable, {}, "holds ", printable(value.describe()), ", which petrify does not import, expected ",
       expected);
}

// A number, text or bytes of numpy's.
void add_scalar(value_builder& out, const pickle::value& value) {
  const auto type = value.dtype();
  switch (type->kind) {
  case 'b':
    if (const auto flag = value.as_bool())
      return void(out.boolean(*flag));
    break;
  case 'i':
  case 'u':
    if (const auto number = value.as_int())
      return void(out.integer(*number));
    // A uint64 beyond int64.
    if (const auto bytes = value.as_bytes(); bytes && bytes->size() == 8) {
      std::array<std::byte, 9> wide{};
      std::copy(bytes->begin(), bytes->end(), wide.begin());
      if (type->swapped)
        std::reverse(wide.begin(), wide.end() - 1);
      return void(out.big_integer(wide));
    }
    break;
  case 'f':
    if (const auto number = value.as_real(); number && type->item_size <= 8)
      return void(out.real(*number));
    break;
  case 'U':
    if (const auto text = value.as_text(); text && is_utf8(*text))
      return void(out.text(*text));
    break;
  case 'S':
    if (const auto bytes = value.as_bytes())
      return void(out.bytes(*bytes));
    break;
  default: break;
  }
  refuse(value);
}

// Which entries of a dict count: of equal text keys the last. A file may use one long text as the key of a million
// entries: each text is looked at once. A tree rather than a hash table, which texts can be made for.
std::vector<std::size_t> entries_of(const pickle::value& dict) {
  std::unordered_map<pickle::ref, std::size_t> last_of_value;
  for (std::size_t i = 0; i < dict.size(); ++i)
    last_of_value[dict.key(i).id()] = i;
  std::map<std::string_view, std::size_t> last_of_text;
  for (const auto& [id, i] : last_of_value)
    if (const auto words = dict.key(i).as_text()) {
      std::size_t& last = last_of_text[*words];
      last = std::max(last, i);
    }
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < dict.size(); ++i) {
    const pickle::value key = dict.key(i);
    if (last_of_value[key.id()] != i && key.as_text())
      continue;
    if (const auto words = key.as_text(); !words || last_of_text[*words] == i)
      out.push_back(i);
  }
  return out;
}

// Calls f; what it throws is told of `place`.
template <class Place, class F>
void at(const Place& place, F f) {
  try {
    f();
  } catch (const error& failure) {
    // The innermost places of one that nests without end say enough.
    if (failure.where().size() > 200)
      throw;
    throw failure.at({}, place());
  }
}

std::string key_words(const pickle::value& key) {
  if (const auto words = key.as_text())
    return text("key ", quoted(*words));
  if (const auto number = key.as_int())
    return text("key ", *number);
  return text("key ", printable(key.describe()));
}

} // namespace

bool plain_values::is_plain(const pickle::value& value) {
  pickle::walk steps(~std::uint64_t{0});
  return is_plain(value, steps);
}

bool plain_values::is_plain(const pickle::value& value, pickle::walk& steps) {
  switch (value.kind()) {
  case pickle::kind::array:
  case pickle::kind::object:
  case pickle::kind::global:
  case pickle::kind::dtype: return false;
  case pickle::kind::tuple:
  case pickle::kind::list:
  case pickle::kind::dict: break;
  default: return true;
  }
  const auto inside = steps.enter();
  // One that contains itself is taken for plain where it is met again; add_plain refuses it then.
  const auto [known, is_new] = seen_.try_emplace(value.id(), true);
  if (!is_new)
    return known->second;
  bool plain = true;
  for (std::size_t i = 0; plain && i < value.size(); ++i)
    plain = is_plain(value[i], steps) && (!value.is(pickle::kind::dict) || is_plain(value.key(i), steps));
  seen_[value.id()] = plain;
  return plain;
}

void add_plain(value_builder& out, const pickle::value& value, std::uint64_t max_bytes, pickle::walk& steps) {
  const auto inside = steps.enter();
  if (out.size_bytes() > max_bytes)
    fail(errc::limit_exceeded, {},
         "the values together are more than 16 times the file, expected each to be named once");
  switch (value.kind()) {
  case pickle::kind::none: out.null(); return;
  case pickle::kind::boolean: out.boolean(*value.as_bool()); return;
  case pickle::kind::integer: out.integer(*value.as_int()); return;
  case pickle::kind::big_integer: out.big_integer(*value.as_bytes()); return;
  case pickle::kind::real: out.real(*value.as_real()); return;
  case pickle::kind::scalar: return add_scalar(out, value);
  case pickle::kind::text:
    if (!is_utf8(*value.as_text()))
      fail(errc::not_importable, {}, "text ", quoted(*value.as_text()),
           " has no UTF-8 form: it holds a lone surrogate");
    out.text(*value.as_text());
    return;
  case pickle::kind::bytes: out.bytes(*value.as_bytes()); return;
  case pickle::kind::tuple:
  case pickle::kind::list:
    out.begin_list();
    for (std::size_t i = 0; i < value.size(); ++i)
      at([&] { return text("element ", i); }, [&] { add_plain(out, value[i], max_bytes, steps); });
    out.end();
    return;
  case pickle::kind::dict:
    out.begin_dict();
    for (const std::size_t i : entries_of(value))
      at([&] { return key_words(value.key(i)); },
         [&] {
           add_plain(out, value.key(i), max_bytes, steps);
           add_plain(out, value[i], max_bytes, steps);
         });
    out.end();
    return;
  default: refuse(value);
  }
}

} // namespace petrify::inline v0
