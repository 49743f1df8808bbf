#if defined(__x86_64__)
#include "hearth/llm/kernels/panel_avx512.h"

#include <algorithm>
#include <cstring>

namespace hearth::llm {
namespace {

HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE __m512i spread_four(const int8_t* q) {
  int32_t four;
  std::memcpy(&four, q, 4);
  return _mm512_set1_epi32(four);
}

// Asks for a range of memory, some lines at each of a number of steps. Measured at 8 tokens on Zen
// 5: 15 GB/s a thread for Q8_0 into the first level, 12 into the second, 11 as a burst before each
// panel.
class Ahead {
 public:
  Ahead(const std::byte* bytes, size_t count, int steps)
      : at_(reinterpret_cast<const char*>(bytes)),
        end_(at_ + count),
        step_bytes_(64 * (count / 64 / steps + 1)) {}
  HEARTH_INLINE void prefetch() {
    if (at_ >= end_) return;
    for (const char* stop = at_ + step_bytes_; at_ < stop; at_ += 64) __builtin_prefetch(at_, 0, 3);
  }

 private:
  const char* at_;
  const char* end_;
  size_t step_bytes_;
};

// kTokens tokens times 32 rows. All sums stay in registers: 12 of int32, 12 of f32 for six tokens.
// Long because the unrolled loops over rows and tokens make one straight line whose order matters.
template <PanelKind kKind, int kTokens>
HEARTH_TARGET_AVX512_VNNI void multiply_tokens(const MultiplyPanel& job, int token, Ahead& ahead) {
  constexpr int kGroups = 32 / kKind.group_elems;  // of a block
  __m512 sums[kTokens][2] = {};
  const __m512i shift = _mm512_set1_epi32(job.offset_shift);
  // The sums are added to lines that other panels pushed out of the near caches: ask for them now.
#pragma GCC unroll 6
  for (int t = 0; t < kTokens; ++t) {
    _mm_prefetch(job.out + (token + t) * job.out_stride, _MM_HINT_T0);
    _mm_prefetch(job.out + (token + t) * job.out_stride + 16, _MM_HINT_T0);
  }
  for (int c = 0; c < job.chunks; ++c) {
    const PanelChunk& w = job.panel[c];
    const ActivationChunk* a = job.a + c * job.chunk_stride + token;
    for (int block = 0; block < 8; ++block) {
      // The next tokens' activations come from the third-level cache when there are many: a line of
      // each of their chunks per block (57 % of the int8 peak without, 66 % with).
#pragma GCC unroll 6
      for (int t = 0; t < kTokens; ++t)
        _mm_prefetch(reinterpret_cast<const char*>(a + kTokens + t) + 64 * block, _MM_HINT_T0);
      ahead.prefetch();
      const int slot = lane_slot(2 * block);
      __m512 part[kTokens][2];
#pragma GCC unroll 2
      for (int g = 0; g < kGroups; ++g) {
        const int group = kGroups * block + g;
        __m512i dots[kTokens][2];
#pragma GCC unroll 6
        for (int t = 0; t < kTokens; ++t) {
          if constexpr (kKind.has_bias) {
            dots[t][0] = dots[t][1] = _mm512_setzero_si512();
          } else {  // start at -offset * sum(a)
            const int32_t sum =
                kGroups == 1 ? a[t].negative_sum_block[block] : a[t].negative_sum[group];
            dots[t][0] = dots[t][1] = _mm512_sllv_epi32(_mm512_set1_epi32(sum), shift);
          }
        }
#pragma GCC unroll 8
        for (int k = 0; k < kKind.group_elems / 4; ++k) {
          const int column = group * kKind.group_elems / 4 + k;
          const __m512i w0 = _mm512_load_si512(w.q[column][0]);
          const __m512i w1 = _mm512_load_si512(w.q[column][1]);
#pragma GCC unroll 6
          for (int t = 0; t < kTokens; ++t) {
            const __m512i four = spread_four(a[t].q + 4 * column);
            dots[t][0] = _mm512_dpbusd_epi32(dots[t][0], w0, four);
            dots[t][1] = _mm512_dpbusd_epi32(dots[t][1], w1, four);
          }
        }
        const __m512 s0 = _mm512_load_ps(w.scale[group]), s1 = _mm512_load_ps(w.scale[group] + 16);
#pragma GCC unroll 6
        for (int t = 0; t < kTokens; ++t) {
          const __m512 f0 = _mm512_cvtepi32_ps(dots[t][0]), f1 = _mm512_cvtepi32_ps(dots[t][1]);
          if constexpr (kGroups == 1) {
            const __m512 scale = _mm512_set1_ps(a[t].scale[slot]);
            sums[t][0] = _mm512_fmadd_ps(f0, _mm512_mul_ps(s0, scale), sums[t][0]);
            sums[t][1] = _mm512_fmadd_ps(f1, _mm512_mul_ps(s1, scale), sums[t][1]);
          } else {
            part[t][0] = g == 0 ? _mm512_mul_ps(f0, s0) : _mm512_fmadd_ps(f0, s0, part[t][0]);
            part[t][1] = g == 0 ? _mm512_mul_ps(f1, s1) : _mm512_fmadd_ps(f1, s1, part[t][1]);
          }
          if constexpr (kKind.has_bias) {
            const __m512 sum = _mm512_set1_ps(kGroups == 1 ? a[t].scaled_sum_block[block]
                                                           : a[t].scaled_sum[lane_slot(group)]);
            sums[t][0] = _mm512_fmadd_ps(_mm512_load_ps(w.bias[group]), sum, sums[t][0]);
            sums[t][1] = _mm512_fmadd_ps(_mm512_load_ps(w.bias[group] + 16), sum, sums[t][1]);
          }
        }
      }
      if constexpr (kGroups == 2) {
#pragma GCC unroll 6
        for (int t = 0; t < kTokens; ++t) {
          const __m512 scale = _mm512_set1_ps(a[t].scale[slot]);
          sums[t][0] = _mm512_fmadd_ps(part[t][0], scale, sums[t][0]);
          sums[t][1] = _mm512_fmadd_ps(part[t][1], scale, sums[t][1]);
        }
      }
    }
  }
  const __mmask32 stored = job.rows == 32 ? ~0u : (1u << job.rows) - 1;
#pragma GCC unroll 6
  for (int t = 0; t < kTokens; ++t)
#pragma GCC unroll 2
    for (int strip = 0; strip < 2; ++strip) {
      const auto mask = static_cast<__mmask16>(stored >> (16 * strip));
      float* out = job.out + (token + t) * job.out_stride + 16 * strip;
      __m512 sum = sums[t][strip];
      if (job.accumulate) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, out));
      _mm512_mask_storeu_ps(out, mask, sum);
    }
}

template <PanelKind kKind>
constexpr decltype(&multiply_tokens<kKind, 1>) kMultiplyTokens[] = {
    multiply_tokens<kKind, 1>, multiply_tokens<kKind, 2>, multiply_tokens<kKind, 3>,
    multiply_tokens<kKind, 4>, multiply_tokens<kKind, 5>, multiply_tokens<kKind, 6>};

}  // namespace

template <PanelKind kKind>
void multiply_panel(const MultiplyPanel& job) {
  constexpr int kTokensMax = 6;
  const int groups = (job.tokens + kTokensMax - 1) / kTokensMax;
  Ahead ahead(job.ahead, job.ahead_bytes, groups * job.chunks * 8);
  // Groups of almost equal size: 8 tokens are 4 + 4, not 6 + 2.
  for (int g = 0, token = 0; g < groups; ++g) {
    const int count = (job.tokens - token + groups - g - 1) / (groups - g);
    kMultiplyTokens<kKind>[count - 1](job, token, ahead);
    token += count;
  }
}

template void multiply_panel<PanelKind{false, 16}>(const MultiplyPanel&);
template void multiply_panel<PanelKind{false, 32}>(const MultiplyPanel&);
template void multiply_panel<PanelKind{true, 16}>(const MultiplyPanel&);
template void multiply_panel<PanelKind{true, 32}>(const MultiplyPanel&);

}  // namespace hearth::llm
#endif
