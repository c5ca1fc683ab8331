#include "words.hpp"

#include "base/fail.hpp"

#include <array>
#include <utility>
#include <vector>

namespace petrify::cli {

std::string fixed_words(double x, int digits) {
  std::array<char, 64> buffer;
  return {buffer.data(),
          std::to_chars(buffer.data(), buffer.data() + buffer.size(), x, std::chars_format::fixed, digits).ptr};
}

std::string size_words(std::uint64_t bytes) {
  if (bytes < 1024)
    return count_words(bytes, "byte");
  double scaled = static_cast<double>(bytes) / 1024;
  const char* unit = "KiB";
  for (const char* larger : {"MiB", "GiB", "TiB"}) {
    if (scaled < 1024)
      break;
    scaled /= 1024;
    unit = larger;
  }
  return fixed_words(scaled, 1) + " " + unit;
}

std::string shape_words(std::span<const std::uint64_t> shape) {
  std::string out = "(";
  for (std::size_t i = 0; i < shape.size(); ++i)
    out += text(i == 0 ? "" : ", ", shape[i]);
  return out + (shape.size() == 1 ? ",)" : ")");
}

std::string count_words(std::uint64_t count, std::string_view noun) {
  return text(count, " ", noun, count == 1 ? "" : noun.ends_with("s") ? "es" : "s");
}

namespace {

// Appends until `limit` is reached, and says so with an ellipsis.
void append_value(std::string& out, const value_view& value, std::size_t limit) {
  if (out.size() >= limit) {
    if (!out.ends_with("..."))
      out += "...";
    return;
  }
  const auto inside = [&](char open, char close, const auto& each) {
    out += open;
    each();
    if (!out.ends_with("..."))
      out += close;
  };
  const auto separate = [&](bool is_first) { out += is_first || out.ends_with("...") ? "" : ", "; };
  switch (value.kind()) {
  case value_kind::null: out += "None"; break;
  case value_kind::boolean: out += *value.as_bool() ? "True" : "False"; break;
  case value_kind::integer: out += text(*value.as_int()); break;
  case value_kind::real: out += text(*value.as_real()); break;
  case value_kind::text: out += quoted(*value.as_text(), limit); break;
  case value_kind::bytes: out += count_words(value.as_bytes()->size(), "byte"); break;
  case value_kind::big_integer: out += text("integer of ", value.as_bytes()->size(), " bytes"); break;
  case value_kind::list:
    inside('[', ']', [&] {
      bool is_first = true;
      for (const value_view element : value.elements()) {
        separate(std::exchange(is_first, false));
        append_value(out, element, limit);
        if (out.ends_with("..."))
          return;
      }
    });
    break;
  case value_kind::dict:
    inside('{', '}', [&] {
      bool is_first = true;
      for (const auto& [key, entry] : value.entries()) {
        separate(std::exchange(is_first, false));
        append_value(out, key, limit);
        if (out.ends_with("..."))
          return;
        out += ": ";
        append_value(out, entry, limit);
        if (out.ends_with("..."))
          return;
      }
    });
    break;
  }
}

} // namespace

std::string value_words(const value_view& value, std::size_t limit) {
  std::string out;
  append_value(out, value, limit);
  return out;
}

std::string forest_name(const file& from, const std::string& name) {
  if (!name.empty())
    return name;
  std::vector<std::string> forests;
  for (const object_info& object : from.objects())
    if (object.kind == "forest")
      forests.push_back(object.name);
  if (forests.size() == 1)
    return forests[0];
  for (const std::string& one : forests)
    if (one == "model")
      return one;
  if (forests.empty())
    throw error(errc::not_found, from.path(), {}, "the file has no forest, expected one to predict with");
  std::string list;
  for (const std::string& one : forests)
    list += (list.empty() ? "" : ", ") + one;
  throw error(errc::not_found, from.path(), {}, "the file has several forests, expected --name with one of " + list);
}

} // namespace petrify::cli
