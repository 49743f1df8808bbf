#include "hearth/llm/models/config.h"

#include <algorithm>
#include <cmath>

namespace hearth::llm {
namespace {

// Far above any model in existence, and low enough that products of two fit in 64 bits and buffers
// sized by them fail as an allocation, not as an overflow.
constexpr ConfigReader::IntRange kLayers = {1, 1024};
constexpr ConfigReader::IntRange kDim = {1, 1 << 17};
constexpr ConfigReader::IntRange kFfnDim = {1, 1 << 20};
constexpr ConfigReader::IntRange kHeads = {1, 4096};
constexpr ConfigReader::IntRange kHeadDim = {1, 4096};
// Attention masks positions in f32, and rotary angles are exact, up to here.
constexpr ConfigReader::IntRange kPositions = {1, 1 << 24};
constexpr uint64_t kVocabMax = 1 << 24;

}  // namespace

ConfigReader::ConfigReader(const formats::Gguf& file)
    : file_(&file), architecture_(file.string("general.architecture")) {}

std::optional<int> ConfigReader::try_integer(std::string_view suffix, IntRange range) const {
  const std::optional<int64_t> value = file_->try_i64(key(suffix));
  if (!value) return std::nullopt;
  if (*value < range.min || *value > range.max)
    throw Error(Errc::corrupt_data, "{}: key '{}' is {}, allowed are {} to {}", file_->name(),
                key(suffix), *value, range.min, range.max);
  return static_cast<int>(*value);
}

int ConfigReader::integer(std::string_view suffix, IntRange range) const {
  if (const std::optional<int> value = try_integer(suffix, range)) return *value;
  throw Error(Errc::corrupt_data, "{}: key '{}' is missing", file_->name(), key(suffix));
}

std::optional<int> ConfigReader::try_integer_of_layers(std::string_view suffix,
                                                       IntRange range) const {
  if (!is_array(suffix)) return try_integer(suffix, range);
  const std::vector<int64_t> values = file_->try_ints(key(suffix)).value();
  if (values.empty() ||
      std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) != values.end())
    throw Error(Errc::unsupported, "{}: key '{}' differs between layers", file_->name(),
                key(suffix));
  if (values[0] < range.min || values[0] > range.max)
    throw Error(Errc::corrupt_data, "{}: key '{}' holds {}, allowed are {} to {}", file_->name(),
                key(suffix), values[0], range.min, range.max);
  return static_cast<int>(values[0]);
}

std::optional<float> ConfigReader::try_real(std::string_view suffix, double max) const {
  const std::optional<double> value = file_->try_f64(key(suffix));
  if (!value) return std::nullopt;
  if (!(*value >= 0 && *value <= max))  // not-a-number fails too
    throw Error(Errc::corrupt_data, "{}: key '{}' is {}, allowed are 0 to {}", file_->name(),
                key(suffix), *value, max);
  return static_cast<float>(*value);
}

std::optional<float> ConfigReader::try_positive(std::string_view suffix, double max) const {
  const std::optional<float> value = try_real(suffix, max);
  if (value && *value == 0)
    throw Error(Errc::corrupt_data, "{}: key '{}' is 0, it must be above", file_->name(),
                key(suffix));
  return value;
}

std::optional<std::string> ConfigReader::try_text(std::string_view suffix) const {
  return file_->try_string(key(suffix));
}

bool ConfigReader::is_array(std::string_view suffix) const {
  const formats::GgufValue* value = file_->find(key(suffix));
  return value && std::holds_alternative<formats::GgufArray>(*value);
}

namespace {

int vocab_size(const formats::Gguf& file) {
  constexpr std::string_view kName = "token_embd.weight";
  const formats::GgufTensor* embedding = file.find_tensor(kName);
  if (!embedding) throw Error(Errc::corrupt_data, "{}: tensor '{}' is missing", file.name(), kName);
  if (embedding->rows() > kVocabMax)
    throw Error(Errc::corrupt_data, "{}: tensor '{}' has {} rows, the limit is {}", file.name(),
                kName, embedding->rows(), kVocabMax);
  return static_cast<int>(embedding->rows());
}

int require_of_layers(const ConfigReader& reader, std::string_view suffix,
                      ConfigReader::IntRange range) {
  if (const std::optional<int> value = reader.try_integer_of_layers(suffix, range)) return *value;
  throw Error(Errc::corrupt_data, "{}: key '{}' is missing", reader.file().name(),
              reader.key(suffix));
}

void check_heads(const ConfigReader& reader, const ModelConfig& config) {
  if (config.heads % config.kv_heads != 0)
    throw Error(Errc::corrupt_data, "{}: {} attention heads cannot share {} key-value heads",
                reader.file().name(), config.heads, config.kv_heads);
  if (config.head_dim_k % 2 != 0)
    throw Error(Errc::corrupt_data, "{}: heads of {} elements cannot rotate in pairs",
                reader.file().name(), config.head_dim_k);
}

// A head's elements where the file does not say: an equal share of the embedding.
int head_dim(const ConfigReader& reader, const ModelConfig& config, std::string_view suffix) {
  if (const std::optional<int> value = reader.try_integer(suffix, kHeadDim)) return *value;
  if (config.dim % config.heads != 0)
    throw Error(Errc::corrupt_data,
                "{}: {} elements do not divide into {} heads, and '{}' is missing",
                reader.file().name(), config.dim, config.heads, reader.key(suffix));
  return config.dim / config.heads;
}

}  // namespace

std::optional<int> read_sliding_window(const ConfigReader& reader) {
  return reader.try_integer("attention.sliding_window", {0, 1 << 30});
}

std::vector<bool> read_local_layers(const ConfigReader& reader, const ModelConfig& config,
                                    int period) {
  constexpr std::string_view kKey = "attention.sliding_window_pattern";
  std::vector<bool> local(config.layers, false);
  if (config.sliding_window == 0) return local;
  if (reader.is_array(kKey)) {
    const std::vector<int64_t> listed = reader.file().try_ints(reader.key(kKey)).value();
    if (listed.size() != local.size())
      throw Error(Errc::corrupt_data, "{}: key '{}' has {} entries for {} layers",
                  reader.file().name(), reader.key(kKey), listed.size(), config.layers);
    for (int l = 0; l < config.layers; ++l) local[l] = listed[l] != 0;
    return local;
  }
  period = reader.try_integer(kKey, {0, 1 << 20}).value_or(period);
  for (int l = 0; l < config.layers; ++l) local[l] = period == 0 || l % period < period - 1;
  return local;
}

ModelConfig read_config(const ConfigReader& reader) {
  const int experts = reader.try_integer("expert_count", {0, 1 << 16}).value_or(0);
  if (experts > 0)
    throw Error(Errc::unsupported, "{}: mixture of experts is not supported ('{}' is {})",
                reader.file().name(), reader.key("expert_count"), experts);
  ModelConfig config;
  config.architecture = reader.architecture();
  config.name = reader.file().try_string("general.name").value_or("");
  config.vocab_size = vocab_size(reader.file());
  config.context_length = reader.integer("context_length", kPositions);
  config.layers = reader.integer("block_count", kLayers);
  config.dim = reader.integer("embedding_length", kDim);
  config.ffn_dim = require_of_layers(reader, "feed_forward_length", kFfnDim);
  config.heads = require_of_layers(reader, "attention.head_count", kHeads);
  config.kv_heads =
      reader.try_integer_of_layers("attention.head_count_kv", kHeads).value_or(config.heads);
  config.head_dim_k = head_dim(reader, config, "attention.key_length");
  config.head_dim_v = head_dim(reader, config, "attention.value_length");
  const std::optional<float> rms_eps = reader.try_real("attention.layer_norm_rms_epsilon", 1);
  if (!rms_eps)
    throw Error(Errc::corrupt_data, "{}: key '{}' is missing", reader.file().name(),
                reader.key("attention.layer_norm_rms_epsilon"));
  config.rms_eps = *rms_eps;
  check_heads(reader, config);
  return config;
}

}  // namespace hearth::llm
