// One sequence alone with a model: for measuring and comparing, where every logit is wanted.
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "hearth/base/function_ref.h"
#include "hearth/compute/thread_pool.h"
#include "hearth/llm/kv_cache.h"
#include "hearth/llm/models/model.h"

namespace hearth::llm {

/// A cache and the buffers for one sequence. Used by one thread; `model` and `pool` must outlive
/// it.
class SoloRun {
 public:
  /// Room for `positions` positions, computed at most `chunk_tokens` at a time, each of which may
  /// want logits. Errors: resource_exhausted (memory).
  SoloRun(const Model& model, KvType kv_type, int positions, int chunk_tokens, ThreadPool& pool);
  ~SoloRun();

  int chunk_tokens() const { return chunk_tokens_; }
  /// Computes `ids`, at most chunk_tokens, at positions from `position` on; all before it were
  /// computed before, and what stood after it is forgotten. Returns the logits [wanted, vocab_size]
  /// of the ids for which `wants` (given the index in `ids`) holds, valid until the next call.
  std::span<const float> compute(std::span<const int32_t> ids, int position,
                                 FunctionRef<bool(size_t index)> wants);

 private:
  const Model* model_;
  ThreadPool* pool_;
  int chunk_tokens_;
  KvCache cache_;
  std::unique_ptr<ForwardState> state_;
  std::vector<int32_t> pages_;
  std::vector<Batch::Token> tokens_;
};

}  // namespace hearth::llm
