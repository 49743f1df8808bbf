#include "hearth/llm/grammar/token_masks.h"

#include <utility>

namespace hearth::llm {
namespace {

size_t words_for(size_t vocab_size) { return (vocab_size + 63) / 64; }

// Fewer branches are walked faster than a state that nobody asked about before is looked into.
constexpr size_t kBranchesWorthAsking = 8;

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

// One pass over all branches, leaving out what continues a branch that is not in the language, and
// taking whole what continues one after which anything may come: inside a string that is most of
// the vocabulary.
void TokenMasks::walk(Automaton& automaton, Automaton::State state, std::span<uint64_t> mask) {
  const std::span<const TokenTrie::Branch> branches = trie_->branches();
  const std::span<const TokenTrie::Below> below = trie_->below();
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
    const bool is_free = branch.past - i >= kBranchesWorthAsking &&
                         free_runs_.allows(automaton, after, below[i].kinds, below[i].bytes_max);
    const size_t last = is_free ? branch.past - 1 : i;
    for (size_t k = i == 0 ? 0 : branches[i - 1].ids_past; k < branches[last].ids_past; ++k)
      allow(mask, ids[k]);
    i = last + 1;
  }
}

size_t TokenMasks::memory_bytes() const {
  return masks_.capacity() * sizeof(masks_[0]) + mask_count_ * words_for(trie_->vocab_size()) * 8 +
         free_runs_.memory_bytes();
}

}  // namespace hearth::llm
