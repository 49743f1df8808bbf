// Activations as the quantised products read them: 8-bit integers in blocks of 32, and their sums.
//
// A product of a weight block, w = scale_w * (q_w - offset) + bias_w, and an activation block,
// a = scale_a * q_a, splits into integer and float parts:
//
//   sum w a = scale_w scale_a (sum q_w q_a - offset * sum q_a) + bias_w * scale_a * sum q_a
//
// so the sums of q_a are kept beside the values, once for all weight types.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "hearth/compute/cpu_features.h"

/// For what kernels with target attributes are put together from.
#define HEARTH_INLINE inline __attribute__((always_inline))

namespace hearth::llm {

constexpr int kChunkElems = 256;  // a superblock of the K types, or 8 blocks of the others
constexpr int kChunkGroups = 16;  // groups of 16 elements: the finest that any type scales

/// Where group g of a chunk stands in arrays in lane order. A 512-bit register holds four groups of
/// 8-bit elements, one in each 128-bit lane; the scales of all sixteen stand such that lane l of
/// register i finds its scale as element i of lane l: one in-lane shuffle spreads it.
constexpr int lane_slot(int group) { return 4 * (group % 4) + group / 4; }

/// 256 consecutive activations of one token. Columns past the end are zeros.
struct alignas(64) ActivationChunk {
  int8_t q[kChunkElems];               // -127..127
  float scale[kChunkGroups];           // lane order; equal for the two groups of a block of 32
  float scaled_sum[kChunkGroups];      // lane order: scale * sum of q over the group
  int32_t negative_sum[kChunkGroups];  // -(sum of q) over group g
  int32_t negative_sum_block[8];       // -(sum of q) over block b, two groups
  float scaled_sum_block[8];           // scale * sum of q over block b
};
static_assert(sizeof(ActivationChunk) == 512);

constexpr int chunk_count(int cols) { return (cols + kChunkElems - 1) / kChunkElems; }

/// Quantises tokens [begin, end) of x [tokens, cols]: per block of 32, scale = max|x| / 127 and
/// q = x / scale rounded to nearest even. A block with a value that is not a number gets such a
/// scale, and so does every product with it.
///   chunks   [chunk_count(cols), tokens]: chunk c of token t at c * tokens + t
struct QuantizeActivations {
  ActivationChunk* chunks;
  const float* x;
  int tokens, cols;
  int begin, end;
};
using QuantizeActivationsFn = void(const QuantizeActivations&);

void quantize_activations_scalar(const QuantizeActivations& job);
void quantize_activations_avx2(const QuantizeActivations& job);
void quantize_activations_avx512(const QuantizeActivations& job);

/// Best first; all give the same bits.
std::span<const cpu::Impl<QuantizeActivationsFn>> quantize_activations_impls();

}  // namespace hearth::llm
