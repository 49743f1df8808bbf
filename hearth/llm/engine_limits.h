// The engine's options with every default filled in, and what a submission may ask within them.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "hearth/llm/batch_engine.h"

namespace hearth::llm {

/// Positions per sequence where nobody asked for a number: what most chats need, and what small
/// boxes can hold.
inline constexpr int kDefaultContext = 8192;

struct EngineLimits {
  int threads = 0;        // as asked; 0: one per usable core
  int context = 0;        // positions per sequence
  int sequences_max = 0;  // running
  int queue_max = 0;      // waiting
  int chunk_tokens = 0;   // per step
  KvType kv_type = KvType::f16;
  int pages = 0;  // of the KV cache: at least one full context
  bool share_prefixes = true;
};

/// Pages that hold `tokens` positions.
inline int pages_for(int tokens, const KvShape& shape) {
  return (tokens + shape.page_tokens - 1) / shape.page_tokens;
}

/// `asked` positions; 0: the model's context length, at most kDefaultContext. Errors:
/// invalid_argument.
int resolve_context(int asked, const ModelConfig& config);

/// Errors: invalid_argument naming the option, its value and its range; resource_exhausted when
/// kv_bytes_max (or a quarter of `memory_bytes`) cannot hold one full context.
EngineLimits resolve(const EngineOptions& options, const ModelConfig& config, const KvShape& shape,
                     size_t memory_bytes);

/// Errors: invalid_argument (empty prompt, id outside [0, vocab_size), tokens_max, adapter_scale,
/// form), too_long (a prompt longer than the context unless it may be shifted).
void check_params(const GenerateParams& params, int vocab_size, int context);

/// Errors: invalid_argument naming the first of `ids` outside [0, vocab_size), as an element of
/// `name`.
void check_ids(std::string_view name, std::span<const int32_t> ids, int vocab_size);

/// Bytes of memory this machine has, or that the container it sees as the root may use.
size_t memory_total_bytes();

}  // namespace hearth::llm
