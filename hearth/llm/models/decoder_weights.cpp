#include "hearth/llm/models/decoder_weights.h"

namespace hearth::llm {
namespace {

// Biases of a fused projection, cut as its rows are; or those of its parts.
void read_qkv_biases(WeightReader& weights, const std::string& block, AttentionWeights& w) {
  const int q_rows = w.q.rows, k_rows = w.k.rows, v_rows = w.v.rows;
  const std::vector<float> fused =
      weights.try_vector(block + "attn_qkv.bias", q_rows + k_rows + v_rows);
  if (fused.empty()) {
    w.q_bias = weights.try_vector(block + "attn_q.bias", q_rows);
    w.k_bias = weights.try_vector(block + "attn_k.bias", k_rows);
    w.v_bias = weights.try_vector(block + "attn_v.bias", v_rows);
    return;
  }
  w.q_bias.assign(fused.begin(), fused.begin() + q_rows);
  w.k_bias.assign(fused.begin() + q_rows, fused.end() - v_rows);
  w.v_bias.assign(fused.end() - v_rows, fused.end());
}

AttentionWeights read_attention(WeightReader& weights, const ModelConfig& c,
                                const std::string& block, bool head_norms) {
  const int q_rows = c.heads * c.head_dim_k;
  const int k_rows = c.kv_heads * c.head_dim_k;
  const int v_rows = c.kv_heads * c.head_dim_v;
  AttentionWeights w;
  if (weights.has(block + "attn_qkv.weight")) {
    const WeightMatrix qkv =
        weights.matrix(block + "attn_qkv.weight", q_rows + k_rows + v_rows, c.dim);
    w.q = rows_of(qkv, 0, q_rows);
    w.k = rows_of(qkv, q_rows, k_rows);
    w.v = rows_of(qkv, q_rows + k_rows, v_rows);
  } else {
    w.q = weights.matrix(block + "attn_q.weight", q_rows, c.dim);
    w.k = weights.matrix(block + "attn_k.weight", k_rows, c.dim);
    w.v = weights.matrix(block + "attn_v.weight", v_rows, c.dim);
  }
  read_qkv_biases(weights, block, w);
  w.output = weights.matrix(block + "attn_output.weight", c.dim, c.heads * c.head_dim_v);
  w.output_bias = weights.try_vector(block + "attn_output.bias", c.dim);
  if (head_norms) {
    w.q_norm = weights.vector(block + "attn_q_norm.weight", c.head_dim_k);
    w.k_norm = weights.vector(block + "attn_k_norm.weight", c.head_dim_k);
  }
  return w;
}

FeedForwardWeights read_feed_forward(WeightReader& weights, const ModelConfig& c,
                                     const std::string& block) {
  return {.gate = weights.matrix(block + "ffn_gate.weight", c.ffn_dim, c.dim),
          .up = weights.matrix(block + "ffn_up.weight", c.ffn_dim, c.dim),
          .gate_bias = weights.try_vector(block + "ffn_gate.bias", c.ffn_dim),
          .up_bias = weights.try_vector(block + "ffn_up.bias", c.ffn_dim),
          .down = weights.matrix(block + "ffn_down.weight", c.dim, c.ffn_dim),
          .down_bias = weights.try_vector(block + "ffn_down.bias", c.dim)};
}

FeedForwardWeights read_fused_feed_forward(WeightReader& weights, const ModelConfig& c,
                                           const std::string& block) {
  const WeightMatrix gate_up = weights.matrix(block + "ffn_up.weight", 2 * c.ffn_dim, c.dim);
  return {.gate = rows_of(gate_up, 0, c.ffn_dim),
          .up = rows_of(gate_up, c.ffn_dim, c.ffn_dim),
          .down = weights.matrix(block + "ffn_down.weight", c.dim, c.ffn_dim)};
}

LayerWeights read_layer(WeightReader& weights, const ModelConfig& c, const LayerTraits& traits,
                        int layer) {
  const std::string block = fmt::format("blk.{}.", layer);
  LayerWeights w;
  w.attention_norm = weights.vector(block + "attn_norm.weight", c.dim);
  w.attention = read_attention(weights, c, block, traits.head_norms);
  w.ffn_norm = weights.vector(block + "ffn_norm.weight", c.dim);
  w.ffn = traits.fused_gate_up ? read_fused_feed_forward(weights, c, block)
                               : read_feed_forward(weights, c, block);
  if (traits.post_norms) {
    w.post_attention_norm = weights.vector(block + "post_attention_norm.weight", c.dim);
    w.post_ffn_norm = weights.vector(block + "post_ffw_norm.weight", c.dim);
  }
  return w;
}

OutputWeights read_output(WeightReader& weights, const ModelConfig& c,
                          const WeightMatrix& embedding) {
  OutputWeights w{.norm = weights.vector("output_norm.weight", c.dim), .matrix = embedding};
  if (weights.has("output.weight"))
    w.matrix = weights.matrix("output.weight", c.vocab_size, c.dim);
  else
    weights.reuse("output.weight", embedding);
  w.bias = weights.try_vector("output.bias", c.vocab_size);
  return w;
}

}  // namespace

DecoderWeights read_decoder(WeightReader& weights, const ModelConfig& config,
                            const LayerTraits& traits) {
  DecoderWeights w;
  w.embedding = weights.table("token_embd.weight", config.vocab_size, config.dim);
  for (int l = 0; l < config.layers; ++l)
    w.layers.push_back(read_layer(weights, config, traits, l));
  w.output = read_output(weights, config, w.embedding);
  return w;
}

}  // namespace hearth::llm
