// One answer in the making: its ids, its pages, and what turns samples into pieces of text.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "hearth/llm/answer_form.h"
#include "hearth/llm/batch_engine.h"
#include "hearth/llm/piece_queue.h"
#include "hearth/llm/prefix_index.h"
#include "hearth/llm/schedule.h"
#include "hearth/llm/stop_strings.h"

namespace hearth::llm {

using Clock = std::chrono::steady_clock;

/// Ids that a shift leaves of a full context: the first, and the newer half.
inline int shifted_ids(int context) { return 1 + context / 2; }

/// Made by the submitting thread, then owned by the engine thread.
class Sequence {
 public:
  /// `params` must have passed check_params(vocab_size, context). `vocab_size`: ids that are
  /// sampled, at most the tokenizer's. Errors: invalid_argument (sampling, stop strings).
  Sequence(GenerateParams params, const Tokenizer& tokenizer, int vocab_size, int context,
           std::shared_ptr<PieceStream::Shared> stream);

  Phase phase() const { return phase_; }
  void move_to(Phase next);

  /// Samples the next token from logits [vocab_size] and gives its piece to the reader. True when
  /// the answer ended. Errors: those of the answer's form, which end this answer alone.
  bool answer(std::span<const float> logits);
  /// Ends the answer; the pages must have been given back.
  void finish(FinishReason reason);
  void finish(const Error& error);
  /// Why answer() ended it.
  FinishReason reason() const { return result_.reason; }

  /// The sampled id has no position left in the context.
  bool is_context_full() const { return static_cast<int>(ids.size()) > context_; }
  ContextFull context_full() const { return params_.context_full; }
  /// Forgets all ids but the first and the newer half. They must be computed again.
  void shift();

  AdapterUse adapter() const { return {params_.adapter.get(), params_.adapter_scale}; }
  /// What its pages hang on beside the ids.
  PageOrigin page_origin() const;

  bool wants_tokens() const { return params_.tokens_max != 0; }
  bool is_cancelled() const { return stream_->is_cancelled(); }
  bool is_stalled() const { return stream_->is_stalled(); }

  /// Called each time it enters; `cached`: leading ids found in shared pages.
  void note_admission(int cached);

  std::vector<int32_t> ids;    // prompt and answer, as far as the context remembers them
  std::vector<int32_t> pages;  // of the leading positions; one reference each
  int computed = 0;            // leading ids whose keys and values are in the pages
  int prefill_end = 0;         // ids before it are computed in chunks, the others one by one
  int published = 0;           // leading pages that others can find

 private:
  void note_end();

  Phase phase_ = Phase::waiting;
  GenerateParams params_;  // without the prompt, which is in ids
  const Tokenizer* tokenizer_;
  int context_;
  Sampler sampler_;
  StreamingDecoder decoder_;
  StopStrings stops_;
  std::optional<FormGuard> form_;  // of an answer that must keep one
  std::shared_ptr<PieceStream::Shared> stream_;
  GenerateResult result_;
  Clock::time_point submitted_ = Clock::now();
  Clock::time_point admitted_{}, answered_{};  // first admission, first token; the epoch: not yet
};

}  // namespace hearth::llm
