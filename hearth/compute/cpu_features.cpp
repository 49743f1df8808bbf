#include "hearth/compute/cpu_features.h"

#include <cstdlib>
#include <fstream>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace hearth::cpu {
namespace {

struct NeedRow {
  Needs need;
  std::string_view name;
};

constexpr NeedRow kNeeds[] = {
    {kAvx2, "avx2"},
    {kAvx512, "avx512"},
    {kAvx512Vnni, "avx512_vnni"},
    {kAvx512Bf16, "avx512_bf16"},
    {kAvxVnni, "avx_vnni"},
    {kAvx512Vbmi, "avx512_vbmi"},
};

// What `HEARTH_CPU` allows, and what must be there for it.
struct LevelRow {
  std::string_view name;
  Needs allowed;
  Needs required;
};

constexpr LevelRow kLevels[] = {
    {"scalar", kNone, kNone},
    {"avx2", kAvx2, kAvx2},
    {"avx512", kAvx2 | kAvx512 | kAvx512Vnni | kAvx512Bf16 | kAvxVnni | kAvx512Vbmi, kAvx512},
};

Needs detect() {
  Needs found = kNone;
#if defined(__x86_64__)
  __builtin_cpu_init();  // also asks the operating system whether it saves the wide registers
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  // Read from CPUID are the features whose names the compilers of Debian 12 do not all know.
  const bool has_f16c = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & (1u << 29));
  if (!has_f16c || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return found;
  found |= kAvx2;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    found |= kAvx512;
  if (found & kAvx512) {
    if (__builtin_cpu_supports("avx512vnni")) found |= kAvx512Vnni;
    if (__builtin_cpu_supports("avx512bf16")) found |= kAvx512Bf16;
    if (__builtin_cpu_supports("avx512vbmi")) found |= kAvx512Vbmi;
  }
  if (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax & (1u << 4))) found |= kAvxVnni;
#endif
  return found;
}

}  // namespace

Needs detected_features() {
  static const Needs detected = detect();
  return detected;
}

Needs capped_features(Needs detected, std::string_view setting) {
  if (setting.empty()) return detected;
  for (const LevelRow& level : kLevels) {
    if (level.name != setting) continue;
    if ((detected & level.required) != level.required)
      throw Error(Errc::invalid_argument, "HEARTH_CPU={}: this CPU has only: {}", setting,
                  describe(detected));
    return detected & level.allowed;
  }
  throw Error(Errc::invalid_argument, "HEARTH_CPU={}: must be scalar, avx2 or avx512", setting);
}

Needs features() {
  static const Needs allowed = [] {
    const char* setting = std::getenv("HEARTH_CPU");
    return capped_features(detected_features(), setting ? setting : "");
  }();
  return allowed;
}

std::string describe(Needs needs) {
  std::string text;
  for (const NeedRow& row : kNeeds)
    if (needs & row.need) text += (text.empty() ? "" : " ") + std::string(row.name);
  return text.empty() ? "none" : text;
}

std::string why_not(Needs needs) {
  if (has(needs)) return {};
  const Needs missing = needs & ~detected_features();
  if (missing) return "needs " + describe(missing);
  return fmt::format("HEARTH_CPU={}", std::getenv("HEARTH_CPU"));
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) {
      const size_t colon = line.find(": ");
      if (colon != std::string::npos) return line.substr(colon + 2);
    }
  return "unknown CPU";
}

}  // namespace hearth::cpu
