#include "forest/finish.hpp"

#include "base/pairwise_sum.hpp"

#include <algorithm>
#include <cmath>

namespace petrify::inline v0 {

namespace {

template <class Sum>
void softmax(Sum* x, std::size_t n) noexcept {
  const Sum largest = *std::max_element(x, x + n);
  Sum total = 0;
  for (std::size_t k = 0; k < n; ++k) {
    x[k] = std::exp(x[k] - largest);
    total += x[k];
  }
  for (std::size_t k = 0; k < n; ++k)
    x[k] /= total;
}

template <class Sum>
void apply(const forest_data& forest, const epilogue_entry& entry, Sum* columns) noexcept {
  const auto parameter = static_cast<Sum>(entry.parameter);
  Sum* const end = columns + forest.raw_width;
  switch (entry.op) {
  case epilogue_op::divide:
    for (Sum* x = columns; x != end; ++x)
      *x /= parameter;
    return;
  case epilogue_op::add: columns[entry.column] += parameter; return;
  case epilogue_op::sigmoid:
    for (Sum* x = columns; x != end; ++x)
      *x = Sum{1} / (Sum{1} + std::exp(-parameter * *x));
    return;
  case epilogue_op::exp:
    for (Sum* x = columns; x != end; ++x)
      *x = std::exp(*x);
    return;
  case epilogue_op::softmax:
    for (const output_data& o : forest.outputs)
      softmax(columns + o.raw_begin, o.raw_width);
    return;
  case epilogue_op::normalize:
    for (const output_data& o : forest.outputs) {
      Sum* const x = columns + o.raw_begin;
      const Sum sum = pairwise_sum(x, o.raw_width);
      const Sum divisor = sum == 0 ? Sum{1} : sum;
      for (std::size_t k = 0; k < o.raw_width; ++k)
        x[k] /= divisor;
    }
    return;
  case epilogue_op::complement:
    // From the last output to the first, for each widens by one.
    for (std::size_t o = forest.outputs.size(); o-- > 0;) {
      const Sum p = columns[o];
      columns[2 * o] = Sum{1} - p;
      columns[2 * o + 1] = p;
    }
    return;
  case epilogue_op::none:
  case epilogue_op::isolation_score: return; // read_forest refuses these
  }
}

} // namespace

template <class Sum>
void apply_raw_ops(const forest_data& forest, Sum* sums) noexcept {
  for (std::size_t i = 0; i < forest.num_raw_ops; ++i)
    apply(forest, forest.epilogue[i], sums);
}

template <class Sum>
void apply_final_ops(const forest_data& forest, Sum* columns) noexcept {
  for (std::size_t i = forest.num_raw_ops; i < forest.epilogue.size(); ++i)
    apply(forest, forest.epilogue[i], columns);
}

template <class Sum>
std::uint32_t decide(const forest_data& forest, const output_data& o, const Sum* raw, const Sum* final) noexcept {
  const auto cut = [&](Sum x) {
    const auto at = static_cast<Sum>(forest.cut);
    return std::uint32_t{x > at || (x == at && forest.cut_tie_is_upper)};
  };
  const auto first_largest = [](const Sum* x, std::size_t n) {
    return static_cast<std::uint32_t>(std::max_element(x, x + n) - x);
  };
  switch (forest.decision) {
  case decision_rule::argmax_raw: return first_largest(raw + o.raw_begin, o.raw_width);
  case decision_rule::argmax_final: return first_largest(final + o.final_begin, o.final_width);
  case decision_rule::cut_raw: return cut(raw[o.raw_begin]);
  case decision_rule::cut_final: return cut(final[o.final_begin + o.final_width - 1]);
  case decision_rule::none: break;
  }
  return 0;
}

bool decides_on_final(const forest_data& forest) noexcept {
  return forest.decision == decision_rule::argmax_final || forest.decision == decision_rule::cut_final;
}

template void apply_raw_ops(const forest_data&, float*) noexcept;
template void apply_raw_ops(const forest_data&, double*) noexcept;
template void apply_final_ops(const forest_data&, float*) noexcept;
template void apply_final_ops(const forest_data&, double*) noexcept;
template std::uint32_t decide(const forest_data&, const output_data&, const float*, const float*) noexcept;
template std::uint32_t decide(const forest_data&, const output_data&, const double*, const double*) noexcept;

} // namespace petrify::inline v0
