// The portable products: what any CPU runs, and the plainest form of what the others do.
#include <algorithm>

#include "hearth/llm/kernels/matmul_rows.h"
#include "hearth/llm/kernels/weight_chunk.h"

namespace hearth::llm {
namespace {

template <TensorType type>
float chunk_product(const WeightChunk& w, const ActivationChunk& a) {
  using Traits = WeightTraits<type>;
  float sum = 0;
  for (int group = 0; group < kChunkGroups; ++group) {
    int dot = 0;
    for (int i = 16 * group; i < 16 * group + 16; ++i) dot += w.q[i] * a.q[i];
    dot += Traits::kOffset * a.negative_sum[group];
    const int slot = lane_slot(group);
    sum += w.scale[slot] * a.scale[slot] * static_cast<float>(dot);
    if constexpr (Traits::kHasBias) sum += w.bias[slot] * a.scaled_sum[slot];
  }
  return sum;
}

// Eight sums side by side: shorter chains of rounding, and room for a compiler to vectorise.
float dot_f32(const float* a, const float* b, int count) {
  float sums[8] = {};
  int i = 0;
  for (; i + 8 <= count; i += 8)
    for (int lane = 0; lane < 8; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  for (; i < count; ++i) sums[0] += a[i] * b[i];
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

void float_rows(const MatmulRows& job) {
  constexpr int kPiece = 512;
  const WeightMatrix& w = *job.weight;
  const size_t elem_bytes = formats::info(w.type).block_bytes;
  float piece[kPiece];
  for (int r = job.row_begin; r < job.row_end; ++r)
    for (int begin = 0; begin < w.cols; begin += kPiece) {
      const int count = std::min(kPiece, w.cols - begin);
      const std::byte* bytes = w.data + r * w.row_bytes + begin * elem_bytes;
      formats::dequantize_row(w.type, bytes, {piece, size_t(count)});
      for (int t = 0; t < job.tokens; ++t) {
        float& out = job.out[t * job.out_stride + r];
        out = (begin == 0 ? 0 : out) + dot_f32(piece, job.x + size_t(t) * w.cols + begin, count);
      }
    }
}

template <TensorType type>
void quantized_rows(const MatmulRows& job) {
  const WeightMatrix& w = *job.weight;
  for (int r = job.row_begin; r < job.row_end; ++r) {
    for (int c = 0; c < chunk_count(w.cols); ++c) {
      std::byte tail[kChunkBytes<type>];
      WeightChunk chunk;
      unpack_chunk<type>(chunk, chunk_bytes<type>(w.data + r * w.row_bytes, w.cols, c, tail));
      for (int t = 0; t < job.tokens; ++t) {
        float& out = job.out[t * job.out_stride + r];
        const ActivationChunk& a = job.chunks[c * job.chunk_stride + t];
        out = (c == 0 ? 0 : out) + chunk_product<type>(chunk, a);
      }
    }
  }
}

}  // namespace

MatmulRowsFn* matmul_rows_scalar(TensorType type) {
  if (multiplies_in_f32(type)) return float_rows;
  return with_quantized_type(type, [](auto t) -> MatmulRowsFn* { return quantized_rows<t()>; });
}

}  // namespace hearth::llm
