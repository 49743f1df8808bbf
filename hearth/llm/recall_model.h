// For tests: a model without weights whose answer hangs on every id that the cache holds for a
// sequence.
//
// It writes ids into the pages instead of keys, and answers with logits that are a hash of all ids
// from position 0 on, as it reads them back through the page table. A page that is lost, shared
// wrongly or written by somebody else changes the answer; recall() gives the right one without
// cache, batch or engine.
#pragma once
#include <algorithm>
#include <cstring>
#include <functional>
#include <vector>

#include "hearth/base/rng.h"
#include "hearth/llm/models/model.h"

namespace hearth::llm {

class RecallModel final : public Model {
 public:
  struct Options {
    int vocab_size, context_length;
    int first_id = 0;    // ids below it are never answered, but for…
    int end_id = -1;     // …this one, which follows
    int end_after = -1;  // the id at this position
    int exact_batch_tokens = 4;
  };

  /// Needs a cache of KvType::f32.
  explicit RecallModel(const Options& options)
      : Model(make_config(options), options.exact_batch_tokens), options_(options) {}

  std::span<const float> forward(const Batch& batch, KvCache& cache, ForwardState&,
                                 ThreadPool&) const override {
    if (on_forward) on_forward(batch);
    for (const Batch::Token& token : batch.tokens) {
      const auto id = static_cast<float>(token.id);
      std::memcpy(slot(cache, batch, token.sequence, token.position), &id, sizeof id);
    }
    size_t rows = 0;
    for (const Batch::Token& token : batch.tokens) {
      if (!token.wants_logits) continue;
      logits_.resize(std::max(logits_.size(), (rows + 1) * config_.vocab_size));
      uint64_t hash = 0;
      for (int p = 0; p <= token.position; ++p) {
        float id;
        std::memcpy(&id, slot(cache, batch, token.sequence, p), sizeof id);
        hash = mix(hash, static_cast<int32_t>(id));
      }
      fill(hash, token.position,
           {logits_.data() + rows++ * config_.vocab_size, size_t(config_.vocab_size)});
    }
    return {logits_.data(), rows * config_.vocab_size};
  }

  /// The logits [vocab_size] after `ids`.
  void logits(std::span<const int32_t> ids, std::span<float> out) const {
    uint64_t hash = 0;
    for (int32_t id : ids) hash = mix(hash, id);
    fill(hash, static_cast<int>(ids.size()) - 1, out);
  }

  /// The id that follows `ids` when the most likely one is taken.
  int32_t recall(std::span<const int32_t> ids) const {
    std::vector<float> values(config_.vocab_size);
    logits(ids, values);
    return static_cast<int32_t>(std::max_element(values.begin(), values.end()) - values.begin());
  }

  /// The `count` ids that follow `ids`.
  std::vector<int32_t> recall(std::vector<int32_t> ids, int count) const {
    const auto begin = static_cast<std::ptrdiff_t>(ids.size());
    for (int i = 0; i < count; ++i) ids.push_back(recall(ids));
    return {ids.begin() + begin, ids.end()};
  }

  /// Runs at the start of each forward pass; may throw.
  std::function<void(const Batch&)> on_forward;

 private:
  static std::byte* slot(KvCache& cache, const Batch& batch, int sequence, int position) {
    const KvLayer layer = cache.layer(0);
    const int32_t page = batch.page_tables[sequence][position / layer.page_tokens];
    return layer.k +
           (size_t(page) * layer.page_tokens + position % layer.page_tokens) * sizeof(float);
  }

  static uint64_t mix(uint64_t hash, int32_t id) {
    return Rng(hash * 0x9E3779B97F4A7C15ull + static_cast<uint64_t>(id) + 1).next_u64();
  }

  static ModelConfig make_config(const Options& options) {
    return {.architecture = "recall",
            .name = "recall",
            .vocab_size = options.vocab_size,
            .context_length = options.context_length,
            .layers = 1,
            .dim = 1,
            .ffn_dim = 1,
            .heads = 1,
            .kv_heads = 1,
            .head_dim_k = 1,
            .head_dim_v = 1};
  }

  void fill(uint64_t hash, int position, std::span<float> logits) const {
    Rng rng(hash);
    for (float& logit : logits) logit = static_cast<float>(8 * rng.uniform());
    std::fill_n(logits.begin(), options_.first_id, -100.0f);
    if (position == options_.end_after) logits[options_.end_id] = 100;
  }

  Options options_;
  mutable std::vector<float> logits_;
};

}  // namespace hearth::llm
