#include "hearth/llm/kernels/sums.h"

#include "hearth/llm/kernels/elementwise_impls.h"
#include "hearth/llm/kernels/parallel_ranges.h"

namespace hearth::llm {
namespace {

void add_scalar(float* x, const float* y, size_t count) {
  for (size_t i = 0; i < count; ++i) x[i] += y[i];
}

void scale_scalar(float* x, float factor, size_t count) {
  for (size_t i = 0; i < count; ++i) x[i] *= factor;
}

constexpr cpu::Impl<AddFn> kAddImpls[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = cpu::kAvx512, .run = add_avx512},
    {.name = "avx2", .needs = cpu::kAvx2, .run = add_avx2},
#endif
    {.name = "scalar", .needs = cpu::kNone, .run = add_scalar},
};
constexpr cpu::Impl<ScaleFn> kScaleImpls[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = cpu::kAvx512, .run = scale_avx512},
    {.name = "avx2", .needs = cpu::kAvx2, .run = scale_avx2},
#endif
    {.name = "scalar", .needs = cpu::kNone, .run = scale_scalar},
};

}  // namespace

std::span<const cpu::Impl<AddFn>> add_impls() { return kAddImpls; }
std::span<const cpu::Impl<ScaleFn>> scale_impls() { return kScaleImpls; }

void add(float* x, const float* y, size_t count, ThreadPool& pool) {
  static const auto& impl = cpu::choose(kAddImpls);
  for_ranges(pool, count, 1,
             [&](size_t begin, size_t end) { impl.run(x + begin, y + begin, end - begin); });
}

void add_bias(float* x, const float* bias, int rows, int dim, ThreadPool& pool) {
  static const auto& impl = cpu::choose(kAddImpls);
  for_ranges(pool, rows, dim, [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) impl.run(x + r * dim, bias, dim);
  });
}

void scale(float* x, float factor, size_t count, ThreadPool& pool) {
  static const auto& impl = cpu::choose(kScaleImpls);
  for_ranges(pool, count, 1,
             [&](size_t begin, size_t end) { impl.run(x + begin, factor, end - begin); });
}

}  // namespace hearth::llm
