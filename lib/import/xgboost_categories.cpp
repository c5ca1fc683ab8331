#include "import/xgboost_categories.hpp"

#include "base/utf8.hpp"
#include "import/xgboost_fields.hpp"

#include <algorithm>
#include <bit>
#include <string>

namespace petrify::inline v0 {
namespace xgboost {

using json::numbers;

tree_categories::tree_categories(const json::value& tree, std::uint64_t num_nodes) {
  const json::value* const types = tree.find("split_type"); // absent before 1.3
  if (types == nullptr || types->as_numbers() == nullptr || types->as_numbers()->size() == 0)
    return;
  types_ = &array_of(tree, "split_type", num_nodes);
  const json::value* const nodes = tree.find("categories_nodes");
  if (nodes == nullptr)
    return;
  nodes_ = nodes->as_numbers();
  if (nodes_ == nullptr)
    refuse("categories_nodes is ", nodes->describe(), ", expected numbers");
  segments_ = &array_of(tree, "categories_segments", nodes_->size());
  sizes_ = &array_of(tree, "categories_sizes", nodes_->size());
  categories_ = require(tree, "categories").as_numbers();
  if (categories_ == nullptr)
    refuse("categories is ", require(tree, "categories").describe(), ", expected numbers");
  for (std::uint64_t i = 1; i < nodes_->size(); ++i)
    if (nodes_->integer(i).value_or(-1) <= nodes_->integer(i - 1).value_or(-1))
      refuse("categories_nodes do not ascend at entry ", i);
  left_ = static_cast<std::int64_t>(categories_->size());
}

bool tree_categories::tests(std::uint64_t node) const {
  return types_ != nullptr && integer_at(*types_, node, "split_type", 0, 1) == 1;
}

std::span<const std::uint32_t> tree_categories::members(std::uint64_t node) {
  if (nodes_ == nullptr)
    refuse_node(node, "tests categories, but there are none");
  std::uint64_t low = 0;
  std::uint64_t high = nodes_->size();
  while (low < high) {
    const std::uint64_t middle = (low + high) / 2;
    if (nodes_->integer(middle).value_or(-1) < static_cast<std::int64_t>(node))
      low = middle + 1;
    else
      high = middle;
  }
  if (low == nodes_->size() || nodes_->integer(low) != static_cast<std::int64_t>(node))
    refuse_node(node, "tests categories, but is not among the nodes that have some");
  const std::int64_t all = static_cast<std::int64_t>(categories_->size());
  const std::int64_t begin = segments_->integer(low).value_or(-1);
  const std::int64_t size = sizes_->integer(low).value_or(-1);
  if (begin < 0 || size < 0 || begin > all || size > all - begin)
    refuse_node(node, "has ", size, " categories from ", begin, " on, expected them within ", all);
  left_ -= size;
  if (left_ < 0)
    refuse_node(node, "has ", size, " categories from ", begin, " on, which other nodes have too, expected its own");
  members_.clear();
  for (std::int64_t i = begin; i < begin + size; ++i) {
    const auto category = categories_->integer(static_cast<std::uint64_t>(i));
    if (!category || *category < 0 || *category > 0xffffff)
      refuse_node(node, "category ", categories_->real(static_cast<std::uint64_t>(i)), ", expected 0 to 16777215");
    members_.push_back(static_cast<std::uint32_t>(*category));
  }
  return members_;
}

std::span<const std::uint32_t> tree_categories::others(std::uint64_t node, std::uint64_t& words_left) {
  const auto set = members(node);
  std::uint32_t end = 0;
  for (const std::uint32_t member : set)
    end = std::max(end, (member / 32 + 1) * 32);
  words_left += 64 * set.size();
  if (end / 32 > words_left)
    fail(errc::limit_exceeded, text("node ", node), "the complement of ", set.size(), " categories up to ", end - 1,
         ", expected fewer such sets, or smaller category numbers");
  words_left -= end / 32;
  std::vector<std::uint32_t> words(end / 32, 0xffffffff);
  for (const std::uint32_t member : set)
    words[member / 32] &= ~(1u << member % 32);
  members_.clear();
  for (std::uint32_t w = 0; w < words.size(); ++w)
    for (std::uint32_t rest = words[w]; rest != 0; rest &= rest - 1)
      members_.push_back(32 * w + static_cast<std::uint32_t>(std::countr_zero(rest)));
  return members_;
}

std::vector<category_dictionary> category_names(const json::value& cats, std::uint32_t num_columns, const version& by) {
  std::vector<category_dictionary> out;
  const json::value& columns = require(cats, "enc");
  const json::list* const list = columns.as_list();
  if (list == nullptr || (!list->empty() && list->size() != num_columns))
    refuse("the categories are ", columns.describe(), ", expected none or one of each of ", num_columns, " columns");
  for (std::uint32_t j = 0; j < list->size(); ++j) {
    const json::value& one = (*list)[j];
    const numbers* const values = require(one, "values").as_numbers();
    if (values == nullptr)
      refuse("the categories of column ", j, " are ", require(one, "values").describe(), ", expected numbers");
    category_dictionary names{j, {}};
    // Before 3.4 XGBoost counted characters where it should have counted bytes: behind the first text that is not
    // ASCII the names are cut wrongly. They stay so when 3.4 saves such a model again; then most are no UTF-8.
    bool is_right = true;
    if (const json::value* const offsets = one.find("offsets")) {
      const numbers* const ends = offsets->as_numbers();
      if (ends == nullptr)
        refuse("the offsets of the categories of column ", j, " are ", offsets->describe(), ", expected numbers");
      for (std::uint64_t i = 1; i < ends->size(); ++i) {
        const std::int64_t begin = ends->integer(i - 1).value_or(-1);
        const std::int64_t end = ends->integer(i).value_or(-1);
        if (begin < 0 || end < begin || end > static_cast<std::int64_t>(values->size()))
          refuse("category ", i - 1, " of column ", j, " is bytes ", begin, " to ", end, " of ", values->size());
        std::string name;
        for (std::int64_t at = begin; at < end; ++at) {
          name += static_cast<char>(values->integer(static_cast<std::uint64_t>(at)).value_or(0));
          is_right &= static_cast<signed char>(name.back()) >= 0 || by.at_least(3, 4);
        }
        is_right &= is_utf8(name);
        names.names.push_back(std::move(name));
      }
      if (!is_right)
        names.names.clear();
    } else {
      for (std::uint64_t i = 0; i < values->size(); ++i) {
        auto whole = values->integer(i);
        // uint16 and uint32, of which UBJSON has the signed ones alone.
        if (const std::int64_t type = whole && *whole < 0 ? integer_of(require(one, "type")).value_or(0) : 0;
            type == 12 || type == 14)
          *whole += type == 12 ? std::int64_t{1} << 16 : std::int64_t{1} << 32;
        names.names.push_back(whole ? text(*whole) : text(values->real(i)));
      }
    }
    if (!names.names.empty())
      out.push_back(std::move(names));
  }
  return out;
}

} // namespace xgboost
} // namespace petrify::inline v0
