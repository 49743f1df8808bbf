// Qwen 3, dense: instead of biases, each head's queries and keys are normalised before they turn.
//
// Yang et al. 2025 (arXiv:2505.09388). The heads together may be wider than the embedding.
#include <cmath>

#include "hearth/llm/kernels/gates.h"
#include "hearth/llm/models/families.h"
#include "hearth/llm/models/forward_pass.h"

namespace hearth::llm {
namespace {

class Qwen3 final : public Model {
 public:
  explicit Qwen3(ModelFile& file)
      : Model(file.config),
        weights_(read_decoder(file.weights, config_, {.head_norms = true})),
        rope_(make_rope_table(file.rope, RopePairing::halves)),
        attention_{.heads = config_.heads, .scale = 1 / std::sqrt(float(config_.head_dim_k))} {}

  std::span<const float> forward(const Batch& batch, KvCache& cache, ForwardState& state,
                                 ThreadPool& pool) const override {
    ForwardPass pass(config_, batch, cache, state, pool);
    pass.embed(weights_.embedding);
    for (int l = 0; l < config_.layers; ++l) layer(pass, l);
    return pass.logits(weights_.output);
  }

 private:
  void layer(ForwardPass& pass, int l) const {
    const LayerWeights& w = weights_.layers[l];
    pass.norm(w.attention_norm);
    pass.project_qkv(w.attention);
    pass.norm_heads(w.attention);
    pass.rotate(rope_);
    pass.attend(l, attention_);
    pass.project_attended(w.attention);
    pass.add_to_residual();

    pass.norm(w.ffn_norm);
    pass.feed_forward(w.ffn, silu_gate);
    pass.add_to_residual();
  }

  DecoderWeights weights_;
  RopeTable rope_;
  AttentionShape attention_;
};

}  // namespace

std::unique_ptr<Model> load_qwen3(ModelFile& file) { return std::make_unique<Qwen3>(file); }

}  // namespace hearth::llm
