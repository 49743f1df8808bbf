// unpack_chunk() for AVX2: 32 quants a register; scales by the portable code.
#pragma once
#if defined(__x86_64__)
#include <immintrin.h>

#include "hearth/llm/kernels/weight_chunk.h"

namespace hearth::llm {

namespace avx2 {

HEARTH_TARGET_AVX2 HEARTH_INLINE __m128i load128(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}
HEARTH_TARGET_AVX2 HEARTH_INLINE __m256i load256(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
HEARTH_TARGET_AVX2 HEARTH_INLINE void store(uint8_t* q, __m256i values) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(q), values);
}
HEARTH_TARGET_AVX2 HEARTH_INLINE __m256i masked(__m256i v, int mask) {
  return _mm256_and_si256(v, _mm256_set1_epi8(static_cast<char>(mask)));
}

// Sixteen bytes to 32 elements: low nibbles, then high ones.
HEARTH_TARGET_AVX2 HEARTH_INLINE __m256i split_nibbles(const uint8_t* qs) {
  const __m128i packed = load128(qs);
  return masked(_mm256_set_m128i(_mm_srli_epi16(packed, 4), packed), 15);
}

// `value` in each byte whose bit is set in the 32-bit word at `bits`.
HEARTH_TARGET_AVX2 HEARTH_INLINE __m256i spread_bits(const uint8_t* bits, int value) {
  int32_t word;
  std::memcpy(&word, bits, 4);
  // Byte i of the result looks at bit i % 8 of byte i / 8.
  const __m256i byte_of =
      _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  const __m256i bit_of = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201u));
  const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(word), byte_of);
  return masked(_mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit_of), bit_of), value);
}

HEARTH_TARGET_AVX2 HEARTH_INLINE __m256i look_up(const int8_t (&table)[16], int offset, __m256i q) {
  const __m128i levels = _mm_add_epi8(load128(table), _mm_set1_epi8(static_cast<char>(offset)));
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(levels), q);
}

// Two bits of each byte, from bit 2 * pair on.
HEARTH_TARGET_AVX2 HEARTH_INLINE __m256i bit_pair(__m256i bytes, int pair) {
  return masked(_mm256_srl_epi16(bytes, _mm_cvtsi32_si128(2 * pair)), 3);
}
// `value` where bit `plane` of the byte is set.
HEARTH_TARGET_AVX2 HEARTH_INLINE __m256i bit_plane(__m256i bytes, int plane, int value) {
  const __m256i bit = _mm256_set1_epi8(static_cast<char>(1 << plane));
  return masked(_mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit), value);
}
// Group g of 32 elements of Q4_K and Q5_K: 32 bytes hold two.
HEARTH_TARGET_AVX2 HEARTH_INLINE __m256i paired_nibbles(const uint8_t* qs, int g) {
  return masked(_mm256_srl_epi16(load256(qs + 32 * (g / 2)), _mm_cvtsi32_si128(4 * (g % 2))), 15);
}

template <class Block>
requires(sizeof(Block::qs) == 16) HEARTH_TARGET_AVX2 HEARTH_INLINE
    void quants(uint8_t* q, const Block& b) {
  __m256i values = split_nibbles(b.qs);
  if constexpr (requires { b.qh; }) values = _mm256_or_si256(values, spread_bits(b.qh, 16));
  if constexpr (std::is_same_v<Block, formats::BlockIQ4_NL>)
    values = look_up(formats::kIq4Values, 128, values);
  if constexpr (std::is_same_v<Block, formats::BlockMXFP4>)
    values = look_up(formats::kMxfp4Doubled, 16, values);
  store(q, values);
}
HEARTH_TARGET_AVX2 HEARTH_INLINE void quants(uint8_t* q, const formats::BlockQ8_0& b) {
  store(q, _mm256_xor_si256(load256(b.qs), _mm256_set1_epi8(-128)));
}
HEARTH_TARGET_AVX2 HEARTH_INLINE void quants(uint8_t* q, const formats::BlockIQ4_XS& b) {
#pragma GCC unroll 8
  for (int g = 0; g < 8; ++g)
    store(q + 32 * g, look_up(formats::kIq4Values, 128, split_nibbles(b.qs + 16 * g)));
}
HEARTH_TARGET_AVX2 HEARTH_INLINE void quants(uint8_t* q, const formats::BlockQ2_K& b) {
#pragma GCC unroll 8
  for (int g = 0; g < 8; ++g) store(q + 32 * g, bit_pair(load256(b.qs + 32 * (g / 4)), g % 4));
}
HEARTH_TARGET_AVX2 HEARTH_INLINE void quants(uint8_t* q, const formats::BlockQ3_K& b) {
#pragma GCC unroll 8
  for (int g = 0; g < 8; ++g)
    store(q + 32 * g, _mm256_or_si256(bit_pair(load256(b.qs + 32 * (g / 4)), g % 4),
                                      bit_plane(load256(b.hmask), g, 4)));
}
HEARTH_TARGET_AVX2 HEARTH_INLINE void quants(uint8_t* q, const formats::BlockQ4_K& b) {
#pragma GCC unroll 8
  for (int g = 0; g < 8; ++g) store(q + 32 * g, paired_nibbles(b.qs, g));
}
HEARTH_TARGET_AVX2 HEARTH_INLINE void quants(uint8_t* q, const formats::BlockQ5_K& b) {
#pragma GCC unroll 8
  for (int g = 0; g < 8; ++g)
    store(q + 32 * g, _mm256_or_si256(paired_nibbles(b.qs, g), bit_plane(load256(b.qh), g, 16)));
}
HEARTH_TARGET_AVX2 HEARTH_INLINE void quants(uint8_t* q, const formats::BlockQ6_K& b) {
#pragma GCC unroll 8
  for (int g = 0; g < 8; ++g) {
    const __m256i low = load256(b.ql + 64 * (g / 4) + 32 * (g % 2));
    const __m256i nibble = masked(g % 4 < 2 ? low : _mm256_srli_epi16(low, 4), 15);
    const __m256i high = bit_pair(load256(b.qh + 32 * (g / 4)), g % 4);
    store(q + 32 * g, _mm256_or_si256(nibble, _mm256_slli_epi16(high, 4)));
  }
}

}  // namespace avx2

template <TensorType type>
HEARTH_TARGET_AVX2 HEARTH_INLINE void unpack_chunk_avx2(WeightChunk& out, const std::byte* bytes) {
  using Traits = WeightTraits<type>;
  const auto* blocks = reinterpret_cast<const typename Traits::Block*>(bytes);
#pragma GCC unroll 8
  for (int i = 0; i < kChunkElems / Traits::kBlockElems; ++i) {
    avx2::quants(out.q + Traits::kBlockElems * i, blocks[i]);
    unpack::scales(out, blocks[i], i);
  }
}

}  // namespace hearth::llm
#endif
