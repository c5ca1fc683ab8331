#include "base/fail.hpp"
#include "base/utf8.hpp"
#include "value/value_node.hpp"

#include <vector>

namespace petrify::inline v0 {

namespace {

// A list or dict whose values are being passed.
struct open_value {
  std::uint64_t node;
  std::uint64_t end;  // its last node is the one before
  std::uint64_t left; // values that are still to come
};

} // namespace

void check_values(const value_table& table) {
  const std::uint64_t count = table.nodes.size();
  const auto refuse = [](errc code, std::uint64_t i, const auto&... pieces) {
    fail(code, text("node ", i), pieces...);
  };
  if (count == 0)
    fail(errc::malformed, {}, "no node, expected at least one");
  std::vector<open_value> open;
  std::uint64_t bytes_end = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const value_node& node = table.nodes[i];
    if (node.kind < static_cast<std::uint32_t>(value_kind::null) ||
        node.kind > static_cast<std::uint32_t>(value_kind::dict))
      refuse(errc::unsupported, i, "values of kind ", node.kind, " are not known to petrify " PETRIFY_VERSION_STRING);
    if (open.empty() && i != 0)
      refuse(errc::malformed, i, "follows the whole value, expected no more nodes");
    if (!open.empty())
      --open.back().left;
    const auto kind = static_cast<value_kind>(node.kind);
    if (has_bytes(kind)) {
      if (node.payload != bytes_end || node.size > table.bytes.size() - bytes_end)
        refuse(errc::malformed, i, node.size, " bytes at ", node.payload, ", expected them at ", bytes_end,
               " and to end by ", table.bytes.size());
      const auto own = table.bytes.subspan(bytes_end, node.size);
      bytes_end += node.size;
      if (kind == value_kind::text) {
        const std::string_view words(reinterpret_cast<const char*>(own.data()), own.size());
        if (!is_utf8(words))
          refuse(errc::malformed, i, "text is not valid UTF-8: ", quoted(words));
      }
      if (kind == value_kind::big_integer && node.size < min_big_integer_bytes)
        refuse(errc::malformed, i, "big integer of ", node.size, " bytes, expected at least ", min_big_integer_bytes);
    } else if (has_values(kind)) {
      const std::uint64_t end_of_outer = open.empty() ? count : open.back().end;
      const std::uint64_t values = kind == value_kind::dict ? 2 * std::uint64_t{node.size} : node.size;
      if (node.payload > end_of_outer - i - 1 || node.payload < values || (values == 0 && node.payload != 0))
        refuse(errc::malformed, i, to_string(kind), " of ", values, " values in ", node.payload, " nodes, where ",
               end_of_outer - i - 1, " are left");
      if (open.size() >= max_value_depth)
        refuse(errc::malformed, i, "nested more than ", max_value_depth, " deep");
      open.push_back({i, i + 1 + node.payload, values});
    } else {
      if (node.size != 0 || (kind == value_kind::null && node.payload != 0) ||
          (kind == value_kind::boolean && node.payload > 1))
        refuse(errc::malformed, i, to_string(kind), " with size ", node.size, " and payload ", node.payload,
               ", expected size 0",
               kind == value_kind::null      ? " and payload 0"
               : kind == value_kind::boolean ? " and payload 0 or 1"
                                             : "");
    }
    // Whatever ends here must have all its values, and whatever has them must end here.
    while (!open.empty() && (open.back().end == i + 1 || open.back().left == 0)) {
      if (open.back().end != i + 1 || open.back().left != 0)
        refuse(errc::malformed, open.back().node, "ends at node ", open.back().end, " with ", open.back().left,
               " values to come at node ", i + 1);
      open.pop_back();
    }
  }
  if (bytes_end != table.bytes.size())
    fail(errc::malformed, {}, "texts and bytes end at ", bytes_end, ", expected all ", table.bytes.size(),
         " bytes to be used");
}

} // namespace petrify::inline v0
