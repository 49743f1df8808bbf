#include "hearth/llm/grammar/token_masks.h"

#include <utility>

namespace hearth::llm {
namespace {

size_t words_for(size_t vocab_size) { return (vocab_size + 63) / 64; }

void allow(std::span<uint64_t> mask, int32_t id) { mask[id / 64] |= uint64_t{1} << (id % 64); }

}  // namespace

TokenMasks::TokenMasks(std::shared_ptr<const TokenTrie> trie)
    : trie_(std::move(trie)), path_(trie_->depth_max() + 1) {}

TokenMask TokenMasks::of(Automaton& automaton, Automaton::State state) {
  const size_t words = words_for(trie_->vocab_size());
  if (state >= masks_.size()) masks_.resize(state + 1);
  if (!masks_[state]) {
    auto mask = std::make_unique<uint64_t[]>(words);
    walk(automaton, state, {mask.get(), words});
    if (automaton.is_complete(state))
      for (const int32_t id : trie_->end_ids()) allow({mask.get(), words}, id);
    masks_[state] = std::move(mask);
    ++mask_count_;
  }
  return {masks_[state].get(), words};
}

// One pass over all branches, leaving out what continues a branch that is not in the language.
// Most of the time of a state's first visit is spent here.
void TokenMasks::walk(Automaton& automaton, Automaton::State state, std::span<uint64_t> mask) {
  const std::span<const TokenTrie::Branch> branches = trie_->branches();
  const std::span<const int32_t> ids = trie_->ids();
  path_[0] = state;
  for (size_t i = 0; i < branches.size();) {
    const TokenTrie::Branch& branch = branches[i];
    const Automaton::State after = automaton.next(path_[branch.depth - 1], branch.byte);
    if (after == Automaton::kDead) {
      i = branch.past;
      continue;
    }
    path_[branch.depth] = after;
    for (size_t k = i == 0 ? 0 : branches[i - 1].ids_past; k < branch.ids_past; ++k)
      allow(mask, ids[k]);
    ++i;
  }
}

size_t TokenMasks::memory_bytes() const {
  return masks_.capacity() * sizeof(masks_[0]) + mask_count_ * words_for(trie_->vocab_size()) * 8;
}

}  // namespace hearth::llm
