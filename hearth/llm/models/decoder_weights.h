// The weights of a decoder-only transformer, and how they are named in a file.
#pragma once
#include <vector>

#include "hearth/llm/models/config.h"
#include "hearth/llm/models/weights.h"

namespace hearth::llm {

/// An empty bias or norm is one that the model does not have.
struct AttentionWeights {
  WeightMatrix q, k, v;  // [heads or kv_heads * head_dim, dim]
  std::vector<float> q_bias, k_bias, v_bias;
  std::vector<float> q_norm, k_norm;  // [head_dim_k], for each head alike
  WeightMatrix output;                // [dim, heads * head_dim_v]
  std::vector<float> output_bias;
};

struct FeedForwardWeights {
  WeightMatrix gate, up;  // [ffn_dim, dim]
  std::vector<float> gate_bias, up_bias;
  WeightMatrix down;  // [dim, ffn_dim]
  std::vector<float> down_bias;
};

struct LayerWeights {
  std::vector<float> attention_norm;  // [dim], as all norms here
  AttentionWeights attention;
  std::vector<float> post_attention_norm;
  std::vector<float> ffn_norm;
  FeedForwardWeights ffn;
  std::vector<float> post_ffn_norm;
};

struct OutputWeights {
  std::vector<float> norm;
  WeightMatrix matrix;  // [vocab_size, dim]
  std::vector<float> bias;
};

struct DecoderWeights {
  WeightMatrix embedding;  // [vocab_size, dim]
  std::vector<LayerWeights> layers;
  OutputWeights output;
};

/// What a family's layers have beyond, or otherwise than, those of Llama.
struct LayerTraits {
  bool head_norms = false;     // attn_q_norm and attn_k_norm
  bool post_norms = false;     // post_attention_norm and post_ffw_norm
  bool fused_gate_up = false;  // ffn_up holds the rows of gate, then those of up
};

/// Reads token_embd, blk.*, output_norm and output, with biases where the file has them. Q, K and V
/// may be fused in attn_qkv; without output.weight the embedding serves (a tied output).
DecoderWeights read_decoder(WeightReader& weights, const ModelConfig& config,
                            const LayerTraits& traits = {});

}  // namespace hearth::llm
