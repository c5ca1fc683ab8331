#include "forest/finish.hpp"

#include "base/pairwise_sum.hpp"

#include <algorithm>
#include <cmath>

namespace petrify::inline v0 {

namespace {

// numpy's exp of float32 on machines with fused multiply and add, up to 2 ulp from the C library's (constants:
// numpy/core/src/npymath/npy_simd_data.h): k = x / ln 2 rounded to even, then a quotient of polynomials in what is left
// of x times 2^k. `x` is 0 or less, or NaN.
float exp_of_numpy(float x) noexcept {
  if (x <= -0x1.9fe36ap+6f) // where it becomes 0
    return 0;
  constexpr float to_whole = 0x1.8p+23f;
  const float k = (x * 0x1.715476p+0f + to_whole) - to_whole;
  const float y = std::fma(k, -1.42860677e-6f, std::fma(k, -6.93145752e-1f, x));
  float above = 5.082762527590693718096e-04f;
  for (const float p : {6.757896990527504603057e-03f, 5.114512081637298353406e-02f, 2.473615434895520810817e-01f,
                        7.257664613233124478488e-01f, 9.999999999980870924916e-01f})
    above = std::fma(above, y, p);
  const float below = std::fma(std::fma(2.159509375685829852307e-02f, y, -2.742335390411667452936e-01f), y, 1.0f);
  return std::isnan(x) ? x : std::ldexp(above / below, static_cast<int>(k));
}

// How the sum of a softmax is taken, and how its terms are made from it.
enum class softmax_kind { in_order, wide_sum, by_logarithm, numpy };

template <class Sum>
void softmax(Sum* x, std::size_t n, softmax_kind kind) noexcept {
  const Sum largest = *std::max_element(x, x + n);
  if (kind == softmax_kind::by_logarithm) {
    Sum total = 0;
    for (std::size_t k = 0; k < n; ++k)
      total += std::exp(x[k] - largest);
    const Sum logarithm = largest + std::log(total);
    for (std::size_t k = 0; k < n; ++k)
      x[k] = std::exp(x[k] - logarithm);
    return;
  }
  if (kind == softmax_kind::numpy) {
    for (std::size_t k = 0; k < n; ++k)
      x[k] = exp_of_numpy(static_cast<float>(x[k]) - static_cast<float>(largest));
    const Sum total = pairwise_sum(x, n);
    for (std::size_t k = 0; k < n; ++k)
      x[k] /= total;
    return;
  }
  Sum total = 0;
  double wide_total = 0;
  for (std::size_t k = 0; k < n; ++k) {
    x[k] = std::exp(x[k] - largest);
    total += x[k];
    wide_total += static_cast<double>(x[k]);
  }
  const Sum divisor = kind == softmax_kind::wide_sum ? static_cast<Sum>(wide_total) : total;
  for (std::size_t k = 0; k < n; ++k)
    x[k] /= divisor;
}

// A total order, so that every way to sort gives the same bits: -0 before 0, NaN last.
template <class Sum>
bool is_before(Sum a, Sum b) noexcept {
  if (a == b)
    return std::signbit(a) && !std::signbit(b);
  return a < b || (std::isnan(b) && !std::isnan(a));
}

// log(1 + exp(x)) that does not overflow.
template <class Sum>
Sum softplus(Sum x) noexcept {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

// The columns as they are between two operations: the outputs' parts follow each other.
template <class Sum>
class columns_of {
public:
  columns_of(const forest_data& forest, Sum* columns, std::size_t total, bool folded) noexcept
      : forest_(forest), x_(columns), total_(total), folded_(folded) {}

  void apply(const epilogue_entry& entry) noexcept {
    const auto parameter = static_cast<Sum>(entry.parameter);
    const auto each = [&](auto f) {
      for (std::size_t k = 0; k < total_; ++k)
        x_[k] = f(x_[k]);
    };
    const auto softmaxes = [&](softmax_kind kind) { each_output([&](Sum* x, std::size_t n) { softmax(x, n, kind); }); };
    switch (entry.op) {
    case epilogue_op::divide: return each([=](Sum x) { return x / parameter; });
    case epilogue_op::add: x_[entry.column] += parameter; return;
    case epilogue_op::sigmoid: return each([=](Sum x) { return Sum{1} / (Sum{1} + std::exp(-parameter * x)); });
    case epilogue_op::bounded_sigmoid:
      return each([=](Sum x) { return Sum{1} / (std::exp(std::min(-x, parameter)) + Sum{1}); });
    case epilogue_op::exp: return each([](Sum x) { return std::exp(x); });
    case epilogue_op::is_positive: return each([](Sum x) { return x > 0 ? Sum{1} : Sum{0}; });
    case epilogue_op::signed_square: return each([](Sum x) { return x * std::abs(x); });
    case epilogue_op::log1p_exp: return each([](Sum x) { return std::log1p(std::exp(x)); });
    case epilogue_op::isolation_score:
      return each([=](Sum x) { return -std::exp2(-(parameter == 0 ? Sum{1} : x / parameter)); });
    case epilogue_op::softmax: return softmaxes(softmax_kind::in_order);
    case epilogue_op::softmax_wide_sum: return softmaxes(softmax_kind::wide_sum);
    case epilogue_op::softmax_by_logarithm: return softmaxes(softmax_kind::by_logarithm);
    case epilogue_op::softmax_numpy: return softmaxes(softmax_kind::numpy);
    case epilogue_op::normalize:
      return each_output([](Sum* x, std::size_t n) {
        const Sum sum = pairwise_sum(x, n);
        const Sum divisor = sum == 0 ? Sum{1} : sum;
        for (std::size_t k = 0; k < n; ++k)
          x[k] /= divisor;
      });
    case epilogue_op::fold_pair:
      for (std::size_t o = 0; o < forest_.outputs.size(); ++o)
        x_[o] = -x_[2 * o] + x_[2 * o + 1];
      folded_ = true;
      total_ = forest_.outputs.size();
      return;
    case epilogue_op::complement: return widen([](Sum p) { return Sum{1} - p; });
    case epilogue_op::mirror: return widen([](Sum d) { return -d; });
    case epilogue_op::sort: std::sort(x_, x_ + total_, is_before<Sum>); return;
    case epilogue_op::softplus_gaps:
      for (std::size_t k = 1; k < total_; ++k)
        x_[k] = x_[k - 1] + (parameter + softplus(x_[k]));
      return;
    case epilogue_op::none: return; // read_forest refuses it
    }
  }

private:
  // Outputs have their own numbers of columns until an operation makes them all alike.
  template <class F>
  void each_output(F f) noexcept {
    for (std::size_t o = 0; o < forest_.outputs.size(); ++o) {
      if (widened_ || folded_)
        f(x_ + (widened_ ? 2 * o : o), widened_ ? 2 : 1);
      else
        f(x_ + forest_.outputs[o].sum_begin, forest_.outputs[o].sum_width);
    }
  }
  // From the last output to the first, for each widens by one.
  template <class F>
  void widen(F first) noexcept {
    for (std::size_t o = forest_.outputs.size(); o-- > 0;) {
      const Sum x = x_[o];
      x_[2 * o] = first(x);
      x_[2 * o + 1] = x;
    }
    widened_ = true;
    total_ = 2 * forest_.outputs.size();
  }

  const forest_data& forest_;
  Sum* x_;
  std::size_t total_;
  bool folded_;
  bool widened_ = false;
};

} // namespace

template <class Sum>
void apply_raw_ops(const forest_data& forest, Sum* sums) noexcept {
  columns_of<Sum> columns(forest, sums, forest.sum_width, false);
  for (std::size_t i = 0; i < forest.num_raw_ops; ++i)
    columns.apply(forest.epilogue[i]);
}

template <class Sum>
void apply_final_ops(const forest_data& forest, Sum* raw) noexcept {
  columns_of<Sum> columns(forest, raw, forest.raw_width, forest.raw_width != forest.sum_width);
  for (std::size_t i = forest.num_raw_ops; i < forest.epilogue.size(); ++i)
    columns.apply(forest.epilogue[i]);
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
