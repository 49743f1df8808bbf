// Products of quantised weights with AVX2: the same two ways as with AVX-512, in 256 bits and
// without VNNI.
//
// VPMADDUBSW multiplies unsigned by signed bytes and adds pairs into 16 bits. Quants up to 63 leave
// room there for two or more pairs; those up to 255 go through their magnitude, with the sign moved
// to the activation, and are widened at once.
#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <bit>

#include "hearth/llm/kernels/matmul_rows.h"
#include "hearth/llm/kernels/weight_chunk_avx2.h"

namespace hearth::llm {
namespace {

// What of a weight type the inner loops depend on.
struct Kind {
  bool has_bias;
  bool is_signed;   // quants are q - 128: products through the sign
  int group_elems;  // 16 or 32
  int pairs_max;    // products of four columns that fit 16 bits: 1, 2, 4 or 8
  int offset;       // subtracted from every quant; 0 where has_bias or is_signed
};

template <TensorType type>
constexpr Kind kind_of() {
  using Traits = WeightTraits<type>;
  constexpr bool kSigned = Traits::kOffset == 128;
  constexpr int kPairs = kSigned ? 1 : 32767 / (Traits::kQuantMax * 127 * 2);
  return {.has_bias = Traits::kHasBias,
          .is_signed = kSigned,
          .group_elems = Traits::kGroupElems,
          .pairs_max = std::min(8, static_cast<int>(std::bit_floor(unsigned{kPairs}))),
          .offset = kSigned ? 0 : Traits::kOffset};
}

// Pairs of products in 16 bits.
template <Kind kKind>
HEARTH_TARGET_AVX2 HEARTH_INLINE __m256i pair_products(__m256i w, __m256i a) {
  if constexpr (kKind.is_signed)
    return _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(a, w));
  return _mm256_maddubs_epi16(w, a);
}

HEARTH_TARGET_AVX2 HEARTH_INLINE __m256i load(const void* p) {
  return _mm256_load_si256(static_cast<const __m256i*>(p));
}

template <TensorType type>
HEARTH_TARGET_AVX2 HEARTH_INLINE void unpack_signed_too(WeightChunk& chunk,
                                                        const std::byte* bytes) {
  unpack_chunk_avx2<type>(chunk, bytes);
  if constexpr (kind_of<type>().is_signed)
    for (uint8_t& q : chunk.q) q ^= 0x80;
}

HEARTH_TARGET_AVX2 HEARTH_INLINE float sum_lanes(__m256 v) {
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}

// Products of one chunk of one row with one token, added to two sums.
template <TensorType type>
HEARTH_TARGET_AVX2 HEARTH_INLINE void add_chunk(__m256 (&sums)[2], const WeightChunk& w,
                                                const ActivationChunk& a) {
  constexpr Kind kKind = kind_of<type>();
  alignas(32) float scales[kChunkGroups];
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const __m256 scale = _mm256_load_ps(w.scale + 8 * i);
    _mm256_store_ps(scales + 8 * i, _mm256_mul_ps(scale, _mm256_load_ps(a.scale + 8 * i)));
    const __m256 factor = kKind.has_bias
                              ? _mm256_load_ps(w.bias + 8 * i)
                              : _mm256_mul_ps(scale, _mm256_set1_ps(-float{kKind.offset}));
    if constexpr (kKind.has_bias || kKind.offset != 0)
      sums[i] = _mm256_fmadd_ps(factor, _mm256_load_ps(a.scaled_sum + 8 * i), sums[i]);
  }
#pragma GCC unroll 8
  for (int block = 0; block < 8; ++block) {
    const __m256i pairs = pair_products<kKind>(load(w.q + 32 * block), load(a.q + 32 * block));
    const __m256i dots = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
    // The low lane is the block's first group, the high lane its second.
    __m256 scale = _mm256_broadcast_ss(&scales[lane_slot(2 * block)]);
    if constexpr (kKind.group_elems == 16)
      scale = _mm256_blend_ps(scale, _mm256_broadcast_ss(&scales[lane_slot(2 * block + 1)]), 0xF0);
    sums[block % 2] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots), scale, sums[block % 2]);
  }
}

template <TensorType type, int kTokens>
HEARTH_TARGET_AVX2 void dot_rows(const MatmulRows& job) {
  const WeightMatrix& w = *job.weight;
  std::byte tail[kChunkBytes<type>];
  for (int r = job.row_begin; r < job.row_end; ++r) {
    const std::byte* row = w.data + r * w.row_bytes;
    __m256 sums[kTokens][2] = {};
    for (int c = 0; c < chunk_count(w.cols); ++c) {
      prefetch_ahead<kChunkBytes<type>>(row + c * kChunkBytes<type>);
      WeightChunk chunk;
      unpack_signed_too<type>(chunk, chunk_bytes<type>(row, w.cols, c, tail));
#pragma GCC unroll 4
      for (int t = 0; t < kTokens; ++t)
        add_chunk<type>(sums[t], chunk, job.chunks[c * job.chunk_stride + t]);
    }
    for (int t = 0; t < kTokens; ++t)
      job.out[t * job.out_stride + r] = sum_lanes(_mm256_add_ps(sums[t][0], sums[t][1]));
  }
}

// One chunk of 16 rows: a register holds 4 consecutive columns of 8 rows (a strip).
constexpr int kStripRows = 8, kPanelStrips = 2, kRows = kStripRows * kPanelStrips;
constexpr int kPanelChunks = 4;
struct alignas(64) PanelChunk {
  uint8_t q[kChunkElems / 4][kPanelStrips][32];  // [column / 4, strip, row and column % 4]
  float scale[kChunkGroups][kRows];              // [lane slot, row]
  float bias[kChunkGroups][kRows];
};
static_assert(kPanelChunks * sizeof(PanelChunk) <= kPanelBytes);

// rows[i] element j <-> rows[j] element i, of 32 bits.
HEARTH_TARGET_AVX2 HEARTH_INLINE void transpose_8x8(__m256i (&rows)[8]) {
  __m256i pairs[8], quads[8];
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_epi32(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_epi32(rows[i], rows[i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4)
#pragma GCC unroll 2
    for (int k = 0; k < 2; ++k) {
      quads[i + 2 * k] = _mm256_unpacklo_epi64(pairs[i + k], pairs[i + 2 + k]);
      quads[i + 2 * k + 1] = _mm256_unpackhi_epi64(pairs[i + k], pairs[i + 2 + k]);
    }
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    rows[j] = _mm256_permute2x128_si256(quads[j], quads[4 + j], 0x20);
    rows[4 + j] = _mm256_permute2x128_si256(quads[j], quads[4 + j], 0x31);
  }
}

template <TensorType type>
HEARTH_TARGET_AVX2 void unpack_strip(PanelChunk& panel, int strip, const MatmulRows& job, int row,
                                     int c) {
  const WeightMatrix& w = *job.weight;
  WeightChunk chunks[kStripRows];
  std::byte tail[kChunkBytes<type>];
  for (int i = 0; i < kStripRows; ++i) {
    const std::byte* from = w.data + std::min(row + i, job.row_end - 1) * w.row_bytes;
    unpack_signed_too<type>(chunks[i], chunk_bytes<type>(from, w.cols, c, tail));
    for (int slot = 0; slot < kChunkGroups; ++slot) {
      panel.scale[slot][strip * kStripRows + i] = chunks[i].scale[slot];
      if (WeightTraits<type>::kHasBias)
        panel.bias[slot][strip * kStripRows + i] = chunks[i].bias[slot];
    }
  }
  for (int block = 0; block < 8; ++block) {
    __m256i rows[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) rows[i] = load(chunks[i].q + 32 * block);
    transpose_8x8(rows);
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i)
      _mm256_store_si256(reinterpret_cast<__m256i*>(panel.q[8 * block + i][strip]), rows[i]);
  }
}

struct PanelProduct {
  const PanelChunk* panel;
  int chunks;
  const ActivationChunk* a;  // of the first token and chunk
  size_t chunk_stride;
  float* out;
  size_t out_stride;
  int rows;
  bool accumulate;
};

HEARTH_TARGET_AVX2 HEARTH_INLINE __m256i spread_four(const int8_t* q) {
  int32_t four;
  std::memcpy(&four, q, 4);
  return _mm256_set1_epi32(four);
}

// Integer products of one group, 16 rows and kTokens tokens.
template <Kind kKind, int kTokens>
HEARTH_TARGET_AVX2 HEARTH_INLINE void multiply_group(__m256i (&dots)[kTokens][kPanelStrips],
                                                     const PanelChunk& w, const ActivationChunk* a,
                                                     int group) {
  constexpr int kSteps = kKind.group_elems / 4, kPairs = std::min(kKind.pairs_max, kSteps);
#pragma GCC unroll 8
  for (int step = 0; step < kSteps; step += kPairs) {
    __m256i pairs[kTokens][kPanelStrips];
#pragma GCC unroll 8
    for (int k = 0; k < kPairs; ++k) {
      const int column = group * kSteps + step + k;
#pragma GCC unroll 3
      for (int t = 0; t < kTokens; ++t) {
        const __m256i four = spread_four(a[t].q + 4 * column);
#pragma GCC unroll 2
        for (int s = 0; s < kPanelStrips; ++s) {
          const __m256i products = pair_products<kKind>(load(w.q[column][s]), four);
          pairs[t][s] = k == 0 ? products : _mm256_add_epi16(pairs[t][s], products);
        }
      }
    }
#pragma GCC unroll 3
    for (int t = 0; t < kTokens; ++t)
#pragma GCC unroll 2
      for (int s = 0; s < kPanelStrips; ++s)
        dots[t][s] =
            _mm256_add_epi32(dots[t][s], _mm256_madd_epi16(pairs[t][s], _mm256_set1_epi16(1)));
  }
}

HEARTH_TARGET_AVX2 HEARTH_INLINE void store_rows(float* out, __m256 sum, int rows,
                                                 bool accumulate) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(rows), lanes);
  if (accumulate) sum = _mm256_add_ps(sum, _mm256_maskload_ps(out, mask));
  _mm256_maskstore_ps(out, mask, sum);
}

template <Kind kKind, int kTokens>
HEARTH_TARGET_AVX2 void multiply_tokens(const PanelProduct& job, int token) {
  constexpr int kGroups = kChunkElems / kKind.group_elems;
  __m256 sums[kTokens][kPanelStrips] = {};
  for (int c = 0; c < job.chunks; ++c) {
    const PanelChunk& w = job.panel[c];
    const ActivationChunk* a = job.a + c * job.chunk_stride + token;
    for (int group = 0; group < kGroups; ++group) {
      const int slot = lane_slot(group * (kChunkGroups / kGroups));
      __m256i dots[kTokens][kPanelStrips];
#pragma GCC unroll 3
      for (int t = 0; t < kTokens; ++t) {
        const int sum = kGroups == 8 ? a[t].negative_sum_block[group] : a[t].negative_sum[group];
        dots[t][0] = dots[t][1] = _mm256_set1_epi32(kKind.offset * sum);
      }
      multiply_group<kKind, kTokens>(dots, w, a, group);
#pragma GCC unroll 3
      for (int t = 0; t < kTokens; ++t) {
        const __m256 scale = _mm256_broadcast_ss(&a[t].scale[slot]);
        const float* sum = kGroups == 8 ? &a[t].scaled_sum_block[group] : &a[t].scaled_sum[slot];
#pragma GCC unroll 2
        for (int s = 0; s < kPanelStrips; ++s) {
          const __m256 both = _mm256_mul_ps(_mm256_load_ps(w.scale[slot] + 8 * s), scale);
          sums[t][s] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[t][s]), both, sums[t][s]);
          if constexpr (kKind.has_bias)
            sums[t][s] = _mm256_fmadd_ps(_mm256_load_ps(w.bias[slot] + 8 * s),
                                         _mm256_broadcast_ss(sum), sums[t][s]);
        }
      }
    }
  }
  for (int t = 0; t < kTokens; ++t)
    for (int s = 0; s < kPanelStrips; ++s)
      store_rows(job.out + (token + t) * job.out_stride + 8 * s, sums[t][s], job.rows - 8 * s,
                 job.accumulate);
}

template <TensorType type>
void panel_rows(const MatmulRows& job) {
  constexpr int kTokensMax = 3;
  constexpr decltype(&multiply_tokens<kind_of<type>(), 1>) kMultiply[] = {
      multiply_tokens<kind_of<type>(), 1>, multiply_tokens<kind_of<type>(), 2>,
      multiply_tokens<kind_of<type>(), 3>};
  auto* panel = reinterpret_cast<PanelChunk*>(job.panel);
  const int chunks = chunk_count(job.weight->cols);
  for (int row = job.row_begin; row < job.row_end; row += kRows)
    for (int c = 0; c < chunks; c += kPanelChunks) {
      const int count = std::min(kPanelChunks, chunks - c);
      for (int i = 0; i < count; ++i)
        for (int s = 0; s < kPanelStrips; ++s)
          unpack_strip<type>(panel[i], s, job, row + s * kStripRows, c + i);
      const PanelProduct product{.panel = panel,
                                 .chunks = count,
                                 .a = job.chunks + c * job.chunk_stride,
                                 .chunk_stride = job.chunk_stride,
                                 .out = job.out + row,
                                 .out_stride = job.out_stride,
                                 .rows = job.row_end - row,
                                 .accumulate = c != 0};
      for (int token = 0; token < job.tokens; token += kTokensMax)
        kMultiply[std::min(kTokensMax, job.tokens - token) - 1](product, token);
    }
}

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

MatmulRowsFn* matmul_rows_avx2(TensorType type) {
  if (multiplies_in_f32(type)) return matmul_float_rows_avx2(type);
  return with_quantized_type(type, [](auto t) -> MatmulRowsFn* { return quantized_rows<t()>; });
}

}  // namespace hearth::llm
#endif
