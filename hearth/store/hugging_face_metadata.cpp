#include "hearth/store/hugging_face_metadata.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "hearth/base/error.h"
#include "hearth/store/json_object.h"

namespace hearth::store {
namespace {

using formats::GgufArray;
using formats::GgufValue;
using Kind = RopeScaling::Kind;

float finite_f32(std::string_view where, std::string_view key, double value) {
  if (!(std::abs(value) <= std::numeric_limits<float>::max()))
    throw Error(Errc::corrupt_data, "{}: '{}' would be {}, not a number of 32 bits", where, key,
                value);
  return static_cast<float>(value);
}

class Keys {
 public:
  explicit Keys(std::string_view architecture) : architecture_(architecture) {}
  void u32(std::string_view key, uint64_t value) { put(key, static_cast<uint32_t>(value)); }
  void f32(std::string_view key, double value) { put(key, finite_f32("config.json", key, value)); }
  void put(std::string_view key, GgufValue value) {
    keys.emplace_back(fmt::format("{}.{}", architecture_, key), std::move(value));
  }
  GgufKeys keys;

 private:
  std::string_view architecture_;
};

/// Longrope keeps the softmax's temperature right beyond the original context (Ding et al. 2024,
/// arXiv:2402.13753, section 3.3).
double longrope_attention_factor(const HuggingFaceConfig& config) {
  const auto original = static_cast<double>(*config.rope_scaling.original_context);
  const double stretch = static_cast<double>(config.context) / original;
  return stretch <= 1 ? 1 : std::sqrt(1 + std::log(stretch) / std::log(original));
}

/// Peng et al. 2023, arXiv:2309.00071, section 3.4: 0.1 ln(factor) + 1; nothing to stretch, nothing
/// to correct.
double yarn_magnitude(double factor) { return factor <= 1 ? 1 : 0.1 * std::log(factor) + 1; }

void add_rope_scaling(const HuggingFaceConfig& config, Keys& out) {
  const RopeScaling& rope = config.rope_scaling;
  const auto original = rope.original_context.value_or(config.context);
  switch (rope.kind) {
    case Kind::none:
      return;
    case Kind::llama3:
      return;  // the tensor rope_freqs.weight holds all of it
    case Kind::linear:
      out.put("rope.scaling.type", std::string("linear"));
      out.f32("rope.scaling.factor", rope.factor);
      return;
    case Kind::yarn:
      out.put("rope.scaling.type", std::string("yarn"));
      out.f32("rope.scaling.factor", rope.factor);
      out.u32("rope.scaling.original_context_length", original);
      if (rope.beta_fast) out.f32("rope.scaling.yarn_beta_fast", *rope.beta_fast);
      if (rope.beta_slow) out.f32("rope.scaling.yarn_beta_slow", *rope.beta_slow);
      // Engines multiply with yarn's own magnitude, which attention_factor replaces.
      if (rope.attention_factor)
        out.f32("rope.scaling.attn_factor", *rope.attention_factor / yarn_magnitude(rope.factor));
      return;
    case Kind::longrope:
      // Without a factor: the stretching stands in the tensors rope_factors_long and
      // rope_factors_short.
      out.put("rope.scaling.type", std::string("longrope"));
      out.u32("rope.scaling.original_context_length", original);
      out.f32("rope.scaling.attn_factor",
              rope.attention_factor.value_or(longrope_attention_factor(config)));
      return;
  }
}

GgufKeys encoder_keys(const HuggingFaceConfig& config, uint64_t vocab_size) {
  Keys out(config.family->architecture);
  out.u32("block_count", config.layers);
  out.u32("context_length", config.context);
  out.u32("embedding_length", config.dim);
  out.u32("feed_forward_length", config.ffn_dim);
  out.u32("vocab_size", vocab_size);
  out.u32("attention.head_count", config.heads);
  out.f32("attention.layer_norm_epsilon", config.rms_eps);
  out.put("attention.causal", false);
  if (config.family->is_rotary) out.f32("rope.freq_base", config.rope_theta);
  if (config.pooling) out.u32("pooling_type", *config.pooling);
  return std::move(out.keys);
}

}  // namespace

GgufKeys config_keys(const HuggingFaceConfig& config, uint64_t vocab_size) {
  if (config.family->is_encoder) return encoder_keys(config, vocab_size);
  Keys out(config.family->architecture);
  out.u32("block_count", config.layers);
  out.u32("context_length", config.context);
  out.u32("embedding_length", config.dim);
  out.u32("feed_forward_length", config.ffn_dim);
  out.u32("vocab_size", vocab_size);
  out.u32("attention.head_count", config.heads);
  out.u32("attention.head_count_kv", config.kv_heads);
  out.u32("attention.key_length", config.head_dim);
  out.u32("attention.value_length", config.head_dim);
  out.f32("attention.layer_norm_rms_epsilon", config.rms_eps);
  out.u32("rope.dimension_count", config.rope_dim);
  out.f32("rope.freq_base", config.rope_theta);
  if (config.rope_theta_local) out.f32("rope.freq_base_swa", *config.rope_theta_local);
  add_rope_scaling(config, out);
  if (config.sliding_window) out.u32("attention.sliding_window", *config.sliding_window);
  if (!config.local_layers.empty())
    out.put("attention.sliding_window_pattern", GgufArray{config.local_layers});
  if (config.attention_softcap) out.f32("attn_logit_softcapping", *config.attention_softcap);
  if (config.final_softcap) out.f32("final_logit_softcapping", *config.final_softcap);
  return std::move(out.keys);
}

GgufKeys sampling_keys(const fs::path& folder) {
  const fs::path path = folder / "generation_config.json";
  GgufKeys out;
  if (!fs::exists(path)) return out;
  const nlohmann::json parsed = read_json(path);
  const JsonObject config(parsed, path.string());
  if (!config.try_bool("do_sample").value_or(false)) return out;
  const auto add_f32 = [&](std::string_view from, std::string to) {
    if (const auto value = config.try_f64(from))
      out.emplace_back(std::move(to), finite_f32(config.where(), from, *value));
  };
  if (const auto k = config.try_u64("top_k"))
    out.emplace_back("general.sampling.top_k",
                     static_cast<int32_t>(std::min<uint64_t>(*k, 1 << 20)));
  add_f32("top_p", "general.sampling.top_p");
  add_f32("min_p", "general.sampling.min_p");
  add_f32("temperature", "general.sampling.temp");
  add_f32("repetition_penalty", "general.sampling.penalty_repeat");
  return out;
}

}  // namespace hearth::store
