#include "forest/epilogue.hpp"

#include "base/fail.hpp"

#include <numeric>
#include <optional>

namespace petrify::inline v0 {

namespace {

// Columns that the operation takes of each output and what it makes of them; nullopt for one that keeps any number.
struct reshaping {
  std::uint32_t from;
  std::uint32_t to;
};
std::optional<reshaping> reshaping_of(epilogue_op op) {
  switch (op) {
  case epilogue_op::fold_pair: return reshaping{2, 1};
  case epilogue_op::complement:
  case epilogue_op::mirror: return reshaping{1, 2};
  default: return std::nullopt;
  }
}

} // namespace

std::vector<column_counts> check_epilogue(std::span<const epilogue_entry> epilogue, std::uint32_t num_raw_ops,
                                          std::span<const std::uint32_t> output_widths, errc wrong) {
  if (num_raw_ops > epilogue.size())
    fail(wrong, {}, num_raw_ops, " epilogue operations of the raw score, expected at most ", epilogue.size());
  std::vector<std::uint32_t> widths(output_widths.begin(), output_widths.end());
  const auto total = [&] { return std::accumulate(widths.begin(), widths.end(), std::uint64_t{0}); };
  std::vector<column_counts> out;
  out.reserve(widths.size());
  for (const std::uint32_t width : widths)
    out.push_back({width, width, width});
  const std::uint64_t num_sums = total();
  // Of all outputs; counted anew only where it changes, for there may be as many operations as outputs.
  std::uint64_t columns = num_sums;
  std::size_t num_adds = 0;
  bool reshaped[2] = {false, false}; // in the raw score, behind it
  for (std::size_t i = 0; i < epilogue.size(); ++i) {
    const epilogue_entry& e = epilogue[i];
    const auto where = [&] { return text("epilogue operation ", i); };
    if (e.op == epilogue_op::none || e.op > epilogue_op::softmax_numpy)
      fail(errc::unsupported, where(), "operation ", static_cast<unsigned>(e.op),
           " is not known to petrify " PETRIFY_VERSION_STRING);
    if (e.op == epilogue_op::add) {
      ++num_adds;
      if (e.column >= columns)
        fail(wrong, where(), "column ", e.column, ", expected less than ", columns);
    } else if (e.column != all_raw_columns) {
      fail(errc::unsupported, where(), "on column ", e.column, " alone, expected on all");
    }
    if (const auto change = reshaping_of(e.op)) {
      const bool in_raw = i < num_raw_ops;
      bool& done = reshaped[in_raw ? 0 : 1];
      if (done || (e.op == epilogue_op::fold_pair) != in_raw)
        fail(wrong, where(),
             "changes the number of columns, expected one such operation: fold_pair in the raw score, "
             "complement or mirror behind it");
      done = true;
      for (std::uint32_t& width : widths) {
        if (width != change->from)
          fail(wrong, where(), "on outputs of ", width, " columns, expected ", change->from);
        width = change->to;
      }
      columns = total();
      for (std::size_t o = 0; o < widths.size(); ++o) {
        out[o].final = widths[o];
        if (in_raw)
          out[o].raw = widths[o];
      }
    }
  }
  // An add costs one addition, every other operation one for each column, sort a few: this keeps a row's cost linear,
  // or nearly so.
  if (num_adds > 2 * num_sums || epilogue.size() - num_adds > max_wide_epilogue_ops)
    fail(wrong, {}, num_adds, " add operations and ", epilogue.size() - num_adds,
         " others, expected at most two a sum and ", max_wide_epilogue_ops);
  return out;
}

} // namespace petrify::inline v0
