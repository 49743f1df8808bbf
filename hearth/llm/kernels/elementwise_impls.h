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
using LayerNormFn = void(float* out, const float* x, const float* weight, const float* bias,
                         int rows, int dim, float eps);
using GateFn = void(float* out, const float* gate, const float* up, size_t count);
using GeluErfFn = void(float* x, size_t count);
using SoftcapFn = void(float* x, float cap, size_t count);
using DotFn = float(const float* a, const float* b, size_t count);
using AddMultipleFn = void(float* x, const float* y, float factor, size_t count);
using AddFn = void(float* x, const float* y, size_t count);
using ScaleFn = void(float* x, float factor, size_t count);

std::span<const cpu::Impl<RmsNormFn>> rms_norm_impls();
std::span<const cpu::Impl<LayerNormFn>> layer_norm_impls();
std::span<const cpu::Impl<RopeFn>> rope_impls();
std::span<const cpu::Impl<GateFn>> silu_gate_impls();
std::span<const cpu::Impl<GateFn>> gelu_gate_impls();
std::span<const cpu::Impl<GeluErfFn>> gelu_erf_impls();
std::span<const cpu::Impl<SoftcapFn>> softcap_impls();
std::span<const cpu::Impl<DotFn>> dot_impls();
std::span<const cpu::Impl<AddMultipleFn>> add_multiple_impls();
std::span<const cpu::Impl<AddFn>> add_impls();
std::span<const cpu::Impl<ScaleFn>> scale_impls();

#if defined(__x86_64__)
RmsNormFn rms_norm_avx2, rms_norm_avx512;
LayerNormFn layer_norm_avx2, layer_norm_avx512;
RopeFn rope_avx2, rope_avx512;
GateFn silu_gate_avx2, silu_gate_avx512;
GateFn gelu_gate_avx2, gelu_gate_avx512;
GeluErfFn gelu_erf_avx2, gelu_erf_avx512;
SoftcapFn softcap_avx2, softcap_avx512;
DotFn dot_avx2, dot_avx512;
AddMultipleFn add_multiple_avx2, add_multiple_avx512;
AddFn add_avx2, add_avx512;
ScaleFn scale_avx2, scale_avx512;
#endif

}  // namespace hearth::llm
