#include "hearth/llm/kernels/rms_norm.h"

#include <cmath>

#include "hearth/llm/kernels/elementwise_impls.h"
#include "hearth/llm/kernels/parallel_ranges.h"

namespace hearth::llm {
namespace {

void rms_norm_scalar(float* out, const float* x, const float* weight, int rows, int dim,
                     float eps) {
  for (int r = 0; r < rows; ++r, x += dim, out += dim) {
    double sum = 0;
    for (int i = 0; i < dim; ++i) sum += static_cast<double>(x[i]) * x[i];
    const auto factor = static_cast<float>(1 / std::sqrt(sum / dim + eps));
    for (int i = 0; i < dim; ++i) out[i] = x[i] * factor * weight[i];
  }
}

constexpr cpu::Impl<RmsNormFn> kImpls[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = cpu::kAvx512, .run = rms_norm_avx512},
    {.name = "avx2", .needs = cpu::kAvx2, .run = rms_norm_avx2},
#endif
    {.name = "scalar", .needs = cpu::kNone, .run = rms_norm_scalar},
};

}  // namespace

std::span<const cpu::Impl<RmsNormFn>> rms_norm_impls() { return kImpls; }

void rms_norm(float* out, const float* x, const float* weight, int rows, int dim, float eps,
              ThreadPool& pool) {
  static const auto& impl = cpu::choose(kImpls);
  for_ranges(pool, rows, dim, [&](size_t begin, size_t end) {
    const size_t first = begin * dim;
    impl.run(out + first, x + first, weight, static_cast<int>(end - begin), dim, eps);
  });
}

}  // namespace hearth::llm
