// Kernels that look at the dense layout; for forests that have one. All but find_leaves, which is another kernel's.
#pragma once

#include "forest/kernel.hpp"

#include <vector>

namespace petrify::inline v0 {

// Whether the dense kernels add up this forest.
bool has_dense_kernels(const forest_data& forest) noexcept;

// The dense kernels that this CPU can run, slowest first; for tests.
std::vector<const kernel*> dense_kernels();

#if defined(__x86_64__)
extern const kernel dense_avx2_kernel;
extern const kernel dense_avx512_kernel;
extern const kernel dense_avx512vbmi_kernel;
#endif

} // namespace petrify::inline v0
