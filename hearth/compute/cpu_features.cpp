#include "hearth/compute/cpu_features.h"

#include <cstdlib>
#include <fstream>

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

// What `HEARTH_CPU` allows; a name also needs its own first bit to be there.
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
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found |= kAvx2;
  if (!(found & kAvx2)) return found;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    found |= kAvx512;
  if (found & kAvx512) {
    if (__builtin_cpu_supports("avx512vnni")) found |= kAvx512Vnni;
    if (__builtin_cpu_supports("avx512bf16")) found |= kAvx512Bf16;
    if (__builtin_cpu_supports("avx512vbmi")) found |= kAvx512Vbmi;
  }
  // CPUID leaf 7.1, EAX bit 4: compilers of Debian 12 do not know the name yet.
  unsigned eax = 7, ebx = 0, ecx = 1, edx = 0;
  unsigned leaf_max = 0, unused_b = 0, unused_c = 0, unused_d = 0;
  asm volatile("cpuid"
               : "=a"(leaf_max), "=b"(unused_b), "=c"(unused_c), "=d"(unused_d)
               : "a"(0), "c"(0));
  if (leaf_max >= 7) {
    asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    if (eax & (1u << 4)) found |= kAvxVnni;
  }
#endif
  return found;
}

Needs apply_setting(Needs detected) {
  const char* wanted = std::getenv("HEARTH_CPU");
  if (!wanted || !*wanted) return detected;
  for (const LevelRow& level : kLevels) {
    if (level.name != wanted) continue;
    if ((detected & level.required) != level.required)
      throw Error(Errc::invalid_argument, "HEARTH_CPU={}: this CPU has only: {}", wanted,
                  describe(detected));
    return detected & level.allowed;
  }
  throw Error(Errc::invalid_argument, "HEARTH_CPU={}: must be scalar, avx2 or avx512", wanted);
}

}  // namespace

Needs detected_features() {
  static const Needs detected = detect();
  return detected;
}

Needs features() {
  static const Needs allowed = apply_setting(detected_features());
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
