#include "hearth/llm/grammar/free_runs.h"

#include <algorithm>

#include "hearth/llm/grammar/utf8_ranges.h"

namespace hearth::llm {
namespace {

using State = Automaton::State;

// Where most characters lead, if they lead anywhere.
State common_successor(Automaton& automaton, State state) {
  for (const char c : {'e', 'E', '1', ' '})
    if (const State next = automaton.next(state, static_cast<uint8_t>(c)); next != Automaton::kDead)
      return next;
  return Automaton::kDead;
}

// Every text of `sequence` leads from `from` to `to`.
bool leads_to(Automaton& automaton, State from, const ByteSequence& sequence, State to) {
  constexpr size_t kStatesMax = 8;  // of characters that are read alike there are one or two
  std::vector<State> states = {from};
  for (const ByteSet& bytes : sequence) {
    std::vector<State> after;
    for (const State state : states)
      for (int byte = 0x80; byte < 0x100; ++byte) {
        if (!bytes[byte]) continue;
        const State next = automaton.next(state, static_cast<uint8_t>(byte));
        if (next == Automaton::kDead) return false;
        if (std::find(after.begin(), after.end(), next) == after.end()) after.push_back(next);
        if (after.size() > kStatesMax) return false;
      }
    states = std::move(after);
  }
  return states.size() == 1 && states[0] == to;
}

bool all_wide_lead_to(Automaton& automaton, State from, State to) {
  static const std::vector<ByteSequence> sequences =
      utf8_sequences(normalised({{0x80, 0x10FFFF}}, /*negated=*/false));
  return std::all_of(sequences.begin(), sequences.end(),
                     [&](const auto& sequence) { return leads_to(automaton, from, sequence, to); });
}

// The kinds of which every character leads from `from` to `to`.
TextKinds kinds_that_lead_to(Automaton& automaton, State from, State to) {
  TextKinds all = 0, others = 0;
  for (uint8_t c = 0; c < 0x80; ++c)
    (automaton.next(from, c) == to ? all : others) |= kAsciiKinds[c];
  all &= ~others;
  return all_wide_lead_to(automaton, from, to) ? all | kWideKind : all;
}

}  // namespace

const FreeRuns::Run& FreeRuns::run_of(Automaton& automaton, State state) {
  if (state >= runs_.size()) runs_.resize(automaton.state_count());
  if (runs_[state].is_known) return runs_[state];
  Run run{.is_known = true};
  run.end = common_successor(automaton, state);
  if (run.end != Automaton::kDead) run.kinds = kinds_that_lead_to(automaton, state, run.end);
  run.length = run.kinds == 0 ? 0 : run.end == state ? kEndless : 1;
  run.is_longest = run.length != 1;
  return runs_[state] = run;
}

// By the run that begins where this one ends.
void FreeRuns::lengthen(Automaton& automaton, State state) {
  const Run more = run_of(automaton, runs_[state].end);
  Run& run = runs_[state];
  if ((run.kinds & ~more.kinds) != 0) {
    run.is_longest = true;
    return;
  }
  run.length = static_cast<uint16_t>(std::min(run.length + more.length, int{kEndless}));
  run.end = more.end;
  run.is_longest = run.length == kEndless;
}

bool FreeRuns::allows(Automaton& automaton, State state, TextKinds kinds, size_t bytes) {
  if ((kinds & ~run_of(automaton, state).kinds) != 0) return false;
  while (runs_[state].length < bytes && !runs_[state].is_longest) lengthen(automaton, state);
  return runs_[state].length >= bytes;
}

}  // namespace hearth::llm
