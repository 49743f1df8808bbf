// Mistral 3 (Ministral, Mistral Small 3.x): Llama's layer, stretched by yarn, with queries that
// sharpen as the context grows.
//
// The sharpening is the attention temperature of Llama 4: each time the original context fits once
// more before a position, the logarithm of that count grows, weighted by
// `attention.temperature_scale`.
#include <cmath>

#include "hearth/llm/kernels/gates.h"
#include "hearth/llm/models/families.h"
#include "hearth/llm/models/forward_pass.h"

namespace hearth::llm {
namespace {

class Mistral3 final : public Model {
 public:
  explicit Mistral3(ModelFile& file)
      : Model(file.config),
        weights_(read_decoder(file.weights, config_)),
        rope_(make_rope_table(file.rope, RopePairing::adjacent,
                              read_rope_factors(file.weights, file.rope, "rope_freqs.weight"))),
        attention_{.heads = config_.heads, .scale = 1 / std::sqrt(float(config_.head_dim_k))},
        sharpening_(file.keys.try_real("attention.temperature_scale", 1e6).value_or(0)),
        sharpening_period_(file.rope.original_context) {}

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
    pass.rotate(rope_);
    pass.sharpen_distant_queries(sharpening_, sharpening_period_);
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
  float sharpening_;
  int sharpening_period_;  // positions
};

}  // namespace

std::unique_ptr<Model> load_mistral3(ModelFile& file) { return std::make_unique<Mistral3>(file); }

}  // namespace hearth::llm
