// Gemma 2: a norm before and after each block, soft caps on scores and logits, and a sliding window
// in every other layer.
//
// Gemma Team 2024 (arXiv:2408.00118). The file's norms hold 1 + the trained weight.
#include <cmath>

#include "hearth/llm/kernels/gates.h"
#include "hearth/llm/models/families.h"
#include "hearth/llm/models/forward_pass.h"

namespace hearth::llm {
namespace {

// The 27B model, the one with 46 layers, scales by the embedding's share of a head, not by the
// head's own size; the file does not say so.
float query_scale(const ModelConfig& config) {
  const float width =
      config.layers == 46 ? float(config.dim) / float(config.heads) : float(config.head_dim_k);
  return 1 / std::sqrt(width);
}

class Gemma2 final : public Model {
 public:
  explicit Gemma2(ModelFile& file)
      : Model(file.config),
        weights_(read_decoder(file.weights, config_, {.post_norms = true})),
        rope_(make_rope_table(file.rope, RopePairing::halves)),
        is_local_(read_local_layers(file.keys, config_, /*period=*/2)),
        global_{.heads = config_.heads,
                .scale = query_scale(config_),
                .softcap = file.keys.try_real("attn_logit_softcapping", 1e6).value_or(50)},
        local_(global_),
        final_softcap_(file.keys.try_real("final_logit_softcapping", 1e6).value_or(30)) {
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
    pass.rotate(rope_);
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
  RopeTable rope_;
  std::vector<bool> is_local_;  // [layers] layers that see the window only
  AttentionShape global_, local_;
  float final_softcap_;
};

}  // namespace

std::unique_ptr<Model> load_gemma2(ModelFile& file) {
  file.config.sliding_window = read_sliding_window(file.keys).value_or(4096);
  return std::make_unique<Gemma2>(file);
}

}  // namespace hearth::llm
