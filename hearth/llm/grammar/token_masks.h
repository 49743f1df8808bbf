// The token masks of an automaton's states.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hearth/llm/grammar/automaton.h"
#include "hearth/llm/grammar/free_runs.h"
#include "hearth/llm/grammar/token_mask.h"
#include "hearth/llm/grammar/token_trie.h"

namespace hearth::llm {

/// The masks of an automaton's states, each made when it is first asked for.
class TokenMasks {
 public:
  explicit TokenMasks(std::shared_ptr<const TokenTrie> trie);

  /// Tokens whose whole piece can follow in `state` of `automaton`, which must always be the same,
  /// and the tokens that end a generation if the text is complete. The mask stays valid. May be
  /// empty where the vocabulary has no token for the only bytes that could follow. Errors:
  /// resource_exhausted from Automaton::next.
  TokenMask of(Automaton& automaton, Automaton::State state);
  size_t memory_bytes() const;

 private:
  void walk(Automaton& automaton, Automaton::State state, std::span<uint64_t> mask);

  std::shared_ptr<const TokenTrie> trie_;
  std::vector<std::unique_ptr<uint64_t[]>> masks_;  // [states] or null
  size_t mask_count_ = 0;
  std::vector<Automaton::State> path_;  // [depth_max + 1] states along the branch that is walked
  FreeRuns free_runs_;
};

}  // namespace hearth::llm
