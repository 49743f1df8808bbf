#include "hearth/serve/pool/memory_need.h"

#include <algorithm>

#include "hearth/formats/gguf.h"
#include "hearth/llm/engine_limits.h"
#include "hearth/llm/models/encoder_weights.h"

namespace hearth::serve {
namespace {

// Of vectors, whatever the answers' steps are: llm/embedder.cpp.
constexpr uint64_t kVectorTokens = 512;
constexpr uint64_t kSizeMax = uint64_t{1} << 24;  // hostile headers claim anything
constexpr double kNeedMax = double(uint64_t{1} << 60);

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

// What follows counts in doubles: products of hostile numbers cannot wrap, and below 2^53 all
// results are exact.

double context_bytes(const ModelSizes& sizes, double context, llm::KvType type) {
  const auto row = [&](uint64_t dim) {
    return double(llm::kv_row_bytes(type, static_cast<int>(dim)));
  };
  return double(sizes.layers) * double(sizes.kv_heads) *
         (row(sizes.head_dim_k) + row(sizes.head_dim_v)) * context;
}

// As llm::resolve() decides: a quarter of the memory at most, but one context at least.
double cache_bytes(const ModelSizes& sizes, double context, const MemoryUse& use) {
  const double one = context_bytes(sizes, context, use.kv_type);
  return std::min(one * double(use.answers_max), std::max(one, double(use.memory_bytes) / 4));
}

// llm/models/forward_state.h: residual, hidden, and what a layer needs at its widest, in f32; the
// inputs of products once more, rounded.
double step_bytes(const ModelSizes& sizes, double tokens) {
  const double attention =
      double(sizes.heads + sizes.kv_heads) * double(sizes.head_dim_k + sizes.head_dim_v);
  const double inner = std::max(attention, 2 * double(sizes.ffn_dim));
  const double inputs = double(std::max(sizes.dim, sizes.ffn_dim));
  return tokens * (4 * (2 * double(sizes.dim) + inner) + 2 * inputs);
}

// llm/models/encoder.h: five vectors of dim, two of ffn_dim, the keys and values of one layer.
double encoder_bytes(const ModelSizes& sizes, double context) {
  const double inputs = double(std::max(sizes.dim, sizes.ffn_dim));
  return std::max(double(kVectorTokens), context) *
         (4 * (7 * double(sizes.dim) + 2 * double(sizes.ffn_dim)) + 2 * inputs);
}

double decoder_bytes(const ModelSizes& sizes, double context, const MemoryUse& use) {
  const double answers = cache_bytes(sizes, context, use) +
                         step_bytes(sizes, double(use.step_tokens)) +
                         double(use.answers_max) * double(sizes.vocab_size) * 4;
  const double vectors =
      context_bytes(sizes, context, llm::KvType::f16) + step_bytes(sizes, double(kVectorTokens));
  return answers + vectors;
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
  const uint64_t asked = use.context != 0 ? use.context : llm::kDefaultContext;
  const auto context = double(sizes.context > 0 ? std::min(asked, sizes.context) : asked);
  const double more =
      sizes.is_encoder ? encoder_bytes(sizes, context) : decoder_bytes(sizes, context, use);
  return {.host_bytes = sizes.file_bytes + static_cast<uint64_t>(std::min(more, kNeedMax))};
}

}  // namespace hearth::serve
