// Products of activations with the weight matrices of a model file, in every weight type.
//
// Weights stay in the layout of the file (memory-mapped): no second copy exists. A few tokens at a
// time (decode) run as row-wise dot products bound by memory bandwidth; many tokens (prefill,
// batches) run as a tiled product that unpacks a panel of weights once into a core's cache and uses
// it for every token.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hearth/compute/cpu_features.h"
#include "hearth/compute/thread_pool.h"
#include "hearth/formats/tensor_type.h"

namespace hearth::llm {

/// A weight [rows, cols] in a block type; rows are contiguous, row r starts at data + r *
/// row_bytes. Not owned.
struct WeightMatrix {
  formats::TensorType type = formats::TensorType::f32;
  int rows = 0;
  int cols = 0;
  const std::byte* data = nullptr;
  size_t row_bytes = 0;
};

/// Buffers that matmul needs, allocated once; for one call at a time.
class MatmulScratch {
 public:
  /// Room for calls with at most `tokens_max` rows of at most `cols_max` columns on pools of at
  /// most `threads`.
  MatmulScratch(int threads, int tokens_max, int cols_max);
  ~MatmulScratch();
  struct Buffers;
  Buffers& buffers() { return *buffers_; }

 private:
  std::unique_ptr<Buffers> buffers_;
};

/// One product of a group that shares its input.
struct MatmulJob {
  float* out;         // [tokens, out_stride] f32; columns [0, weight->rows) are written
  size_t out_stride;  // >= weight->rows
  const WeightMatrix* weight;
};

/// For each job: out[t][r] = sum_c x[t][c] * weight[r][c].
///
///   x      [tokens, cols] f32, row-major, not overlapping any out; cols == each weight's cols
///
/// f32, f16 and bf16 weights multiply in f32. Every other type quantises x to 8 bits in blocks of
/// 32 with an f32 scale (relative error of a product about 0.4 % of the block's largest |x|,
/// averaging out over cols) and sums in int32. x is quantised once for all jobs, and all jobs run
/// in one parallel section (Q, K and V; gate and up). Equal inputs give equal bits on one machine,
/// for each count of tokens; row t does not depend on other rows beyond that count, and for counts
/// up to exact_tokens_max() not on the count either.
void matmul(std::span<const MatmulJob> jobs, const float* x, int tokens, int cols,
            MatmulScratch& scratch, ThreadPool& pool);

/// The largest n such that out[t] has the same bits in calls of 1 to n tokens, with the
/// implementation that runs here; the largest int where the count never matters.
int exact_tokens_max(formats::TensorType type);

/// The definition: weights by formats::dequantize_row, sums in f64, no activation quantisation. The
/// oracle.
void matmul_reference(float* out, const WeightMatrix& weight, const float* x, int tokens);

/// Rows for `hearth kernels`: every weight type with its implementations, best first.
std::span<const cpu::KernelRow> matmul_kernels();

}  // namespace hearth::llm
