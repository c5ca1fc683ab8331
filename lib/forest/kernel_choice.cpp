#include "forest/cpu.hpp"
#include "forest/kernel_dense.hpp"

namespace petrify::inline v0 {

const kernel& kernel_for(const forest_data& forest) noexcept {
  const cpu_level level = usable_cpu_level();
  if (level == cpu_level::reference)
    return reference_kernel;
#if defined(__x86_64__)
  if (has_dense_kernels(forest)) {
    if (level >= cpu_level::avx512vbmi)
      return dense_avx512vbmi_kernel;
    if (level >= cpu_level::avx512)
      return dense_avx512_kernel;
    if (level >= cpu_level::avx2)
      return dense_avx2_kernel;
  }
#else
  (void)forest;
#endif
  return interleaved_kernel;
}

} // namespace petrify::inline v0
