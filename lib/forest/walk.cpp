#include "forest/walk.hpp"

#include "base/target_region.hpp"

#include <utility>

namespace petrify::inline v0 {

namespace {

// Walks side by side: more than there are registers for, since nodes are further away than the stack.
constexpr std::size_t walks_in_flight = 16;
// Steps between two looks at whether all walks have ended.
constexpr int steps_per_check = 3;

// The stride of keys where it is not known when petrify is compiled.
constexpr std::size_t any_stride = ~std::size_t{0};

template <class Layout>
using cursor = const typename Layout::node*;

// offset, and one more where the key is greater than the value. Compilers make a byte of the comparison first and widen
// it, with three instructions more of the ten that a step would have.
PETRIFY_INLINE std::uint64_t offset_taken(std::uint64_t offset, std::uint32_t value, std::uint32_t key) noexcept {
#if defined(__x86_64__) && defined(__GNUC__)
  asm("cmp %[key], %[value]\n\tadc $0, %[offset]" : [offset] "+r"(offset) : [value] "rm"(value), [key] "r"(key) : "cc");
  return offset;
#else
  return offset + (key > value ? 1 : 0);
#endif
}

// One step down; returns 0 when the cursor was at a leaf, where it stays.
template <class Layout>
PETRIFY_INLINE std::uint32_t step(cursor<Layout>& at, const std::uint32_t* keys, const std::uint32_t* sets) noexcept {
  const typename Layout::node& node = *at;
  const std::uint32_t offset = Layout::offset(node);
  if constexpr (Layout::has_sets)
    at += std::uint64_t{offset} + (Layout::goes_right(node, keys, sets) ? 1 : 0);
  else
    at += offset_taken(offset, node.value, keys[Layout::slot(node)]);
  return offset;
}

// Takes as many cursors as there are numbers J to their leaves.
template <class Layout, std::size_t Stride, std::size_t... J>
PETRIFY_INLINE void walk_group(const forest_data& forest, const std::uint32_t* keys, std::uint32_t* nodes_at,
                               std::index_sequence<J...>) noexcept {
  const auto* const nodes = static_cast<cursor<Layout>>(forest.nodes);
  const std::uint32_t* const sets = forest.category_words.data();
  const std::size_t stride = Stride == any_stride ? forest.key_stride() : Stride;
  cursor<Layout> at[] = {nodes + nodes_at[J]...};
  for (;;) {
    for (int s = 1; s < steps_per_check; ++s)
      (step<Layout>(at[J], keys + J * stride, sets), ...);
    if ((step<Layout>(at[J], keys + J * stride, sets) | ...) == 0)
      break;
  }
  ((nodes_at[J] = static_cast<std::uint32_t>(at[J] - nodes)), ...);
}

template <class Layout, std::size_t Stride>
void walk(const forest_data& forest, const std::uint32_t* keys, std::uint32_t* at, std::size_t count) noexcept {
  const std::size_t stride = Stride == any_stride ? forest.key_stride() : Stride;
  const auto in_groups_of = [&]<std::size_t... J>(std::index_sequence<J...> group) {
    for (; count >= sizeof...(J); count -= sizeof...(J), at += sizeof...(J), keys += sizeof...(J) * stride)
      walk_group<Layout, Stride>(forest, keys, at, group);
  };
  in_groups_of(std::make_index_sequence<walks_in_flight>{});
  in_groups_of(std::make_index_sequence<walks_in_flight / 4>{});
  in_groups_of(std::make_index_sequence<1>{});
}

template <class Layout>
walk_function rows_walk(std::size_t stride) noexcept {
  // A constant stride is part of an instruction; another one takes registers that walks need.
  if constexpr (sizeof(typename Layout::node) == sizeof(node8))
    switch (stride) {
    case 16: return walk<Layout, 16>;
    case 32: return walk<Layout, 32>;
    case 48: return walk<Layout, 48>;
    case 64: return walk<Layout, 64>;
    case 80: return walk<Layout, 80>;
    case 96: return walk<Layout, 96>;
    case 112: return walk<Layout, 112>;
    case 128: return walk<Layout, 128>;
    default: break;
    }
  return walk<Layout, any_stride>;
}

} // namespace

walker walker_for(const forest_data& forest) noexcept {
  return with_layout(forest, [&]<class Layout>(Layout) {
    return walker{walk<Layout, 0>, rows_walk<Layout>(forest.key_stride())};
  });
}

} // namespace petrify::inline v0
