#include "hearth/llm/engine_loop.h"

#include <algorithm>

namespace hearth::llm {

EngineLoop::EngineLoop(const Model& model, int vocab_size, const EngineLimits& limits)
    : model_(&model),
      vocab_size_(vocab_size),
      limits_(limits),
      decode_rows_max_(std::min(model.exact_batch_tokens(), limits.sequences_max)),
      pool_(limits.threads),
      cache_(model.kv_shape(), limits.kv_type, limits.pages + 1),
      state_(model.make_state(pool_.size(), std::max(limits.chunk_tokens, kPrefillRowsMin),
                              decode_rows_max_)),
      padding_page_(*cache_.try_allocate()) {
  HEARTH_CHECK(cache_.shape().page_tokens >= kPrefillRowsMin);
  const int sequences = limits.sequences_max + limits.queue_max;
  sequences_.reserve(2 * sequences);  // new ones may join those that ended in a step that failed
  views_.reserve(sequences);
  decision_.reserve(sequences);
  tokens_.reserve(std::max(limits.chunk_tokens, kPrefillRowsMin));
  page_tables_.reserve(limits.sequences_max + 1);
  adapters_.reserve(limits.sequences_max + 1);
}

EngineLoop::~EngineLoop() = default;

void EngineLoop::make_room(Sequence& sequence) const {
  sequence.pages.reserve(pages_for(limits_.context, cache_.shape()));
}

void EngineLoop::add(std::unique_ptr<Sequence> sequence) {
  sequences_.push_back(std::move(sequence));
  room_changed_ = true;
}

bool EngineLoop::step() {
  end_cancelled();
  settle();
  const bool runs = decision_.action == Action::step;
  if (runs) {
    ++steps_;
    for (std::span<const Chunk> left = decision_.decode; !left.empty();) {
      const size_t rows = std::min(left.size(), static_cast<size_t>(decode_rows_max_));
      decode(left.first(rows));
      left = left.subspan(rows);
    }
    prefill(decision_.prefill);
  }
  std::erase_if(sequences_, [](const auto& s) { return s->phase() == Phase::finished; });
  return runs;
}

void EngineLoop::end_all(const Error& error) {
  candidate_ = nullptr;  // it is one of those that end
  candidate_revived_ = 0;
  for (const auto& s : sequences_) {
    if (s->phase() == Phase::finished) continue;  // ended in the step that failed
    release_pages(*s);
    s->finish(error);
  }
  sequences_.clear();
}

BatchEngine::Status EngineLoop::status() const {
  BatchEngine::Status status{
      .pages_free = cache_.pages_free(), .pages_total = limits_.pages, .steps = steps_};
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
                                .chunk_unit = cache_.shape().page_tokens,
                                .pages_free = cache_.pages_free() + candidate_revived_};
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
    const int held =
        static_cast<int>(s->pages.size()) - (s.get() == candidate_ ? candidate_revived_ : 0);
    views_.push_back({.phase = s->phase(),
                      .tokens_left = s->prefill_end - s->computed,
                      .pages_missing = std::max(0, pages_for(last, cache_.shape()) - held),
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
  const int pages_free = cache_.pages_free();
  const auto found = cache_.find_prefix(std::span(sequence->ids).first(sequence->prefill_end),
                                        sequence->page_origin());
  candidate_revived_ = pages_free - cache_.pages_free();
  sequence->pages.assign(found.begin(), found.end());
  sequence->published = static_cast<int>(found.size());
  sequence->computed = sequence->published * page_tokens;
}

void EngineLoop::drop_shared_pages() {
  if (candidate_ == nullptr) return;
  release_pages(*candidate_);
  candidate_ = nullptr;
  candidate_revived_ = 0;
  room_changed_ = false;
}

void EngineLoop::admit(Sequence& sequence) {
  candidate_ = nullptr;
  candidate_revived_ = 0;
  room_changed_ = true;
  sequence.note_admission(sequence.computed);
  take_pages(sequence, static_cast<int>(sequence.ids.size()));
  sequence.move_to(Phase::prefill);
  if (sequence.computed == sequence.prefill_end) begin_answer(sequence);
}

void EngineLoop::preempt(Sequence& sequence) {
  drop_shared_pages();  // the candidate may hold what this gives back: then it would not be free
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

void EngineLoop::prefill(std::span<const Chunk> chunks) {
  if (chunks.empty()) return;
  for (const Chunk& chunk : chunks) add_to_batch(*sequences_[chunk.index], chunk.tokens);
  pad_batch();
  run_batch();
  for (const Chunk& chunk : chunks) {
    Sequence& s = *sequences_[chunk.index];
    s.computed += chunk.tokens;
    publish_full_pages(s);
    if (s.computed == s.prefill_end) begin_answer(s);
  }
}

void EngineLoop::decode(std::span<const Chunk> chunks) {
  for (const Chunk& chunk : chunks) {
    Sequence& s = *sequences_[chunk.index];
    take_pages(s, s.computed + 1);
    add_to_batch(s, 1);
  }
  std::span<const float> logits = run_batch();
  for (const Chunk& chunk : chunks) {
    Sequence& s = *sequences_[chunk.index];
    ++s.computed;
    // Fewer: an answer that was preempted is computed again, and this id wanted no logits.
    if (s.computed < static_cast<int>(s.ids.size())) continue;
    advance(s, logits.first(vocab_size_));
    logits = logits.subspan(model_->config().vocab_size);
  }
}

void EngineLoop::add_to_batch(const Sequence& s, int tokens) {
  const auto index = static_cast<int32_t>(page_tables_.size());
  for (int position = s.computed; position < s.computed + tokens; ++position)
    tokens_.push_back({.id = s.ids[position],
                       .position = position,
                       .sequence = index,
                       .wants_logits = position + 1 == static_cast<int>(s.ids.size())});
  page_tables_.push_back(s.pages);
  adapters_.push_back(s.adapter());
}

void EngineLoop::pad_batch() {
  if (tokens_.size() >= kPrefillRowsMin) return;
  const auto index = static_cast<int32_t>(page_tables_.size());
  for (int position = 0; tokens_.size() < kPrefillRowsMin; ++position)
    tokens_.push_back({.id = 0, .position = position, .sequence = index, .wants_logits = false});
  page_tables_.push_back({&padding_page_, 1});
  adapters_.push_back({});
}

std::span<const float> EngineLoop::run_batch() {
  const Batch batch{.tokens = tokens_, .page_tables = page_tables_, .adapters = adapters_};
  const std::span<const float> logits = model_->forward(batch, cache_, *state_, pool_);
  tokens_.clear();
  page_tables_.clear();
  adapters_.clear();
  return logits;
}

void EngineLoop::publish_full_pages(Sequence& s) {
  if (!limits_.share_prefixes) return;
  const int page_tokens = cache_.shape().page_tokens;
  for (; (s.published + 1) * page_tokens <= std::min(s.computed, s.prefill_end); ++s.published)
    cache_.publish(s.pages[s.published],
                   std::span(s.ids).first((s.published + 1) * static_cast<size_t>(page_tokens)),
                   s.page_origin());
}

void EngineLoop::begin_answer(Sequence& s) {
  s.move_to(Phase::decode);
  if (s.wants_tokens()) return;
  release_pages(s);  // the prompt was to be computed, nothing else
  s.finish(FinishReason::length);
}

// Everything is computed: samples the next token, and decides whether the sequence goes on.
void EngineLoop::advance(Sequence& s, std::span<const float> logits) {
  try {
    if (s.answer(logits)) return end(s);
  } catch (const Error& error) {  // a boundary: what is wrong with one answer ends no other
    release_pages(s);
    return s.finish(error);
  }
  if (!s.is_context_full()) return;
  // Shifted: every key moves to another position, so all is computed again. It enters anew, as the
  // oldest of its age, because shared pages it gives back may not become free for it.
  preempt(s);
  s.shift();
}

void EngineLoop::end(Sequence& s) {
  release_pages(s);
  if (s.reason() == FinishReason::context_full && s.context_full() == ContextFull::error)
    return s.finish(
        Error(Errc::resource_exhausted, "context: all {} positions are used", limits_.context));
  s.finish(s.reason());
}

}  // namespace hearth::llm
