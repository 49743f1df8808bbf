// One chunk (256 elements) of a row of weights, unpacked: the step that all quantised types share.
//
// value(e) = scale[g] * (q[e] - kOffset) + bias[g], with g the group of 16 that holds e. Each type
// says in WeightTraits how its blocks map to that; unpack_chunk() is the portable form of the step.
// Everything here is inlined into its caller, and so may be used in functions with target
// attributes.
#pragma once
#include <bit>
#include <cstring>
#include <type_traits>

#include "hearth/formats/blocks.h"
#include "hearth/formats/quantize.h"
#include "hearth/formats/tensor_type.h"
#include "hearth/llm/kernels/activation_chunk.h"

namespace hearth::llm {

using formats::TensorType;

struct alignas(64) WeightChunk {
  uint8_t q[kChunkElems];
  float scale[kChunkGroups];  // lane order, like the scales of activations
  float bias[kChunkGroups];   // lane order; only where the type has one
};

template <TensorType type>
struct WeightTraits;

template <class BlockType, int kElems, int kLargest, int kZero, bool kBias, int kGroup>
struct QuantTraits {
  using Block = BlockType;
  static constexpr int kBlockElems = kElems;
  static constexpr int kQuantMax = kLargest;  // q is 0..kQuantMax
  static constexpr int kOffset = kZero;       // a power of two, or 0
  static constexpr bool kHasBias = kBias;
  static constexpr int kGroupElems = kGroup;  // elements that share a scale: 16 or 32
};

template <>
struct WeightTraits<TensorType::q4_0> : QuantTraits<formats::BlockQ4_0, 32, 15, 8, false, 32> {};
template <>
struct WeightTraits<TensorType::q4_1> : QuantTraits<formats::BlockQ4_1, 32, 15, 0, true, 32> {};
template <>
struct WeightTraits<TensorType::q5_0> : QuantTraits<formats::BlockQ5_0, 32, 31, 16, false, 32> {};
template <>
struct WeightTraits<TensorType::q5_1> : QuantTraits<formats::BlockQ5_1, 32, 31, 0, true, 32> {};
template <>
struct WeightTraits<TensorType::q8_0> : QuantTraits<formats::BlockQ8_0, 32, 255, 128, false, 32> {};
template <>
struct WeightTraits<TensorType::q2_k> : QuantTraits<formats::BlockQ2_K, 256, 3, 0, true, 16> {};
template <>
struct WeightTraits<TensorType::q3_k> : QuantTraits<formats::BlockQ3_K, 256, 7, 4, false, 16> {};
template <>
struct WeightTraits<TensorType::q4_k> : QuantTraits<formats::BlockQ4_K, 256, 15, 0, true, 32> {};
template <>
struct WeightTraits<TensorType::q5_k> : QuantTraits<formats::BlockQ5_K, 256, 31, 0, true, 32> {};
template <>
struct WeightTraits<TensorType::q6_k> : QuantTraits<formats::BlockQ6_K, 256, 63, 32, false, 16> {};
template <>
struct WeightTraits<TensorType::iq4_nl>
    : QuantTraits<formats::BlockIQ4_NL, 32, 241, 128, false, 32> {};
template <>
struct WeightTraits<TensorType::iq4_xs>
    : QuantTraits<formats::BlockIQ4_XS, 256, 241, 128, false, 32> {};
template <>
struct WeightTraits<TensorType::mxfp4> : QuantTraits<formats::BlockMXFP4, 32, 28, 16, false, 32> {};

/// Bytes of a chunk in the file.
template <TensorType type>
constexpr size_t kChunkBytes = sizeof(typename WeightTraits<type>::Block) *
                               (kChunkElems / WeightTraits<type>::kBlockElems);

/// The bytes of chunk c of a row. The last chunk of a row whose columns are no multiple of 256 is
/// copied to `tail` and filled with zero bytes, which every type reads as zeros (activations are
/// zero there too): no kernel reads past a row.
template <TensorType type>
HEARTH_INLINE const std::byte* chunk_bytes(const std::byte* row, int cols, int c,
                                           std::byte (&tail)[kChunkBytes<type>]) {
  const std::byte* bytes = row + c * kChunkBytes<type>;
  const int left = cols - c * kChunkElems;
  if (left >= kChunkElems) return bytes;
  const size_t left_bytes = kChunkBytes<type> * size_t(left) / kChunkElems;
  std::memcpy(tail, bytes, left_bytes);
  std::memset(tail + left_bytes, 0, kChunkBytes<type> - left_bytes);
  return tail;
}

namespace unpack {

// IEEE half to float without a branch: 2^112 moves the exponent's bias, and lifts subnormals to
// normal floats on the way; infinity and NaN get their exponent back.
HEARTH_INLINE float half(uint16_t bits) {
  const uint32_t magnitude = (bits & 0x7FFFu) << 13, sign = (bits & 0x8000u) << 16;
  const uint32_t special = magnitude >= 0x0F800000u ? 0x7F800000u : 0;
  const auto moved = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112f);
  return std::bit_cast<float>(moved | special | sign);
}

HEARTH_INLINE void set_block(float* values, int block, float value) {
  values[lane_slot(2 * block)] = values[lane_slot(2 * block + 1)] = value;
}

// Split nibbles: element i in the low half of byte i, element i + 16 in the high half.
HEARTH_INLINE void nibbles(uint8_t* q, const uint8_t* bytes) {
  for (int i = 0; i < 16; ++i) q[i] = bytes[i] & 15;
  for (int i = 0; i < 16; ++i) q[16 + i] = bytes[i] >> 4;
}

HEARTH_INLINE void add_high_bits(uint8_t* q, const uint8_t* bits) {
  for (int i = 0; i < 32; ++i)
    q[i] = static_cast<uint8_t>(q[i] | ((bits[i / 8] >> (i % 8)) & 1) << 4);
}

// Levels of a 16-entry table, raised by `offset` to be unsigned.
HEARTH_INLINE void look_up(uint8_t* q, const int8_t (&table)[16], int offset) {
  for (int i = 0; i < 32; ++i) q[i] = static_cast<uint8_t>(table[q[i]] + offset);
}

// Two-bit quants of the K types: each half of 128 elements has 32 bytes, four groups of 32 in their
// bits.
HEARTH_INLINE void two_bits(uint8_t* q, const uint8_t* bytes) {
  for (int g = 0; g < 8; ++g)
    for (int i = 0; i < 32; ++i) q[32 * g + i] = (bytes[32 * (g / 4) + i] >> (2 * (g % 4))) & 3;
}

// Bit g of byte i becomes bit `to` of element i of group g of 32.
HEARTH_INLINE void add_bit_planes(uint8_t* q, const uint8_t* bytes, int to) {
  for (int g = 0; g < 8; ++g)
    for (int i = 0; i < 32; ++i)
      q[32 * g + i] = static_cast<uint8_t>(q[32 * g + i] | ((bytes[i] >> g) & 1) << to);
}

// Each 32 bytes hold two groups of 32, low nibbles first.
HEARTH_INLINE void paired_nibbles(uint8_t* q, const uint8_t* bytes) {
  for (int g = 0; g < 8; ++g)
    for (int i = 0; i < 32; ++i) q[32 * g + i] = (bytes[32 * (g / 2) + i] >> (4 * (g % 2))) & 15;
}

// Quants of one block, to 32 or 256 bytes.
HEARTH_INLINE void quants(uint8_t* q, const formats::BlockQ4_0& b) { nibbles(q, b.qs); }
HEARTH_INLINE void quants(uint8_t* q, const formats::BlockQ4_1& b) { nibbles(q, b.qs); }
HEARTH_INLINE void quants(uint8_t* q, const formats::BlockQ5_0& b) {
  nibbles(q, b.qs);
  add_high_bits(q, b.qh);
}
HEARTH_INLINE void quants(uint8_t* q, const formats::BlockQ5_1& b) {
  nibbles(q, b.qs);
  add_high_bits(q, b.qh);
}
HEARTH_INLINE void quants(uint8_t* q, const formats::BlockQ8_0& b) {
  for (int i = 0; i < 32; ++i) q[i] = static_cast<uint8_t>(b.qs[i] + 128);
}
HEARTH_INLINE void quants(uint8_t* q, const formats::BlockIQ4_NL& b) {
  nibbles(q, b.qs);
  look_up(q, formats::kIq4Values, 128);
}
HEARTH_INLINE void quants(uint8_t* q, const formats::BlockIQ4_XS& b) {
  for (int g = 0; g < 8; ++g) {
    nibbles(q + 32 * g, b.qs + 16 * g);
    look_up(q + 32 * g, formats::kIq4Values, 128);
  }
}
HEARTH_INLINE void quants(uint8_t* q, const formats::BlockMXFP4& b) {
  nibbles(q, b.qs);
  look_up(q, formats::kMxfp4Doubled, 16);
}
HEARTH_INLINE void quants(uint8_t* q, const formats::BlockQ2_K& b) { two_bits(q, b.qs); }
HEARTH_INLINE void quants(uint8_t* q, const formats::BlockQ3_K& b) {
  two_bits(q, b.qs);
  add_bit_planes(q, b.hmask, 2);
}
HEARTH_INLINE void quants(uint8_t* q, const formats::BlockQ4_K& b) { paired_nibbles(q, b.qs); }
HEARTH_INLINE void quants(uint8_t* q, const formats::BlockQ5_K& b) {
  paired_nibbles(q, b.qs);
  add_bit_planes(q, b.qh, 4);
}
HEARTH_INLINE void quants(uint8_t* q, const formats::BlockQ6_K& b) {
  for (int g = 0; g < 8; ++g) {
    const uint8_t* low = b.ql + 64 * (g / 4) + 32 * (g % 2);
    const uint8_t* high = b.qh + 32 * (g / 4);
    const int low_shift = g % 4 < 2 ? 0 : 4, high_shift = 2 * (g % 4);
    for (int i = 0; i < 32; ++i)
      q[32 * g + i] =
          static_cast<uint8_t>(((low[i] >> low_shift) & 15) | ((high[i] >> high_shift) & 3) << 4);
  }
}

// Scales, and biases where there are any, of block i of a chunk. Any block of 32 with a half d and
// perhaps a half m first, then those of the other types.
template <class Block>
HEARTH_INLINE void scales(WeightChunk& out, const Block& b, int i) {
  set_block(out.scale, i, half(b.d));
  if constexpr (requires { b.m; }) set_block(out.bias, i, half(b.m));
}
HEARTH_INLINE void scales(WeightChunk& out, const formats::BlockMXFP4& b, int i) {
  set_block(out.scale, i, formats::mxfp4_scale(b.e));
}
HEARTH_INLINE void scales(WeightChunk& out, const formats::BlockQ2_K& b, int) {
  const float d = half(b.d), dmin = half(b.dmin);
  for (int g = 0; g < 16; ++g) {
    out.scale[lane_slot(g)] = d * static_cast<float>(b.scales[g] & 15);
    out.bias[lane_slot(g)] = -dmin * static_cast<float>(b.scales[g] >> 4);
  }
}
HEARTH_INLINE void scales(WeightChunk& out, const formats::BlockQ3_K& b, int) {
  const float d = half(b.d);
  for (int g = 0; g < 16; ++g) {
    const int low = (b.scales[g % 8] >> (g < 8 ? 0 : 4)) & 15;
    const int high = (b.scales[8 + g % 4] >> (2 * (g / 4))) & 3;
    out.scale[lane_slot(g)] = d * static_cast<float>((low | high << 4) - 32);
  }
}
template <class Block>
HEARTH_INLINE void scales_with_mins(WeightChunk& out, const Block& b) {
  const float d = half(b.d), dmin = half(b.dmin);
  for (int g = 0; g < 8; ++g) {
    const formats::ScaleMin sm = formats::unpack_scale_min(b.scales, g);
    set_block(out.scale, g, d * static_cast<float>(sm.scale));
    set_block(out.bias, g, -dmin * static_cast<float>(sm.min));
  }
}
HEARTH_INLINE void scales(WeightChunk& out, const formats::BlockQ4_K& b, int) {
  scales_with_mins(out, b);
}
HEARTH_INLINE void scales(WeightChunk& out, const formats::BlockQ5_K& b, int) {
  scales_with_mins(out, b);
}
HEARTH_INLINE void scales(WeightChunk& out, const formats::BlockQ6_K& b, int) {
  const float d = half(b.d);
  for (int g = 0; g < 16; ++g) out.scale[lane_slot(g)] = d * static_cast<float>(b.scales[g]);
}
HEARTH_INLINE void scales(WeightChunk& out, const formats::BlockIQ4_XS& b, int) {
  const float d = half(b.d);
  const int scales_h = b.scales_h[0] | b.scales_h[1] << 8;
  for (int g = 0; g < 8; ++g) {
    const int low = (b.scales_l[g / 2] >> (4 * (g % 2))) & 15, high = (scales_h >> (2 * g)) & 3;
    set_block(out.scale, g, d * static_cast<float>((low | high << 4) - 32));
  }
}

}  // namespace unpack

/// Unpacks the kChunkBytes<type> bytes of one chunk.
template <TensorType type>
HEARTH_INLINE void unpack_chunk(WeightChunk& out, const std::byte* bytes) {
  using Block = typename WeightTraits<type>::Block;
  const auto* blocks = reinterpret_cast<const Block*>(bytes);  // packed, alignment 1
  for (int i = 0; i < kChunkElems / WeightTraits<type>::kBlockElems; ++i) {
    unpack::quants(out.q + WeightTraits<type>::kBlockElems * i, blocks[i]);
    unpack::scales(out, blocks[i], i);
  }
}

/// Calls f with the quantised type as a std::integral_constant: from a value to a template
/// argument.
template <class F>
auto with_quantized_type(TensorType type, F f) {
  using enum TensorType;
  switch (type) {
    case q4_1:
      return f(std::integral_constant<TensorType, q4_1>{});
    case q5_0:
      return f(std::integral_constant<TensorType, q5_0>{});
    case q5_1:
      return f(std::integral_constant<TensorType, q5_1>{});
    case q8_0:
      return f(std::integral_constant<TensorType, q8_0>{});
    case q2_k:
      return f(std::integral_constant<TensorType, q2_k>{});
    case q3_k:
      return f(std::integral_constant<TensorType, q3_k>{});
    case q4_k:
      return f(std::integral_constant<TensorType, q4_k>{});
    case q5_k:
      return f(std::integral_constant<TensorType, q5_k>{});
    case q6_k:
      return f(std::integral_constant<TensorType, q6_k>{});
    case iq4_nl:
      return f(std::integral_constant<TensorType, iq4_nl>{});
    case iq4_xs:
      return f(std::integral_constant<TensorType, iq4_xs>{});
    case mxfp4:
      return f(std::integral_constant<TensorType, mxfp4>{});
    case q4_0:
      return f(std::integral_constant<TensorType, q4_0>{});
    default:
      HEARTH_CHECK(!"not a quantised weight type");
      __builtin_unreachable();
  }
}

}  // namespace hearth::llm
