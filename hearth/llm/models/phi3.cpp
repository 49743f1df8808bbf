// Phi 3, 3.5 and 4: Llama's layer with fused projections and, in long variants, longrope.
//
// Abdin et al. 2024 (arXiv:2404.14219); longrope: Ding et al. 2024 (arXiv:2402.13753), which has
// one set of rotary factors for sequences within the original context and one for those beyond it.
// `attention.sliding_window` is left unused, as in llama.cpp (its pull request 13676): the windows
// that converters wrote do not fit all of these models.
#include <cmath>

#include "hearth/llm/kernels/gates.h"
#include "hearth/llm/models/families.h"
#include "hearth/llm/models/forward_pass.h"

namespace hearth::llm {
namespace {

class Phi3 final : public Model {
 public:
  explicit Phi3(ModelFile& file)
      : Model(file.config),
        weights_(read_decoder(file.weights, config_, {.fused_gate_up = true})),
        rope_(
            make_rope_table(file.rope, RopePairing::halves,
                            read_longrope_factors(file.weights, file.rope, file.options.context))),
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

std::unique_ptr<Model> load_phi3(ModelFile& file) { return std::make_unique<Phi3>(file); }

}  // namespace hearth::llm
