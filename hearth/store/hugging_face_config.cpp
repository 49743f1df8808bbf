#include "hearth/store/hugging_face_config.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hearth/base/error.h"
#include "hearth/store/hugging_face_pooling.h"
#include "hearth/store/json_object.h"

namespace hearth::store {
namespace {

using nlohmann::json;
using Kind = RopeScaling::Kind;

constexpr HuggingFaceFamily kFamilies[] = {
    {.model_type = "llama", .architecture = "llama", .activation = "silu", .permutes_qk = true},
    {.model_type = "mistral", .architecture = "llama", .activation = "silu", .permutes_qk = true},
    {.model_type = "qwen2", .architecture = "qwen2", .activation = "silu", .qkv_bias = true},
    {.model_type = "qwen3",
     .architecture = "qwen3",
     .activation = "silu",
     .head_norms = true,
     .head_dim = 128},
    {.model_type = "gemma2",
     .architecture = "gemma2",
     .activation = "gelu_pytorch_tanh",
     .norms_plus_one = true,
     .sandwich_norms = true,
     .tied = true,
     .heads = 8,
     .kv_heads = 4,
     .head_dim = 256,
     .context = 8192,
     .local_period = 2},
    {.model_type = "gemma3_text",
     .architecture = "gemma3",
     .activation = "gelu_pytorch_tanh",
     .norms_plus_one = true,
     .sandwich_norms = true,
     .head_norms = true,
     .tied = true,
     .heads = 8,
     .kv_heads = 4,
     .head_dim = 256,
     .context = 131072,
     .rope_theta = 1e6,
     .local_period = 6},
    {.model_type = "phi3", .architecture = "phi3", .activation = "silu", .fused = true},
    {.model_type = "bert", .architecture = "bert", .activation = "gelu", .is_encoder = true},
    {.model_type = "nomic_bert",
     .architecture = "nomic-bert",
     .activation = "swiglu",
     .is_encoder = true,
     .is_rotary = true},
};

// A hostile config must not make us plan billions of tensors.
constexpr uint64_t kLayersMax = 4096;
constexpr uint64_t kExtentMax = uint64_t{1} << 31;

uint64_t bounded(const JsonObject& config, std::string_view key, std::optional<uint64_t> value,
                 uint64_t max) {
  if (!value) throw Error(Errc::corrupt_data, "{}: '{}': missing", config.where(), key);
  if (*value < 1 || *value > max)
    throw Error(Errc::corrupt_data, "{}: '{}' is {}, 1 to {} are allowed", config.where(), key,
                *value, max);
  return *value;
}

uint64_t extent(const JsonObject& config, std::string_view key, uint64_t fallback = 0) {
  auto value = config.try_u64(key);
  if (!value && fallback != 0) value = fallback;
  return bounded(config, key, value, kExtentMax);
}

const HuggingFaceFamily& family_of(const JsonObject& config) {
  const std::string type = config.string("model_type");
  const auto* found = std::ranges::find(kFamilies, type, &HuggingFaceFamily::model_type);
  if (found != std::end(kFamilies)) return *found;
  std::vector<std::string_view> known;
  for (const HuggingFaceFamily& family : kFamilies) known.push_back(family.model_type);
  throw Error(Errc::unsupported, "{}: model_type '{}' is none of {}", config.where(), type,
              fmt::join(known, ", "));
}

void refuse_what_engines_do_not_compute(const JsonObject& config, const HuggingFaceFamily& family) {
  if (config.has("quantization_config"))
    throw Error(Errc::unsupported,
                "{}: 'quantization_config': quantised checkpoints are not imported, only F32, "
                "F16 and BF16 ones",
                config.where());
  for (const std::string_view key : {"hidden_activation", "hidden_act", "activation_function"}) {
    const auto activation = config.try_string(key);
    if (!activation) continue;
    // Gemma's first configurations said "gelu" and meant the tanh form, which their code computed.
    if (*activation == family.activation || (family.norms_plus_one && *activation == "gelu"))
      return;
    throw Error(Errc::unsupported, "{}: '{}' is '{}', the family computes {}", config.where(), key,
                *activation, family.activation);
  }
}

std::string scaling_type(const JsonObject& scaling) {
  if (const auto type = scaling.try_string("rope_type")) return *type;
  return scaling.try_string("type").value_or("default");
}

Kind scaling_kind(const JsonObject& scaling) {
  struct Row {
    std::string_view name;
    Kind kind;
  };
  constexpr Row kRows[] = {{"default", Kind::none},      {"linear", Kind::linear},
                           {"yarn", Kind::yarn},         {"llama3", Kind::llama3},
                           {"longrope", Kind::longrope}, {"su", Kind::longrope}};
  const std::string type = scaling_type(scaling);
  const auto* found = std::ranges::find(kRows, type, &Row::name);
  if (found == std::end(kRows))
    throw Error(Errc::unsupported,
                "{}: rope type '{}', known are default, linear, yarn, llama3, longrope",
                scaling.where(), type);
  return found->kind;
}

double positive(const JsonObject& object, std::string_view key, double value) {
  if (!(value > 0 && value < 1e12))
    throw Error(Errc::corrupt_data, "{}: '{}' is {}, must be above 0 and below 1e12",
                object.where(), key, value);
  return value;
}

std::vector<float> factors(const JsonObject& scaling, std::string_view key, uint64_t rope_dim) {
  const auto values = scaling.try_floats(key);
  if (!values || values->size() != rope_dim / 2)
    throw Error(Errc::corrupt_data,
                "{}: '{}' has {} numbers, half of the {} rotating elements of a head are needed",
                scaling.where(), key, values ? values->size() : 0, rope_dim);
  for (const float value : *values) positive(scaling, key, value);
  return *values;
}

RopeScaling read_scaling(const JsonObject& scaling, const JsonObject& config,
                         const HuggingFaceConfig& out) {
  RopeScaling rope;
  rope.kind = scaling_kind(scaling);
  if (rope.kind == Kind::none) return rope;
  if (rope.kind == Kind::longrope && !out.family->fused)
    throw Error(Errc::unsupported, "{}: longrope is known for phi3 only", scaling.where());
  if (rope.kind != Kind::longrope) rope.factor = positive(scaling, "factor", scaling.f64("factor"));
  rope.original_context = scaling.try_u64("original_max_position_embeddings");
  if (!rope.original_context)
    rope.original_context = config.try_u64("original_max_position_embeddings");
  if (rope.original_context || rope.kind == Kind::llama3 || rope.kind == Kind::longrope)
    bounded(scaling, "original_max_position_embeddings", rope.original_context, kExtentMax);
  rope.attention_factor = scaling.try_f64("attention_factor");
  rope.beta_fast = scaling.try_f64("beta_fast");
  rope.beta_slow = scaling.try_f64("beta_slow");
  if (rope.kind == Kind::llama3) {
    rope.low_freq_factor = positive(scaling, "low_freq_factor", scaling.f64("low_freq_factor"));
    rope.high_freq_factor = positive(scaling, "high_freq_factor", scaling.f64("high_freq_factor"));
    if (rope.high_freq_factor <= rope.low_freq_factor)
      throw Error(Errc::corrupt_data,
                  "{}: 'high_freq_factor' {} must be above 'low_freq_factor' {}", scaling.where(),
                  rope.high_freq_factor, rope.low_freq_factor);
  }
  if (rope.kind == Kind::longrope) {
    rope.short_factors = factors(scaling, "short_factor", out.rope_dim);
    rope.long_factors = factors(scaling, "long_factor", out.rope_dim);
  }
  return rope;
}

void read_rope(const JsonObject& config, HuggingFaceConfig& out) {
  // transformers 5 gathers all of it in rope_parameters, for gemma3 by kind of layer.
  auto parameters = config.try_object("rope_parameters");
  auto rotating_part = config.try_f64("partial_rotary_factor");
  if (!rotating_part && parameters) rotating_part = parameters->try_f64("partial_rotary_factor");
  const double rotating = rotating_part.value_or(1);
  out.rope_dim =
      static_cast<uint64_t>(static_cast<double>(out.head_dim) * std::clamp(rotating, 0.0, 1.0));
  if (out.rope_dim < 2 || out.rope_dim % 2 != 0)
    throw Error(Errc::corrupt_data,
                "{}: {} of {} elements of a head rotate, an even number is needed", config.where(),
                out.rope_dim, out.head_dim);
  if (out.rope_dim != out.head_dim && !out.family->fused)
    throw Error(Errc::unsupported,
                "{}: {} of {} elements of a head rotate, only phi3 rotates parts", config.where(),
                out.rope_dim, out.head_dim);
  out.rope_theta = config.try_f64("rope_theta").value_or(out.family->rope_theta);
  if (out.family->head_norms && out.family->sandwich_norms)
    out.rope_theta_local = config.try_f64("rope_local_base_freq").value_or(10000);
  if (const auto scaling = config.try_object("rope_scaling"))
    out.rope_scaling = read_scaling(*scaling, config, out);
  if (parameters) {
    if (const auto local = parameters->try_object("sliding_attention"))
      out.rope_theta_local = local->try_f64("rope_theta").value_or(10000);
    if (auto global = parameters->try_object("full_attention")) parameters = std::move(global);
    out.rope_theta = parameters->try_f64("rope_theta").value_or(out.rope_theta);
    out.rope_scaling = read_scaling(*parameters, config, out);
  }
  positive(config, "rope_theta", out.rope_theta);
}

/// Which layers see a window only: "layer_types" where it is given, else the family's period.
void read_local_layers(const JsonObject& config, HuggingFaceConfig& out) {
  const json* types = config.find("layer_types");
  if (!types || out.family->local_period == 0) return;
  if (!types->is_array() || types->size() != out.layers)
    throw Error(Errc::corrupt_data, "{}: 'layer_types': not a list of {} names", config.where(),
                out.layers);
  bool is_default = true;
  for (size_t i = 0; i < out.layers; ++i) {
    const json& type = (*types)[i];
    if (type != "sliding_attention" && type != "full_attention")
      throw Error(Errc::unsupported,
                  "{}: 'layer_types': {}, known are sliding_attention and full_attention",
                  config.where(), type.dump());
    out.local_layers.push_back(type == "sliding_attention");
    is_default &= out.local_layers.back() == ((i + 1) % out.family->local_period != 0);
  }
  if (is_default) out.local_layers.clear();
}

void read_window(const JsonObject& config, HuggingFaceConfig& out) {
  const auto window = config.try_u64("sliding_window");
  const bool used = config.try_bool("use_sliding_window").value_or(true);
  if (out.family->local_period > 0) {
    // 4096: the default of both Gemma classes.
    out.sliding_window = bounded(config, "sliding_window", window.value_or(4096), kExtentMax);
    const uint64_t period =
        config.try_u64("sliding_window_pattern").value_or(out.family->local_period);
    if (period != out.family->local_period)
      for (uint64_t i = 0; i < out.layers; ++i)
        out.local_layers.push_back(period == 0 || (i + 1) % period != 0);
    read_local_layers(config, out);
  } else if (window && used && *window < out.context) {
    // Engines of GGUF files give these families full attention, which is the same up to the window.
    out.sliding_window = out.family->fused ? window : std::nullopt;
    out.notes.push_back(
        fmt::format("the model was trained with a sliding window of {} positions; longer contexts "
                    "see everything",
                    *window));
  }
}

/// Gemma's query scale follows from its size in GGUF files: no key carries it.
void check_query_scale(const JsonObject& config, const HuggingFaceConfig& out) {
  if (!out.family->sandwich_norms) return;
  constexpr uint64_t kLayersOf27b[] = {46, 62};
  const bool is_27b = std::ranges::count(kLayersOf27b, out.layers) > 0;
  const uint64_t expected = is_27b ? out.dim / out.heads : out.head_dim;
  const double scalar = config.try_f64("query_pre_attn_scalar").value_or(256);
  if (scalar != static_cast<double>(expected))
    throw Error(Errc::unsupported,
                "{}: 'query_pre_attn_scalar' is {}, engines of this family use {}", config.where(),
                scalar, expected);
}

void read_ids(const JsonObject& config, HuggingFaceConfig& out) {
  if (const json* bos = config.find("bos_token_id"); bos && bos->is_number_unsigned())
    out.bos = bos->get<uint64_t>();
  if (const json* pad = config.find("pad_token_id"); pad && pad->is_number_unsigned())
    out.pad = pad->get<uint64_t>();
  out.eos = config.ids("eos_token_id");
}

// Devlin et al. 2018; the numbers missing are those of BertConfig in huggingface/transformers.
void read_encoder_config(const JsonObject& config, HuggingFaceConfig& out) {
  out.layers =
      bounded(config, "num_hidden_layers", config.try_u64("num_hidden_layers"), kLayersMax);
  out.dim = extent(config, "hidden_size");
  out.ffn_dim = extent(config, "intermediate_size");
  out.heads = extent(config, "num_attention_heads");
  out.context = extent(config, "max_position_embeddings", 512);
  out.token_types = extent(config, "type_vocab_size", 2);
  out.rms_eps = config.try_f64("layer_norm_eps").value_or(1e-12);
  const std::string positions = config.try_string("position_embedding_type").value_or("absolute");
  if (positions != "absolute")
    throw Error(Errc::unsupported,
                "{}: 'position_embedding_type' is '{}', only 'absolute' is known", config.where(),
                positions);
  if (config.try_bool("is_decoder").value_or(false))
    throw Error(Errc::unsupported, "{}: 'is_decoder': only encoders are imported", config.where());
  const json* classes = config.find("architectures");
  out.scores_pairs = classes && classes->is_array() && !classes->empty() &&
                     classes->front() == "BertForSequenceClassification";
}

/// What a NomicBertConfig can ask for beyond what engines compute. Its own defaults are not those
/// of any model in circulation, so that what is absent counts as well.
void refuse_other_nomic_models(const JsonObject& config) {
  struct Flag {
    std::string_view key;
    bool absent, only;
  };
  constexpr Flag kFlags[] = {
      {"prenorm", false, false},      {"parallel_block", false, false},
      {"use_rms_norm", false, false}, {"causal", false, false},
      {"qkv_proj_bias", true, false}, {"mlp_fc1_bias", true, false},
      {"mlp_fc2_bias", true, false},  {"rotary_emb_interleaved", false, false}};
  for (const Flag& flag : kFlags)
    if (config.try_bool(flag.key).value_or(flag.absent) != flag.only)
      throw Error(Errc::unsupported, "{}: '{}' is {}, the family computes {} only", config.where(),
                  flag.key, !flag.only, flag.only);
  const double rotating = config.try_f64("rotary_emb_fraction").value_or(0);
  if (rotating != 1)
    throw Error(Errc::unsupported, "{}: 'rotary_emb_fraction' is {}, whole heads rotate only",
                config.where(), rotating);
  for (const std::string_view key : {"rotary_emb_scale_base", "moe_every_n_layers"})
    if (config.try_f64(key).value_or(0) != 0)
      throw Error(Errc::unsupported, "{}: '{}' is set, which engines do not compute",
                  config.where(), key);
}

// Nussbaum et al. 2024, arXiv:2402.01613. Names and defaults: NomicBertConfig in
// nomic-ai/contrastors, and GPT2Config, from which it derives.
void read_nomic_config(const JsonObject& config, HuggingFaceConfig& out) {
  constexpr uint64_t kFfnMultiple = 256;  // its GatedMlp rounds up
  refuse_other_nomic_models(config);
  out.layers = bounded(config, "n_layer", config.try_u64("n_layer"), kLayersMax);
  out.dim = extent(config, "n_embd");
  const uint64_t ffn_dim = extent(config, "n_inner", 4 * out.dim);
  out.ffn_dim = (ffn_dim + kFfnMultiple - 1) / kFfnMultiple * kFfnMultiple;
  out.heads = out.kv_heads = extent(config, "n_head");
  if (out.dim % out.heads != 0)
    throw Error(Errc::corrupt_data, "{}: 'n_embd' is {}, which {} heads do not divide",
                config.where(), out.dim, out.heads);
  out.head_dim = out.dim / out.heads;
  out.token_types = extent(config, "type_vocab_size", 2);
  out.rms_eps = config.try_f64("layer_norm_epsilon").value_or(1e-5);
  out.rope_theta =
      positive(config, "rotary_emb_base", config.try_f64("rotary_emb_base").value_or(10000));
  const uint64_t positions = extent(config, "n_positions", 1024);
  out.context = std::min(positions, extent(config, "max_trained_positions", 2048));
  if (out.context < positions)
    out.notes.push_back(fmt::format(
        "the context is the {} positions of the training; {} would need another rotation",
        out.context, positions));
}

HuggingFaceConfig read_text_config(const JsonObject& config) {
  HuggingFaceConfig out;
  out.family = &family_of(config);
  const HuggingFaceFamily& family = *out.family;
  refuse_what_engines_do_not_compute(config, family);
  if (family.is_encoder) {
    if (family.is_rotary)
      read_nomic_config(config, out);
    else
      read_encoder_config(config, out);
    return out;
  }
  out.layers =
      bounded(config, "num_hidden_layers", config.try_u64("num_hidden_layers"), kLayersMax);
  out.dim = extent(config, "hidden_size");
  out.ffn_dim = extent(config, "intermediate_size");
  out.heads = extent(config, "num_attention_heads", family.heads);
  out.kv_heads =
      extent(config, "num_key_value_heads", family.kv_heads ? family.kv_heads : out.heads);
  out.head_dim =
      extent(config, "head_dim", family.head_dim ? family.head_dim : out.dim / out.heads);
  out.context = extent(config, "max_position_embeddings", family.context);
  out.rms_eps = config.try_f64("rms_norm_eps").value_or(1e-6);
  out.tied = config.try_bool("tie_word_embeddings").value_or(family.tied);
  read_rope(config, out);
  read_window(config, out);
  check_query_scale(config, out);
  if (family.local_period > 0 && !family.head_norms) {
    out.attention_softcap = config.try_f64("attn_logit_softcapping").value_or(50);
    out.final_softcap = config.try_f64("final_logit_softcapping").value_or(30);
  } else {
    out.final_softcap = config.try_f64("final_logit_softcapping");
  }
  return out;
}

}  // namespace

HuggingFaceConfig read_hugging_face_config(const fs::path& folder) {
  const fs::path path = folder / "config.json";
  const json parsed = read_json(path);
  const JsonObject config(parsed, path.string());
  // Models that also see wrap the language model's configuration.
  const auto text = config.try_object("text_config");
  HuggingFaceConfig out = read_text_config(text ? *text : config);
  read_ids(config, out);
  if (out.family->is_encoder) read_pooling(folder, out);
  return out;
}

}  // namespace hearth::store
