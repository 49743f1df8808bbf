// Gemma 3, text: Gemma 2 with normalised heads in place of the scores' soft cap, and five layers
// with a sliding window to each that sees everything.
//
// Gemma Team 2025 (arXiv:2503.19786). Local layers have rotary frequencies of their own, which are
// not stretched with the context.
#include <cmath>

#include "hearth/llm/kernels/gates.h"
#include "hearth/llm/models/families.h"
#include "hearth/llm/models/forward_pass.h"

namespace hearth::llm {
namespace {

// The 27B model, the one with 62 layers, scales by the embedding's share of a head, not by the
// head's own size; the file does not say so.
float query_scale(const ModelConfig& config) {
  const float width =
      config.layers == 62 ? float(config.dim) / float(config.heads) : float(config.head_dim_k);
  return 1 / std::sqrt(width);
}

RopeSettings local_rope(const ModelFile& file) {
  const float base = file.keys.try_positive("rope.freq_base_swa", 1e12).value_or(10000);
  return {.dim = file.rope.dim, .freq_base = base};
}

class Gemma3 final : public Model {
 public:
  explicit Gemma3(ModelFile& file)
      : Model(file.config),
        weights_(read_decoder(file.weights, config_, {.head_norms = true, .post_norms = true})),
        global_rope_(make_rope_table(file.rope, RopePairing::halves)),
        local_rope_(make_rope_table(local_rope(file), RopePairing::halves)),
        is_local_(read_local_layers(file.keys, config_, /*period=*/6)),
        global_{.heads = config_.heads, .scale = query_scale(config_)},
        local_(global_),
        final_softcap_(file.keys.try_real("final_logit_softcapping", 1e6).value_or(0)) {
    local_.window = config_.sliding_window;
  }

  std::span<const float> forward(const Batch& batch, KvCache& cache, ForwardState& state,
                                 ThreadPool& pool) const override {
    ForwardPass pass(config_, batch, cache, state, pool);
    pass.embed(weights_.embedding);
    pass.scale_residual(std::sqrt(float(config_.dim)));
    for (int l = 0; l < config_.layers; ++l) layer(pass, l);
    return pass.logits(weights_.output, final_softcap_);
  }

 private:
  void layer(ForwardPass& pass, int l) const {
    const LayerWeights& w = weights_.layers[l];
    pass.norm(w.attention_norm);
    pass.project_qkv(w.attention);
    pass.norm_heads(w.attention);
    pass.rotate(is_local_[l] ? local_rope_ : global_rope_);
    pass.attend(l, is_local_[l] ? local_ : global_);
    pass.project_attended(w.attention);
    pass.norm_block_output(w.post_attention_norm);
    pass.add_to_residual();

    pass.norm(w.ffn_norm);
    pass.feed_forward(w.ffn, gelu_gate);
    pass.norm_block_output(w.post_ffn_norm);
    pass.add_to_residual();
  }

  DecoderWeights weights_;
  RopeTable global_rope_, local_rope_;
  std::vector<bool> is_local_;  // [layers] layers that see the window only
  AttentionShape global_, local_;
  float final_softcap_;
};

}  // namespace

std::unique_ptr<Model> load_gemma3(ModelFile& file) {
  file.config.sliding_window = read_sliding_window(file.keys).value_or(0);
  return std::make_unique<Gemma3>(file);
}

}  // namespace hearth::llm
