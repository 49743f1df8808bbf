// Products of quantised weights with AVX-512 VNNI: dot products row by row for one token, panels of
// 32 unpacked rows for more.
#if defined(__x86_64__)
#include <bit>

#include "hearth/llm/kernels/matmul_rows.h"
#include "hearth/llm/kernels/panel_avx512.h"
#include "hearth/llm/kernels/weight_chunk_avx512.h"

namespace hearth::llm {
namespace {

// Row by row, straight from the file's layout: each byte of weights is used once for all tokens.
// Four sums a token, one for each register of a chunk, keep the additions from waiting for each
// other.
template <TensorType type, int kTokens>
HEARTH_TARGET_AVX512_VNNI void dot_rows(const MatmulRows& job) {
  using Traits = WeightTraits<type>;
  const WeightMatrix& w = *job.weight;
  const int chunks = chunk_count(w.cols);
  std::byte tail[kChunkBytes<type>];
  for (int r = job.row_begin; r < job.row_end; ++r) {
    const std::byte* row = w.data + r * w.row_bytes;
    __m512 sums[kTokens][4] = {}, bias_sums[kTokens] = {};
    for (int c = 0; c < chunks; ++c) {
      const WeightChunk512 chunk =
          unpack_chunk_avx512<type>(chunk_bytes<type>(row, w.cols, c, tail));
      const ActivationChunk* a = job.chunks + c * job.chunk_stride;
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
        const __m512 scale = _mm512_mul_ps(chunk.scale, _mm512_load_ps(a[t].scale));
        const __m512 spread[4] = {_mm512_permute_ps(scale, 0x00), _mm512_permute_ps(scale, 0x55),
                                  _mm512_permute_ps(scale, 0xAA), _mm512_permute_ps(scale, 0xFF)};
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
          const __m512i dot = _mm512_dpbusd_epi32(_mm512_setzero_si512(), chunk.q[i],
                                                  _mm512_load_si512(a[t].q + 64 * i));
          sums[t][i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), spread[i], sums[t][i]);
        }
        // What the offset or the bias adds to the products of a group: one multiplication each.
        bias_sums[t] = _mm512_fmadd_ps(Traits::kHasBias ? chunk.bias : chunk.scale,
                                       _mm512_load_ps(a[t].scaled_sum), bias_sums[t]);
      }
    }
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const __m512 products = _mm512_add_ps(_mm512_add_ps(sums[t][0], sums[t][1]),
                                            _mm512_add_ps(sums[t][2], sums[t][3]));
      const __m512 factor = _mm512_set1_ps(Traits::kHasBias ? 1.0f : -float{Traits::kOffset});
      job.out[t * job.out_stride + r] =
          _mm512_reduce_add_ps(_mm512_fmadd_ps(factor, bias_sums[t], products));
    }
  }
}

// Unpacks chunk c of 16 rows into strip `strip` of a panel. Past the last row it repeats that row,
// whose products are not stored.
template <TensorType type>
HEARTH_TARGET_AVX512_VNNI void unpack_strip(PanelChunk& panel, int strip, const MatmulRows& job,
                                            int row, int c) {
  using Traits = WeightTraits<type>;
  const WeightMatrix& w = *job.weight;
  alignas(64) uint8_t q[16][kChunkElems];
  __m512i scales[16], biases[16];
  for (int i = 0; i < 16; ++i) {
    std::byte tail[kChunkBytes<type>];
    const int from = std::min(row + i, job.row_end - 1);
    const std::byte* bytes = w.data + from * w.row_bytes;
    // Thirty-two rows at a stride are too many streams for a hardware prefetcher.
    if (from + kPanelRows < job.row_end)
      for (size_t at = 0; at < kChunkBytes<type>; at += 64)
        _mm_prefetch(reinterpret_cast<const char*>(bytes + kPanelRows * w.row_bytes +
                                                   c * kChunkBytes<type> + at),
                     _MM_HINT_T1);
    const WeightChunk512 chunk =
        unpack_chunk_avx512<type>(chunk_bytes<type>(bytes, w.cols, c, tail));
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) _mm512_store_si512(q[i] + 64 * k, chunk.q[k]);
    scales[i] = _mm512_castps_si512(chunk.scale);
    if constexpr (Traits::kHasBias) biases[i] = _mm512_castps_si512(chunk.bias);
  }
  for (int k = 0; k < 4; ++k) {
    __m512i rows[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) rows[i] = _mm512_load_si512(q[i] + 64 * k);
    transpose_16x16(rows);
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) _mm512_store_si512(panel.q[16 * k + i][strip], rows[i]);
  }
  transpose_16x16(scales);
  store_groups<Traits::kGroupElems>(panel.scale, strip, scales);
  if constexpr (Traits::kHasBias) {
    transpose_16x16(biases);
    store_groups<Traits::kGroupElems>(panel.bias, strip, biases);
  }
}

// A few chunks of 32 rows are unpacked into the first-level cache and multiplied with all tokens.
template <TensorType type>
HEARTH_TARGET_AVX512_VNNI void panel_rows(const MatmulRows& job) {
  using Traits = WeightTraits<type>;
  constexpr PanelKind kKind{.has_bias = Traits::kHasBias, .group_elems = Traits::kGroupElems};
  constexpr int kShift = Traits::kOffset == 0 ? 0 : std::countr_zero(unsigned{Traits::kOffset});
  auto* panel = reinterpret_cast<PanelChunk*>(job.panel);
  const int chunks = chunk_count(job.weight->cols);
  for (int row = job.row_begin; row < job.row_end; row += kPanelRows)
    for (int c = 0; c < chunks; c += kPanelChunks) {
      const int count = std::min(kPanelChunks, chunks - c);
      for (int strip = 0; strip < 2; ++strip)
        for (int i = 0; i < count; ++i)
          unpack_strip<type>(panel[i], strip, job, row + 16 * strip, c + i);
      multiply_panel<kKind>({.panel = panel,
                             .chunks = count,
                             .offset_shift = kShift,
                             .a = job.chunks + c * job.chunk_stride,
                             .chunk_stride = job.chunk_stride,
                             .out = job.out + row,
                             .out_stride = job.out_stride,
                             .rows = std::min(kPanelRows, job.row_end - row),
                             .tokens = job.tokens,
                             .accumulate = c != 0});
    }
}

template <TensorType type>
void quantized_rows(const MatmulRows& job) {
  if (job.tokens == 1) return dot_rows<type, 1>(job);
  panel_rows<type>(job);
}

}  // namespace

MatmulRowsFn* matmul_rows_avx512(TensorType type) {
  if (multiplies_in_f32(type)) return matmul_float_rows_avx512(type);
  return with_quantized_type(type, [](auto t) -> MatmulRowsFn* { return quantized_rows<t()>; });
}

}  // namespace hearth::llm
#endif
