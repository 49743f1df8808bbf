// Products of quantised weights with AVX-512 VNNI: dot products row by row for up to
// four tokens, panels of 32 unpacked rows for more.
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
      const std::byte* bytes = chunk_bytes<type>(row, w.cols, c, tail);
      prefetch_ahead<kChunkBytes<type>>(row + c * kChunkBytes<type>);
      const WeightScales512 weight = unpack_scales_avx512<type>(bytes);
      const __m512i q[4] = {
          unpack_quants_avx512<type, 0>(bytes), unpack_quants_avx512<type, 1>(bytes),
          unpack_quants_avx512<type, 2>(bytes), unpack_quants_avx512<type, 3>(bytes)};
      const ActivationChunk* a = job.chunks + c * job.chunk_stride;
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t) {
        const __m512 scale = _mm512_mul_ps(weight.scale, _mm512_load_ps(a[t].scale));
        const __m512 spread[4] = {_mm512_permute_ps(scale, 0x00), _mm512_permute_ps(scale, 0x55),
                                  _mm512_permute_ps(scale, 0xAA), _mm512_permute_ps(scale, 0xFF)};
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
          const __m512i dot =
              _mm512_dpbusd_epi32(_mm512_setzero_si512(), q[i], _mm512_load_si512(a[t].q + 64 * i));
          sums[t][i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), spread[i], sums[t][i]);
        }
        // What the offset or the bias adds to the products of a group: one multiplication each.
        bias_sums[t] = _mm512_fmadd_ps(Traits::kHasBias ? weight.bias : weight.scale,
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

// Where 16 rows begin. Past the last row it is that row again, whose products are not stored.
struct StripRows {
  const std::byte* rows[16];
};

StripRows find_rows(const MatmulRows& job, int row) {
  StripRows strip;
  for (int i = 0; i < 16; ++i)
    strip.rows[i] = job.weight->data + std::min(row + i, job.row_end - 1) * job.weight->row_bytes;
  return strip;
}

// Quants of any type: unpacked row by row, then transposed. A quarter of the chunk at a time, so
// that all sixteen rows stay in registers; what the other quarters need falls away.
template <TensorType type, int kQuarter = 0>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE void store_quants(PanelChunk& panel, int strip,
                                                          const StripRows& from, size_t at) {
  __m512i rows[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) rows[i] = unpack_quants_avx512<type, kQuarter>(from.rows[i] + at);
  transpose_16x16(rows);
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) _mm512_store_si512(panel.q[16 * kQuarter + i][strip], rows[i]);
  if constexpr (kQuarter < 3) store_quants<type, kQuarter + 1>(panel, strip, from, at);
}

// Quants of types that are nibbles and nothing else: transposed while still packed, half the work.
template <TensorType type>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE void store_packed_quants(PanelChunk& panel, int strip,
                                                                 const StripRows& from, size_t at) {
  using Packed = PackedNibbles512<type>;
  for (int half = 0; half < 2; ++half) {
    __m512i rows[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) rows[i] = Packed::load(from.rows[i] + at, half);
    transpose_16x16(rows);
    const __m512i mask = _mm512_set1_epi8(15);
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      const int column = 32 * half + Packed::column(i);
      const __m512i low = _mm512_and_si512(rows[i], mask);
      const __m512i high = _mm512_and_si512(_mm512_srli_epi16(rows[i], 4), mask);
      _mm512_store_si512(panel.q[column][strip], Packed::levels(low));
      _mm512_store_si512(panel.q[column + Packed::kHighColumns][strip], Packed::levels(high));
    }
  }
}

// Unpacks the chunks at byte `at` of 16 rows into strip `strip` of a panel.
template <TensorType type>
HEARTH_TARGET_AVX512_VNNI void unpack_strip(PanelChunk& panel, int strip, const StripRows& from,
                                            size_t at) {
  using Traits = WeightTraits<type>;
  if constexpr (kIsPackedNibbles<type>) {
    store_packed_quants<type>(panel, strip, from, at);
  } else {
    store_quants<type>(panel, strip, from, at);
  }
  __m512i scales[16], biases[16];
  for (int i = 0; i < 16; ++i) {
    const WeightScales512 weight = unpack_scales_avx512<type>(from.rows[i] + at);
    scales[i] = _mm512_castps_si512(weight.scale);
    if constexpr (Traits::kHasBias) biases[i] = _mm512_castps_si512(weight.bias);
  }
  transpose_16x16(scales);
  store_groups<Traits::kGroupElems>(panel.scale, strip, scales);
  if constexpr (Traits::kHasBias) {
    transpose_16x16(biases);
    store_groups<Traits::kGroupElems>(panel.bias, strip, biases);
  }
}

// The last chunk of rows whose columns are no multiple of 256.
template <TensorType type>
void unpack_tail(PanelChunk& panel, int strip, const StripRows& from, int cols) {
  std::byte tails[16][kChunkBytes<type>];
  StripRows padded;
  for (int i = 0; i < 16; ++i)
    padded.rows[i] = chunk_bytes<type>(from.rows[i], cols, chunk_count(cols) - 1, tails[i]);
  unpack_strip<type>(panel, strip, padded, 0);
}

// A few chunks of 32 rows are unpacked into the first-level cache and multiplied with all tokens.
template <TensorType type>
HEARTH_TARGET_AVX512_VNNI void panel_rows(const MatmulRows& job) {
  using Traits = WeightTraits<type>;
  constexpr PanelKind kKind{.has_bias = Traits::kHasBias, .group_elems = Traits::kGroupElems};
  constexpr int kShift = Traits::kOffset == 0 ? 0 : std::countr_zero(unsigned{Traits::kOffset});
  auto* panel = reinterpret_cast<PanelChunk*>(job.panel);
  const int cols = job.weight->cols, chunks = chunk_count(cols);
  for (int row = job.row_begin; row < job.row_end; row += kPanelRows) {
    const StripRows strips[2] = {find_rows(job, row), find_rows(job, row + 16)};
    // While a panel is multiplied, the bytes of the next one are asked for, evenly: rows at a
    // stride are too many streams for a hardware prefetcher, and a burst would fill the miss
    // buffers.
    const bool has_next = row + 2 * kPanelRows <= job.row_end;
    const size_t panel_bytes = kPanelRows * job.weight->row_bytes;
    const std::byte* next = job.weight->data + row * job.weight->row_bytes + panel_bytes;
    for (int c = 0; c < chunks; c += kPanelChunks) {
      const int count = std::min(kPanelChunks, chunks - c);
      for (int strip = 0; strip < 2; ++strip)
        for (int i = 0; i < count; ++i) {
          const size_t at = (c + i) * kChunkBytes<type>;
          if ((c + i + 1) * kChunkElems <= cols) {
            unpack_strip<type>(panel[i], strip, strips[strip], at);
          } else {
            unpack_tail<type>(panel[i], strip, strips[strip], cols);
          }
        }
      multiply_panel<kKind>({.panel = panel,
                             .chunks = count,
                             .offset_shift = kShift,
                             .a = job.chunks + c * job.chunk_stride,
                             .chunk_stride = job.chunk_stride,
                             .out = job.out + row,
                             .out_stride = job.out_stride,
                             .rows = std::min(kPanelRows, job.row_end - row),
                             .tokens = job.tokens,
                             .accumulate = c != 0,
                             .ahead = next + panel_bytes * c / chunks,
                             .ahead_bytes = has_next ? panel_bytes * count / chunks : 0});
    }
  }
}

// Measured on Zen 5: at four tokens rows in place are 1.2 to 1.9 times as fast as panels, because
// they read memory in order; at five panels lead.
template <TensorType type>
void quantized_rows(const MatmulRows& job) {
  switch (job.tokens) {
    case 1:
      return dot_rows<type, 1>(job);
    case 2:
      return dot_rows<type, 2>(job);
    case 3:
      return dot_rows<type, 3>(job);
    case kRowwiseTokensMax:
      return dot_rows<type, kRowwiseTokensMax>(job);
    default:
      return panel_rows<type>(job);
  }
}

}  // namespace

MatmulRowsFn* matmul_rows_avx512(TensorType type) {
  if (multiplies_in_f32(type)) return matmul_float_rows_avx512(type);
  return with_quantized_type(type, [](auto t) -> MatmulRowsFn* { return quantized_rows<t()>; });
}

}  // namespace hearth::llm
#endif
