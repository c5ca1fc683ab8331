// Slots of float32 columns in groups that one vector instruction can make.
#pragma once

#include "forest/cpu.hpp"
#include "forest/forest_data.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace petrify::inline v0 {

// Up to 16 slots that follow each other, of columns that lie within 16 of each other.
struct slot_group {
  static constexpr std::uint32_t size = 16;

  alignas(64) std::uint32_t column[size] = {};  // from first_column
  alignas(64) std::uint32_t nan_key[size] = {}; // key of NaN
  alignas(64) std::uint32_t zero_key[size] = {};
  std::uint32_t first_slot = 0;
  std::uint32_t first_column = 0;
  // A bit for each slot; for each column from first_column on; for each slot whose values near zero get its zero_key.
  std::uint32_t slots = 0;
  std::uint32_t columns = 0;
  std::uint32_t zeros = 0;
};

// The groups of all float32 slots, in order.
std::vector<slot_group> group_slots(std::span<const slot> slots);

// The columns of a group, side by side: where they are, or gathered from a row whose values are not.
template <class T>
const T* columns_of(const slot_group& group, const T* values, std::ptrdiff_t stride,
                    T (&gathered)[slot_group::size]) noexcept {
  if (stride == 1)
    return values + group.first_column;
  for (std::uint32_t i = 0; i < slot_group::size && (group.columns >> i) != 0; ++i)
    if ((group.columns >> i & 1) != 0)
      gathered[i] = values[(static_cast<std::ptrdiff_t>(group.first_column) + i) * stride];
  return gathered;
}

// Rows of a matrix: values[row * row_stride + column * column_stride].
template <class T>
struct value_rows {
  const T* values;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t column_stride;
  std::size_t count;

  const T* row(std::size_t i) const noexcept { return values + static_cast<std::ptrdiff_t>(i) * row_stride; }
};

// Writes the keys of the groups' slots, those of row i from keys + i * key_stride on. What a key is: node.hpp, key_of.
template <class T>
using encode_groups = void (*)(std::span<const slot_group> groups, const value_rows<T>& from, std::uint32_t* keys,
                               std::size_t key_stride) noexcept;
struct group_encoder {
  encode_groups<float> of_float;
  encode_groups<double> of_double;
  encode_groups<std::int64_t> of_int64;
};
// Plain C++; what the other ones are tested against.
extern const group_encoder scalar_group_encoder;
#if defined(__x86_64__)
extern const group_encoder avx2_group_encoder;
extern const group_encoder avx512_group_encoder;
#endif

// The fastest one of a CPU.
const group_encoder& group_encoder_for(cpu_level level) noexcept;

} // namespace petrify::inline v0
