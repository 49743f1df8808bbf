#include <algorithm>
#include <cmath>
#include <limits>

#include "hearth/llm/kernels/activation_chunk.h"

namespace hearth::llm {
namespace {

// The scale of a block of 32 and its inverse; zero for a block of zeros.
struct BlockScale {
  float scale, inverse;
};

BlockScale block_scale(const float* x, int count) {
  float largest = 0;
  bool is_number = true;
  for (int i = 0; i < count; ++i) {
    largest = std::max(largest, std::fabs(x[i]));
    is_number &= x[i] == x[i];
  }
  if (!is_number) return {std::numeric_limits<float>::quiet_NaN(), 0};
  // A quotient of two floats near the subnormals could overflow: such a block counts as zero.
  const float inverse = largest > std::numeric_limits<float>::min() ? 127.0f / largest : 0;
  return {inverse == 0 && std::isfinite(largest) ? 0 : largest / 127.0f, inverse};
}

void quantize_block(ActivationChunk& chunk, int block, const float* x, int count) {
  const BlockScale s = block_scale(x, count);
  int8_t* q = chunk.q + 32 * block;
  for (int i = 0; i < 32; ++i) {
    const float scaled = i < count && s.inverse != 0 ? x[i] * s.inverse : 0;
    // The comparison also stops what is not a number, before a conversion that would be undefined.
    q[i] = std::fabs(scaled) <= 127.5f ? static_cast<int8_t>(std::nearbyintf(scaled)) : 0;
  }
  int sum_block = 0;
  for (int half = 0; half < 2; ++half) {
    const int group = 2 * block + half;
    int sum = 0;
    for (int i = 0; i < 16; ++i) sum += q[16 * half + i];
    chunk.scale[lane_slot(group)] = s.scale;
    chunk.scaled_sum[lane_slot(group)] = s.scale * static_cast<float>(sum);
    chunk.negative_sum[group] = -sum;
    sum_block += sum;
  }
  chunk.negative_sum_block[block] = -sum_block;
  chunk.scaled_sum_block[block] = s.scale * static_cast<float>(sum_block);
}

constexpr cpu::Impl<QuantizeActivationsFn> kImpls[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = cpu::kAvx512, .run = quantize_activations_avx512},
    {.name = "avx2", .needs = cpu::kAvx2, .run = quantize_activations_avx2},
// AVX2
#endif
    {.name = "scalar", .needs = cpu::kNone, .run = quantize_activations_scalar},
};

}  // namespace

void quantize_activations_scalar(const QuantizeActivations& job) {
  for (int token = job.begin; token < job.end; ++token) {
    const float* x = job.x + size_t(token) * job.cols;
    for (int block = 0; block < 8 * chunk_count(job.cols); ++block) {
      ActivationChunk& chunk = job.chunks[size_t(block / 8) * job.tokens + token];
      quantize_block(chunk, block % 8, x + 32 * block, std::clamp(job.cols - 32 * block, 0, 32));
    }
  }
}

std::span<const cpu::Impl<QuantizeActivationsFn>> quantize_activations_impls() { return kImpls; }

}  // namespace hearth::llm
