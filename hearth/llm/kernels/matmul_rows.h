// The seam between matmul()'s split of the work and its implementations: some rows, some tokens.
#pragma once
#include <span>

#include "hearth/llm/kernels/activation_chunk.h"
#include "hearth/llm/kernels/matmul.h"

namespace hearth::llm {

/// Bytes of scratch memory an implementation may use per thread: a panel of unpacked weights.
constexpr size_t kPanelBytes = size_t{128} << 10;

/// Rows are handed out in multiples of this, except at the end of a matrix.
constexpr int kPanelRows = 32;

/// out[t][r] = sum_c x[t][c] * weight[r][c] for row_begin <= r < row_end and the given tokens.
struct MatmulRows {
  const WeightMatrix* weight;
  int row_begin, row_end;
  float* out;  // of the first token
  size_t out_stride;
  int tokens;                     // >= 1
  const ActivationChunk* chunks;  // quantised types: chunk c of token t at c * chunk_stride + t
  size_t chunk_stride;
  const float* x;    // f32, f16, bf16: [tokens, cols]
  std::byte* panel;  // kPanelBytes of this thread, 64-byte aligned
};
using MatmulRowsFn = void(const MatmulRows&);

/// Up to so many tokens the vector implementations multiply row by row, each token's sums in the
/// order they have for one token alone: so answers that decode together read the weights once and
/// keep their bits. Beyond it panels of rows are faster, in another order.
constexpr int kRowwiseTokensMax = 4;

/// Asks for `kBytes` of weights that come kPrefetchBytes after `weights`. A mapped file lies in
/// pages of 4 KiB, where the hardware's own prefetching ends at each page; asking by address goes
/// on across them. Measured on Zen 5: 2 KiB to 16 KiB are alike, none is half as fast.
constexpr size_t kPrefetchBytes = 8192;

template <size_t kBytes>
HEARTH_INLINE void prefetch_ahead(const std::byte* weights) {
#pragma GCC unroll 8
  for (size_t at = 0; at < kBytes; at += 64) __builtin_prefetch(weights + kPrefetchBytes + at);
}

/// An implementation as cpu::choose() takes it, and its exact_tokens_max().
struct MatmulRowsImpl {
  std::string_view name;
  cpu::Needs needs;
  MatmulRowsFn* run;
  int exact_tokens_max;
};

/// Implementations for a weight type, best first.
std::span<const MatmulRowsImpl> matmul_rows_impls(formats::TensorType type);

/// True for the types that multiply in f32 with x as it is.
constexpr bool multiplies_in_f32(formats::TensorType type) {
  using enum formats::TensorType;
  return type == f32 || type == f16 || type == bf16;
}

/// The function of each implementation for a weight type.
MatmulRowsFn* matmul_rows_scalar(formats::TensorType type);
MatmulRowsFn* matmul_rows_avx2(formats::TensorType type);
MatmulRowsFn* matmul_float_rows_avx2(formats::TensorType type);
MatmulRowsFn* matmul_rows_avx512(formats::TensorType type);  // needs VNNI for quantised types
MatmulRowsFn* matmul_float_rows_avx512(formats::TensorType type);

}  // namespace hearth::llm
