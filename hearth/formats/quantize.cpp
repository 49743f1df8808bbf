// Entry of the quantisers, the float types, and the types of 32 elements.
#include "hearth/formats/quantize.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "hearth/base/error.h"
#include "hearth/formats/quantize_blocks.h"
#include "hearth/formats/scale_fit.h"

namespace hearth::formats {
namespace {

/// The largest magnitude that is converted. Block types with a half scale end somewhere below 2^30,
/// where scale_to_half() refuses; MXFP4 could hold more, but no weight is that large. The bound
/// keeps the sums of squares finite.
float magnitude_max(TensorType type) {
  switch (type) {
    case TensorType::f32:
      return std::numeric_limits<float>::max();
    case TensorType::f16:
      return 65519.996f;  // from 65520 on, rounding gives infinity
    case TensorType::bf16:
      return std::bit_cast<float>(0x7F7F7FFFu);
    default:
      return 0x1p30f;
  }
}

void check_values(TensorType type, std::span<const float> x) {
  // NaN and infinity have the largest bit patterns, so one integer maximum finds them all.
  uint32_t largest = 0;
  for (const float value : x)
    largest = std::max(largest, std::bit_cast<uint32_t>(value) & 0x7FFFFFFFu);
  const float limit = magnitude_max(type);
  if (largest <= std::bit_cast<uint32_t>(limit)) return;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i]))
      throw Error(Errc::invalid_argument, "element {} is {}, not a finite number", i, x[i]);
    if (std::fabs(x[i]) > limit)
      throw Error(Errc::invalid_argument, "element {} is {}, magnitudes up to {} become {}", i,
                  x[i], limit, info(type).name);
  }
}

uint8_t nearest_index(UniformLevels levels, float value) {
  return static_cast<uint8_t>(levels.nearest(value) - levels.lo);
}

/// Two numbers of up to 4 bits as a byte; more bits are cut off.
uint8_t nibbles(int low, int high) { return static_cast<uint8_t>((low & 15) | high << 4); }

/// Stores 32 five-bit numbers: low nibbles split over `qs`, fifth bits in `qh`.
void store_five_bits(const uint8_t q[32], uint8_t qh[4], uint8_t qs[16]) {
  std::memset(qh, 0, 4);
  for (int i = 0; i < 16; ++i) qs[i] = nibbles(q[i], q[i + 16]);
  for (int i = 0; i < 32; ++i) qh[i / 8] = static_cast<uint8_t>(qh[i / 8] | (q[i] >> 4) << (i % 8));
}

template <class Block>
void quantize_blocks(std::span<const float> x, std::byte* row, size_t block_elems) {
  auto* blocks = reinterpret_cast<Block*>(row);  // alignment 1: any address will do
  for (size_t i = 0; i < x.size() / block_elems; ++i)
    quantize_block(x.data() + i * block_elems, blocks[i]);
}

template <uint16_t (*kConvert)(float)>
void narrow(std::span<const float> x, std::byte* row) {
  for (size_t i = 0; i < x.size(); ++i) {
    const uint16_t element = kConvert(x[i]);
    std::memcpy(row + 2 * i, &element, sizeof element);
  }
}

}  // namespace

uint16_t scale_to_half(float scale) {
  if (!(std::fabs(scale) < 65520.0f))
    throw Error(Errc::invalid_argument, "a block needs the scale {}, at most 65504 can be stored",
                scale);
  return f32_to_f16(scale);
}

void quantize_block(const float* x, BlockQ4_0& block) {
  constexpr UniformLevels kLevels{-8, 7};
  block.d = scale_to_half(fit_scale({x, 32}, kEqualWeights, kLevels).scale);
  const float inverse = inverse_or_zero(f16_to_f32(block.d));
  for (int i = 0; i < 16; ++i)
    block.qs[i] = nibbles(nearest_index(kLevels, x[i] * inverse),
                          nearest_index(kLevels, x[i + 16] * inverse));
}

void quantize_block(const float* x, BlockQ4_1& block) {
  constexpr UniformLevels kLevels{0, 15};
  const AffineFit fit = fit_affine({x, 32}, kEqualWeights, kLevels.hi, /*offset_max_zero=*/false);
  block.d = scale_to_half(fit.scale);
  block.m = scale_to_half(fit.offset);
  const float inverse = inverse_or_zero(f16_to_f32(block.d)), m = f16_to_f32(block.m);
  for (int i = 0; i < 16; ++i)
    block.qs[i] = nibbles(nearest_index(kLevels, (x[i] - m) * inverse),
                          nearest_index(kLevels, (x[i + 16] - m) * inverse));
}

void quantize_block(const float* x, BlockQ5_0& block) {
  constexpr UniformLevels kLevels{-16, 15};
  block.d = scale_to_half(fit_scale({x, 32}, kEqualWeights, kLevels).scale);
  const float inverse = inverse_or_zero(f16_to_f32(block.d));
  uint8_t q[32];
  for (int i = 0; i < 32; ++i) q[i] = nearest_index(kLevels, x[i] * inverse);
  store_five_bits(q, block.qh, block.qs);
}

void quantize_block(const float* x, BlockQ5_1& block) {
  constexpr UniformLevels kLevels{0, 31};
  const AffineFit fit = fit_affine({x, 32}, kEqualWeights, kLevels.hi, /*offset_max_zero=*/false);
  block.d = scale_to_half(fit.scale);
  block.m = scale_to_half(fit.offset);
  const float inverse = inverse_or_zero(f16_to_f32(block.d)), m = f16_to_f32(block.m);
  uint8_t q[32];
  for (int i = 0; i < 32; ++i) q[i] = nearest_index(kLevels, (x[i] - m) * inverse);
  store_five_bits(q, block.qh, block.qs);
}

void quantize_block(const float* x, BlockQ8_0& block) {
  // With 255 levels a search gains less than a thousandth of the error: the plain scale does.
  float largest = 0;
  for (int i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(x[i]));
  block.d = scale_to_half(largest / 127);
  const float inverse = inverse_or_zero(f16_to_f32(block.d));
  constexpr UniformLevels kLevels{-127, 127};
  for (int i = 0; i < 32; ++i) block.qs[i] = static_cast<int8_t>(kLevels.nearest(x[i] * inverse));
}

void quantize_block(const float* x, BlockIQ4_NL& block) {
  constexpr Iq4Levels kLevels;
  block.d = scale_to_half(fit_scale({x, 32}, kEqualWeights, kLevels).scale);
  const float inverse = inverse_or_zero(f16_to_f32(block.d));
  for (int i = 0; i < 16; ++i)
    block.qs[i] =
        nibbles(kLevels.nearest_index(x[i] * inverse), kLevels.nearest_index(x[i + 16] * inverse));
}

namespace {

/// Index of the E2M1 number nearest to `value`, which is scaled as kMxfp4Doubled.
int nearest_mxfp4(float value) {
  constexpr float kMidpoints[7] = {0.5f, 1.5f, 2.5f, 3.5f, 5.f, 7.f, 10.f};
  int index = 0;
  for (const float midpoint : kMidpoints) index += std::fabs(value) > midpoint;
  return value < 0 && index > 0 ? index + 8 : index;
}

float mxfp4_error(const float* x, uint8_t e) {
  const float scale = mxfp4_scale(e), inverse = 1 / scale;
  float error = 0;
  for (int i = 0; i < 32; ++i) {
    const float difference =
        x[i] - scale * static_cast<float>(kMxfp4Doubled[nearest_mxfp4(x[i] * inverse)]);
    error += difference * difference;
  }
  return error;
}

}  // namespace

void quantize_block(const float* x, BlockMXFP4& block) {
  float largest = 0;
  for (int i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(x[i]));
  block.e = 0;
  if (largest >= kTinyMagnitude) {
    // The specification's exponent keeps the largest number between 4 and 8, where 6 is the last
    // level; one more loses a bit of the small ones but cuts nothing off.
    const auto e = static_cast<uint8_t>(std::ilogb(largest) - 2 + 127);
    const auto next = static_cast<uint8_t>(e + 1);
    block.e = mxfp4_error(x, next) < mxfp4_error(x, e) ? next : e;
  }
  const float inverse = largest >= kTinyMagnitude ? 1 / mxfp4_scale(block.e) : 0;
  for (int i = 0; i < 16; ++i)
    block.qs[i] = nibbles(nearest_mxfp4(x[i] * inverse), nearest_mxfp4(x[i + 16] * inverse));
}

void quantize_row(TensorType type, std::span<const float> x, std::byte* row) {
  const size_t elems = info(type).block_elems;
  HEARTH_CHECK(info(type).can_quantize && x.size() % elems == 0);
  check_values(type, x);
  switch (type) {
    case TensorType::f32:
      std::memcpy(row, x.data(), x.size_bytes());
      return;
    case TensorType::f16:
      return narrow<f32_to_f16>(x, row);
    case TensorType::bf16:
      return narrow<f32_to_bf16>(x, row);
    case TensorType::q4_0:
      return quantize_blocks<BlockQ4_0>(x, row, elems);
    case TensorType::q4_1:
      return quantize_blocks<BlockQ4_1>(x, row, elems);
    case TensorType::q5_0:
      return quantize_blocks<BlockQ5_0>(x, row, elems);
    case TensorType::q5_1:
      return quantize_blocks<BlockQ5_1>(x, row, elems);
    case TensorType::q8_0:
      return quantize_blocks<BlockQ8_0>(x, row, elems);
    case TensorType::q2_k:
      return quantize_blocks<BlockQ2_K>(x, row, elems);
    case TensorType::q3_k:
      return quantize_blocks<BlockQ3_K>(x, row, elems);
    case TensorType::q4_k:
      return quantize_blocks<BlockQ4_K>(x, row, elems);
    case TensorType::q5_k:
      return quantize_blocks<BlockQ5_K>(x, row, elems);
    case TensorType::q6_k:
      return quantize_blocks<BlockQ6_K>(x, row, elems);
    case TensorType::iq4_nl:
      return quantize_blocks<BlockIQ4_NL>(x, row, elems);
    case TensorType::iq4_xs:
      return quantize_blocks<BlockIQ4_XS>(x, row, elems);
    case TensorType::mxfp4:
      return quantize_blocks<BlockMXFP4>(x, row, elems);
    case TensorType::i8:
    case TensorType::i16:
    case TensorType::i32:
    case TensorType::i64:
    case TensorType::f64:
      break;  // cannot be quantised: refused above
  }
}

}  // namespace hearth::formats
