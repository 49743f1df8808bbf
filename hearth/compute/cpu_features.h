// What this CPU can do, and how an implementation of a kernel is chosen for it.
//
// A kernel with several implementations lists them in an ordered table, best first, the last
// needing nothing:
//
//   constexpr cpu::Impl<RmsNormFn> kImpls[] = {
//       {.name = "avx512", .needs = cpu::kAvx512, .run = rms_norm_avx512},
//       {.name = "avx2", .needs = cpu::kAvx2, .run = rms_norm_avx2},
//       {.name = "scalar", .needs = cpu::kNone, .run = rms_norm_scalar},
//   };
//
// `HEARTH_CPU=scalar|avx2|avx512` caps the level for the whole process; `hearth kernels` lists the
// tables.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "hearth/base/error.h"

namespace hearth::cpu {

/// Bits of what an implementation needs; 0 runs anywhere.
using Needs = uint32_t;
inline constexpr Needs kNone = 0;
inline constexpr Needs kAvx2 = 1u << 0;        // AVX2, FMA, F16C
inline constexpr Needs kAvx512 = 1u << 1;      // AVX-512 F, BW, VL, DQ
inline constexpr Needs kAvx512Vnni = 1u << 2;  // VPDPBUSD on 512 bits
inline constexpr Needs kAvx512Bf16 = 1u << 3;  // VDPBF16PS on 512 bits
inline constexpr Needs kAvxVnni = 1u << 4;     // VPDPBUSD on 256 bits without AVX-512
inline constexpr Needs kAvx512Vbmi = 1u << 5;  // byte permutes across 512 bits

template <class Fn>
struct Impl {
  std::string_view name;
  Needs needs;
  Fn* run;
};

/// What the CPU and the operating system offer, less what `HEARTH_CPU` takes away. Read once, at
/// the first call. Errors: invalid_argument when HEARTH_CPU is not scalar, avx2 or avx512, or names
/// more than the CPU has.
Needs features();
/// What the CPU and the operating system offer, whatever `HEARTH_CPU` says.
Needs detected_features();
/// What a value of `HEARTH_CPU` leaves of `detected`; all of it for an empty one. Errors: as
/// features().
Needs capped_features(Needs detected, std::string_view setting);
/// "avx2 avx512 avx512_vnni", or "none".
std::string describe(Needs needs);
/// Why an implementation with these needs is passed over here ("needs avx512_vnni",
/// "HEARTH_CPU=avx2"); empty if it runs.
std::string why_not(Needs needs);

/// True when every need is met.
inline bool has(Needs needs) { return (features() & needs) == needs; }

/// The first implementation of the table that runs here.
template <class Table>
const auto& choose(const Table& table) {
  for (const auto& impl : table)
    if (has(impl.needs)) return impl;
  HEARTH_CHECK(!"a table of implementations must end with one that needs nothing");
  return *std::begin(table);
}

/// Brand string of the processor, e.g. "AMD EPYC 9655"; "unknown CPU" where it cannot be read.
std::string cpu_name();

/// One row of `hearth kernels`: a kernel, and its implementations in order.
struct KernelRow {
  std::string_view kernel;          // "matmul q4_0"
  std::string_view implementation;  // "avx512_vnni"
  Needs needs;
};

}  // namespace hearth::cpu

// Functions with intrinsics carry a target attribute instead of per-file flags, so that no inline
// function of a header is compiled with instructions the CPU may lack. Lambdas do not inherit it:
// use functions.
#if defined(__x86_64__)
#define HEARTH_TARGET_AVX2 __attribute__((target("avx2,fma,f16c")))
#define HEARTH_TARGET_AVX512 \
  __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq")))
#define HEARTH_TARGET_AVX512_VNNI \
  __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#endif
