// Text of which a state of an automaton allows any, because all of it leads to the same states.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "hearth/llm/grammar/automaton.h"
#include "hearth/llm/grammar/text_kinds.h"

namespace hearth::llm {

/// Of one automaton, found as it is asked for. In the middle of a JSON string all letters lead to
/// one state, and from there again: any word that is not longer than such a run is allowed.
class FreeRuns {
 public:
  /// True: every text of up to `bytes` bytes that holds only characters of `kinds` can follow in
  /// `state` of `automaton`, which must always be the same. False says nothing. Errors:
  /// resource_exhausted from Automaton::next.
  bool allows(Automaton& automaton, Automaton::State state, TextKinds kinds, size_t bytes);
  size_t memory_bytes() const { return runs_.capacity() * sizeof(Run); }

 private:
  // Any `length` characters of `kinds` lead to `end`.
  struct Run {
    TextKinds kinds = 0;
    Automaton::State end = 0;
    uint16_t length = 0;  // kEndless: any number
    bool is_known = false;
    bool is_longest = false;  // what follows at `end` is narrower
  };
  static constexpr uint16_t kEndless = UINT16_MAX;

  const Run& run_of(Automaton& automaton, Automaton::State state);
  void lengthen(Automaton& automaton, Automaton::State state);

  std::vector<Run> runs_;  // [states]
};

}  // namespace hearth::llm
