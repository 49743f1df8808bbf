// What the engine does next: which sequences compute how many tokens, who enters, who gives way.
//
// Pure: views of the sequences and the limits go in, one decision comes out, so that a simulator
// can drive it.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace hearth::llm {

/// Where a sequence stands. Sequences that wait hold no pages; the others hold pages for all their
/// ids.
enum class Phase : uint8_t {
  waiting,   // for a place and for pages: new, preempted, or shifted
  prefill,   // its prompt is being computed, in chunks
  decode,    // one token a step
  finished,  // ended, failed or cancelled
};

std::string_view name(Phase phase);
/// The life of a sequence as a table: true where the engine may move it from one phase to the
/// other.
bool is_allowed(Phase from, Phase to);

/// What the decision needs to know of a sequence.
struct SequenceView {
  Phase phase = Phase::waiting;
  int tokens_left = 1;  // ids to compute before a token can be sampled; 1 in decode
  int pages_missing =
      0;  // pages to take from the free ones before its next step (waiting: for all its ids)
  bool stalled = false;  // its reader has not kept up: it computes nothing until the reader has
};

struct ScheduleLimits {
  int sequences_max = 0;  // in prefill or decode, stalled ones included
  int chunk_tokens = 0;   // of one step; at least sequences_max + chunk_unit: prompts advance
  int chunk_unit = 1;     // prompts are cut at multiples of this
  int pages_free = 0;
};

/// A sequence's share of a step.
struct Chunk {
  int index;   // in the views
  int tokens;  // at least 1
  bool operator==(const Chunk&) const = default;
};

enum class Action : uint8_t {
  preempt,  // `index` gives its pages back and waits again; then ask again
  admit,    // `index` takes its missing pages and starts its prefill; then ask again
  step,     // compute `decode`, then `prefill`
  idle,     // nothing can run until a reader, a submission or a cancellation changes something
};

struct Decision {
  Action action = Action::idle;
  int index = -1;
  std::vector<Chunk> decode;  // one token each
  std::vector<Chunk> prefill;
  /// Makes room once, so that deciding allocates nothing.
  void reserve(int sequences);
};

/// Decides the next action. `sequences` stands in order of arrival, oldest first. The rules, first
/// match wins:
///
///   1. A decoding sequence needs a page that is not there: preempt the youngest stalled sequence,
///      else the youngest running one (even the one in need). The oldest is never preempted for a
///      younger one, so it ends.
///   2. The oldest waiting sequence that is not stalled enters if there is a place, and if its
///      pages leave one free page for each running sequence (it would be preempted again at once
///      otherwise). Nobody overtakes it. If it cannot enter, the youngest stalled sequence gives
///      its place and pages up.
///   3. Every decoding sequence computes one token; what is left of chunk_tokens is shared by the
///      prompts equally, chunk_unit by chunk_unit, the oldest first, so that a short prompt is not
///      stuck behind a long one.
void decide(std::span<const SequenceView> sequences, const ScheduleLimits& limits,
            Decision& decision);

}  // namespace hearth::llm
