// Plain loops that compilers turn into vector instructions: with a rank of 16 these are under one
// percent of the arithmetic of the matrix they change.
#include "hearth/llm/kernels/low_rank.h"

#include <algorithm>

namespace hearth::llm {
namespace {

// Sums that run beside each other: two registers of AVX-512, eight of SSE, and a fixed order.
constexpr int kLanes = 32;
// Columns of `out` that a thread changes at a time: they stay in the first-level cache meanwhile.
constexpr size_t kOutBlock = 512;
// Multiplications worth waking another thread for.
constexpr size_t kWorthAThread = size_t{16} << 10;

float dot(const float* a, const float* b, int count) {
  float lanes[kLanes] = {};
  int i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  for (int lane = 0; i < count; ++i, ++lane) lanes[lane] += a[i] * b[i];
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  return lanes[0];
}

void add_multiple(float* out, const float* row, float factor, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] += factor * row[i];
}

}  // namespace

void project_down(float* inner, const LowRankUpdate& update, const float* x, int tokens,
                  ThreadPool& pool) {
  const size_t rank = update.rank, cols = update.cols;
  const size_t grain = std::max<size_t>(1, kWorthAThread / cols);
  pool.parallel_for(tokens * rank, grain, [&](size_t begin, size_t end, int) {
    for (size_t i = begin; i < end; ++i)
      inner[i] = dot(update.a + i % rank * cols, x + i / rank * cols, update.cols);
  });
}

void add_projected_up(float* out, size_t out_stride, const LowRankUpdate& update,
                      const float* inner, int tokens, float scale, ThreadPool& pool) {
  const size_t rank = update.rank, rows = update.rows;
  const size_t blocks = (rows + kOutBlock - 1) / kOutBlock;
  const size_t grain = std::max<size_t>(1, kWorthAThread / (rank * kOutBlock));
  pool.parallel_for(tokens * blocks, grain, [&](size_t begin, size_t end, int) {
    for (size_t i = begin; i < end; ++i) {
      const size_t token = i / blocks, first = i % blocks * kOutBlock;
      const size_t count = std::min(kOutBlock, rows - first);
      for (size_t k = 0; k < rank; ++k)
        add_multiple(out + token * out_stride + first, update.b + k * update.b_stride + first,
                     scale * inner[token * rank + k], count);
    }
  });
}

}  // namespace hearth::llm
