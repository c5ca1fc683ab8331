// From feature values to slots: the keys that nodes compare.
#pragma once

#include "forest/slot_groups.hpp"

#include <petrify/rows.hpp>

#include <cstddef>
#include <vector>

namespace petrify::inline v0 {

// Turns rows into keys. Owns room for one row, which steps change; without steps rows are read where they are.
// Thread safety: one thread at a time.
class row_encoder {
public:
  explicit row_encoder(const forest_data& forest);

  // Writes the keys of rows [first, first + count) of a matrix of any type, forest.key_stride() from one to the next.
  // Cost: a conversion a slot, a binary search for slots of float64 cuts, and the forest's steps.
  void encode(const rows& x, std::size_t first, std::size_t count, std::uint32_t* keys) noexcept;

  // The value of a column in the row that was encoded last, after the steps.
  double value(std::uint32_t column) const noexcept;

private:
  template <feature_value T>
  void encode(const value_rows<T>& from, std::uint32_t* keys) noexcept;

  const forest_data* forest_;
  std::vector<slot_group> groups_; // the float32 slots
  const group_encoder* group_encoder_;
  std::vector<std::uint32_t> other_slots_; // all others but slot 0
  // The row with its steps applied, in the row's type; int64 becomes float64.
  std::vector<float> changed32_;
  std::vector<double> changed64_;
  bool changes_floats_ = false; // whether a step does anything to rows that are no integers
  // Where the row is that was encoded last.
  const void* last_ = nullptr;
  std::ptrdiff_t last_stride_ = 1;
  feature_type last_type_ = feature_type::float64;
};

} // namespace petrify::inline v0
