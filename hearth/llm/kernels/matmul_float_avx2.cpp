// Products of f32, f16 and bf16 weights with AVX2 and FMA, in f32 throughout.
#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "hearth/base/error.h"
#include "hearth/llm/kernels/matmul_rows.h"

namespace hearth::llm {
namespace {

using formats::TensorType;

template <TensorType type>
constexpr size_t kElemBytes = type == TensorType::f32 ? 4 : 2;

// Eight weights as f32.
template <TensorType type>
HEARTH_TARGET_AVX2 inline __m256 load_weights(const std::byte* p) {
  if constexpr (type == TensorType::f32) {
    return _mm256_loadu_ps(reinterpret_cast<const float*>(p));
  } else {
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    if constexpr (type == TensorType::f16) return _mm256_cvtph_ps(halves);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
  }
}

// The first `count` (1..7) of eight weights; the rest zero and not read.
template <TensorType type>
HEARTH_TARGET_AVX2 inline __m256 load_some_weights(const std::byte* p, int count) {
  std::byte padded[8 * kElemBytes<type>] = {};
  std::memcpy(padded, p, count * kElemBytes<type>);
  return load_weights<type>(padded);
}

HEARTH_TARGET_AVX2 inline float sum_lanes(__m256 v) {
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}

// kRows rows times kTokens tokens, straight from the file's layout.
template <TensorType type, int kRows, int kTokens>
HEARTH_TARGET_AVX2 void dot_block(const MatmulRows& job, int row, int token) {
  const WeightMatrix& w = *job.weight;
  const std::byte* rows = w.data + row * w.row_bytes;
  const float* x = job.x + size_t(token) * w.cols;
  // A single chain of additions would wait for each of them: four sums take turns. Also where
  // several tokens make several chains, so that each keeps the order it has alone.
  constexpr int kTurns = kRows == 1 ? 4 : 1;
  __m256 sums[kTurns][kRows][kTokens] = {};
  int column = 0;
  for (; column + 8 * kTurns <= w.cols; column += 8 * kTurns) {
    if constexpr (kRows == 1)
      prefetch_ahead<8 * kTurns * kElemBytes<type>>(rows + column * kElemBytes<type>);
#pragma GCC unroll 4
    for (int turn = 0; turn < kTurns; ++turn)
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const int at = column + 8 * turn;
        const __m256 weights = load_weights<type>(rows + r * w.row_bytes + at * kElemBytes<type>);
#pragma GCC unroll 3
        for (int t = 0; t < kTokens; ++t)
          sums[turn][r][t] = _mm256_fmadd_ps(weights, _mm256_loadu_ps(x + size_t(t) * w.cols + at),
                                             sums[turn][r][t]);
      }
  }
  for (; column < w.cols; column += 8) {
    const int count = std::min(8, w.cols - column);
    for (int r = 0; r < kRows; ++r) {
      const std::byte* p = rows + r * w.row_bytes + column * kElemBytes<type>;
      const __m256 weights = count == 8 ? load_weights<type>(p) : load_some_weights<type>(p, count);
      for (int t = 0; t < kTokens; ++t) {
        float values[8] = {};
        std::memcpy(values, x + size_t(t) * w.cols + column, count * sizeof(float));
        sums[0][r][t] = _mm256_fmadd_ps(weights, _mm256_loadu_ps(values), sums[0][r][t]);
      }
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int t = 0; t < kTokens; ++t) {
      __m256 sum = sums[0][r][t];
      for (int turn = 1; turn < kTurns; ++turn) sum = _mm256_add_ps(sum, sums[turn][r][t]);
      job.out[(token + t) * job.out_stride + row + r] = sum_lanes(sum);
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

// Four rows and three tokens at a time: twelve sums, one register for weights and the activations
// in memory. The rows stay in a near cache while all tokens pass.
template <TensorType type, int kTokens>
void dot_tokens(const MatmulRows& job, int row, int rows, int token) {
  if (rows == 4) return dot_block<type, 4, kTokens>(job, row, token);
  for (int r = 0; r < rows; ++r) dot_block<type, 1, kTokens>(job, row + r, token);
}

template <TensorType type>
void float_rows(const MatmulRows& job) {
  if (job.tokens <= kRowwiseTokensMax) return rowwise<type>(job);
  for (int row = job.row_begin; row < job.row_end; row += 4) {
    const int rows = std::min(4, job.row_end - row);
    int token = 0;
    for (; token + 3 <= job.tokens; token += 3) dot_tokens<type, 3>(job, row, rows, token);
    if (job.tokens - token == 2) dot_tokens<type, 2>(job, row, rows, token);
    if (job.tokens - token == 1) dot_tokens<type, 1>(job, row, rows, token);
  }
}

}  // namespace

MatmulRowsFn* matmul_float_rows_avx2(TensorType type) {
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
