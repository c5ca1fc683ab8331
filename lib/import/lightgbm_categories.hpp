// The categories of a pandas DataFrame that LightGBM was trained on: their names, and which columns have them.
#pragma once

#include "import/pickle.hpp"
#include "import/sklearn.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::inline v0 {

// The names of categories, for each column of pandas' type category; code 0 is the first name.
using category_lists = std::vector<std::vector<std::string>>;

// From the JSON behind "pandas_categorical:".
// Throws: errc::not_importable, errc::malformed.
category_lists read_category_lists(std::string_view json);
// From a Booster's attribute; anything but a list has none.
// Throws: errc::not_importable, errc::limit_exceeded.
category_lists read_category_lists(const pickle::value& attribute, read_budget& budget);

// Which columns the lists belong to, of `sizes` categories: one for each, ascending; empty where that is not certain.
// The model does not say it. `infos` are the words of feature_infos, `chosen` the parameter categorical_feature. Cost:
// linear.
std::vector<std::uint32_t> columns_of_categories(std::span<const std::string_view> infos, std::string_view chosen,
                                                 std::span<const std::size_t> sizes);

} // namespace petrify::inline v0
