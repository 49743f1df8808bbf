#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <limits>

#include "hearth/llm/kernels/activation_chunk.h"

namespace hearth::llm {
namespace {

// Two registers of a block; columns past the end read as zero.
HEARTH_TARGET_AVX512 inline void load_block(__m512 (&x)[2], const float* from, int count) {
  for (int half = 0; half < 2; ++half) {
    const int left = std::clamp(count - 16 * half, 0, 16);
    x[half] = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << left) - 1), from + 16 * half);
  }
}

HEARTH_TARGET_AVX512 inline void quantize_block(ActivationChunk& chunk, int block,
                                                const float* from, int count) {
  __m512 x[2];
  load_block(x, from, count);
  const float largest =
      _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(x[0]), _mm512_abs_ps(x[1])));
  const bool is_number = _mm512_cmp_ps_mask(x[0], x[1], _CMP_UNORD_Q) == 0;
  // As in quantize_activations.cpp, to the bit.
  float inverse = largest > std::numeric_limits<float>::min() ? 127.0f / largest : 0;
  float scale = inverse == 0 && largest <= std::numeric_limits<float>::max() ? 0 : largest / 127.0f;
  if (!is_number) scale = std::numeric_limits<float>::quiet_NaN(), inverse = 0;
  int sums[2];
  for (int half = 0; half < 2; ++half) {
    const __m512 scaled = _mm512_mul_ps(x[half], _mm512_set1_ps(inverse));
    // A masked conversion keeps 0 for what is not a number: infinity times zero.
    const __mmask16 fits =
        _mm512_cmp_ps_mask(_mm512_abs_ps(scaled), _mm512_set1_ps(127.5f), _CMP_LE_OQ);
    const __m512i q = _mm512_maskz_cvtps_epi32(fits, scaled);
    _mm_store_si128(reinterpret_cast<__m128i*>(chunk.q + 32 * block + 16 * half),
                    _mm512_cvtsepi32_epi8(q));
    sums[half] = _mm512_reduce_add_epi32(q);
    const int group = 2 * block + half;
    chunk.scale[lane_slot(group)] = scale;
    chunk.scaled_sum[lane_slot(group)] = scale * static_cast<float>(sums[half]);
    chunk.negative_sum[group] = -sums[half];
  }
  chunk.negative_sum_block[block] = -(sums[0] + sums[1]);
  chunk.scaled_sum_block[block] = scale * static_cast<float>(sums[0] + sums[1]);
}

}  // namespace

HEARTH_TARGET_AVX512 void quantize_activations_avx512(const QuantizeActivations& job) {
  for (int token = job.begin; token < job.end; ++token) {
    const float* x = job.x + size_t(token) * job.cols;
    for (int block = 0; block < 8 * chunk_count(job.cols); ++block) {
      ActivationChunk& chunk = job.chunks[size_t(block / 8) * job.tokens + token];
      quantize_block(chunk, block % 8, x + 32 * block, std::clamp(job.cols - 32 * block, 0, 32));
    }
  }
}

}  // namespace hearth::llm
#endif
