// Causal attention over a paged KV cache: grouped queries, sliding windows, soft-capped scores.
//
// Online softmax (Milakov & Gimelshein 2018, arXiv:1805.02867), one pass over the keys and values.
#pragma once
#include <memory>
#include <span>

#include "hearth/compute/cpu_features.h"
#include "hearth/compute/thread_pool.h"
#include "hearth/llm/kernels/kv_layout.h"

namespace hearth::llm {

struct AttentionShape {
  int heads = 0;      // query heads, a multiple of kv_heads: head h reads h / (heads / kv_heads)
  float scale = 0;    // scores are q·k * scale
  float softcap = 0;  // > 0: score = softcap * tanh(score / softcap), before masking
  int window = 0;     // > 0: a token sees itself and the window - 1 before it
};

/// Buffers that attention needs, allocated once; for one call at a time.
class AttentionScratch {
 public:
  /// Room for calls with at most `heads` query heads of at most `head_dim_max` elements (keys and
  /// values alike) on pools of at most `threads`. Any number of tokens and positions fits.
  AttentionScratch(int threads, int heads, int head_dim_max);
  ~AttentionScratch();
  struct Buffers;
  Buffers& buffers() { return *buffers_; }

 private:
  std::unique_ptr<Buffers> buffers_;
};

/// Writes the keys and values of new tokens into their pages, converting to the cache's type.
///   k   [tokens, kv_heads, head_dim_k] f32      v   [tokens, kv_heads, head_dim_v] f32
void store_kv(const KvLayer& cache, std::span<const TokenPlace> tokens, const float* k,
              const float* v, ThreadPool& pool);

/// out[t][h] = sum_p softmax_p(scores of q[t][h] with keys 0..position) * values[p].
///   q        [tokens, heads, head_dim_k] f32
///   out      [tokens, heads, head_dim_v] f32, not overlapping q
///   tokens   those of one sequence stand together, positions never falling; their keys and values
///            are already stored
/// Allocates nothing. Results do not depend on the number of threads, nor on the other sequences
/// of the batch.
void attention(float* out, const float* q, const KvLayer& cache, std::span<const TokenPlace> tokens,
               const AttentionShape& shape, AttentionScratch& scratch, ThreadPool& pool);

std::span<const cpu::KernelRow> attention_kernels();

}  // namespace hearth::llm
