#include "hearth/llm/models/encoder_weights.h"

#include "hearth/base/error.h"
#include "hearth/llm/models/rope_scaling.h"

namespace hearth::llm {
namespace {

// What distinguishes the families.
struct EncoderFamily {
  std::string_view architecture;
  bool has_rope;   // turns queries and keys; else adds a learned vector a position
  bool has_gates;  // silu(gate) * up; else GELU
};
constexpr EncoderFamily kFamilies[] = {{"bert", false, false}, {"nomic-bert", true, true}};

const EncoderFamily* find_family(std::string_view architecture) {
  for (const EncoderFamily& family : kFamilies)
    if (family.architecture == architecture) return &family;
  return nullptr;
}

NormWeights read_norm(WeightReader& weights, const std::string& name, int dim) {
  return {weights.vector(name + ".weight", dim), weights.vector(name + ".bias", dim)};
}

Linear read_linear(WeightReader& weights, const std::string& name, int rows, int cols) {
  return {weights.matrix(name + ".weight", rows, cols), weights.try_vector(name + ".bias", rows)};
}

std::vector<float> part_of(const std::vector<float>& bias, int first, int count) {
  if (bias.empty()) return {};
  return {bias.begin() + first, bias.begin() + first + count};
}

void read_qkv(WeightReader& weights, const std::string& block, int dim, EncoderLayer& layer) {
  if (!weights.has(block + "attn_qkv.weight")) {
    layer.q = read_linear(weights, block + "attn_q", dim, dim);
    layer.k = read_linear(weights, block + "attn_k", dim, dim);
    layer.v = read_linear(weights, block + "attn_v", dim, dim);
    return;
  }
  const Linear fused = read_linear(weights, block + "attn_qkv", 3 * dim, dim);
  int part = 0;
  for (Linear* one : {&layer.q, &layer.k, &layer.v}) {
    *one = {rows_of(fused.weight, part * dim, dim), part_of(fused.bias, part * dim, dim)};
    ++part;
  }
}

EncoderLayer read_layer(WeightReader& weights, const EncoderFamily& family,
                        const EncoderConfig& config, int index) {
  const std::string block = fmt::format("blk.{}.", index);
  const int dim = config.dim, ffn_dim = config.ffn_dim;
  EncoderLayer layer;
  read_qkv(weights, block, dim, layer);
  layer.output = read_linear(weights, block + "attn_output", dim, dim);
  layer.attention_norm = read_norm(weights, block + "attn_output_norm", dim);
  if (family.has_gates) layer.gate = read_linear(weights, block + "ffn_gate", ffn_dim, dim);
  layer.up = read_linear(weights, block + "ffn_up", ffn_dim, dim);
  layer.down = read_linear(weights, block + "ffn_down", dim, ffn_dim);
  layer.output_norm = read_norm(weights, block + "layer_output_norm", dim);
  return layer;
}

std::optional<ScoringHead> read_head(WeightReader& weights, int dim) {
  const bool has_output = weights.has("cls.output.weight");
  if (!has_output && !weights.has("cls.weight")) return {};
  ScoringHead head;
  // One tensor alone is the output; two are a dense layer before it.
  if (has_output && weights.has("cls.weight")) head.dense = read_linear(weights, "cls", dim, dim);
  head.output = read_linear(weights, has_output ? "cls.output" : "cls", 1, dim);
  return head;
}

int rows_of_tensor(const formats::Gguf& file, std::string_view name) {
  const formats::GgufTensor* tensor = file.find_tensor(name);
  if (!tensor) return 0;
  constexpr uint64_t kRowsMax = 1 << 24;
  if (tensor->rows() > kRowsMax)
    throw Error(Errc::corrupt_data, "{}: tensor '{}' has {} rows, the limit is {}", file.name(),
                name, tensor->rows(), kRowsMax);
  return static_cast<int>(tensor->rows());
}

// Rotary keys are read through the configuration of decoders, of which they need these numbers.
RopeTable read_encoder_rope(const ConfigReader& keys, const EncoderConfig& config) {
  ModelConfig model;
  model.context_length = config.context_length;
  model.head_dim_k = config.dim / config.heads;
  return make_rope_table(read_rope(keys, model), RopePairing::halves);
}

}  // namespace

std::optional<Pooling> read_pooling(const formats::Gguf& file) {
  const std::string key = file.string("general.architecture") + ".pooling_type";
  const std::optional<uint64_t> type = file.try_u64(key);
  if (!type || *type == 0) return {};  // 0: the file leaves it to whoever asks
  if (*type > 4)
    throw Error(Errc::unsupported, "{}: key '{}' is {}, known are 0 to 4", file.name(), key, *type);
  return static_cast<Pooling>(*type);
}

bool is_encoder(std::string_view architecture) { return find_family(architecture) != nullptr; }

EncoderConfig read_encoder_config(const ConfigReader& keys) {
  const formats::Gguf& file = keys.file();
  EncoderConfig config;
  config.vocab_size = rows_of_tensor(file, "token_embd.weight");
  config.token_types = rows_of_tensor(file, "token_types.weight");
  config.context_length = keys.integer("context_length", {1, 1 << 20});
  config.layers = keys.integer("block_count", {1, 1024});
  config.dim = keys.integer("embedding_length", {1, 1 << 17});
  config.ffn_dim = keys.integer("feed_forward_length", {1, 1 << 20});
  config.heads = keys.integer("attention.head_count", {1, 4096});
  config.has_head = file.find_tensor("cls.weight") || file.find_tensor("cls.output.weight");
  config.norm_eps = keys.try_positive("attention.layer_norm_epsilon", 1).value_or(1e-12f);
  config.pooling = read_pooling(file).value_or(Pooling::mean);
  if (config.dim % config.heads != 0 || config.dim / config.heads % 2 != 0)
    throw Error(Errc::corrupt_data, "{}: {} elements do not divide into {} heads of an even size",
                file.name(), config.dim, config.heads);
  return config;
}

EncoderWeights read_encoder(const ConfigReader& keys, const EncoderConfig& config) {
  const EncoderFamily* family = find_family(keys.architecture());
  if (!family)
    throw Error(Errc::unsupported, "{}: architecture '{}' is no encoder that Hearth knows",
                keys.file().name(), keys.architecture());
  WeightReader reader(keys.file());
  EncoderWeights weights;
  weights.has_gates = family->has_gates;
  weights.embedding = reader.table("token_embd.weight", config.vocab_size, config.dim);
  if (family->has_rope)
    weights.rope = read_encoder_rope(keys, config);
  else
    weights.positions = reader.table("position_embd.weight", config.context_length, config.dim);
  if (config.token_types > 0)
    weights.token_types = reader.table("token_types.weight", config.token_types, config.dim);
  weights.embedding_norm = read_norm(reader, "token_embd_norm", config.dim);
  for (int l = 0; l < config.layers; ++l)
    weights.layers.push_back(read_layer(reader, *family, config, l));
  weights.head = read_head(reader, config.dim);
  reader.finish();
  return weights;
}

}  // namespace hearth::llm
