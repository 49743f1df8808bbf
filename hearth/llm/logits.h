// Raw logits of given ids: for holding engines, cache types and batch shapes against each other.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "hearth/compute/thread_pool.h"
#include "hearth/llm/kernels/kv_layout.h"
#include "hearth/llm/models/model.h"

namespace hearth::llm {

struct LogitsOptions {
  KvType kv_type = KvType::f16;
  bool one_by_one = false;  // decode token by token; otherwise prefill in chunks of at most 512
};

/// The logits [vocab_size] after each position of `at`, in that order; as they leave the model: no
/// penalty, no temperature. `ids` stand at positions 0, 1, …; positions may repeat. Errors:
/// invalid_argument (no ids, more than the model's context, an id or a position out of range).
std::vector<std::vector<float>> raw_logits(const Model& model, std::span<const int32_t> ids,
                                           std::span<const int> at, const LogitsOptions& options,
                                           ThreadPool& pool);

}  // namespace hearth::llm
