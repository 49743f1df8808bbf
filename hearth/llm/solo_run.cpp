#include "hearth/llm/solo_run.h"

#include "hearth/base/error.h"
#include "hearth/llm/engine_limits.h"

namespace hearth::llm {
SoloRun::SoloRun(const Model& model, KvType kv_type, int positions, int chunk_tokens,
                 ThreadPool& pool)
    : model_(&model),
      pool_(&pool),
      chunk_tokens_(chunk_tokens),
      cache_(model.kv_shape(), kv_type, pages_for(positions, model.kv_shape())),
      state_(model.make_state(pool.size(), chunk_tokens, chunk_tokens)) {
  while (const std::optional<int32_t> page = cache_.try_allocate()) pages_.push_back(*page);
}

SoloRun::~SoloRun() = default;

std::span<const float> SoloRun::compute(std::span<const int32_t> ids, int position,
                                        FunctionRef<bool(size_t index)> wants) {
  HEARTH_CHECK(ids.size() <= static_cast<size_t>(chunk_tokens_));
  tokens_.clear();
  for (size_t i = 0; i < ids.size(); ++i)
    tokens_.push_back({.id = ids[i],
                       .position = position + static_cast<int32_t>(i),
                       .sequence = 0,
                       .wants_logits = wants(i)});
  const std::span<const int32_t> table(pages_);
  return model_->forward({.tokens = tokens_, .page_tables = {&table, 1}}, cache_, *state_, *pool_);
}

}  // namespace hearth::llm
