#include "forest/cpu.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace petrify::inline v0 {

namespace {

cpu_level level_of_cpu() noexcept {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2") ||
      !__builtin_cpu_supports("popcnt"))
    return cpu_level::scalar;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
    return cpu_level::avx2;
  return __builtin_cpu_supports("avx512vbmi") ? cpu_level::avx512vbmi : cpu_level::avx512;
#else
  return cpu_level::scalar;
#endif
}

cpu_level wanted_level() noexcept {
  const char* const set = std::getenv("PETRIFY_KERNEL");
  const std::string_view name = set == nullptr ? "" : set;
  constexpr std::string_view names[] = {"reference", "scalar", "avx2", "avx512", "avx512vbmi"};
  for (std::size_t i = 0; i < std::size(names); ++i)
    if (names[i] == name)
      return static_cast<cpu_level>(i);
  return cpu_level::avx512vbmi;
}

} // namespace

cpu_level usable_cpu_level() noexcept {
  static const cpu_level level = std::min(level_of_cpu(), wanted_level());
  return level;
}

} // namespace petrify::inline v0
