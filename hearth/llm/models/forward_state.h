// The buffers of a forward pass: allocated once, so that running the model allocates nothing.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "hearth/llm/kernels/attention.h"
#include "hearth/llm/kernels/matmul.h"
#include "hearth/llm/models/config.h"
#include "hearth/llm/models/lora.h"

namespace hearth::llm {

/// An array of floats on a cache line's boundary, not cleared: the system provides its memory when
/// it is first written, so that a buffer for 512 tokens costs what the longest batch used.
class FloatBuffer {
 public:
  explicit FloatBuffer(size_t count);
  float* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(float* data) const { ::operator delete[](data, kAlignment); }
  };
  static constexpr std::align_val_t kAlignment{64};
  std::unique_ptr<float[], Free> data_;
};

/// For batches of at most `tokens_max` tokens of which at most `logits_max` want logits. One per
/// thread that runs a model.
class ForwardState {
 public:
  ForwardState(const ModelConfig& config, int threads, int tokens_max, int logits_max);
  /// What the buffers of such a state take once the largest batch has been through them; without
  /// what each thread has for itself.
  static size_t bytes(const ModelConfig& config, int tokens_max, int logits_max);

  const int tokens_max, logits_max;

  FloatBuffer residual;  // x [tokens, dim]: what the layers add to
  FloatBuffer hidden;    // h [tokens, dim]: a norm's result, then the block's contribution to x
  // Attention and feed-forward take turns, so their inner values share memory.
  FloatBuffer inner;
  float* q;                       // [tokens, heads, head_dim_k]
  float* k;                       // [tokens, kv_heads, head_dim_k]
  float* v;                       // [tokens, kv_heads, head_dim_v]
  float* attended;                // [tokens, heads, head_dim_v]
  float* gate;                    // [tokens, ffn_dim]
  float* up;                      // [tokens, ffn_dim]
  FloatBuffer logits;             // [logits_max, vocab_size]
  FloatBuffer inner_of_adapters;  // [tokens, rank] of one adapter, between its two halves

  std::vector<int32_t> ids, positions;  // of the batch's tokens
  std::vector<int32_t> wanted;          // rows that want logits, ascending
  std::vector<TokenPlace> places;
  std::vector<AdapterUse> adapters;  // of the batch's tokens, where any uses one
  MatmulScratch matmul;
  AttentionScratch attention;
};

}  // namespace hearth::llm
