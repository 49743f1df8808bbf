#include "hearth/llm/kernels/gates.h"

#include <cmath>

#include "hearth/llm/kernels/elementwise_impls.h"
#include "hearth/llm/kernels/parallel_ranges.h"

namespace hearth::llm {
namespace {

void silu_gate_scalar(float* out, const float* gate, const float* up, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
}

void gelu_gate_scalar(float* out, const float* gate, const float* up, size_t count) {
  constexpr float kSqrt2OverPi = 0.79788456f;
  for (size_t i = 0; i < count; ++i) {
    const float z = gate[i];
    const float inner = kSqrt2OverPi * (z + 0.044715f * z * z * z);
    out[i] = 0.5f * z * (1 + std::tanh(inner)) * up[i];
  }
}

void softcap_scalar(float* x, float cap, size_t count) {
  for (size_t i = 0; i < count; ++i) x[i] = cap * std::tanh(x[i] / cap);
}

constexpr cpu::Impl<GateFn> kSiluImpls[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = cpu::kAvx512, .run = silu_gate_avx512},
    {.name = "avx2", .needs = cpu::kAvx2, .run = silu_gate_avx2},
#endif
    {.name = "scalar", .needs = cpu::kNone, .run = silu_gate_scalar},
};
constexpr cpu::Impl<GateFn> kGeluImpls[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = cpu::kAvx512, .run = gelu_gate_avx512},
    {.name = "avx2", .needs = cpu::kAvx2, .run = gelu_gate_avx2},
#endif
    {.name = "scalar", .needs = cpu::kNone, .run = gelu_gate_scalar},
};
constexpr cpu::Impl<SoftcapFn> kSoftcapImpls[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = cpu::kAvx512, .run = softcap_avx512},
    {.name = "avx2", .needs = cpu::kAvx2, .run = softcap_avx2},
#endif
    {.name = "scalar", .needs = cpu::kNone, .run = softcap_scalar},
};

// An exponential is worth a few plain operations when work is shared out.
constexpr size_t kCost = 4;

}  // namespace

std::span<const cpu::Impl<GateFn>> silu_gate_impls() { return kSiluImpls; }
std::span<const cpu::Impl<GateFn>> gelu_gate_impls() { return kGeluImpls; }
std::span<const cpu::Impl<SoftcapFn>> softcap_impls() { return kSoftcapImpls; }

void silu_gate(float* out, const float* gate, const float* up, size_t count, ThreadPool& pool) {
  static const auto& impl = cpu::choose(kSiluImpls);
  for_ranges(pool, count, kCost, [&](size_t begin, size_t end) {
    impl.run(out + begin, gate + begin, up + begin, end - begin);
  });
}

void gelu_gate(float* out, const float* gate, const float* up, size_t count, ThreadPool& pool) {
  static const auto& impl = cpu::choose(kGeluImpls);
  for_ranges(pool, count, kCost, [&](size_t begin, size_t end) {
    impl.run(out + begin, gate + begin, up + begin, end - begin);
  });
}

void softcap(float* x, float cap, size_t count, ThreadPool& pool) {
  static const auto& impl = cpu::choose(kSoftcapImpls);
  for_ranges(pool, count, kCost,
             [&](size_t begin, size_t end) { impl.run(x + begin, cap, end - begin); });
}

}  // namespace hearth::llm
