#include "hearth/llm/engine_loop.h"

#include <algorithm>

namespace hearth::llm {

EngineLoop::EngineLoop(const Model& model, int vocab_size, const EngineLimits& limits)
    : model_(&model),
      vocab_size_(vocab_size),
      limits_(limits),
      pool_(limits.threads),
      cache_(model.kv_shape(), limits.kv_type, limits.pages),
      state_(model.make_state(pool_.size(), limits.chunk_tokens, limits.sequences_max)) {
  const int sequences = limits.sequences_max + limits.queue_max;
  sequences_.reserve(sequences);
  views_.reserve(sequences);
  decision_.reserve(sequences);
  tokens_.reserve(limits.chunk_tokens);
  page_tables_.reserve(limits.sequences_max);
}

EngineLoop::~EngineLoop() = default;

void EngineLoop::add(std::unique_ptr<Sequence> sequence) {
  sequence->pages.reserve(pages_for(limits_.context, cache_.shape()));
  sequences_.push_back(std::move(sequence));
  room_changed_ = true;
}

bool EngineLoop::step() {
  end_cancelled();
  settle();
  if (decision_.action == Action::idle) return false;
  ++steps_;
  compute(decision_.decode);
  compute(decision_.prefill);
  std::erase_if(sequences_, [](const auto& s) { return s->phase() == Phase::finished; });
  return true;
}

void EngineLoop::end_all(const Error& error) {
  for (const auto& s : sequences_) {
    if (s->phase() == Phase::finished) continue;  // ended in the step that failed
    release_pages(*s);
    s->finish(error);
  }
  sequences_.clear();
}

BatchEngine::Status EngineLoop::status() const {
  BatchEngine::Status status{
      .pages_free = cache_.pages_free(), .pages_total = cache_.pages_total(), .steps = steps_};
  for (const auto& s : sequences_)
    ++(s->phase() == Phase::waiting ? status.waiting : status.running);
  return status;
}

void EngineLoop::end_cancelled() {
  for (const auto& s : sequences_) {
    if (!s->is_cancelled()) continue;
    release_pages(*s);
    s->finish(FinishReason::cancelled);
  }
  std::erase_if(sequences_, [](const auto& s) { return s->phase() == Phase::finished; });
}

// Admits and preempts until it is clear what the step computes.
void EngineLoop::settle() {
  while (true) {
    find_shared_pages();
    look();
    const ScheduleLimits limits{.sequences_max = limits_.sequences_max,
                                .chunk_tokens = limits_.chunk_tokens,
                                .pages_free = cache_.pages_free()};
    decide(views_, limits, decision_);
    if (decision_.action == Action::admit)
      admit(*sequences_[decision_.index]);
    else if (decision_.action == Action::preempt)
      preempt(*sequences_[decision_.index]);
    else
      break;
  }
  drop_shared_pages();
}

void EngineLoop::look() {
  views_.clear();
  for (const auto& s : sequences_) {
    const int last =
        s->phase() == Phase::decode ? s->computed + 1 : static_cast<int>(s->ids.size());
    const int pages = pages_for(last, cache_.shape());
    views_.push_back({.phase = s->phase(),
                      .tokens_left = static_cast<int>(s->ids.size()) - s->computed,
                      .pages_missing = pages - static_cast<int>(s->pages.size()),
                      .stalled = s->is_stalled()});
  }
}

// Gives the sequence that would enter next the shared pages of its prompt, so that the decision
// counts only the pages it lacks. Only once for a given state of the cache: hashing a long prompt
// in every step would cost.
void EngineLoop::find_shared_pages() {
  if (!limits_.share_prefixes) return;
  const auto next = std::find_if(sequences_.begin(), sequences_.end(), [](const auto& s) {
    return s->phase() == Phase::waiting && !s->is_stalled();
  });
  Sequence* const sequence = next == sequences_.end() ? nullptr : next->get();
  if (sequence == candidate_) return;
  drop_shared_pages();
  if (sequence == nullptr || !room_changed_) return;
  candidate_ = sequence;
  const int page_tokens = cache_.shape().page_tokens;
  // The last id is always computed: its logits are what the answer begins with.
  const std::span<const int32_t> prefix(sequence->ids.data(), sequence->ids.size() - 1);
  const std::vector<int32_t> found = cache_.find_prefix(prefix);
  sequence->pages.assign(found.begin(), found.end());
  sequence->published = static_cast<int>(found.size());
  sequence->computed = sequence->published * page_tokens;
}

void EngineLoop::drop_shared_pages() {
  if (candidate_ == nullptr) return;
  release_pages(*candidate_);
  candidate_ = nullptr;
  room_changed_ = false;
}

void EngineLoop::admit(Sequence& sequence) {
  candidate_ = nullptr;
  room_changed_ = true;
  sequence.note_admission(sequence.computed);
  take_pages(sequence, static_cast<int>(sequence.ids.size()));
  sequence.move_to(Phase::prefill);
}

void EngineLoop::preempt(Sequence& sequence) {
  release_pages(sequence);
  sequence.move_to(Phase::waiting);
}

void EngineLoop::release_pages(Sequence& sequence) {
  for (int32_t page : sequence.pages) cache_.release(page);
  sequence.pages.clear();
  sequence.computed = sequence.published = 0;
  room_changed_ = true;
}

void EngineLoop::take_pages(Sequence& sequence, int tokens) {
  const size_t pages = pages_for(tokens, cache_.shape());
  while (sequence.pages.size() < pages) {
    const std::optional<int32_t> page = cache_.try_allocate();
    HEARTH_CHECK(page);  // decide() counted the free pages
    sequence.pages.push_back(*page);
  }
}

// One forward pass over `chunks`, and the next token of every sequence whose ids are then all
// computed.
void EngineLoop::compute(std::span<const Chunk> chunks) {
  if (chunks.empty()) return;
  tokens_.clear();
  page_tables_.clear();
  for (const Chunk& chunk : chunks) {
    Sequence& s = *sequences_[chunk.index];
    take_pages(s, s.computed + chunk.tokens);
    const auto index = static_cast<int32_t>(page_tables_.size());
    for (int position = s.computed; position < s.computed + chunk.tokens; ++position)
      tokens_.push_back({.id = s.ids[position],
                         .position = position,
                         .sequence = index,
                         .wants_logits = position + 1 == static_cast<int>(s.ids.size())});
    page_tables_.push_back(s.pages);
  }
  const Batch batch{.tokens = tokens_, .page_tables = page_tables_};
  std::span<const float> logits = model_->forward(batch, cache_, *state_, pool_);
  const size_t row = model_->config().vocab_size;
  for (const Chunk& chunk : chunks) {
    Sequence& s = *sequences_[chunk.index];
    s.computed += chunk.tokens;
    publish_full_pages(s);
    if (s.computed < static_cast<int>(s.ids.size())) continue;
    advance(s, logits.first(vocab_size_));
    logits = logits.subspan(row);
  }
}

void EngineLoop::publish_full_pages(Sequence& s) {
  const int page_tokens = cache_.shape().page_tokens;
  for (; limits_.share_prefixes && s.computed >= (s.published + 1) * page_tokens; ++s.published)
    cache_.publish(s.pages[s.published],
                   std::span(s.ids).first((s.published + 1) * static_cast<size_t>(page_tokens)));
}

// Everything is computed: samples the next token, and decides whether the sequence goes on.
void EngineLoop::advance(Sequence& s, std::span<const float> logits) {
  if (s.phase() == Phase::prefill) s.move_to(Phase::decode);
  if (!s.wants_tokens()) {  // tokens_max 0: the prompt was to be computed, nothing else
    release_pages(s);
    return s.finish(FinishReason::length);
  }
  if (s.answer(logits)) {
    release_pages(s);
    if (s.reason() == FinishReason::context_full && s.context_full() == ContextFull::error)
      return s.finish(
          Error(Errc::resource_exhausted, "context: all {} positions are used", limits_.context));
    return s.finish(s.reason());
  }
  if (!s.is_context_full()) return;
  // Shifted: every key moves to another position, so all is computed again. It enters anew, as the
  // oldest of its age, because shared pages it gives back may not become free for it.
  preempt(s);
  s.shift();
}

}  // namespace hearth::llm
