// One forward pass in progress: the steps that families put together into layers.
//
// A layer reads and writes three things. x, the residual stream [tokens, dim]; h, what a block
// computes from it and adds back [tokens, dim]; and q, k, v of the layer. Every step names which.
#pragma once
#include <span>

#include "hearth/llm/kernels/rope.h"
#include "hearth/llm/models/decoder_weights.h"
#include "hearth/llm/models/model.h"

namespace hearth::llm {

/// out[i] = activation(gate[i]) * up[i]: silu_gate or gelu_gate.
using GateKernel = void(float* out, const float* gate, const float* up, size_t count,
                        ThreadPool& pool);

class ForwardPass {
 public:
  /// Checks the batch against the state, the cache and the model.
  ForwardPass(const ModelConfig& config, const Batch& batch, KvCache& cache, ForwardState& state,
              ThreadPool& pool);

  /// x = rows of the table for the batch's ids.
  void embed(const WeightMatrix& table);
  /// x *= factor.
  void scale_residual(float factor);
  /// h = rms_norm(x) * weight.
  void norm(const std::vector<float>& weight);
  /// h = rms_norm(h) * weight.
  void norm_block_output(const std::vector<float>& weight);
  /// x += h.
  void add_to_residual();

  /// q, k, v = Wq h, Wk h, Wv h, plus their biases.
  void project_qkv(const AttentionWeights& w);
  /// q, k = rms_norm of each head of q, k.
  void norm_heads(const AttentionWeights& w);
  /// q, k turned by their positions.
  void rotate(const RopeTable& table);
  /// q of each token times 1 + strength * ln(floor(position / period) + 1).
  void sharpen_distant_queries(float strength, int period);
  /// Stores k and v in the cache, then lets q attend to all that is there. In the last layer,
  /// tokens that want no logits leave the pass once their k and v are stored.
  void attend(int layer, const AttentionShape& shape);
  /// h = Wo attended, plus its bias.
  void project_attended(const AttentionWeights& w);
  /// h = Wdown (activation(Wgate h) * Wup h), plus biases.
  void feed_forward(const FeedForwardWeights& w, GateKernel* gate);

  /// logits = W rms_norm(x), plus its bias; then, if `cap` > 0, cap * tanh(logits / cap). For
  /// Batch::wants_vectors: rms_norm(x).
  std::span<const float> logits(const OutputWeights& w, float cap = 0);

 private:
  void place_tokens(const Batch& batch, const KvCache& cache);
  void keep_wanted_tokens();
  /// The products of x [tokens, cols] with each job's weights.
  void project(std::span<const MatmulJob> jobs, const float* x, int cols);
  /// out = x W.
  void project(float* out, const WeightMatrix& weight, const float* x);
  /// out += scale * B (A x) for the rows whose sequences use an adapter that changes the weight.
  void adapt(const MatmulJob& job, const float* x);
  /// The same for rows of the embedding table.
  void adapt_embedding();
  /// Rows from `begin` that use one adapter alike, or none; `begin` < tokens_.
  int end_of_adapter_run(int begin) const;
  /// x[t] += bias, unless the model has none.
  void add_bias(float* x, const std::vector<float>& bias);

  const ModelConfig& config_;
  KvCache& cache_;
  ForwardState& state_;
  ThreadPool& pool_;
  int tokens_;  // rows of x and h that are still computed
  int wanted_;  // rows that want logits
  bool wants_vectors_;
  bool uses_adapters_;
};

}  // namespace hearth::llm
