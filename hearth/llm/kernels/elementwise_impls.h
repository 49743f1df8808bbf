// The serial bodies of the small operations, one table each, best first.
//
// What the public functions split over threads; `hearth kernels` and the tests walk the tables.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "hearth/compute/cpu_features.h"
#include "hearth/llm/kernels/rope.h"

namespace hearth::llm {

using RmsNormFn = void(float* out, const float* x, const float* weight, int rows, int dim,
                       float eps);
using RopeFn = void(float* x, std::span<const int32_t> positions, int heads, int head_dim,
                    const RopeTable& table);
using GateFn = void(float* out, const float* gate, const float* up, size_t count);
using SoftcapFn = void(float* x, float cap, size_t count);
using AddFn = void(float* x, const float* y, size_t count);
using ScaleFn = void(float* x, float factor, size_t count);

std::span<const cpu::Impl<RmsNormFn>> rms_norm_impls();
std::span<const cpu::Impl<RopeFn>> rope_impls();
std::span<const cpu::Impl<GateFn>> silu_gate_impls();
std::span<const cpu::Impl<GateFn>> gelu_gate_impls();
std::span<const cpu::Impl<SoftcapFn>> softcap_impls();
std::span<const cpu::Impl<AddFn>> add_impls();
std::span<const cpu::Impl<ScaleFn>> scale_impls();

#if defined(__x86_64__)
RmsNormFn rms_norm_avx2, rms_norm_avx512;
RopeFn rope_avx2, rope_avx512;
GateFn silu_gate_avx2, silu_gate_avx512;
GateFn gelu_gate_avx2, gelu_gate_avx512;
SoftcapFn softcap_avx2, softcap_avx512;
AddFn add_avx2, add_avx512;
ScaleFn scale_avx2, scale_avx512;
#endif

}  // namespace hearth::llm
