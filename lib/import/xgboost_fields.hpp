// Fields of XGBoost's documents, with the errors that say what is wrong with them.
#pragma once

#include "base/fail.hpp"
#include "import/json.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace petrify::inline v0 {
namespace xgboost {

template <class... Pieces>
[[noreturn]] void refuse(const Pieces&... pieces) {
  fail(errc::not_importable, {}, pieces...);
}

template <class... Pieces>
[[noreturn]] void refuse_node(std::uint64_t node, const Pieces&... pieces) {
  fail(errc::not_importable, text("node ", node), pieces...);
}

// The entry of a dict. Throws: not_importable when there is none.
const json::value& require(const json::value& from, std::string_view key);
// Numbers are texts in XGBoost's parameter tables, but not everywhere.
std::optional<std::int64_t> integer_of(const json::value& from);
// An entry from `least` to `most`. Throws: not_importable.
std::int64_t require_integer(const json::value& table, std::string_view key, std::int64_t least, std::int64_t most);
// An entry that is an array of so many numbers. Throws: not_importable.
const json::numbers& array_of(const json::value& from, std::string_view key, std::uint64_t size);
// Number i of a tree's array, which is about node i. Throws: not_importable with the node.
std::int64_t integer_at(const json::numbers& from, std::uint64_t i, std::string_view name, std::int64_t least,
                        std::int64_t most);
// attributes.best_iteration, counted from 0; -1 where there is none.
std::int32_t best_iteration_of(const json::value& learner);

} // namespace xgboost
} // namespace petrify::inline v0
