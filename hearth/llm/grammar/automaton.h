// Reads text byte by byte along a grammar, for all its parses at once.
//
// A state is the set of all places where the text so far can have led, each with the stack of
// rules that are still open. Stacks are shared: a rule that is entered for several reasons at the
// same byte is entered once, with the set of all places to come back to (the graph-structured
// stack of M. Tomita, "Efficient Parsing for Natural Language", 1986), so that ambiguity adds up
// instead of multiplying. A rule whose caller has nothing left to do comes back to its caller's
// caller: right recursion, the grammars' way to write a loop, needs no depth.
//
// States are numbered as they are found and their successors remembered: text of a kind that was
// seen before costs one look into a table for each byte.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "hearth/llm/grammar/grammar.h"
#include "hearth/llm/grammar/interned_sets.h"

namespace hearth::llm {

/// What reading may cost. Passing one is Errc::resource_exhausted naming it, but for depth_max:
/// text that would need more open rules is not in the language, so that recursion comes to an end.
/// Near it a state may be live that no text completes: where the grammar asks for more rules yet.
struct AutomatonLimits {
  size_t ways_max = 100'000;            // places gone through for one byte, over all parses
  int depth_max = 10'000;               // open rules, right recursion not counted
  size_t work_max = 50'000'000;         // places gone through for all states; about a second
  size_t memory_bytes_max = 256 << 20;  // of all states together
};

/// Not for several threads at once: reading adds states.
class Automaton {
 public:
  using State = uint32_t;
  /// No text that began so is in the language.
  static constexpr State kDead = 0;

  explicit Automaton(std::shared_ptr<const Grammar> grammar, AutomatonLimits limits = {});

  /// Before the first byte.
  State start() const { return start_; }
  /// After one more byte. kDead stays so. Every other state can still be completed by some text,
  /// depth_max aside.
  /// Errors: resource_exhausted.
  State next(State state, uint8_t byte) {
    const State known = successors_[state * class_count_ + grammar_->class_of(byte)];
    return known != kUnknown ? known : step(state, grammar_->class_of(byte));
  }
  /// After all of `bytes`.
  State next(State state, std::string_view bytes) {
    for (size_t i = 0; i < bytes.size() && state != kDead; ++i)
      state = next(state, static_cast<uint8_t>(bytes[i]));
    return state;
  }
  /// The text so far is in the language.
  bool is_complete(State state) const { return is_complete_[state]; }
  /// The text so far is in the language and nothing can follow it.
  bool is_final(State state) const {
    return states_[state].size() == 1 && states_[state][0].first == kWholeText;
  }
  /// What `state` of `other`, an automaton of the same grammar, is called here.
  State adopt(const Automaton& other, State state);

  size_t state_count() const { return is_complete_.size(); }
  size_t memory_bytes() const;
  /// Places gone through so far.
  size_t work() const { return work_; }
  const std::shared_ptr<const Grammar>& grammar() const { return grammar_; }
  const AutomatonLimits& limits() const { return limits_; }

 private:
  static constexpr State kUnknown = UINT32_MAX;
  static constexpr uint32_t kWholeText = UINT32_MAX;  // in place of a position: the root has ended

  State step(State state, uint8_t byte_class);
  void clear_scratch();
  void enter(IdPair place);
  void leave_and_call();
  void call(const Grammar::Call& call, uint32_t stack);
  void begin_called_rules();
  void add_place(uint32_t terminal, uint32_t stack);
  void spend(size_t ways);
  uint32_t intern_stack(std::vector<IdPair>& places);
  State intern_state();

  std::shared_ptr<const Grammar> grammar_;
  AutomatonLimits limits_;
  size_t class_count_;
  InternedSets states_;            // of (terminal or kWholeText, stack)
  InternedSets stacks_;            // of (position to come back to or kWholeText, stack)
  std::vector<int> depths_;        // [stacks]
  std::vector<bool> is_complete_;  // [states]
  std::vector<State> successors_;  // [states, byte classes] or kUnknown
  State start_ = kDead;
  size_t work_ = 0;

  // Of one step; kept for their memory.
  size_t ways_ = 0;
  std::vector<IdPair> open_;                  // (position, stack) entered, in order
  std::unordered_set<uint64_t> entered_;      // the same, for looking up
  std::vector<IdPair> places_;                // of the state that is being made
  std::vector<std::vector<IdPair>> returns_;  // [rules] where a rule called in this step returns
  std::vector<IdPair> called_;                // (rank, rule), a heap with the least on top
};

}  // namespace hearth::llm
