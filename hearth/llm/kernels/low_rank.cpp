#include "hearth/llm/kernels/low_rank.h"

#include <algorithm>

#include "hearth/llm/kernels/elementwise_impls.h"

namespace hearth::llm {
namespace {

// Sums that run beside each other: eight registers of SSE, and a fixed order.
constexpr size_t kLanes = 32;
// Columns of `out` that a thread changes at a time: they stay in the first-level cache meanwhile.
constexpr size_t kOutBlock = 512;
// Multiplications worth waking another thread for.
constexpr size_t kWorthAThread = size_t{16} << 10;

float dot_scalar(const float* a, const float* b, size_t count) {
  float lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  for (size_t lane = 0; i < count; ++i, ++lane) lanes[lane] += a[i] * b[i];
  for (size_t half = kLanes / 2; half > 0; half /= 2)
    for (size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  return lanes[0];
}

void add_multiple_scalar(float* x, const float* y, float factor, size_t count) {
  for (size_t i = 0; i < count; ++i) x[i] += factor * y[i];
}

constexpr cpu::Impl<DotFn> kDotImpls[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = cpu::kAvx512, .run = dot_avx512},
    {.name = "avx2", .needs = cpu::kAvx2, .run = dot_avx2},
#endif
    {.name = "scalar", .needs = cpu::kNone, .run = dot_scalar},
};
constexpr cpu::Impl<AddMultipleFn> kAddMultipleImpls[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = cpu::kAvx512, .run = add_multiple_avx512},
    {.name = "avx2", .needs = cpu::kAvx2, .run = add_multiple_avx2},
#endif
    {.name = "scalar", .needs = cpu::kNone, .run = add_multiple_scalar},
};

}  // namespace

std::span<const cpu::Impl<DotFn>> dot_impls() { return kDotImpls; }
std::span<const cpu::Impl<AddMultipleFn>> add_multiple_impls() { return kAddMultipleImpls; }

void project_down(float* inner, const LowRankUpdate& update, const float* x, int tokens,
                  ThreadPool& pool) {
  static const auto& dot = cpu::choose(kDotImpls);
  const size_t rank = update.rank, cols = update.cols;
  const size_t grain = std::max<size_t>(1, kWorthAThread / cols);
  pool.parallel_for(tokens * rank, grain, [&](size_t begin, size_t end, int) {
    for (size_t i = begin; i < end; ++i)
      inner[i] = dot.run(update.a + i % rank * cols, x + i / rank * cols, cols);
  });
}

void add_projected_up(float* out, size_t out_stride, const LowRankUpdate& update,
                      const float* inner, int tokens, float scale, ThreadPool& pool) {
  static const auto& add_multiple = cpu::choose(kAddMultipleImpls);
  const size_t rank = update.rank, rows = update.rows;
  const size_t blocks = (rows + kOutBlock - 1) / kOutBlock;
  const size_t grain = std::max<size_t>(1, kWorthAThread / (rank * kOutBlock));
  pool.parallel_for(tokens * blocks, grain, [&](size_t begin, size_t end, int) {
    for (size_t i = begin; i < end; ++i) {
      const size_t token = i / blocks, first = i % blocks * kOutBlock;
      const size_t count = std::min(kOutBlock, rows - first);
      for (size_t k = 0; k < rank; ++k)
        add_multiple.run(out + token * out_stride + first, update.b + k * update.b_stride + first,
                         scale * inner[token * rank + k], count);
    }
  });
}

}  // namespace hearth::llm
