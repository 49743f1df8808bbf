#include "hearth/llm/kernels/layer_norm.h"

#include <cmath>
#include <numbers>

#include "hearth/llm/kernels/elementwise_impls.h"
#include "hearth/llm/kernels/parallel_ranges.h"

namespace hearth::llm {
namespace {

void layer_norm_scalar(float* out, const float* x, const float* weight, const float* bias, int rows,
                       int dim, float eps) {
  for (int r = 0; r < rows; ++r, x += dim, out += dim) {
    double sum = 0;
    for (int i = 0; i < dim; ++i) sum += x[i];
    const double mean = sum / dim;
    double squares = 0;
    for (int i = 0; i < dim; ++i) squares += (x[i] - mean) * (x[i] - mean);
    const auto factor = static_cast<float>(1 / std::sqrt(squares / dim + eps));
    const auto shift = static_cast<float>(mean);
    for (int i = 0; i < dim; ++i) out[i] = (x[i] - shift) * factor * weight[i] + bias[i];
  }
}

void gelu_erf_scalar(float* x, size_t count) {
  constexpr auto kInverseSqrt2 = static_cast<float>(1 / std::numbers::sqrt2);
  for (size_t i = 0; i < count; ++i) x[i] *= 0.5f * (1 + std::erf(x[i] * kInverseSqrt2));
}

constexpr cpu::Impl<LayerNormFn> kNormImpls[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = cpu::kAvx512, .run = layer_norm_avx512},
    {.name = "avx2", .needs = cpu::kAvx2, .run = layer_norm_avx2},
#endif
    {.name = "scalar", .needs = cpu::kNone, .run = layer_norm_scalar},
};
constexpr cpu::Impl<GeluErfFn> kGeluImpls[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = cpu::kAvx512, .run = gelu_erf_avx512},
    {.name = "avx2", .needs = cpu::kAvx2, .run = gelu_erf_avx2},
#endif
    {.name = "scalar", .needs = cpu::kNone, .run = gelu_erf_scalar},
};

// An exponential, a division and a polynomial, when work is shared out.
constexpr size_t kGeluCost = 6;

}  // namespace

std::span<const cpu::Impl<LayerNormFn>> layer_norm_impls() { return kNormImpls; }
std::span<const cpu::Impl<GeluErfFn>> gelu_erf_impls() { return kGeluImpls; }

void layer_norm(float* out, const float* x, const float* weight, const float* bias, int rows,
                int dim, float eps, ThreadPool& pool) {
  static const auto& impl = cpu::choose(kNormImpls);
  for_ranges(pool, rows, dim, [&](size_t begin, size_t end) {
    const size_t first = begin * dim;
    impl.run(out + first, x + first, weight, bias, static_cast<int>(end - begin), dim, eps);
  });
}

void gelu_erf(float* x, size_t count, ThreadPool& pool) {
  static const auto& impl = cpu::choose(kGeluImpls);
  for_ranges(pool, count, kGeluCost,
             [&](size_t begin, size_t end) { impl.run(x + begin, end - begin); });
}

}  // namespace hearth::llm
