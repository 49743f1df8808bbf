#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "hearth/llm/kernels/activation_chunk.h"
#include "hearth/llm/kernels/random_weights.h"

namespace hearth::llm {
namespace {

// Runs every implementation that this CPU has.
template <class Body>
void for_each_implementation(Body body) {
  for (const auto& impl : quantize_activations_impls()) {
    if ((impl.needs & ~cpu::detected_features()) != 0) continue;
    SCOPED_TRACE(impl.name);
    body(impl.run);
  }
}

std::vector<ActivationChunk> quantize(QuantizeActivationsFn* run, const std::vector<float>& x,
                                      int tokens) {
  const int cols = static_cast<int>(x.size()) / tokens;
  std::vector<ActivationChunk> chunks(chunk_count(cols) * tokens);
  std::memset(static_cast<void*>(chunks.data()), 0xEE, chunks.size() * sizeof(ActivationChunk));
  run({chunks.data(), x.data(), tokens, cols, 0, tokens});
  return chunks;
}

TEST(QuantizeActivations, ValuesAreWithinHalfAStepAndSumsAreExact) {
  for_each_implementation([](QuantizeActivationsFn* run) {
    for (const int cols : {1, 31, 32, 33, 250, 256, 300, 1024}) {
      const int tokens = 3;
      const auto x = random_normal(size_t(tokens) * cols, cols);
      const auto chunks = quantize(run, x, tokens);
      for (int t = 0; t < tokens; ++t)
        for (int c = 0; c < 256 * chunk_count(cols); ++c) {
          const ActivationChunk& chunk = chunks[c / 256 * tokens + t];
          const int e = c % 256, group = e / 16;
          const float value = c < cols ? x[t * cols + c] : 0;
          const float step = chunk.scale[lane_slot(group)];
          // Half a step, and the rounding of 127 / max and of the product.
          ASSERT_LE(std::fabs(value - step * chunk.q[e]), step * (0.5f + 127 * 0x1p-22f));
          if (e % 32 != 0) continue;
          int sums[2] = {};
          for (int i = 0; i < 32; ++i) sums[i / 16] += chunk.q[e + i];
          const int block = e / 32;
          ASSERT_EQ(chunk.negative_sum[group], -sums[0]);
          ASSERT_EQ(chunk.negative_sum[group + 1], -sums[1]);
          ASSERT_EQ(chunk.negative_sum_block[block], -(sums[0] + sums[1]));
          ASSERT_EQ(chunk.scale[lane_slot(group + 1)], step);
          ASSERT_EQ(chunk.scaled_sum[lane_slot(group)], step * static_cast<float>(sums[0]));
          ASSERT_EQ(chunk.scaled_sum[lane_slot(group + 1)], step * static_cast<float>(sums[1]));
          ASSERT_EQ(chunk.scaled_sum_block[block], step * static_cast<float>(sums[0] + sums[1]));
        }
    }
  });
}

TEST(QuantizeActivations, TheLargestValueOfABlockBecomes127) {
  for_each_implementation([](QuantizeActivationsFn* run) {
    std::vector<float> x(32, 0.5f);
    x[3] = -8;
    const auto chunks = quantize(run, x, 1);
    EXPECT_EQ(chunks[0].q[3], -127);
    EXPECT_EQ(chunks[0].q[0], 8);  // 0.5 * 127 / 8 = 7.94
    EXPECT_FLOAT_EQ(chunks[0].scale[0], 8.0f / 127);
  });
}

TEST(QuantizeActivations, ImplementationsGiveEqualBits) {
  const auto x = random_normal(5 * 544, 7);
  const auto expected = quantize(quantize_activations_scalar, x, 5);
  for_each_implementation([&](QuantizeActivationsFn* run) {
    const auto chunks = quantize(run, x, 5);
    EXPECT_EQ(std::memcmp(chunks.data(), expected.data(), chunks.size() * sizeof(ActivationChunk)),
              0);
  });
}

TEST(QuantizeActivations, ZerosAndSubnormalsGiveZeros) {
  for_each_implementation([](QuantizeActivationsFn* run) {
    for (const float value : {0.0f, -0.0f, 1e-40f, -std::numeric_limits<float>::min()}) {
      const auto chunks = quantize(run, std::vector<float>(64, value), 1);
      for (int i = 0; i < 64; ++i) ASSERT_EQ(chunks[0].q[i], 0);
      EXPECT_EQ(chunks[0].scale[0], 0);
    }
  });
}

TEST(QuantizeActivations, WhatIsNotANumberIsNotHidden) {
  for_each_implementation([](QuantizeActivationsFn* run) {
    for (const float value : {std::nanf(""), INFINITY, -INFINITY}) {
      std::vector<float> x(64, 1.0f);
      x[37] = value;
      const auto chunks = quantize(run, x, 1);
      // Block 1 holds groups 2 and 3; its products come out as NaN or infinity.
      EXPECT_FALSE(std::isfinite(chunks[0].scale[lane_slot(2)]));
      EXPECT_FALSE(std::isfinite(chunks[0].scale[lane_slot(3)]));
      EXPECT_EQ(chunks[0].q[0], 127);
    }
  });
}

}  // namespace
}  // namespace hearth::llm
