#include "hearth/llm/kernels/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "hearth/base/rng.h"
#include "hearth/formats/blocks.h"
#include "hearth/formats/quantize.h"
#include "hearth/llm/kernels/matmul_rows.h"

namespace hearth::llm {
namespace {

using formats::TensorType;
using formats::TensorTypeInfo;

// A weight with random bits in every quant, and scales that make values of about `magnitude`.
struct RandomWeight {
  RandomWeight(TensorType type, int rows, int cols, uint64_t seed, float magnitude = 1);
  WeightMatrix matrix;
  std::vector<std::byte> bytes;
};

void put_half(std::byte* block, size_t offset, float value) {
  const uint16_t half = formats::f32_to_f16(value);
  std::memcpy(block + offset, &half, 2);
}

// Gives the scales of a block sane values; everything else stays random.
void set_scales(TensorType type, std::byte* b, float m, Rng& rng) {
  using namespace formats;
  const float s = m * static_cast<float>(0.5 + rng.uniform());
  switch (type) {
    case TensorType::f32: {
      const float value = s * rng.normal();
      return void(std::memcpy(b, &value, 4));
    }
    case TensorType::f16:
      return put_half(b, 0, s * rng.normal());
    case TensorType::bf16: {
      const uint16_t value = f32_to_bf16(s * rng.normal());
      return void(std::memcpy(b, &value, 2));
    }
    case TensorType::q4_0:
      return put_half(b, 0, s / 8);
    case TensorType::q5_0:
      return put_half(b, 0, s / 16);
    case TensorType::q8_0:
      return put_half(b, 0, s / 127);
    case TensorType::iq4_nl:
      return put_half(b, 0, s / 127);
    case TensorType::q4_1:
      put_half(b, 0, s / 8);
      return put_half(b, 2, -s);
    case TensorType::q5_1:
      put_half(b, 0, s / 16);
      return put_half(b, 2, -s);
    case TensorType::q4_k:
    case TensorType::q5_k:
      put_half(b, 0, s / 500);
      return put_half(b, 2, s / 60);
    case TensorType::q2_k:
      put_half(b, offsetof(BlockQ2_K, d), s / 24);
      return put_half(b, offsetof(BlockQ2_K, dmin), s / 15);
    case TensorType::q3_k:
      return put_half(b, offsetof(BlockQ3_K, d), s / 100);
    case TensorType::q6_k:
      return put_half(b, offsetof(BlockQ6_K, d), s / 4000);
    case TensorType::iq4_xs:
      return put_half(b, 0, s / 4000);
    case TensorType::mxfp4:
      b[0] = static_cast<std::byte>(120 + rng.below(8));
      return;
    default:
      FAIL() << "no weight type";
  }
}

RandomWeight::RandomWeight(TensorType type, int rows, int cols, uint64_t seed, float magnitude) {
  Rng rng(seed);
  const TensorTypeInfo& info = formats::info(type);
  const size_t row_bytes = formats::row_bytes(type, cols);
  bytes.resize(rows * row_bytes);
  for (std::byte& b : bytes) b = static_cast<std::byte>(rng.next_u64());
  for (size_t at = 0; at < bytes.size(); at += info.block_bytes)
    set_scales(type, bytes.data() + at, magnitude, rng);
  matrix = {type, rows, cols, bytes.data(), row_bytes};
}

std::vector<float> random_normal(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(count);
  for (float& v : values) v = rng.normal();
  return values;
}

TEST(Matmul, Smoke) {
  for (const TensorTypeInfo& info : formats::tensor_types()) {
    if (!info.is_weight) continue;
    for (const int tokens : {1, 2, 7, 13}) {
      const int rows = 45, cols = 768;
      const RandomWeight w(info.type, rows, cols, 1);
      const auto x = random_normal(size_t(tokens) * cols, 2);
      std::vector<float> out(tokens * rows), expected(tokens * rows);
      matmul_reference(expected.data(), w.matrix, x.data(), tokens);
      ThreadPool pool(2);
      MatmulScratch scratch(2, tokens, cols);
      const MatmulJob job{out.data(), size_t(rows), &w.matrix};
      matmul({&job, 1}, x.data(), tokens, cols, scratch, pool);
      double error = 0, norm = 0;
      for (size_t i = 0; i < out.size(); ++i) {
        error += std::pow(out[i] - expected[i], 2);
        norm += std::pow(expected[i], 2);
      }
      EXPECT_LT(std::sqrt(error / norm), 0.01) << info.name;
    }
  }
}

}  // namespace
}  // namespace hearth::llm
