#include "hearth/store/hugging_face_tensors.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <span>

#include "hearth/base/error.h"

namespace hearth::store {
namespace {

using formats::SafeTensor;
using formats::Safetensors;

/// Which families have a tensor.
enum class Has { always, split, fused, plain_norms, sandwich_norms, head_norms, qkv_bias };
/// Extents that the configuration gives.
enum class Extent { one, dim, q, kv, qkv, ffn, two_ffn, head };

struct LayerRule {
  std::string_view source;  // after "model.layers.N."
  std::string_view target;  // after "blk.N."
  Has has;
  Extent rows, cols;  // rows one: a vector
  bool permuted = false;
};

// In the order in which a forward pass reads them, so that the file is read front to back.
constexpr LayerRule kLayerRules[] = {
    {"input_layernorm.weight", "attn_norm.weight", Has::always, Extent::one, Extent::dim},
    {"self_attn.q_proj.weight", "attn_q.weight", Has::split, Extent::q, Extent::dim, true},
    {"self_attn.q_proj.bias", "attn_q.bias", Has::qkv_bias, Extent::one, Extent::q, true},
    {"self_attn.k_proj.weight", "attn_k.weight", Has::split, Extent::kv, Extent::dim, true},
    {"self_attn.k_proj.bias", "attn_k.bias", Has::qkv_bias, Extent::one, Extent::kv, true},
    {"self_attn.v_proj.weight", "attn_v.weight", Has::split, Extent::kv, Extent::dim},
    {"self_attn.v_proj.bias", "attn_v.bias", Has::qkv_bias, Extent::one, Extent::kv},
    {"self_attn.qkv_proj.weight", "attn_qkv.weight", Has::fused, Extent::qkv, Extent::dim},
    {"self_attn.q_norm.weight", "attn_q_norm.weight", Has::head_norms, Extent::one, Extent::head},
    {"self_attn.k_norm.weight", "attn_k_norm.weight", Has::head_norms, Extent::one, Extent::head},
    {"self_attn.o_proj.weight", "attn_output.weight", Has::always, Extent::dim, Extent::q},
    {"post_attention_layernorm.weight", "post_attention_norm.weight", Has::sandwich_norms,
     Extent::one, Extent::dim},
    {"post_attention_layernorm.weight", "ffn_norm.weight", Has::plain_norms, Extent::one,
     Extent::dim},
    {"pre_feedforward_layernorm.weight", "ffn_norm.weight", Has::sandwich_norms, Extent::one,
     Extent::dim},
    {"mlp.gate_proj.weight", "ffn_gate.weight", Has::split, Extent::ffn, Extent::dim},
    {"mlp.up_proj.weight", "ffn_up.weight", Has::split, Extent::ffn, Extent::dim},
    {"mlp.gate_up_proj.weight", "ffn_up.weight", Has::fused, Extent::two_ffn, Extent::dim},
    {"mlp.down_proj.weight", "ffn_down.weight", Has::always, Extent::dim, Extent::ffn},
    {"post_feedforward_layernorm.weight", "post_ffw_norm.weight", Has::sandwich_norms, Extent::one,
     Extent::dim},
};

/// The same for encoders, after "encoder.layer.N.".
constexpr LayerRule kEncoderRules[] = {
    {"attention.self.query.weight", "attn_q.weight", Has::always, Extent::dim, Extent::dim},
    {"attention.self.query.bias", "attn_q.bias", Has::always, Extent::one, Extent::dim},
    {"attention.self.key.weight", "attn_k.weight", Has::always, Extent::dim, Extent::dim},
    {"attention.self.key.bias", "attn_k.bias", Has::always, Extent::one, Extent::dim},
    {"attention.self.value.weight", "attn_v.weight", Has::always, Extent::dim, Extent::dim},
    {"attention.self.value.bias", "attn_v.bias", Has::always, Extent::one, Extent::dim},
    {"attention.output.dense.weight", "attn_output.weight", Has::always, Extent::dim, Extent::dim},
    {"attention.output.dense.bias", "attn_output.bias", Has::always, Extent::one, Extent::dim},
    {"attention.output.LayerNorm.weight", "attn_output_norm.weight", Has::always, Extent::one,
     Extent::dim},
    {"attention.output.LayerNorm.bias", "attn_output_norm.bias", Has::always, Extent::one,
     Extent::dim},
    {"intermediate.dense.weight", "ffn_up.weight", Has::always, Extent::ffn, Extent::dim},
    {"intermediate.dense.bias", "ffn_up.bias", Has::always, Extent::one, Extent::ffn},
    {"output.dense.weight", "ffn_down.weight", Has::always, Extent::dim, Extent::ffn},
    {"output.dense.bias", "ffn_down.bias", Has::always, Extent::one, Extent::dim},
    {"output.LayerNorm.weight", "layer_output_norm.weight", Has::always, Extent::one, Extent::dim},
    {"output.LayerNorm.bias", "layer_output_norm.bias", Has::always, Extent::one, Extent::dim},
};

/// The same for encoders whose positions turn, after "encoder.layers.N.".
constexpr LayerRule kRotaryEncoderRules[] = {
    {"attn.Wqkv.weight", "attn_qkv.weight", Has::always, Extent::qkv, Extent::dim},
    {"attn.out_proj.weight", "attn_output.weight", Has::always, Extent::dim, Extent::dim},
    {"norm1.weight", "attn_output_norm.weight", Has::always, Extent::one, Extent::dim},
    {"norm1.bias", "attn_output_norm.bias", Has::always, Extent::one, Extent::dim},
    {"mlp.fc11.weight", "ffn_up.weight", Has::always, Extent::ffn, Extent::dim},
    {"mlp.fc12.weight", "ffn_gate.weight", Has::always, Extent::ffn, Extent::dim},
    {"mlp.fc2.weight", "ffn_down.weight", Has::always, Extent::dim, Extent::ffn},
    {"norm2.weight", "layer_output_norm.weight", Has::always, Extent::one, Extent::dim},
    {"norm2.bias", "layer_output_norm.bias", Has::always, Extent::one, Extent::dim},
};

/// Where a checkpoint keeps an encoder.
constexpr std::string_view kEncoderPrefixes[] = {"", "bert."};

/// Where a checkpoint keeps the language model; wrappers that also see put it deeper.
constexpr std::string_view kPrefixes[] = {"model.", "language_model.model.",
                                          "model.language_model."};
constexpr std::string_view kHeads[] = {"lm_head.weight", "language_model.lm_head.weight"};

/// Tensors that a text model can do without: buffers that the config implies, the eyes of
/// wrappers, and what BERT was trained with.
bool is_ignorable(std::string_view name) {
  constexpr std::string_view kParts[] = {
      "rotary_emb.inv_freq",     "vision_tower.",    "multi_modal_projector.", "vision_model.",
      "embeddings.position_ids", "cls.predictions.", "cls.seq_relationship."};
  return std::ranges::any_of(kParts,
                             [&](std::string_view part) { return name.find(part) != name.npos; });
}

class Planner {
 public:
  Planner(const Safetensors& checkpoint, const HuggingFaceConfig& config)
      : checkpoint_(checkpoint), config_(config), prefix_(find_prefix()) {}

  TensorPlan run() {
    if (config_.family->is_encoder)
      plan_encoder();
    else
      plan_decoder();
    check_all_used();
    return std::move(plan_);
  }

 private:
  void plan_decoder() {
    const SafeTensor& embedding = checkpoint_.tensor(fmt::format("{}embed_tokens.weight", prefix_));
    if (embedding.shape.empty()) fail_shape(embedding, {0, config_.dim});
    plan_.vocab_size = embedding.shape[0];
    add(embedding, "token_embd.weight", {plan_.vocab_size, config_.dim});
    for (uint64_t layer = 0; layer < config_.layers; ++layer)
      add_layer(layer, "layers", kLayerRules);
    add(checkpoint_.tensor(fmt::format("{}norm.weight", prefix_)), "output_norm.weight",
        {config_.dim});
    add_output();
    add_rope_factors();
  }

  PlannedTensor& add_named(std::string_view source, std::string_view name,
                           const std::vector<uint64_t>& shape) {
    return add(look_up(fmt::format("{}{}", prefix_, source)), std::string(name), shape);
  }

  /// BERT's first checkpoints call the weights of their norms as their authors did.
  const SafeTensor& look_up(const std::string& name) const {
    constexpr std::pair<std::string_view, std::string_view> kOldNames[] = {
        {"LayerNorm.weight", "LayerNorm.gamma"}, {"LayerNorm.bias", "LayerNorm.beta"}};
    for (const auto& [now, then] : kOldNames) {
      if (!name.ends_with(now) || checkpoint_.find(name)) continue;
      const std::string before = name.substr(0, name.size() - now.size()) + std::string(then);
      if (const SafeTensor* found = checkpoint_.find(before)) return *found;
    }
    return checkpoint_.tensor(name);
  }

  void plan_encoder() {
    const uint64_t dim = config_.dim;
    constexpr std::string_view kWords = "embeddings.word_embeddings.weight";
    const SafeTensor& words = checkpoint_.tensor(fmt::format("{}{}", prefix_, kWords));
    if (words.shape.empty()) fail_shape(words, {0, dim});
    plan_.vocab_size = words.shape[0];
    add_named(kWords, "token_embd.weight", {plan_.vocab_size, dim});
    const bool is_rotary = config_.family->is_rotary;
    // Small, and added once a token: llama.cpp reads them in F32 only.
    if (!is_rotary)
      add_named("embeddings.position_embeddings.weight", "position_embd.weight",
                {config_.context, dim})
          .stays_f32 = true;
    add_named("embeddings.token_type_embeddings.weight", "token_types.weight",
              {config_.token_types, dim})
        .stays_f32 = true;
    const std::string norm = is_rotary ? "emb_ln" : "embeddings.LayerNorm";
    add_named(norm + ".weight", "token_embd_norm.weight", {dim});
    add_named(norm + ".bias", "token_embd_norm.bias", {dim});
    for (uint64_t layer = 0; layer < config_.layers; ++layer)
      if (is_rotary)
        add_layer(layer, "encoder.layers", kRotaryEncoderRules);
      else
        add_layer(layer, "encoder.layer", kEncoderRules);
    add_scoring_head();
  }

  /// BERT's pooler is a dense layer over the first token, made for its head: vectors of texts do
  /// without it.
  void add_scoring_head() {
    const std::string weight = fmt::format("{}pooler.dense.weight", prefix_),
                      bias = fmt::format("{}pooler.dense.bias", prefix_);
    if (!config_.scores_pairs) {
      used_.insert(weight);
      used_.insert(bias);
      return;
    }
    add(checkpoint_.tensor(weight), "cls.weight", {config_.dim, config_.dim});
    add(checkpoint_.tensor(bias), "cls.bias", {config_.dim});
    add(checkpoint_.tensor("classifier.weight"), "cls.output.weight", {1, config_.dim});
    add(checkpoint_.tensor("classifier.bias"), "cls.output.bias", {1});
  }

  std::string_view find_prefix() const {
    if (config_.family->is_encoder) {
      const bool is_wrapped = checkpoint_.find("bert.embeddings.word_embeddings.weight");
      return kEncoderPrefixes[is_wrapped ? 1 : 0];
    }
    for (const std::string_view prefix : kPrefixes)
      if (checkpoint_.find(fmt::format("{}embed_tokens.weight", prefix))) return prefix;
    return kPrefixes[0];  // the look-up of the embedding then says what is missing
  }

  uint64_t extent(Extent which) const {
    const uint64_t q = config_.heads * config_.head_dim, kv = config_.kv_heads * config_.head_dim;
    switch (which) {
      case Extent::one:
        return 1;
      case Extent::dim:
        return config_.dim;
      case Extent::q:
        return q;
      case Extent::kv:
        return kv;
      case Extent::qkv:
        return q + 2 * kv;
      case Extent::ffn:
        return config_.ffn_dim;
      case Extent::two_ffn:
        return 2 * config_.ffn_dim;
      case Extent::head:
        return config_.head_dim;
    }
    return 0;
  }

  bool applies(const LayerRule& rule, const std::string& source) const {
    const HuggingFaceFamily& family = *config_.family;
    switch (rule.has) {
      case Has::always:
        return true;
      case Has::split:
        return !family.fused;
      case Has::fused:
        return family.fused;
      case Has::plain_norms:
        return !family.sandwich_norms;
      case Has::sandwich_norms:
        return family.sandwich_norms;
      case Has::head_norms:
        return family.head_norms;
      case Has::qkv_bias:
        // Some models of the llama family were trained with biases; their config does not always
        // say so.
        return family.qkv_bias || (family.permutes_qk && checkpoint_.find(source));
    }
    return false;
  }

  void add_layer(uint64_t layer, std::string_view stack, std::span<const LayerRule> rules) {
    for (const LayerRule& rule : rules) {
      const std::string source = fmt::format("{}{}.{}.{}", prefix_, stack, layer, rule.source);
      if (!applies(rule, source)) continue;
      std::vector<uint64_t> shape{extent(rule.cols)};
      if (rule.rows != Extent::one) shape.insert(shape.begin(), extent(rule.rows));
      PlannedTensor& tensor =
          add(look_up(source), fmt::format("blk.{}.{}", layer, rule.target), shape);
      if (rule.permuted && config_.family->permutes_qk)
        tensor.permuted_heads = shape[0] / config_.head_dim;
    }
  }

  void add_output() {
    for (const std::string_view head : kHeads) {
      const SafeTensor* found = checkpoint_.find(head);
      if (!found) continue;
      if (config_.tied) {
        used_.insert(found->name);  // a copy of the embedding
      } else {
        add(*found, "output.weight", {plan_.vocab_size, config_.dim});
      }
      return;
    }
    if (!config_.tied) checkpoint_.tensor(kHeads[0]);  // throws: it is missing
  }

  void add_rope_factors() {
    const RopeScaling& rope = config_.rope_scaling;
    const auto add_values = [&](std::string name, std::vector<float> values) {
      plan_.tensors.push_back(
          {.name = std::move(name), .shape = {values.size()}, .values = std::move(values)});
    };
    if (rope.kind == RopeScaling::Kind::llama3)
      add_values("rope_freqs.weight", llama3_rope_factors(config_));
    if (rope.kind != RopeScaling::Kind::longrope) return;
    add_values("rope_factors_long.weight", rope.long_factors);
    add_values("rope_factors_short.weight", rope.short_factors);
  }

  [[noreturn]] void fail_shape(const SafeTensor& source,
                               const std::vector<uint64_t>& expected) const {
    throw Error(Errc::corrupt_data, "{}: tensor '{}' has shape [{}], config.json implies [{}]",
                checkpoint_.name(), source.name, fmt::join(source.shape, ", "),
                fmt::join(expected, ", "));
  }

  /// `shape` as the checkpoint has it, slowest dimension first.
  PlannedTensor& add(const SafeTensor& source, std::string name,
                     const std::vector<uint64_t>& shape) {
    using enum formats::SafetensorsType;
    if (source.shape != shape || source.elems() == 0) fail_shape(source, shape);
    if (source.type != f64 && source.type != f32 && source.type != f16 && source.type != bf16)
      throw Error(Errc::unsupported, "{}: tensor '{}' is {}, weights are F64, F32, F16 or BF16",
                  checkpoint_.name(), source.name, formats::name(source.type));
    used_.insert(source.name);
    plan_.tensors.push_back(
        {.name = std::move(name), .shape = {shape.rbegin(), shape.rend()}, .source = &source});
    plan_.tensors.back().plus_one =
        config_.family->norms_plus_one && source.name.ends_with("norm.weight");
    return plan_.tensors.back();
  }

  void check_all_used() {
    size_t ignored = 0;
    for (const SafeTensor& tensor : checkpoint_.tensors()) {
      if (used_.contains(tensor.name)) continue;
      if (!is_ignorable(tensor.name))
        throw Error(Errc::unsupported, "{}: tensor '{}' has no place in a {} model of {} layers",
                    checkpoint_.name(), tensor.name, config_.family->model_type, config_.layers);
      ++ignored;
    }
    if (ignored > 0)
      plan_.notes.push_back(
          fmt::format("{} tensors that a text model does not use were left out", ignored));
  }

  const Safetensors& checkpoint_;
  const HuggingFaceConfig& config_;
  std::string_view prefix_;
  TensorPlan plan_;
  std::set<std::string, std::less<>> used_;
};

// "12.self_attn.q_proj.weight" after "layers.".
std::optional<MatrixTarget> find_layer_target(std::string_view rest) {
  const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  if (digits == 0 || digits > 4 || !rest.substr(digits).starts_with('.')) return std::nullopt;
  const std::string_view layer = rest.substr(0, digits), source = rest.substr(digits + 1);
  for (const LayerRule& rule : kLayerRules)
    if (rule.rows != Extent::one && rule.source == source)
      return MatrixTarget{fmt::format("blk.{}.{}", layer, rule.target), rule.permuted};
  return std::nullopt;
}

}  // namespace

std::optional<MatrixTarget> find_matrix_target(std::string_view name) {
  if (std::ranges::find(kHeads, name) != std::end(kHeads)) return MatrixTarget{"output.weight"};
  for (const std::string_view prefix : kPrefixes) {
    if (!name.starts_with(prefix)) continue;
    const std::string_view rest = name.substr(prefix.size());
    if (rest == "embed_tokens.weight") return MatrixTarget{"token_embd.weight"};
    if (rest.starts_with("layers.")) return find_layer_target(rest.substr(7));
  }
  return std::nullopt;
}

uint64_t row_before_permutation(uint64_t row, uint64_t head_dim) {
  const uint64_t head = row / head_dim, in_head = row % head_dim;
  return head * head_dim + (in_head % 2) * (head_dim / 2) + in_head / 2;
}

void PlannedTensor::read_row(uint64_t row, std::span<float> out) const {
  if (!source) {
    std::ranges::copy(values, out.begin());
    return;
  }
  if (permuted_heads > 0 && is_matrix()) {
    formats::read_floats(*source, row_before_permutation(row, rows() / permuted_heads) * cols(),
                         out);
  } else if (permuted_heads > 0) {
    for (uint64_t i = 0; i < cols(); ++i)
      formats::read_floats(*source, row_before_permutation(i, cols() / permuted_heads),
                           out.subspan(i, 1));
  } else {
    formats::read_floats(*source, row * cols(), out);
  }
  if (plus_one)
    for (float& value : out) value += 1;
}

TensorPlan plan_tensors(const Safetensors& checkpoint, const HuggingFaceConfig& config) {
  return Planner(checkpoint, config).run();
}

std::vector<float> llama3_rope_factors(const HuggingFaceConfig& config) {
  const RopeScaling& rope = config.rope_scaling;
  const auto context = static_cast<double>(*rope.original_context);
  std::vector<float> out;
  for (uint64_t i = 0; i < config.rope_dim / 2; ++i) {
    const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(config.rope_dim);
    const double wavelength = 2 * std::numbers::pi * std::pow(config.rope_theta, exponent);
    // 0 where the original context holds less than low_freq_factor turns, 1 from high_freq_factor
    // on.
    const double kept = std::clamp((context / wavelength - rope.low_freq_factor) /
                                       (rope.high_freq_factor - rope.low_freq_factor),
                                   0.0, 1.0);
    out.push_back(static_cast<float>(1 / ((1 - kept) / rope.factor + kept)));
  }
  return out;
}

}  // namespace hearth::store
