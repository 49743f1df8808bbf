// unpack_chunk() for AVX-512: quants as four registers of 64 bytes, scales as one of floats.
//
// Elements are in their natural order: register i holds groups 4i to 4i + 3, one in each 128-bit
// lane. Scales and biases are in lane order (activation_chunk.h). About 25 instructions a chunk.
// Each register has its own function, so that a caller who wants only one pays for one.
#pragma once
#if defined(__x86_64__)
#include <immintrin.h>

#include <array>

#include "hearth/llm/kernels/weight_chunk.h"

namespace hearth::llm {

struct WeightScales512 {
  __m512 scale;  // lane order
  __m512 bias;   // lane order; only where the type has one
};

namespace avx512 {

// The group of 16 whose scale stands at `slot` of lane order: the inverse of lane_slot().
constexpr int group_at(int slot) { return 4 * (slot % 4) + slot / 4; }

template <class T, int kCount, class F>
constexpr std::array<T, kCount> filled(F value) {
  std::array<T, kCount> values{};
  for (int i = 0; i < kCount; ++i) values[i] = static_cast<T>(value(i));
  return values;
}

template <class T, size_t kCount>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i constant(const std::array<T, kCount>& values) {
  static_assert(sizeof(T) * kCount == 64);
  return _mm512_loadu_si512(values.data());
}

// Shifts of 16-bit elements by lane: lanes 0 to 3.
template <int kA, int kB, int kC, int kD>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i lane_shifts() {
  static constexpr auto kShifts = filled<uint16_t, 32>([](int i) {
    return i < 8 ? kA : i < 16 ? kB : i < 24 ? kC : kD;
  });
  return constant(kShifts);
}

HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m128i load128(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m256i load256(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
template <class T>
HEARTH_INLINE T load_scalar(const void* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i bytes(int value) {
  return _mm512_set1_epi8(static_cast<char>(value));
}

// Split nibbles of two blocks, 16 bytes each, to 64 elements.
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i split_nibbles(const void* a, const void* b) {
  const __m512i first = _mm512_broadcast_i32x4(load128(a));
  const __m512i both = _mm512_mask_broadcast_i32x4(first, 0xFF00, load128(b));
  return _mm512_and_si512(_mm512_srlv_epi16(both, lane_shifts<0, 4, 0, 4>()), bytes(15));
}

// 32 bytes shifted right by kLow for the first 32 elements and by kHigh for the next.
template <int kLow, int kHigh>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i shifted_pair(const void* p) {
  return _mm512_srlv_epi16(_mm512_broadcast_i64x4(load256(p)),
                           lane_shifts<kLow, kLow, kHigh, kHigh>());
}

// Sets `bit` in the elements of register `pair` whose bit 2*pair (first 32) or 2*pair + 1 (next 32)
// is set in the 32 bytes `high`: the upper bits of Q5_K and Q3_K.
template <int kPair, int kBit>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i add_bit_plane(__m512i q, __m512i high) {
  static constexpr auto kBits =
      filled<uint8_t, 64>([](int i) { return 1 << (2 * kPair + (i >= 32)); });
  return _mm512_mask_add_epi8(q, _mm512_test_epi8_mask(high, constant(kBits)), q, bytes(kBit));
}

// Halves at byte kAt of eight blocks of kBlockBytes each, as floats in lane order.
template <int kBlockBytes, int kAt>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512 block_halves(const std::byte* p) {
  constexpr auto block_at = [](int slot) { return group_at(slot % 16) / 2; };
  if constexpr (3 * kBlockBytes + kAt + 2 <= 64) {  // four blocks in a register's reach
    static constexpr auto kPick = filled<uint16_t, 32>([block_at](int i) {
      const int b = block_at(i);
      return 32 * (b / 4) + (b % 4 * kBlockBytes + kAt) / 2;
    });
    const __m512i picked = _mm512_permutex2var_epi16(_mm512_loadu_si512(p), constant(kPick),
                                                     _mm512_loadu_si512(p + 4 * kBlockBytes));
    return _mm512_cvtph_ps(_mm512_castsi512_si256(picked));
  } else if constexpr (kBlockBytes + kAt + 2 <= 32) {  // two blocks in 256 bits
    static constexpr auto kPick = filled<uint16_t, 32>([block_at](int i) {
      const int b = block_at(i);
      return 16 * (b / 2 % 2) + (b % 2 * kBlockBytes + kAt) / 2;
    });
    const __m256i pick = _mm512_castsi512_si256(constant(kPick));
    const __m256i low = _mm256_permutex2var_epi16(load256(p), pick, load256(p + 2 * kBlockBytes));
    const __m256i high =
        _mm256_permutex2var_epi16(load256(p + 4 * kBlockBytes), pick, load256(p + 6 * kBlockBytes));
    return _mm512_cvtph_ps(_mm256_blend_epi16(low, high, 0b11001100));
  } else {  // two blocks in 512 bits
    static constexpr auto kPick = filled<uint16_t, 32>([block_at](int i) {
      const int b = block_at(i);
      return 32 * (b / 2 % 2) + (b % 2 * kBlockBytes + kAt) / 2;
    });
    const __m512i pick = constant(kPick);
    const __m512i low = _mm512_permutex2var_epi16(_mm512_loadu_si512(p), pick,
                                                  _mm512_loadu_si512(p + 2 * kBlockBytes));
    const __m512i high = _mm512_permutex2var_epi16(_mm512_loadu_si512(p + 4 * kBlockBytes), pick,
                                                   _mm512_loadu_si512(p + 6 * kBlockBytes));
    return _mm512_cvtph_ps(
        _mm256_blend_epi16(_mm512_castsi512_si256(low), _mm512_castsi512_si256(high), 0b11001100));
  }
}

// Eight bytes, one a block, spread to lane order and widened.
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m128i blocks_to_lane_order(__m128i values) {
  static constexpr auto kPick = filled<uint8_t, 16>([](int i) { return group_at(i) / 2; });
  return _mm_shuffle_epi8(values, load128(kPick.data()));
}
// Sixteen bytes, one a group, to lane order.
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m128i groups_to_lane_order(__m128i values) {
  static constexpr auto kPick = filled<uint8_t, 16>([](int i) { return group_at(i); });
  return _mm_shuffle_epi8(values, load128(kPick.data()));
}
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512 unsigned_floats(__m128i values) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(values));
}
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512 signed_floats(__m128i values) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(values));
}
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512 spread_half(uint16_t half) {
  return _mm512_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(half)));
}

// Levels of a 16-entry table, raised by `kOffset` to be unsigned.
template <int kOffset>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i look_up(const int8_t (&table)[16], __m512i q) {
  const __m128i levels = _mm_add_epi8(load128(table), _mm_set1_epi8(static_cast<char>(kOffset)));
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(levels), q);
}

// Register kI of the quants of a chunk that begins at b.

// Blocks of 16 bytes of split nibbles, upper bits, levels of a table.
template <int kI, class Block>
requires(sizeof(Block::qs) == 16) HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i
    quants(const Block* b) {
  __m512i q = split_nibbles(b[2 * kI].qs, b[2 * kI + 1].qs);
  if constexpr (requires { b->qh; }) {
    const uint64_t first = load_scalar<uint32_t>(b[2 * kI].qh);
    const uint64_t next = load_scalar<uint32_t>(b[2 * kI + 1].qh);
    q = _mm512_mask_add_epi8(q, _cvtu64_mask64(first | next << 32), q, bytes(16));
  }
  if constexpr (std::is_same_v<Block, formats::BlockIQ4_NL>)
    q = look_up<128>(formats::kIq4Values, q);
  if constexpr (std::is_same_v<Block, formats::BlockMXFP4>)
    q = look_up<16>(formats::kMxfp4Doubled, q);
  return q;
}
template <int kI>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i quants(const formats::BlockQ8_0* b) {
  const __m512i first = _mm512_castsi256_si512(load256(b[2 * kI].qs));
  return _mm512_xor_si512(_mm512_inserti64x4(first, load256(b[2 * kI + 1].qs), 1), bytes(128));
}
template <int kI>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i quants(const formats::BlockIQ4_XS* b) {
  const __m512i q = split_nibbles(b->qs + 32 * kI, b->qs + 32 * kI + 16);
  return look_up<128>(formats::kIq4Values, q);
}
template <int kI>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i quants(const formats::BlockQ4_K* b) {
  return _mm512_and_si512(shifted_pair<0, 4>(b->qs + 32 * kI), bytes(15));
}
template <int kI>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i quants(const formats::BlockQ5_K* b) {
  const __m512i q = _mm512_and_si512(shifted_pair<0, 4>(b->qs + 32 * kI), bytes(15));
  return add_bit_plane<kI, 16>(q, _mm512_broadcast_i64x4(load256(b->qh)));
}
// Two bits each: 32 bytes hold 128 elements, two registers.
template <int kI>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i two_bits(const uint8_t* qs) {
  constexpr int kShift = kI % 2 * 4;
  return _mm512_and_si512(shifted_pair<kShift, kShift + 2>(qs + kI / 2 * 32), bytes(3));
}
template <int kI>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i quants(const formats::BlockQ2_K* b) {
  return two_bits<kI>(b->qs);
}
template <int kI>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i quants(const formats::BlockQ3_K* b) {
  return add_bit_plane<kI, 4>(two_bits<kI>(b->qs), _mm512_broadcast_i64x4(load256(b->hmask)));
}
template <int kI>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i quants(const formats::BlockQ6_K* b) {
  const __m512i low = _mm512_loadu_si512(b->ql + kI / 2 * 64);
  const __m512i high = _mm512_broadcast_i64x4(load256(b->qh + kI / 2 * 32));
  // Two bits of `high` go to bits 4 and 5; 0xCA selects: mask ? first : second.
  const __m512i nibbles = kI % 2 == 0 ? low : _mm512_srli_epi16(low, 4);
  const __m512i upper = kI % 2 == 0 ? _mm512_sllv_epi16(high, lane_shifts<4, 4, 2, 2>())
                                    : _mm512_srlv_epi16(high, lane_shifts<0, 0, 2, 2>());
  return _mm512_and_si512(_mm512_ternarylogic_epi32(bytes(15), nibbles, upper, 0xCA), bytes(63));
}

// Scales and biases of a chunk that begins at b.

// Blocks of 32 with a half d, and perhaps a half m.
template <class Block>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE WeightScales512 scales(const Block* b) {
  WeightScales512 out;
  const auto* at = reinterpret_cast<const std::byte*>(b);
  out.scale = block_halves<sizeof(Block), 0>(at);
  if constexpr (requires { b->m; }) out.bias = block_halves<sizeof(Block), 2>(at);
  return out;
}
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE WeightScales512 scales(const formats::BlockMXFP4* b) {
  uint64_t exponents = 0;
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) exponents |= uint64_t{b[i].e} << (8 * i);
  // formats::mxfp4_scale: e is the exponent field plus one; the smallest two are subnormal.
  const __m512i e = _mm512_cvtepu8_epi32(
      blocks_to_lane_order(_mm_cvtsi64_si128(static_cast<long long>(exponents))));
  const __m512i normal = _mm512_slli_epi32(_mm512_sub_epi32(e, _mm512_set1_epi32(1)), 23);
  const __mmask16 tiny = _mm512_cmplt_epu32_mask(e, _mm512_set1_epi32(2));
  const __m512i bits = _mm512_mask_sllv_epi32(normal, tiny, _mm512_set1_epi32(0x00200000), e);
  return {_mm512_castsi512_ps(bits), _mm512_setzero_ps()};
}
// Q4_K and Q5_K: eight scales and mins of six bits in twelve bytes (formats::unpack_scale_min),
// behind the halves d and dmin. The first four of each are the low six bits of a byte; the others
// are a nibble of one byte and the upper two bits of another. Scales are made in the lower half of
// a register, mins in the upper one, both in lane order, where neighbours are of one kind.
struct ScaleMinPicks {
  std::array<uint8_t, 32> low, high;  // byte of the block; 0x80: zero
  std::array<uint16_t, 16> low_shift;
  std::array<uint8_t, 32> low_mask;
};
constexpr ScaleMinPicks make_scale_min_picks() {
  ScaleMinPicks picks{};
  for (int i = 0; i < 32; ++i) {
    const bool is_min = i >= 16;
    const int at = group_at(i % 16) / 2;
    picks.low[i] = static_cast<uint8_t>(at < 4 ? 4 + at + 4 * is_min : 4 + at + 4);
    picks.high[i] = static_cast<uint8_t>(at < 4 ? 0x80 : 4 + at - 4 + 4 * is_min);
    picks.low_mask[i] = at < 4 ? 63 : 15;
    if (i % 2 == 0) picks.low_shift[i / 2] = at >= 4 && is_min ? 4 : 0;
  }
  return picks;
}
template <class Block>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE WeightScales512 scales_with_mins(const Block& b) {
  static constexpr ScaleMinPicks kPicks = make_scale_min_picks();
  static_assert(offsetof(Block, scales) == 4 && sizeof(Block::scales) == 12);
  const __m256i bytes = _mm256_broadcastsi128_si256(load128(&b));
  const __m256i low = _mm256_srlv_epi16(_mm256_shuffle_epi8(bytes, load256(kPicks.low.data())),
                                        load256(kPicks.low_shift.data()));
  const __m256i high =
      _mm256_srli_epi16(_mm256_shuffle_epi8(bytes, load256(kPicks.high.data())), 2);
  const __m256i upper = _mm256_and_si256(high, _mm256_set1_epi8(0x30));
  // 0xEA: first & second | third.
  const __m256i steps =
      _mm256_ternarylogic_epi32(low, load256(kPicks.low_mask.data()), upper, 0xEA);
  // The two halves d and dmin stand side by side.
  const __m128 d = _mm_cvtph_ps(_mm_cvtsi32_si128(load_scalar<int32_t>(&b)));
  const __m512 scale = _mm512_broadcastss_ps(d);
  const __m512 min = _mm512_broadcastss_ps(_mm_movehdup_ps(d));
  return {.scale = _mm512_mul_ps(scale, unsigned_floats(_mm256_castsi256_si128(steps))),
          .bias = _mm512_fnmadd_ps(min, unsigned_floats(_mm256_extracti128_si256(steps, 1)),
                                   _mm512_setzero_ps())};
}
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE WeightScales512 scales(const formats::BlockQ4_K* b) {
  return scales_with_mins(*b);
}
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE WeightScales512 scales(const formats::BlockQ5_K* b) {
  return scales_with_mins(*b);
}
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE WeightScales512 scales(const formats::BlockQ6_K* b) {
  const __m512 steps = signed_floats(groups_to_lane_order(load128(b->scales)));
  return {_mm512_mul_ps(spread_half(b->d), steps), _mm512_setzero_ps()};
}
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE WeightScales512 scales(const formats::BlockQ3_K* b) {
  // Sixteen scales of six bits: low nibbles in bytes 0-7, upper bits two by two in bytes 8-11.
  const auto low = load_scalar<uint64_t>(b->scales);
  const uint64_t high = load_scalar<uint32_t>(b->scales + 8);
  const uint64_t high_first = (high & 0x03030303) << 4 | (high & 0x0C0C0C0C) << 34;
  const uint64_t high_last = (high & 0x30303030) | (high & 0xC0C0C0C0) << 30;
  const uint64_t first = (low & 0x0F0F0F0F0F0F0F0F) | high_first;
  const uint64_t last = ((low >> 4) & 0x0F0F0F0F0F0F0F0F) | high_last;
  const __m128i steps = groups_to_lane_order(
      _mm_set_epi64x(static_cast<long long>(last), static_cast<long long>(first)));
  const __m512 centred = signed_floats(_mm_sub_epi8(steps, _mm_set1_epi8(32)));
  return {_mm512_mul_ps(spread_half(b->d), centred), _mm512_setzero_ps()};
}
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE WeightScales512 scales(const formats::BlockQ2_K* b) {
  const __m128i both = groups_to_lane_order(load128(b->scales));
  const __m128i steps = _mm_and_si128(both, _mm_set1_epi8(15));
  const __m128i mins = _mm_and_si128(_mm_srli_epi16(both, 4), _mm_set1_epi8(15));
  return {
      .scale = _mm512_mul_ps(spread_half(b->d), unsigned_floats(steps)),
      .bias = _mm512_fnmadd_ps(spread_half(b->dmin), unsigned_floats(mins), _mm512_setzero_ps())};
}
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE WeightScales512 scales(const formats::BlockIQ4_XS* b) {
  // Eight nibbles and eight pairs of bits, each spread to bytes by doubling the distances.
  uint64_t low = load_scalar<uint32_t>(b->scales_l), high = load_scalar<uint16_t>(b->scales_h);
  low = (low | low << 16) & 0x0000FFFF0000FFFF;
  low = (low | low << 8) & 0x00FF00FF00FF00FF;
  low = (low | low << 4) & 0x0F0F0F0F0F0F0F0F;
  high = (high | high << 24) & 0x000000FF000000FF;
  high = (high | high << 12) & 0x000F000F000F000F;
  high = (high | high << 6) & 0x0303030303030303;
  const __m128i steps =
      blocks_to_lane_order(_mm_cvtsi64_si128(static_cast<long long>(low | high << 4)));
  const __m512 centred = signed_floats(_mm_sub_epi8(steps, _mm_set1_epi8(32)));
  return {_mm512_mul_ps(spread_half(b->d), centred), _mm512_setzero_ps()};
}

}  // namespace avx512

/// Elements 64 * kI to + 63 of the chunk at `bytes`.
template <TensorType type, int kI>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i unpack_quants_avx512(const std::byte* bytes) {
  return avx512::quants<kI>(reinterpret_cast<const typename WeightTraits<type>::Block*>(bytes));
}

/// Scales, and biases where the type has them, of the chunk at `bytes`.
template <TensorType type>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE WeightScales512
unpack_scales_avx512(const std::byte* bytes) {
  return avx512::scales(reinterpret_cast<const typename WeightTraits<type>::Block*>(bytes));
}

/// The types whose quants are nibbles and nothing else, and how 128 of them lie in a register:
/// dword i of load() holds the columns 4 * column(i) to + 3 in its low nibbles and those
/// 4 * kHighColumns further in its high ones. levels() gives the quants their values.
template <TensorType type>
constexpr bool kIsPackedNibbles =
    type == TensorType::q4_0 || type == TensorType::q4_1 || type == TensorType::q4_k ||
    type == TensorType::iq4_nl || type == TensorType::iq4_xs || type == TensorType::mxfp4;

template <TensorType type>
struct PackedNibbles512 {
  using Block = typename WeightTraits<type>::Block;
  // Q4_K pairs groups of 32 in 32 bytes; the others split 32 elements over 16 bytes.
  static constexpr int kHighColumns = type == TensorType::q4_k ? 8 : 4;
  static constexpr int column(int dword) {
    return 2 * kHighColumns * (dword / kHighColumns) + dword % kHighColumns;
  }
  HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE static __m512i load(const std::byte* chunk, int half) {
    const auto* b = reinterpret_cast<const Block*>(chunk);
    if constexpr (WeightTraits<type>::kBlockElems == kChunkElems) {
      return _mm512_loadu_si512(b->qs + 64 * half);
    } else {
      b += 4 * half;
      __m512i v = _mm512_castsi128_si512(avx512::load128(b[0].qs));
      v = _mm512_inserti32x4(v, avx512::load128(b[1].qs), 1);
      v = _mm512_inserti32x4(v, avx512::load128(b[2].qs), 2);
      return _mm512_inserti32x4(v, avx512::load128(b[3].qs), 3);
    }
  }
  HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE static __m512i levels(__m512i q) {
    if constexpr (type == TensorType::iq4_nl || type == TensorType::iq4_xs)
      return avx512::look_up<128>(formats::kIq4Values, q);
    if constexpr (type == TensorType::mxfp4) return avx512::look_up<16>(formats::kMxfp4Doubled, q);
    return q;
  }
};

}  // namespace hearth::llm
#endif
