// Eight floats at a time, in the words that the *_vector.inc bodies are written in: the AVX2 twin
// of vector_avx512.h, which says how the two are used.
#pragma once
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hearth/compute/cpu_features.h"

#define HEARTH_VECTOR_TARGET HEARTH_TARGET_AVX2
#define HEARTH_VECTOR static inline __attribute__((always_inline)) HEARTH_TARGET_AVX2

namespace hearth::llm::avx2 {

using Vec = __m256;
inline constexpr int kLanes = 8;

HEARTH_VECTOR Vec zeros() { return _mm256_setzero_ps(); }
HEARTH_VECTOR Vec set(float x) { return _mm256_set1_ps(x); }
HEARTH_VECTOR Vec load(const float* p) { return _mm256_loadu_ps(p); }
HEARTH_VECTOR void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
HEARTH_VECTOR Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
HEARTH_VECTOR Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
HEARTH_VECTOR Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
HEARTH_VECTOR Vec div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
HEARTH_VECTOR Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
HEARTH_VECTOR Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
HEARTH_VECTOR Vec min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
HEARTH_VECTOR Vec abs(Vec a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
HEARTH_VECTOR Vec where_less(Vec a, Vec b, Vec x, Vec y) {
  return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
HEARTH_VECTOR Vec round(Vec a) {
  return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
HEARTH_VECTOR Vec scale_by_power(Vec a, Vec n) {
  const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
}

HEARTH_VECTOR Vec swap_pairs(Vec a) { return _mm256_permute_ps(a, 0xB1); }

using Wide = __m256d;
HEARTH_VECTOR Wide set_wide(double x) { return _mm256_set1_pd(x); }
HEARTH_VECTOR Wide widen(const float* p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
HEARTH_VECTOR void store_narrow(float* p, Wide a) { _mm_storeu_ps(p, _mm256_cvtpd_ps(a)); }
HEARTH_VECTOR Wide add(Wide a, Wide b) { return _mm256_add_pd(a, b); }
HEARTH_VECTOR Wide sub(Wide a, Wide b) { return _mm256_sub_pd(a, b); }
HEARTH_VECTOR Wide mul(Wide a, Wide b) { return _mm256_mul_pd(a, b); }
HEARTH_VECTOR Wide fma(Wide a, Wide b, Wide c) { return _mm256_fmadd_pd(a, b, c); }
HEARTH_VECTOR Wide abs(Wide a) { return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a); }
HEARTH_VECTOR Wide round(Wide a) {
  return _mm256_round_pd(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
HEARTH_VECTOR Wide where_less(Wide a, Wide b, Wide x, Wide y) {
  return _mm256_blendv_pd(y, x, _mm256_cmp_pd(a, b, _CMP_LT_OQ));
}

HEARTH_VECTOR __m256i first_lanes(size_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
HEARTH_VECTOR Vec load_part(const float* p, size_t count) {
  return _mm256_maskload_ps(p, first_lanes(count));
}
HEARTH_VECTOR void store_part(float* p, Vec v, size_t count) {
  _mm256_maskstore_ps(p, first_lanes(count), v);
}

HEARTH_VECTOR Vec load_f16(const std::byte* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
HEARTH_VECTOR void store_f16(std::byte* p, Vec v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
HEARTH_VECTOR Vec set_f16(const std::byte* p) {
  uint16_t half;
  std::memcpy(&half, p, 2);
  return _mm256_cvtph_ps(_mm_set1_epi16(static_cast<int16_t>(half)));
}
HEARTH_VECTOR Vec load_i8(const std::byte* p) {
  return _mm256_cvtepi32_ps(
      _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
HEARTH_VECTOR void store_i8(std::byte* p, Vec v) {
  const __m256i words = _mm256_cvtps_epi32(v);
  const __m128i shorts =
      _mm_packs_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(shorts, shorts));
}

HEARTH_VECTOR float reduce_add(Vec v) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_shuffle_ps(x, x, 1)));
}
HEARTH_VECTOR double reduce_add(Wide v) {
  const __m128d x = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
  return _mm_cvtsd_f64(_mm_add_sd(x, _mm_unpackhi_pd(x, x)));
}
HEARTH_VECTOR float reduce_max(Vec v) {
  __m128 x = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  x = _mm_max_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_max_ss(x, _mm_shuffle_ps(x, x, 1)));
}

HEARTH_VECTOR Vec reduce_each(const Vec v[kLanes]) {
  Vec halves[2];
#pragma GCC unroll 2
  for (int h = 0; h < 2; ++h) {
    const Vec* w = v + 4 * h;
    const Vec a = add(_mm256_unpacklo_ps(w[0], w[1]), _mm256_unpackhi_ps(w[0], w[1]));
    const Vec b = add(_mm256_unpacklo_ps(w[2], w[3]), _mm256_unpackhi_ps(w[2], w[3]));
    halves[h] = add(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xEE));
  }
  return add(_mm256_permute2f128_ps(halves[0], halves[1], 0x20),
             _mm256_permute2f128_ps(halves[0], halves[1], 0x31));
}

}  // namespace hearth::llm::avx2
