// How much memory a model will take, estimated from its file before it is loaded.
#pragma once
#include <cstdint>

#include "hearth/base/files.h"
#include "hearth/llm/kv_cache.h"
#include "hearth/serve/pool/load_plan.h"

namespace hearth::serve {

/// What the estimate rests on. Numbers that the file lacks, or that make no sense, are 0.
struct ModelSizes {
  uint64_t file_bytes = 0;  // all splits
  uint64_t context = 0;     // positions the model was trained for
  uint64_t layers = 0, dim = 0, ffn_dim = 0, heads = 0, kv_heads = 0, vocab_size = 0;
  uint64_t head_dim_k = 0, head_dim_v = 0;
  bool is_encoder = false;  // reads texts whole, and keeps no cache
};

/// Reads a GGUF file's header; other files of the model add `more_bytes`. Errors: those of
/// Gguf::open(), naming the file.
ModelSizes read_sizes(const fs::path& file, uint64_t more_bytes);

struct MemoryUse {
  /// Positions per answer; 0: llm::kDefaultContext. More than the model was trained for is cut to
  /// that, as its engine does.
  uint64_t context = 0;
  uint64_t answers_max = 8;    // that run at once
  uint64_t step_tokens = 512;  // that an answer's engine computes at once
  llm::KvType kv_type = llm::KvType::f16;
  uint64_t memory_bytes = 0;  // of the machine: a cache takes a quarter of it at most
};

/// All in the host's memory: the weights; keys and values for `answers_max` full contexts; the
/// buffers of a step; and what vectors need, which is kept from the first that somebody asks for: a
/// context in f16 and the buffers of a step (of encoders: of a whole text if that is longer). An
/// upper bound of what is touched: a mapped file and an empty cache take less.
Memory estimate_memory(const ModelSizes& sizes, const MemoryUse& use);

}  // namespace hearth::serve
