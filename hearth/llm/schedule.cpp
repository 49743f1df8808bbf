#include "hearth/llm/schedule.h"

#include <algorithm>

#include "hearth/base/error.h"

namespace hearth::llm {
namespace {

constexpr int kPhases = 4;
constexpr std::string_view kPhaseNames[kPhases] = {"waiting", "prefill", "decode", "finished"};

// Row: from. Column: to.             waiting prefill decode finished
constexpr bool kAllowed[kPhases][kPhases] = {
    /* waiting  */ {false, true, false, true},
    /* prefill  */ {true, false, true, true},   // back: preempted
    /* decode   */ {true, false, false, true},  // back: preempted, or its context was shifted
    /* finished */ {},
};

bool is_running(const SequenceView& s) {
  return s.phase == Phase::prefill || s.phase == Phase::decode;
}

bool decodes_now(const SequenceView& s) { return s.phase == Phase::decode && !s.stalled; }

// The last, that is the youngest, sequence for which `pick` holds; -1 without one.
template <class Pick>
int youngest(std::span<const SequenceView> sequences, Pick pick) {
  for (int i = static_cast<int>(sequences.size()) - 1; i >= 0; --i)
    if (pick(sequences[i])) return i;
  return -1;
}

int youngest_stalled(std::span<const SequenceView> sequences) {
  return youngest(sequences, [](const SequenceView& s) { return is_running(s) && s.stalled; });
}

int victim(std::span<const SequenceView> sequences) {
  const int stalled = youngest_stalled(sequences);
  return stalled >= 0 ? stalled : youngest(sequences, is_running);
}

void share_step(std::span<const SequenceView> sequences, const ScheduleLimits& limits,
                Decision& decision) {
  for (int i = 0; i < static_cast<int>(sequences.size()); ++i) {
    const SequenceView& s = sequences[i];
    if (decodes_now(s)) decision.decode.push_back({i, 1});
    if (s.phase == Phase::prefill && !s.stalled) decision.prefill.push_back({i, 0});
  }
  int left = limits.chunk_tokens - static_cast<int>(decision.decode.size());
  for (bool gave = true; gave;) {
    gave = false;
    for (Chunk& chunk : decision.prefill) {
      const int tokens =
          std::min(limits.chunk_unit, sequences[chunk.index].tokens_left - chunk.tokens);
      if (tokens == 0 || tokens > left) continue;
      chunk.tokens += tokens;
      left -= tokens;
      gave = true;
    }
  }
  std::erase_if(decision.prefill, [](const Chunk& chunk) { return chunk.tokens == 0; });
}

}  // namespace

std::string_view name(Phase phase) { return kPhaseNames[static_cast<int>(phase)]; }

bool is_allowed(Phase from, Phase to) {
  return kAllowed[static_cast<int>(from)][static_cast<int>(to)];
}

void Decision::reserve(int sequences) {
  decode.reserve(sequences);
  prefill.reserve(sequences);
}

void decide(std::span<const SequenceView> sequences, const ScheduleLimits& limits,
            Decision& decision) {
  HEARTH_CHECK(limits.chunk_tokens >= limits.sequences_max + limits.chunk_unit);
  decision.decode.clear();
  decision.prefill.clear();
  int running = 0, pages_needed = 0;
  for (const SequenceView& s : sequences) {
    running += is_running(s);
    if (decodes_now(s)) pages_needed += s.pages_missing;
  }
  const auto act = [&](Action action, int index = -1) {
    decision.action = action;
    decision.index = index;
  };
  if (pages_needed > limits.pages_free) return act(Action::preempt, victim(sequences));

  const auto enters = [](const SequenceView& s) { return s.phase == Phase::waiting && !s.stalled; };
  const auto first = std::find_if(sequences.begin(), sequences.end(), enters);
  if (first != sequences.end()) {
    const int headroom = running;  // a page for each, beyond those that this step takes
    const bool fits = first->pages_missing + headroom <= limits.pages_free - pages_needed;
    if (running < limits.sequences_max && fits)
      return act(Action::admit, static_cast<int>(first - sequences.begin()));
    if (const int stalled = youngest_stalled(sequences); stalled >= 0)
      return act(Action::preempt, stalled);
  }
  share_step(sequences, limits, decision);
  act(decision.decode.empty() && decision.prefill.empty() ? Action::idle : Action::step);
}

}  // namespace hearth::llm
