// Panels: 32 rows of unpacked weights in the order in which VPDPBUSD eats them.
#pragma once
#if defined(__x86_64__)
#include <immintrin.h>

#include "hearth/llm/kernels/matmul_rows.h"

namespace hearth::llm {

/// One chunk of 32 rows. A register holds 4 consecutive columns of 16 rows (a strip).
struct alignas(64) PanelChunk {
  uint8_t q[kChunkElems / 4][2][64];  // [column / 4, strip, row and column % 4]
  float scale[kChunkGroups][32];      // [group or block, row]
  float bias[kChunkGroups][32];
};

/// Chunks that are unpacked before they are multiplied: 2 * 8 KiB of weights leave room in a
/// first-level cache of 32 KiB for their scales and the activations.
constexpr int kPanelChunks = 4;
static_assert(kPanelChunks * sizeof(PanelChunk) <= kPanelBytes);

/// What of a weight type the product's inner loop depends on.
struct PanelKind {
  bool has_bias;
  int group_elems;  // 16 or 32
};

struct MultiplyPanel {
  const PanelChunk* panel;
  int chunks;
  int offset_shift;          // log2 of the type's offset, where it has no bias
  const ActivationChunk* a;  // chunk c of token t at c * chunk_stride + t
  size_t chunk_stride;
  float* out;  // of row 0 and token 0
  size_t out_stride;
  int rows;  // 1..32 that are stored
  int tokens;
  bool accumulate;         // add to out instead of overwriting it
  const std::byte* ahead;  // what to load into the caches meanwhile
  size_t ahead_bytes;
};

/// Instantiated for each kind in panel_avx512.cpp.
template <PanelKind kKind>
void multiply_panel(const MultiplyPanel& job);

/// rows[i] element j <-> rows[j] element i, of 32 bits.
HEARTH_TARGET_AVX512 HEARTH_INLINE void transpose_16x16(__m512i (&rows)[16]) {
  __m512i pairs[16], quads[16], halves[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4)
#pragma GCC unroll 2
    for (int k = 0; k < 2; ++k) {
      quads[i + 2 * k] = _mm512_unpacklo_epi64(pairs[i + k], pairs[i + 2 + k]);
      quads[i + 2 * k + 1] = _mm512_unpackhi_epi64(pairs[i + k], pairs[i + 2 + k]);
    }
    // quads[4i + j] lane l: column 4l + j of rows 4i to 4i + 3.
#pragma GCC unroll 2
  for (int i = 0; i < 16; i += 8)
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      halves[i + j] = _mm512_shuffle_i32x4(quads[i + j], quads[i + 4 + j], 0x88);
      halves[i + 4 + j] = _mm512_shuffle_i32x4(quads[i + j], quads[i + 4 + j], 0xDD);
    }
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    rows[j] = _mm512_shuffle_i32x4(halves[j], halves[8 + j], 0x88);
    rows[8 + j] = _mm512_shuffle_i32x4(halves[j], halves[8 + j], 0xDD);
    rows[4 + j] = _mm512_shuffle_i32x4(halves[4 + j], halves[12 + j], 0x88);
    rows[12 + j] = _mm512_shuffle_i32x4(halves[4 + j], halves[12 + j], 0xDD);
  }
}

/// Stores transposed scales in lane order to [group, row], or [block, row] where two groups share
/// one.
template <int kGroupElems>
HEARTH_TARGET_AVX512_VNNI HEARTH_INLINE void store_groups(float (&to)[kChunkGroups][32], int strip,
                                                          const __m512i (&values)[16]) {
  constexpr int kStep = kGroupElems / 16;
#pragma GCC unroll 16
  for (int group = 0; group < kChunkGroups; group += kStep)
    _mm512_store_si512(&to[group / kStep][16 * strip], values[lane_slot(group)]);
}

}  // namespace hearth::llm
#endif
