#include "forest/probe_rows.hpp"

#include "forest/forest_data.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace petrify::inline v0 {

namespace {

constexpr std::uint64_t most_nodes = 1u << 22;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

// What is known of the values of a column.
struct column_values {
  std::vector<double> edges; // on both sides of thresholds
  std::uint32_t num_categories = 0;
  bool goes_left = false; // a slot sends missing values there
  bool goes_right = false;
  bool knows_zero = false; // zero is missing, or missing is zero
};

// The float32 t for which `x <= t` goes left exactly where key_of(x) <= value does: the inverse of key_of.
float threshold_of(std::uint32_t value) noexcept {
  if (value == 0x7fffffffu) // the key below that of zero, which -0 shares
    return -std::numeric_limits<float>::denorm_min();
  return std::bit_cast<float>((value >> 31) != 0 ? value & 0x7fffffffu : ~value);
}

void add_slot(const slot& from, column_values& to) {
  to.goes_left |= from.missing == missing_rule::left || from.missing == missing_rule::zero_left;
  to.goes_right |= from.missing == missing_rule::right || from.missing == missing_rule::zero_right;
  to.knows_zero |= from.missing != missing_rule::left && from.missing != missing_rule::right;
}

// A node of a column of numbers.
void add_threshold(const slot& from, std::uint32_t value, column_values& to) {
  if (from.kind == slot_kind::float32) {
    const float t = threshold_of(value);
    if (std::isfinite(t)) {
      to.edges.push_back(static_cast<double>(t));
      to.edges.push_back(static_cast<double>(std::nextafter(t, std::numeric_limits<float>::infinity())));
    }
  } else if (value != 0 && value <= from.cuts.size()) { // keys are ranks from 1 on
    to.edges.push_back(from.cuts[value - 1]);
    to.edges.push_back(std::nextafter(from.cuts[value - 1], infinity));
  }
}

template <class Layout>
void add_nodes(const forest_data& forest, std::vector<column_values>& columns) {
  const auto* nodes = static_cast<const typename Layout::node*>(forest.nodes);
  const std::uint64_t step = 1 + forest.num_nodes / most_nodes;
  for (std::uint64_t i = 0; i < forest.num_nodes; i += step) {
    const auto& node = nodes[i];
    if (Layout::offset(node) == 0 || Layout::slot(node) == 0)
      continue;
    const slot& from = forest.slots[Layout::slot(node)];
    column_values& to = columns[from.column];
    if (from.rule == category_rule::listed)
      to.edges.insert(to.edges.end(), from.cuts.begin(), from.cuts.end());
    else if (from.rule == category_rule::none)
      add_threshold(from, node.value, to);
    else if (Layout::op(node) == static_cast<std::uint32_t>(node_op::compare))
      to.num_categories = std::max(to.num_categories, std::min(node.value, 65535u) + 1);
    else
      to.num_categories = std::max(to.num_categories, 32 * forest.category_words[node.value]);
  }
}

// What a column has before the steps, where these only scale and shift.
double before_steps(const forest_data& forest, std::uint32_t column, double x) noexcept {
  for (auto step = forest.steps.rbegin(); step != forest.steps.rend(); ++step) {
    if (step->column != column && step->column != all_columns)
      continue;
    switch (step->op) {
    case step_op::subtract:
    case step_op::subtract_typed: x += step->a; break;
    case step_op::divide:
    case step_op::divide_typed: x *= step->a; break;
    case step_op::multiply: x /= step->a; break;
    case step_op::add: x -= step->a; break;
    default: break;
    }
  }
  return x;
}

double draw(const column_values& from, std::mt19937_64& random) {
  const std::uint64_t chance = random() % 16;
  if (chance == 0 && ((from.goes_left && from.goes_right) || from.knows_zero))
    return nan;
  if (chance == 1 && from.knows_zero)
    return 0;
  // One category more than the sets have.
  if (from.num_categories != 0)
    return static_cast<double>(random() % (std::uint64_t{from.num_categories} + 1));
  return from.edges.empty() ? 0 : from.edges[random() % from.edges.size()];
}

} // namespace

std::vector<double> probe_rows(const forest& of, std::size_t num_rows) {
  const forest_data& forest = of.data();
  std::vector<column_values> columns(forest.num_columns);
  for (std::size_t s = 1; s < forest.slots.size(); ++s)
    add_slot(forest.slots[s], columns[forest.slots[s].column]);
  with_layout(forest, [&]<class Layout>(Layout) { add_nodes<Layout>(forest, columns); });
  std::mt19937_64 random(1);
  std::vector<double> out;
  out.reserve(num_rows * columns.size());
  for (std::size_t i = 0; i < num_rows; ++i)
    for (std::uint32_t j = 0; j < columns.size(); ++j)
      out.push_back(before_steps(forest, j, draw(columns[j], random)));
  return out;
}

} // namespace petrify::inline v0
