#include "import/lightgbm_categories.hpp"

#include "base/fail.hpp"
#include "import/json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace petrify::inline v0 {

namespace {

// A number as Python writes it, which is how a table has a category: 2.0, 1e-05, 100000.0.
std::string python_text(double x) {
  const double size = std::abs(x);
  const bool is_short = x == 0 || (size >= 1e-4 && size < 1e16);
  char buffer[64];
  std::string out(buffer, std::to_chars(buffer, buffer + sizeof buffer, x,
                                        is_short ? std::chars_format::fixed : std::chars_format::scientific)
                              .ptr);
  if (is_short && out.find('.') == std::string::npos)
    out += ".0";
  return out;
}

// A category in either form: JSON's or a pickle's.
template <class Value>
std::string category_name(const Value& one) {
  if (const auto name = one.as_text())
    return std::string(*name);
  if (const auto flag = one.as_bool())
    return *flag ? "True" : "False";
  if (const auto whole = one.as_int())
    return text(*whole);
  if (const auto real = one.as_real())
    return python_text(*real);
  fail(errc::not_importable, {}, "pandas_categorical holds ", one.describe(), ", expected texts or numbers");
}

// Whether a column of which LightGBM says this ("none", "[0:2]", "-1:3:0") can have the codes of `count` categories.
bool can_have_codes(std::string_view info, std::size_t count) {
  const auto is_code = [&](std::string_view word, double least) {
    double code = 0;
    const auto result = std::from_chars(word.data(), word.data() + word.size(), code);
    return result.ec == std::errc() && result.ptr == word.data() + word.size() && code >= least &&
           code < static_cast<double>(count) && code == std::floor(code);
  };
  const auto each_is_code = [&](std::string_view words, double least) {
    for (;;) {
      const std::size_t end = std::min(words.find(':'), words.size());
      if (!is_code(words.substr(0, end), least))
        return false;
      if (end == words.size())
        return true;
      words.remove_prefix(end + 1);
    }
  };
  if (info == "none")
    return true;
  if (info.starts_with('['))
    return info.ends_with(']') && each_is_code(info.substr(1, info.size() - 2), 0);
  return each_is_code(info, -1); // -1: a missing one
}

// Columns in order, one a list, that `fits` allows; none where there are several ways to choose them.
template <class Fits>
std::vector<std::uint32_t> only_embedding(std::span<const std::string_view> infos, std::span<const std::size_t> sizes,
                                          Fits fits) {
  // The first ones that can be chosen and the last ones: all others lie between them.
  std::vector<std::uint32_t> first;
  for (std::uint32_t j = 0; j < infos.size() && first.size() < sizes.size(); ++j)
    if (fits(infos[j], sizes[first.size()]))
      first.push_back(j);
  std::vector<std::uint32_t> last;
  for (auto j = static_cast<std::uint32_t>(infos.size()); j-- > 0 && last.size() < sizes.size();)
    if (fits(infos[j], sizes[sizes.size() - 1 - last.size()]))
      last.push_back(j);
  std::reverse(last.begin(), last.end());
  return first.size() == sizes.size() && first == last ? first : std::vector<std::uint32_t>();
}

// What LightGBM took for categories: as its parameters say, among them those of one category, which it does not look
// at; else as far as its columns show.
std::vector<std::uint32_t> categorical_columns(std::span<const std::string_view> infos, std::string_view chosen) {
  std::vector<std::uint32_t> out;
  for (std::string_view rest = chosen; !rest.empty();) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    std::uint32_t column = 0;
    const auto result = std::from_chars(rest.data(), rest.data() + end, column);
    const bool ascends = out.empty() || column > out.back();
    if (result.ec != std::errc() || result.ptr != rest.data() + end || column >= infos.size() || !ascends) {
      out.clear();
      break; // names, say, which a command line can have
    }
    out.push_back(column);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (out.empty())
    for (std::uint32_t j = 0; j < infos.size(); ++j)
      if (infos[j] != "none" && !infos[j].starts_with('['))
        out.push_back(j);
  return out;
}

} // namespace

category_lists read_category_lists(std::string_view written) {
  const json::document document =
      json::parse_text(std::as_bytes(std::span(written.data(), written.size())), json::reals::float64);
  const json::value& from = document.root();
  const json::list* const lists = from.as_list();
  if (lists == nullptr)
    fail(errc::not_importable, {}, "pandas_categorical is ", from.describe(), ", expected a list");
  category_lists out;
  for (const json::value& list : *lists) {
    std::vector<std::string>& names = out.emplace_back();
    if (const json::numbers* const numbers = list.as_numbers()) {
      for (std::size_t k = 0; k < numbers->size(); ++k)
        names.push_back(numbers->is_whole() ? text(*numbers->integer(k)) : python_text(numbers->wide(k)));
    } else if (const json::list* const mixed = list.as_list()) {
      for (const json::value& one : *mixed)
        names.push_back(category_name(one));
    } else {
      fail(errc::not_importable, {}, "pandas_categorical holds ", list.describe(), ", expected lists");
    }
  }
  return out;
}

category_lists read_category_lists(const pickle::value& attribute, read_budget& budget) {
  category_lists out;
  for (std::size_t i = 0; attribute.is(pickle::kind::list) && i < attribute.size(); ++i) {
    const pickle::value list = attribute[i];
    std::vector<std::string>& names = out.emplace_back();
    for (std::size_t k = 0; list.is(pickle::kind::list) && k < list.size(); ++k) {
      names.push_back(category_name(list[k]));
      budget.charge(sizeof(std::string) + names.back().size()); // one text can be there many times
    }
  }
  return out;
}

// pandas' columns of type category need not be those that LightGBM takes for categories: ordered ones are not, and a
// user can choose others.
std::vector<std::uint32_t> columns_of_categories(std::span<const std::string_view> infos, std::string_view chosen,
                                                 std::span<const std::size_t> sizes) {
  std::vector<std::uint32_t> categorical = categorical_columns(infos, chosen);
  if (categorical.size() == sizes.size()) {
    bool fits = true;
    for (std::size_t i = 0; i < sizes.size() && fits; ++i)
      fits = can_have_codes(infos[categorical[i]], sizes[i]);
    if (fits)
      return categorical;
  }
  // Before 3.0 parameters are silent, and a column of one category shows nothing.
  if (chosen.empty()) {
    auto found = only_embedding(infos, sizes, [](std::string_view info, std::size_t count) {
      return info == "none" ? count == 1 : !info.starts_with('[') && can_have_codes(info, count);
    });
    if (!found.empty())
      return found;
  }
  return only_embedding(infos, sizes, can_have_codes);
}

} // namespace petrify::inline v0
