// Llama 1 to 3 and what is built like them: Mistral 7B, TinyLlama, SmolLM and most fine-tunes.
//
// Touvron et al. 2023 (arXiv:2302.13971): pre-normalised layers, rotary positions, gated SiLU.
// Grouped queries come from Ainslie et al. 2023 (arXiv:2305.13245), the sliding window from Jiang
// et al. 2023 (arXiv:2310.06825), the rotary factors (`rope_freqs`) from Llama 3.1.
#include <cmath>

#include "hearth/llm/kernels/gates.h"
#include "hearth/llm/models/families.h"
#include "hearth/llm/models/forward_pass.h"

namespace hearth::llm {
namespace {

// Longrope's two sets, or Llama 3.1's one.
std::vector<float> read_factors(ModelFile& file) {
  if (file.keys.try_text("rope.scaling.type") == "longrope")
    return read_longrope_factors(file.weights, file.rope, file.options.context);
  return read_rope_factors(file.weights, file.rope, "rope_freqs.weight");
}

class Llama final : public Model {
 public:
  explicit Llama(ModelFile& file)
      : Model(file.config),
        weights_(read_decoder(file.weights, config_)),
        rope_(make_rope_table(file.rope, RopePairing::adjacent, read_factors(file))),
        attention_{.heads = config_.heads,
                   .scale = file.keys.try_positive("attention.scale", 1e6)
                                .value_or(1 / std::sqrt(float(config_.head_dim_k))),
                   .window = config_.sliding_window} {}

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

std::unique_ptr<Model> load_llama(ModelFile& file) {
  file.config.sliding_window = read_sliding_window(file.keys).value_or(0);
  return std::make_unique<Llama>(file);
}

}  // namespace hearth::llm
