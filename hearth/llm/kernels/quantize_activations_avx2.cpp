#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <limits>

#include "hearth/llm/kernels/activation_chunk.h"

namespace hearth::llm {
namespace {

HEARTH_TARGET_AVX2 inline float largest_lane(__m256 v) {
  __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  m = _mm_max_ps(m, _mm_movehl_ps(m, m));
  return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

HEARTH_TARGET_AVX2 inline int sum_lanes(__m256i v) {
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1)));
}

// One block of 32, all columns there. To the bit as in quantize_activations.cpp.
HEARTH_TARGET_AVX2 inline void quantize_block(ActivationChunk& chunk, int block, const float* x) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  __m256 values[4], largest = _mm256_setzero_ps(), unordered = _mm256_setzero_ps();
  for (int i = 0; i < 4; ++i) {
    values[i] = _mm256_loadu_ps(x + 8 * i);
    unordered = _mm256_or_ps(unordered, _mm256_cmp_ps(values[i], values[i], _CMP_UNORD_Q));
    largest = _mm256_max_ps(largest, _mm256_andnot_ps(sign, values[i]));
  }
  const float max = largest_lane(largest);
  float inverse = max > std::numeric_limits<float>::min() ? 127.0f / max : 0;
  float scale = inverse == 0 && max <= std::numeric_limits<float>::max() ? 0 : max / 127.0f;
  if (_mm256_movemask_ps(unordered) != 0)
    scale = std::numeric_limits<float>::quiet_NaN(), inverse = 0;
  __m256i q[4];
  for (int i = 0; i < 4; ++i) {
    const __m256 scaled = _mm256_mul_ps(values[i], _mm256_set1_ps(inverse));
    const __m256 fits =
        _mm256_cmp_ps(_mm256_andnot_ps(sign, scaled), _mm256_set1_ps(127.5f), _CMP_LE_OQ);
    q[i] = _mm256_cvtps_epi32(_mm256_and_ps(scaled, fits));
  }
  // Packing interleaves the 128-bit lanes; the permutation puts them back in order.
  const __m256i packed =
      _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
  const __m256i ordered =
      _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_store_si256(reinterpret_cast<__m256i*>(chunk.q + 32 * block), ordered);
  const int sums[2] = {sum_lanes(_mm256_add_epi32(q[0], q[1])),
                       sum_lanes(_mm256_add_epi32(q[2], q[3]))};
  for (int half = 0; half < 2; ++half) {
    const int group = 2 * block + half;
    chunk.scale[lane_slot(group)] = scale;
    chunk.scaled_sum[lane_slot(group)] = scale * static_cast<float>(sums[half]);
    chunk.negative_sum[group] = -sums[half];
  }
  chunk.negative_sum_block[block] = -(sums[0] + sums[1]);
  chunk.scaled_sum_block[block] = scale * static_cast<float>(sums[0] + sums[1]);
}

}  // namespace

HEARTH_TARGET_AVX2 void quantize_activations_avx2(const QuantizeActivations& job) {
  for (int token = job.begin; token < job.end; ++token) {
    const float* x = job.x + size_t(token) * job.cols;
    for (int block = 0; block < 8 * chunk_count(job.cols); ++block) {
      ActivationChunk& chunk = job.chunks[size_t(block / 8) * job.tokens + token];
      const int count = std::clamp(job.cols - 32 * block, 0, 32);
      if (count == 32) {
        quantize_block(chunk, block % 8, x + 32 * block);
        continue;
      }
      float padded[32] = {};
      std::copy_n(x + std::min(job.cols, 32 * block), count, padded);
      quantize_block(chunk, block % 8, padded);
    }
  }
}

}  // namespace hearth::llm
#endif
