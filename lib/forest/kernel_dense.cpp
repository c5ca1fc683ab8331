#include "forest/kernel_dense.hpp"

#include "forest/cpu.hpp"

namespace petrify::inline v0 {

bool has_dense_kernels(const forest_data& forest) noexcept { return forest.dense.levels != 0; }

std::vector<const kernel*> dense_kernels() {
  std::vector<const kernel*> out;
#if defined(__x86_64__)
  if (usable_cpu_level() >= cpu_level::avx2)
    out.push_back(&dense_avx2_kernel);
  if (usable_cpu_level() >= cpu_level::avx512)
    out.push_back(&dense_avx512_kernel);
  if (usable_cpu_level() >= cpu_level::avx512vbmi)
    out.push_back(&dense_avx512vbmi_kernel);
#endif
  return out;
}

} // namespace petrify::inline v0
