#include "hearth/serve/pool/memory_need.h"

#include <algorithm>

#include "hearth/formats/gguf.h"
#include "hearth/llm/engine_limits.h"
#include "hearth/llm/models/encoder_weights.h"

namespace hearth::serve {
namespace {

constexpr uint64_t kStepTokens = 512;  // llm::EngineOptions::chunk_tokens
// Hostile headers claim anything: beyond this no product below is near 2^64.
constexpr uint64_t kSizeMax = uint64_t{1} << 24;

uint64_t sane(uint64_t value) { return value <= kSizeMax ? value : 0; }

// A key that holds one number, or one per layer: then the largest.
uint64_t number_or_largest(const formats::Gguf& file, const std::string& key) {
  const formats::GgufValue* value = file.find(key);
  if (!value) return 0;
  if (!std::holds_alternative<formats::GgufArray>(*value)) return sane(file.u64(key));
  const auto numbers = file.try_ints(key);
  if (!numbers || numbers->empty()) return 0;
  const int64_t largest = *std::max_element(numbers->begin(), numbers->end());
  return largest > 0 ? sane(static_cast<uint64_t>(largest)) : 0;
}

uint64_t kv_bytes(const ModelSizes& sizes, uint64_t context, const MemoryUse& use) {
  if (sizes.is_encoder) return 0;
  constexpr uint64_t kF16Bytes = 2;
  const uint64_t position =
      sizes.layers * sizes.kv_heads * (sizes.head_dim_k + sizes.head_dim_v) * kF16Bytes;
  const uint64_t one = position * context;
  // As llm::resolve() decides: a quarter of the memory at most, but one context at least.
  return std::min(one * use.answers_max, std::max(one, use.memory_bytes / 4));
}

uint64_t buffer_bytes(const ModelSizes& sizes, uint64_t context, uint64_t answers_max) {
  // llm/models/forward_state.h: residual, hidden, and what a layer needs at its widest, in f32; the
  // inputs of products once more, rounded.
  const uint64_t attention = (sizes.heads + sizes.kv_heads) * (sizes.head_dim_k + sizes.head_dim_v);
  const uint64_t inner = std::max(attention, 2 * sizes.ffn_dim);
  const uint64_t inputs = std::max(sizes.dim, sizes.ffn_dim);
  // llm/models/encoder.h: five vectors of dim, two of ffn_dim, the keys and values of one layer.
  if (sizes.is_encoder)
    return std::max(kStepTokens, context) * (4 * (7 * sizes.dim + 2 * sizes.ffn_dim) + 2 * inputs);
  const uint64_t token = 4 * (2 * sizes.dim + inner) + 2 * inputs;
  return kStepTokens * token + answers_max * sizes.vocab_size * 4;
}

}  // namespace

ModelSizes read_sizes(const fs::path& path, uint64_t more_bytes) {
  const formats::Gguf file = formats::Gguf::open(path);
  const std::string prefix = file.string("general.architecture") + ".";
  const auto number = [&](const std::string& suffix) {
    return number_or_largest(file, prefix + suffix);
  };
  ModelSizes sizes{.file_bytes = file.size_bytes() + more_bytes,
                   .context = number("context_length"),
                   .layers = number("block_count"),
                   .dim = number("embedding_length"),
                   .ffn_dim = number("feed_forward_length"),
                   .heads = number("attention.head_count"),
                   .kv_heads = number("attention.head_count_kv"),
                   .head_dim_k = number("attention.key_length"),
                   .head_dim_v = number("attention.value_length"),
                   .is_encoder = llm::is_encoder(file.string("general.architecture"))};
  if (const formats::GgufTensor* embedding = file.find_tensor("token_embd.weight"))
    sizes.vocab_size = sane(embedding->rows());
  if (sizes.kv_heads == 0) sizes.kv_heads = sizes.heads;
  const uint64_t head_dim = sizes.heads > 0 ? sizes.dim / sizes.heads : 0;
  if (sizes.head_dim_k == 0) sizes.head_dim_k = head_dim;
  if (sizes.head_dim_v == 0) sizes.head_dim_v = head_dim;
  return sizes;
}

Memory estimate_memory(const ModelSizes& sizes, const MemoryUse& use) {
  const uint64_t context =
      use.context != 0 ? use.context : std::min<uint64_t>(sizes.context, llm::kDefaultContext);
  return {.host_bytes = sizes.file_bytes + kv_bytes(sizes, sane(context), use) +
                        buffer_bytes(sizes, sane(context), use.answers_max)};
}

}  // namespace hearth::serve
