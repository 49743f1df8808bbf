// Weights of every type for tests: random bits in the quants, chosen scales.
#pragma once
#include <cstddef>
#include <cstring>
#include <vector>

#include "hearth/base/rng.h"
#include "hearth/formats/blocks.h"
#include "hearth/formats/quantize.h"
#include "hearth/llm/kernels/matmul.h"

namespace hearth::llm {

struct RandomWeights {
  formats::TensorType type = formats::TensorType::q4_0;
  int rows = 1, cols = 256;
  uint64_t seed = 1;
  float scale = 1;  // values are of about this size, as far as a block's halves reach
  int fill = -1;    // 0..255: every quant byte (and nested scale) has this value
};

/// A matrix with its bytes.
struct OwnedWeight {
  std::vector<std::byte> bytes;
  WeightMatrix matrix;
};

/// Writes the scale halves (or float elements) of one block such that its values are about `scale`.
inline void set_scales(formats::TensorType type, std::byte* block, float scale, Rng& rng) {
  using namespace formats;
  const auto put = [block](size_t at, uint16_t bits) { std::memcpy(block + at, &bits, 2); };
  const auto put_half = [put](size_t at, float value) { put(at, f32_to_f16(value)); };
  const float s = scale * static_cast<float>(0.5 + 0.5 * rng.uniform());
  switch (type) {
    case TensorType::f32: {
      const float value = s * rng.normal();
      std::memcpy(block, &value, 4);
      break;
    }
    case TensorType::f16:
      put_half(0, s * rng.normal());
      break;
    case TensorType::bf16:
      put(0, f32_to_bf16(s * rng.normal()));
      break;
    case TensorType::q4_0:
      put_half(0, s / 8);
      break;
    case TensorType::q5_0:
      put_half(0, s / 16);
      break;
    case TensorType::q8_0:
    case TensorType::iq4_nl:
      put_half(0, s / 127);
      break;
    case TensorType::q4_1:
      put_half(0, s / 8), put_half(2, -s);
      break;
    case TensorType::q5_1:
      put_half(0, s / 16), put_half(2, -s);
      break;
    case TensorType::q4_k:
      put_half(0, s / 500), put_half(2, s / 60);
      break;
    case TensorType::q5_k:
      put_half(0, s / 1000), put_half(2, s / 60);
      break;
    case TensorType::q2_k:
      put_half(offsetof(BlockQ2_K, d), s / 24), put_half(offsetof(BlockQ2_K, dmin), s / 15);
      break;
    case TensorType::q3_k:
      put_half(offsetof(BlockQ3_K, d), s / 100);
      break;
    case TensorType::q6_k:
      put_half(offsetof(BlockQ6_K, d), s / 4000);
      break;
    case TensorType::iq4_xs:
      put_half(0, s / 4000);
      break;
    case TensorType::mxfp4:
      block[0] = static_cast<std::byte>(124 + rng.below(3));
      break;
    default:
      HEARTH_CHECK(!"not a weight type");
  }
}

inline OwnedWeight make_weights(const RandomWeights& how) {
  Rng rng(how.seed);
  const size_t row_bytes = formats::row_bytes(how.type, how.cols);
  OwnedWeight weight{std::vector<std::byte>(how.rows * row_bytes), {}};
  for (std::byte& b : weight.bytes)
    b = static_cast<std::byte>(how.fill >= 0 ? static_cast<uint64_t>(how.fill) : rng.next_u64());
  for (size_t at = 0; at < weight.bytes.size(); at += formats::info(how.type).block_bytes)
    set_scales(how.type, weight.bytes.data() + at, how.scale, rng);
  weight.matrix = {how.type, how.rows, how.cols, weight.bytes.data(), row_bytes};
  return weight;
}

inline std::vector<float> random_normal(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(count);
  for (float& value : values) value = rng.normal();
  return values;
}

}  // namespace hearth::llm
