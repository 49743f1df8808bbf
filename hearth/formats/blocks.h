// The bytes of one block of each block type, as GGUF files hold them (ggml/src/ggml-common.h).
//
// Little-endian, packed, alignment 1: a row of a mapped file may start anywhere. Two-byte fields
// are IEEE halves unless said otherwise. In types of 32 elements with 4-bit quants, byte i holds
// element i in its low nibble and element i + 16 in its high one ("split nibbles").
#pragma once
#include <bit>
#include <cstdint>

namespace hearth::formats {

constexpr int kBlockElems = 32;        // of the legacy types, IQ4_NL and MXFP4
constexpr int kSuperBlockElems = 256;  // of the K types and IQ4_XS

#pragma pack(push, 1)

/// x = d * (q - 8)
struct BlockQ4_0 {
  uint16_t d;
  uint8_t qs[16];  // split nibbles
};

/// x = d * q + m
struct BlockQ4_1 {
  uint16_t d, m;
  uint8_t qs[16];  // split nibbles
};

/// x = d * (q - 16)
struct BlockQ5_0 {
  uint16_t d;
  uint8_t qh[4];   // bit i of the little-endian word: bit 4 of element i
  uint8_t qs[16];  // split nibbles: bits 0-3
};

/// x = d * q + m
struct BlockQ5_1 {
  uint16_t d, m;
  uint8_t qh[4];  // as in Q5_0
  uint8_t qs[16];
};

/// x = d * q
struct BlockQ8_0 {
  uint16_t d;
  int8_t qs[32];
};

/// 16 groups of 16: x = d * scale * q - dmin * min, q in 0..3
struct BlockQ2_K {
  uint8_t scales[16];  // low nibble: scale, high nibble: min
  uint8_t qs[64];      // each half of 128 elements: 32 bytes, element 32k + l in bits 2k of byte l
  uint16_t d, dmin;
};

/// 16 groups of 16: x = d * (scale - 32) * q, q in -4..3
struct BlockQ3_K {
  uint8_t hmask[32];   // bit k of byte l: element 32k + l is not lowered by 4
  uint8_t qs[64];      // low two bits, as in Q2_K
  uint8_t scales[12];  // 16 scales of 6 bits: bytes 0-7 low nibbles (then high for 8-15), bytes
                       // 8-11 the upper bits
  uint16_t d;
};

/// 8 groups of 32: x = d * scale * q - dmin * min, q in 0..15
struct BlockQ4_K {
  uint16_t d, dmin;
  uint8_t scales[12];  // 8 scales and 8 mins of 6 bits, see unpack_scale_min()
  uint8_t qs[128];     // each 32 bytes: low nibbles group 2k, high nibbles group 2k + 1
};

/// 8 groups of 32: x = d * scale * q - dmin * min, q in 0..31
struct BlockQ5_K {
  uint16_t d, dmin;
  uint8_t scales[12];  // as in Q4_K
  uint8_t qh[32];      // bit g of byte l: bit 4 of element l of group g
  uint8_t qs[128];     // as in Q4_K: bits 0-3
};

/// 16 groups of 16: x = d * scale * (q - 32), q in 0..63
struct BlockQ6_K {
  uint8_t ql[128];  // half h of 128: elements l, l+32 low nibbles of bytes 64h + l, + 32; l+64,
                    // l+96 the high ones
  uint8_t
      qh[64];  // half h: bits 0-1, 2-3, 4-5, 6-7 of byte 32h + l: upper bits of l, l+32, l+64, l+96
  int8_t scales[16];
  uint16_t d;
};

/// x = d * kIq4Values[q]
struct BlockIQ4_NL {
  uint16_t d;
  uint8_t qs[16];  // split nibbles
};

/// 8 groups of 32: x = d * (scale - 32) * kIq4Values[q]
struct BlockIQ4_XS {
  uint16_t d;
  uint8_t scales_h[2];  // bits 2g, 2g+1 of the little-endian word: upper bits of scale g
  uint8_t scales_l[4];  // nibble g: lower bits of scale g
  uint8_t qs[128];      // 16 bytes a group, split nibbles
};

/// x = 2^(e - 128) * kMxfp4Doubled[q]  (OCP Microscaling Formats 1.0: E8M0 scale, E2M1 elements)
struct BlockMXFP4 {
  uint8_t e;
  uint8_t qs[16];  // split nibbles
};

#pragma pack(pop)

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22);
static_assert(sizeof(BlockQ5_1) == 24 && sizeof(BlockQ8_0) == 34 && sizeof(BlockQ2_K) == 84);
static_assert(sizeof(BlockQ3_K) == 110 && sizeof(BlockQ4_K) == 144 && sizeof(BlockQ5_K) == 176);
static_assert(sizeof(BlockQ6_K) == 210 && sizeof(BlockIQ4_NL) == 18 && sizeof(BlockIQ4_XS) == 136);
static_assert(sizeof(BlockMXFP4) == 17);

/// The 16 levels of IQ4_NL and IQ4_XS: denser around zero, where weights are.
constexpr int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                   1,    13,   25,  38,  53,  69,  89,  113};

/// Twice the E2M1 numbers, so that they are integers; bit 3 of the index is the sign. The block's
/// scale is halved to match: see mxfp4_scale().
constexpr int8_t kMxfp4Doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// 2^(e - 128). The smallest two are subnormal floats; e = 255, which the specification calls NaN,
/// is 2^127 here, as in ggml.
constexpr float mxfp4_scale(uint8_t e) {
  return std::bit_cast<float>(e < 2 ? 0x00200000u << e : (e - 1u) << 23);
}

struct ScaleMin {
  uint8_t scale, min;  // 0..63
};

/// Scale and min of group j (0..7) from the 12 bytes of Q4_K and Q5_K: groups 0-3 have their six
/// bits in bytes j and j + 4; of groups 4-7 the low nibbles are in byte j + 4 and the upper two
/// bits in bits 6-7 of j - 4 and j.
constexpr ScaleMin unpack_scale_min(const uint8_t scales[12], int j) {
  if (j < 4)
    return {static_cast<uint8_t>(scales[j] & 63), static_cast<uint8_t>(scales[j + 4] & 63)};
  return {static_cast<uint8_t>((scales[j + 4] & 15) | ((scales[j - 4] >> 6) << 4)),
          static_cast<uint8_t>((scales[j + 4] >> 4) | ((scales[j] >> 6) << 4))};
}

}  // namespace hearth::formats
