#include "hearth/llm/grammar/matcher.h"

#include <algorithm>
#include <utility>

#include "hearth/base/error.h"

namespace hearth::llm {

Constraint::Constraint(std::shared_ptr<const Grammar> grammar,
                       std::shared_ptr<const TokenTrie> trie, ConstraintLimits limits)
    : grammar_(std::move(grammar)),
      trie_(std::move(trie)),
      limits_(limits),
      memory_(make_memory()) {}

std::shared_ptr<Constraint::Memory> Constraint::make_memory() const {
  return std::make_shared<Memory>(
      Memory{Automaton(grammar_, limits_.automaton), TokenMasks(trie_)});
}

// Well before the automaton's own limits, so that one answer alone can still reach those.
bool Constraint::is_full() const {
  return memory_bytes() > limits_.memory_bytes ||
         memory_->automaton.work() > limits_.automaton.work_max / 4;
}

Matcher::Matcher(std::shared_ptr<Constraint> constraint)
    : constraint_(std::move(constraint)),
      memory_(constraint_->memory_),
      state_(memory_->automaton.start()) {}

// Sequences that stand in the old memory keep it until they move, each with its next text.
void Matcher::move_to_new_memory() {
  if (memory_ == constraint_->memory_) {
    if (!constraint_->is_full()) return;
    constraint_->memory_ = constraint_->make_memory();
    ++constraint_->renewals_;
  }
  const std::shared_ptr<Constraint::Memory> fresh = constraint_->memory_;
  state_ = fresh->automaton.adopt(memory_->automaton, state_);
  memory_ = fresh;
}

bool Matcher::accept(std::string_view bytes) {
  move_to_new_memory();
  const Automaton::State after = memory_->automaton.next(state_, bytes);
  if (after == Automaton::kDead) return false;
  state_ = after;
  return true;
}

bool Matcher::accept_token(int32_t id) {
  if (constraint_->trie_->is_end(id)) return is_complete();
  const std::string_view piece = constraint_->trie_->piece(id);
  return !piece.empty() && accept(piece);
}

TokenMask Matcher::allowed() {
  const TokenMask mask = memory_->masks.of(memory_->automaton, state_);
  if (std::all_of(mask.begin(), mask.end(), [](uint64_t word) { return word == 0; }))
    throw Error(Errc::unsupported,
                "grammar: the vocabulary has no token for the bytes that must come next");
  return mask;
}

}  // namespace hearth::llm
