#include "hearth/llm/models/forward_state.h"

#include <algorithm>

namespace hearth::llm {
namespace {

// Rounded up to a cache line, so that each of several values in one buffer starts on one.
size_t aligned(size_t count) { return (count + 15) / 16 * 16; }

struct InnerSizes {
  size_t q, k, v, attended, ffn;

  InnerSizes(const ModelConfig& c, size_t tokens)
      : q(aligned(tokens * c.heads * c.head_dim_k)),
        k(aligned(tokens * c.kv_heads * c.head_dim_k)),
        v(aligned(tokens * c.kv_heads * c.head_dim_v)),
        attended(aligned(tokens * c.heads * c.head_dim_v)),
        ffn(aligned(tokens * c.ffn_dim)) {}
  size_t total() const { return std::max(q + k + v + attended, 2 * ffn); }
};

int cols_max(const ModelConfig& c) { return std::max({c.dim, c.ffn_dim, c.heads * c.head_dim_v}); }

}  // namespace

FloatBuffer::FloatBuffer(size_t count)
    : data_(static_cast<float*>(::operator new[](count * sizeof(float), kAlignment))) {}

size_t ForwardState::bytes(const ModelConfig& config, int tokens, int logits_rows) {
  const size_t floats = 2 * size_t(tokens) * config.dim + InnerSizes(config, tokens).total() +
                        size_t(logits_rows) * config.vocab_size;
  // The inputs of products once more, rounded to what the weights are multiplied with.
  return floats * sizeof(float) + size_t(tokens) * cols_max(config) * 2;
}

ForwardState::ForwardState(const ModelConfig& config, int threads, int tokens, int logits_rows)
    : tokens_max(tokens),
      logits_max(logits_rows),
      residual(size_t(tokens) * config.dim),
      hidden(size_t(tokens) * config.dim),
      inner(InnerSizes(config, tokens).total()),
      logits(size_t(logits_rows) * config.vocab_size),
      inner_of_adapters(size_t(tokens) * kLowRankMax),
      ids(tokens),
      positions(tokens),
      wanted(logits_rows),
      places(tokens),
      adapters(tokens),
      matmul(threads, tokens, cols_max(config)),
      attention(threads, config.heads, std::max(config.head_dim_k, config.head_dim_v)) {
  HEARTH_CHECK(threads >= 1 && tokens >= 1 && logits_rows >= 1);
  const InnerSizes sizes(config, tokens);
  q = inner.data();
  k = q + sizes.q;
  v = k + sizes.k;
  attended = v + sizes.v;
  gate = inner.data();
  up = gate + sizes.ffn;
}

}  // namespace hearth::llm
