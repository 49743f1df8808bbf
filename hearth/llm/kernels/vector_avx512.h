// Sixteen floats at a time, in the words that the *_vector.inc bodies are written in.
//
// Each body is compiled once per instruction set: X_avx512.cpp includes this header, opens
// namespace avx512 and includes the body; X_avx2.cpp does the same with eight floats. Include one
// of the two.
#pragma once
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hearth/compute/cpu_features.h"

#define HEARTH_VECTOR_TARGET HEARTH_TARGET_AVX512
#define HEARTH_VECTOR static inline __attribute__((always_inline)) HEARTH_TARGET_AVX512

namespace hearth::llm::avx512 {

using Vec = __m512;
inline constexpr int kLanes = 16;

HEARTH_VECTOR Vec zeros() { return _mm512_setzero_ps(); }
HEARTH_VECTOR Vec set(float x) { return _mm512_set1_ps(x); }
HEARTH_VECTOR Vec load(const float* p) { return _mm512_loadu_ps(p); }
HEARTH_VECTOR void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
HEARTH_VECTOR Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
HEARTH_VECTOR Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
HEARTH_VECTOR Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
HEARTH_VECTOR Vec div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
/// a * b + c, one rounding.
HEARTH_VECTOR Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
/// b where either is not a number.
HEARTH_VECTOR Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
HEARTH_VECTOR Vec min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
HEARTH_VECTOR Vec abs(Vec a) { return _mm512_abs_ps(a); }
/// a < b ? x : y in each lane.
HEARTH_VECTOR Vec where_less(Vec a, Vec b, Vec x, Vec y) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x);
}
/// To the nearest integer, ties to even.
HEARTH_VECTOR Vec round(Vec a) {
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/// a * 2^n for integers -126 <= n <= 127.
HEARTH_VECTOR Vec scale_by_power(Vec a, Vec n) { return _mm512_scalef_ps(a, n); }

/// (x1, x0, x3, x2, ...).
HEARTH_VECTOR Vec swap_pairs(Vec a) { return _mm512_permute_ps(a, 0xB1); }

/// Half as many doubles.
using Wide = __m512d;
HEARTH_VECTOR Wide set_wide(double x) { return _mm512_set1_pd(x); }
HEARTH_VECTOR Wide widen(const float* p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
HEARTH_VECTOR void store_narrow(float* p, Wide a) { _mm256_storeu_ps(p, _mm512_cvtpd_ps(a)); }
HEARTH_VECTOR Wide add(Wide a, Wide b) { return _mm512_add_pd(a, b); }
HEARTH_VECTOR Wide sub(Wide a, Wide b) { return _mm512_sub_pd(a, b); }
HEARTH_VECTOR Wide mul(Wide a, Wide b) { return _mm512_mul_pd(a, b); }
HEARTH_VECTOR Wide fma(Wide a, Wide b, Wide c) { return _mm512_fmadd_pd(a, b, c); }
HEARTH_VECTOR Wide abs(Wide a) { return _mm512_abs_pd(a); }
HEARTH_VECTOR Wide round(Wide a) {
  return _mm512_roundscale_pd(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
HEARTH_VECTOR Wide where_less(Wide a, Wide b, Wide x, Wide y) {
  return _mm512_mask_blend_pd(_mm512_cmp_pd_mask(a, b, _CMP_LT_OQ), y, x);
}

/// The first `count` < kLanes elements; the others are 0 and not read.
HEARTH_VECTOR Vec load_part(const float* p, size_t count) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
}
HEARTH_VECTOR void store_part(float* p, Vec v, size_t count) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), v);
}

HEARTH_VECTOR Vec load_f16(const std::byte* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
/// Rounds to nearest even.
HEARTH_VECTOR void store_f16(std::byte* p, Vec v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
/// One half in every lane.
HEARTH_VECTOR Vec set_f16(const std::byte* p) {
  uint16_t half;
  std::memcpy(&half, p, 2);
  return _mm512_cvtph_ps(_mm256_set1_epi16(static_cast<int16_t>(half)));
}
HEARTH_VECTOR Vec load_i8(const std::byte* p) {
  return _mm512_cvtepi32_ps(
      _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
/// Rounds to nearest even; -128 <= v <= 127.
HEARTH_VECTOR void store_i8(std::byte* p, Vec v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v)));
}

HEARTH_VECTOR float reduce_add(Vec v) { return _mm512_reduce_add_ps(v); }
HEARTH_VECTOR double reduce_add(Wide v) { return _mm512_reduce_add_pd(v); }
HEARTH_VECTOR float reduce_max(Vec v) { return _mm512_reduce_max_ps(v); }

/// Lane i of the result is the sum of the lanes of v[i].
HEARTH_VECTOR Vec reduce_each(const Vec v[kLanes]) {
  Vec quarters[4];  // lane 4j + i: the sum over every fourth lane of v[4q + i], from lane j on
#pragma GCC unroll 4
  for (int q = 0; q < 4; ++q) {
    const Vec* w = v + 4 * q;
    const Vec a = add(_mm512_unpacklo_ps(w[0], w[1]), _mm512_unpackhi_ps(w[0], w[1]));
    const Vec b = add(_mm512_unpacklo_ps(w[2], w[3]), _mm512_unpackhi_ps(w[2], w[3]));
    quarters[q] = add(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xEE));
  }
  const Vec low = add(_mm512_shuffle_f32x4(quarters[0], quarters[1], 0x88),
                      _mm512_shuffle_f32x4(quarters[0], quarters[1], 0xDD));
  const Vec high = add(_mm512_shuffle_f32x4(quarters[2], quarters[3], 0x88),
                       _mm512_shuffle_f32x4(quarters[2], quarters[3], 0xDD));
  return add(_mm512_shuffle_f32x4(low, high, 0x88), _mm512_shuffle_f32x4(low, high, 0xDD));
}

}  // namespace hearth::llm::avx512
