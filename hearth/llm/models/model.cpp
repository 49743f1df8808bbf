#include "hearth/llm/models/model.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "hearth/llm/models/families.h"

namespace hearth::llm {
namespace {

struct Family {
  std::string_view architecture;
  std::unique_ptr<Model> (*load)(ModelFile& file);
};

constexpr std::array kFamilies = {
    Family{"gemma2", load_gemma2},     Family{"gemma3", load_gemma3}, Family{"llama", load_llama},
    Family{"mistral3", load_mistral3}, Family{"phi3", load_phi3},     Family{"qwen2", load_qwen2},
    Family{"qwen3", load_qwen3},
};

constexpr auto kArchitectures = [] {
  std::array<std::string_view, kFamilies.size()> names;
  for (size_t i = 0; i < names.size(); ++i) names[i] = kFamilies[i].architecture;
  return names;
}();

const Family& find_family(const ConfigReader& keys) {
  for (const Family& family : kFamilies)
    if (family.architecture == keys.architecture()) return family;
  throw Error(Errc::unsupported, "{}: architecture '{}' is not one of {}", keys.file().name(),
              keys.architecture(), fmt::join(kArchitectures, ", "));
}

}  // namespace

std::unique_ptr<Model> Model::load(const formats::Gguf& gguf, const LoadOptions& options) {
  const ConfigReader keys(gguf);
  const Family& family = find_family(keys);
  const ModelConfig config = read_config(keys);
  ModelFile file{keys, config, read_rope(keys, config), WeightReader(gguf), options};
  std::unique_ptr<Model> model = family.load(file);
  file.weights.finish();
  model->bytes_per_token_ = file.weights.bytes_per_token();
  model->parameters_ = file.weights.parameters();
  model->matrices_ = file.weights.matrices();
  model->exact_batch_tokens_ = std::min(file.weights.exact_tokens(), kExactBatchTokensMax);
  return model;
}

KvShape Model::kv_shape() const {
  return {.layers = config_.layers,
          .kv_heads = config_.kv_heads,
          .head_dim_k = config_.head_dim_k,
          .head_dim_v = config_.head_dim_v};
}

std::unique_ptr<ForwardState> Model::make_state(int threads, int tokens_max, int logits_max) const {
  return std::make_unique<ForwardState>(config_, threads, tokens_max, logits_max);
}

std::span<const std::string_view> known_architectures() { return kArchitectures; }

}  // namespace hearth::llm
