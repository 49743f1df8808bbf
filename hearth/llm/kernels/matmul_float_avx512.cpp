// Products of f32, f16 and bf16 weights with AVX-512, in f32 throughout.
#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>

#include "hearth/base/error.h"
#include "hearth/llm/kernels/matmul_rows.h"
#include "hearth/llm/kernels/panel_avx512.h"

namespace hearth::llm {
namespace {

using formats::TensorType;

// Sixteen weights as f32; those whose bit of the mask is clear are zero and not read.
template <TensorType type>
HEARTH_TARGET_AVX512 inline __m512 load_weights(const std::byte* row, int column, __mmask16 mask) {
  if constexpr (type == TensorType::f32) {
    return _mm512_maskz_loadu_ps(mask, row + size_t{4} * column);
  } else {
    const __m256i halves = _mm256_maskz_loadu_epi16(mask, row + size_t{2} * column);
    if constexpr (type == TensorType::f16) return _mm512_cvtph_ps(halves);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
  }
}

HEARTH_TARGET_AVX512 inline __mmask16 first_lanes(int count) {
  return static_cast<__mmask16>((1u << std::clamp(count, 0, 16)) - 1);
}

// kRows rows times kTokens tokens, straight from the file's layout.
template <TensorType type, int kRows, int kTokens>
HEARTH_TARGET_AVX512 void dot_block(const MatmulRows& job, int row, int token) {
  const WeightMatrix& w = *job.weight;
  const std::byte* rows = w.data + row * w.row_bytes;
  const float* x = job.x + size_t(token) * w.cols;
  // One row and one token alone would wait for each addition: four sums take turns. Also where
  // several tokens make several chains, so that each keeps the order it has alone.
  constexpr int kTurns = kRows == 1 ? 4 : 1;
  constexpr size_t kElemBytes = type == TensorType::f32 ? 4 : 2;
  __m512 sums[kTurns][kRows][kTokens] = {};
  const auto step = [&](int column, __mmask16 mask, int turn) HEARTH_TARGET_AVX512
      __attribute__((always_inline)) {
    __m512 weights[kRows];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r)
      weights[r] = load_weights<type>(rows + r * w.row_bytes, column, mask);
#pragma GCC unroll 6
    for (int t = 0; t < kTokens; ++t) {
      const __m512 values = _mm512_maskz_loadu_ps(mask, x + size_t(t) * w.cols + column);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r)
        sums[turn][r][t] = _mm512_fmadd_ps(weights[r], values, sums[turn][r][t]);
    }
  };
  int column = 0;
  for (; column + 16 * kTurns <= w.cols; column += 16 * kTurns) {
    if constexpr (kRows == 1) prefetch_ahead<16 * kTurns * kElemBytes>(rows + column * kElemBytes);
#pragma GCC unroll 4
    for (int turn = 0; turn < kTurns; ++turn) step(column + 16 * turn, 0xFFFF, turn);
  }
  for (; column < w.cols; column += 16) step(column, first_lanes(w.cols - column), 0);
#pragma GCC unroll 6
  for (int t = 0; t < kTokens; ++t)
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      __m512 sum = sums[0][r][t];
#pragma GCC unroll 3
      for (int turn = 1; turn < kTurns; ++turn) sum = _mm512_add_ps(sum, sums[turn][r][t]);
      job.out[(token + t) * job.out_stride + row + r] = _mm512_reduce_add_ps(sum);
    }
}

// Row by row, two tokens at a time: their activations stay in the first-level cache beside a row,
// which those of four do not, and the next two find the rows of the piece in the second level.
template <TensorType type>
void rowwise(const MatmulRows& job) {
  for (int token = 0; token < job.tokens; token += 2)
    for (int row = job.row_begin; row < job.row_end; ++row)
      if (token + 1 < job.tokens)
        dot_block<type, 1, 2>(job, row, token);
      else
        dot_block<type, 1, 1>(job, row, token);
}

template <TensorType type, int kTokens>
void dot_tokens(const MatmulRows& job, int token, int row, int rows) {
  if (kTokens > 1 && rows == 4) return dot_block<type, 4, kTokens>(job, row, token);
  for (int r = 0; r < rows; ++r) dot_block<type, 1, kTokens>(job, row + r, token);
}

template <TensorType type>
void dot_rows(const MatmulRows& job) {
  constexpr decltype(&dot_tokens<type, 1>) kTokens[] = {dot_tokens<type, 1>, dot_tokens<type, 2>,
                                                        dot_tokens<type, 3>, dot_tokens<type, 4>,
                                                        dot_tokens<type, 5>, dot_tokens<type, 6>};
  const int groups = (job.tokens + 5) / 6;
  for (int row = job.row_begin; row < job.row_end; row += 4)
    for (int g = 0, token = 0; g < groups; ++g) {
      const int count = (job.tokens - token + groups - g - 1) / (groups - g);
      kTokens[count - 1](job, token, row, std::min(4, job.row_end - row));
      token += count;
    }
}

// 32 rows of weights as f32: [column, row]. 32 KiB: with the activations beside it this is a
// first-level cache.
constexpr int kPanelColumns = 256;
struct alignas(64) FloatPanel {
  float weights[kPanelColumns][kPanelRows];
};
static_assert(sizeof(FloatPanel) <= kPanelBytes);

template <TensorType type>
HEARTH_TARGET_AVX512 void unpack_panel(FloatPanel& panel, const MatmulRows& job, int row,
                                       int column, int columns) {
  const WeightMatrix& w = *job.weight;
  for (int strip = 0; strip < 2; ++strip)
    for (int c = 0; c < columns; c += 16) {
      const __mmask16 mask = first_lanes(columns - c);
      __m512i rows[16];
#pragma GCC unroll 16
      for (int r = 0; r < 16; ++r) {
        const int from = std::min(row + 16 * strip + r, job.row_end - 1);
        rows[r] =
            _mm512_castps_si512(load_weights<type>(w.data + from * w.row_bytes, column + c, mask));
      }
      transpose_16x16(rows);
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) _mm512_store_si512(panel.weights[c + i] + 16 * strip, rows[i]);
    }
}

struct FloatTokens {
  const float* x;  // of the first token and column
  size_t x_stride;
  int columns;
  float* out;  // of the first token and row
  size_t out_stride;
  __mmask32 stored;
  bool accumulate;
};

// kTokens tokens times 32 rows: up to 24 sums in registers, weights from the panel, activations
// broadcast.
template <int kTokens>
HEARTH_TARGET_AVX512 void multiply_tokens(const FloatPanel& panel, const FloatTokens& job) {
  // Rows of out lie a power of two apart, which caches dislike: asked for now, they have come when
  // the sums have.
#pragma GCC unroll 12
  for (int t = 0; t < kTokens; ++t) {
    __builtin_prefetch(job.out + t * job.out_stride, 1);
    __builtin_prefetch(job.out + t * job.out_stride + 16, 1);
  }
  __m512 sums[kTokens][2] = {};
  // Every third token has a pointer; those between are reached by index: that spares registers.
  const float* x[(kTokens + 2) / 3];
#pragma GCC unroll 4
  for (int i = 0; i < (kTokens + 2) / 3; ++i) x[i] = job.x + 3 * i * job.x_stride;
  for (int c = 0; c < job.columns; ++c) {
    const __m512 w0 = _mm512_load_ps(panel.weights[c]), w1 = _mm512_load_ps(panel.weights[c] + 16);
#pragma GCC unroll 12
    for (int t = 0; t < kTokens; ++t) {
      const __m512 value = _mm512_set1_ps(x[t / 3][t % 3 * job.x_stride + c]);
      sums[t][0] = _mm512_fmadd_ps(w0, value, sums[t][0]);
      sums[t][1] = _mm512_fmadd_ps(w1, value, sums[t][1]);
    }
  }
#pragma GCC unroll 12
  for (int t = 0; t < kTokens; ++t)
#pragma GCC unroll 2
    for (int strip = 0; strip < 2; ++strip) {
      const auto mask = static_cast<__mmask16>(job.stored >> (16 * strip));
      float* out = job.out + t * job.out_stride + 16 * strip;
      __m512 sum = sums[t][strip];
      if (job.accumulate) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, out));
      _mm512_mask_storeu_ps(out, mask, sum);
    }
}

constexpr decltype(&multiply_tokens<1>) kMultiplyTokens[] = {
    multiply_tokens<1>, multiply_tokens<2>,  multiply_tokens<3>,  multiply_tokens<4>,
    multiply_tokens<5>, multiply_tokens<6>,  multiply_tokens<7>,  multiply_tokens<8>,
    multiply_tokens<9>, multiply_tokens<10>, multiply_tokens<11>, multiply_tokens<12>};

template <TensorType type>
void panel_rows(const MatmulRows& job) {
  constexpr int kTokensMax = 12;
  const int cols = job.weight->cols;
  auto& panel = *reinterpret_cast<FloatPanel*>(job.panel);
  const int groups = (job.tokens + kTokensMax - 1) / kTokensMax;
  for (int row = job.row_begin; row < job.row_end; row += kPanelRows)
    for (int column = 0; column < cols; column += kPanelColumns) {
      const int columns = std::min(kPanelColumns, cols - column);
      unpack_panel<type>(panel, job, row, column, columns);
      const int rows = std::min(kPanelRows, job.row_end - row);
      for (int g = 0, token = 0; g < groups; ++g) {
        const int count = (job.tokens - token + groups - g - 1) / (groups - g);
        kMultiplyTokens[count - 1](panel, {.x = job.x + size_t(token) * cols + column,
                                           .x_stride = size_t(cols),
                                           .columns = columns,
                                           .out = job.out + token * job.out_stride + row,
                                           .out_stride = job.out_stride,
                                           .stored = rows == 32 ? ~0u : (1u << rows) - 1,
                                           .accumulate = column != 0});
        token += count;
      }
    }
}

// Up to here reading the weights in place costs less than unpacking them.
constexpr int kDotTokensMax = 12;

template <TensorType type>
void float_rows(const MatmulRows& job) {
  if (job.tokens <= kRowwiseTokensMax) return rowwise<type>(job);
  if (job.tokens <= kDotTokensMax) return dot_rows<type>(job);
  panel_rows<type>(job);
}

}  // namespace

MatmulRowsFn* matmul_float_rows_avx512(TensorType type) {
  switch (type) {
    case TensorType::f32:
      return float_rows<TensorType::f32>;
    case TensorType::f16:
      return float_rows<TensorType::f16>;
    case TensorType::bf16:
      return float_rows<TensorType::bf16>;
    default:
      HEARTH_CHECK(!"not a float weight type");
      return nullptr;
  }
}

}  // namespace hearth::llm
#endif
