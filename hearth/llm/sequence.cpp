#include "hearth/llm/sequence.h"

#include <algorithm>
#include <utility>

namespace hearth::llm {
namespace {

// The first word of a text loses the space that the tokenizer put in front of it; a continued text
// keeps it.
bool holds_only_control_tokens(std::span<const int32_t> ids, const Tokenizer& tokenizer) {
  return std::all_of(ids.begin(), ids.end(),
                     [&](int32_t id) { return tokenizer.kind(id) == TokenKind::control; });
}

}  // namespace

Sequence::Sequence(GenerateParams params, const Tokenizer& tokenizer, int vocab_size, int context,
                   std::shared_ptr<PieceStream::Shared> stream)
    : ids(std::move(params.prompt)),
      params_(std::move(params)),
      tokenizer_(&tokenizer),
      context_(context),
      sampler_(params_.sampling, vocab_size),
      decoder_(tokenizer, holds_only_control_tokens(ids, tokenizer), params_.shows_control),
      stops_(params_.stop),
      stream_(std::move(stream)) {
  if (params_.form.constraint) form_.emplace(params_.form, tokenizer, vocab_size);
  result_.prompt_tokens = static_cast<int>(ids.size());
  prefill_end = static_cast<int>(ids.size()) - 1;
  if (static_cast<int>(ids.size()) > context) shift();
  ids.reserve(context + 1);
}

void Sequence::move_to(Phase next) {
  HEARTH_CHECK(is_allowed(phase_, next));
  phase_ = next;
}

bool Sequence::answer(std::span<const float> logits) {
  if (result_.generated_tokens == 0) answered_ = Clock::now();
  Sample sample = sampler_.sample(logits, ids, form_ ? form_->allowed() : TokenMask());
  const int32_t id = sample.token;
  if (form_) form_->accept(id);
  ids.push_back(id);
  ++result_.generated_tokens;
  const bool is_end = !params_.ignore_end && tokenizer_->is_end_of_generation(id);
  // Where nothing can follow, the end token needs no computing.
  const bool is_over = is_end || (form_ && form_->is_finished());
  std::string text = is_end ? std::string() : stops_.push(decoder_.push(id));
  const bool at_most = result_.generated_tokens == params_.tokens_max;
  const bool is_full = is_context_full() && params_.context_full != ContextFull::shift;
  const bool ended = is_over || stops_.is_matched() || at_most || is_full;
  // clang-format off
  result_.reason = stops_.is_matched()   ? FinishReason::stop_string
                   : is_over             ? FinishReason::end
                   : at_most             ? FinishReason::length
                                         : FinishReason::context_full;
  // clang-format on
  if (stops_.is_matched()) result_.stop_string = stops_.matched();
  if (ended) {
    text += stops_.push(decoder_.finish());
    text += stops_.finish();
  }
  stream_->push({std::move(text), std::move(sample)});
  return ended;
}

void Sequence::shift() {
  const int kept = shifted_ids(context_);
  ids.erase(ids.begin() + 1, ids.end() - (kept - 1));
  prefill_end = kept - 1;
  ++result_.context_shifts;
}

// A scale without an adapter changes nothing, so it keeps no pages apart.
PageOrigin Sequence::page_origin() const {
  if (!params_.adapter) return {};
  return {.adapter = params_.adapter->id(), .scale = params_.adapter_scale};
}

void Sequence::note_admission(int cached) {
  if (admitted_ != Clock::time_point{}) return;  // back after preemption or a shift
  admitted_ = Clock::now();
  result_.prompt_tokens_cached = cached;
}

void Sequence::note_end() {
  const Clock::time_point now = Clock::now();
  const bool was_admitted = admitted_ != Clock::time_point{};
  const bool has_answered = result_.generated_tokens > 0;
  result_.queue_time = (was_admitted ? admitted_ : now) - submitted_;
  if (was_admitted) result_.prompt_time = (has_answered ? answered_ : now) - admitted_;
  if (has_answered) result_.decode_time = now - answered_;
}

void Sequence::finish(FinishReason reason) {
  HEARTH_CHECK(pages.empty());
  move_to(Phase::finished);
  result_.reason = reason;
  note_end();
  stream_->finish(result_, std::nullopt);
}

void Sequence::finish(const Error& error) {
  HEARTH_CHECK(pages.empty());
  move_to(Phase::finished);
  note_end();
  stream_->finish(result_, error);
}

}  // namespace hearth::llm
