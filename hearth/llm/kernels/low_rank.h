// What a low-rank adapter adds to a matrix product (Hu et al. 2021, arXiv:2106.09685, eq. 3):
// W x + scale * B (A x), in two thin products.
#pragma once
#include <cstddef>

#include "hearth/compute/thread_pool.h"

namespace hearth::llm {

/// The largest rank that buffers are made for. Adapters in use have 4 to 256.
inline constexpr int kLowRankMax = 1024;

/// The change B A of a matrix [rows, cols], B transposed, so that both halves are read along their
/// rows. Not owned.
struct LowRankUpdate {
  const float* a = nullptr;  // [rank, cols]
  const float* b = nullptr;  // [rank, b_stride], of which columns [0, rows) are meant
  size_t b_stride = 0;       // >= rows
  int rank = 0;              // at most kLowRankMax
  int rows = 0;
  int cols = 0;
};

/// inner[t][k] = sum_c a[k][c] * x[t][c]
///
///   x      [tokens, cols] f32
///   inner  [tokens, rank] f32, overlapping nothing
///
/// f32 sums in an order that depends on nothing but cols: a row's bits are the same in every call.
void project_down(float* inner, const LowRankUpdate& update, const float* x, int tokens,
                  ThreadPool& pool);

/// out[t][r] += scale * sum_k b[k][r] * inner[t][k]
///
///   inner  [tokens, rank] f32
///   out    [tokens, out_stride] f32; columns [0, rows) are changed
///
/// The bits of a row are the same in every call.
void add_projected_up(float* out, size_t out_stride, const LowRankUpdate& update,
                      const float* inner, int tokens, float scale, ThreadPool& pool);

}  // namespace hearth::llm
