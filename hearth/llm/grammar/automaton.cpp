#include "hearth/llm/grammar/automaton.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "hearth/base/error.h"

namespace hearth::llm {
namespace {

void sort_and_drop_doubles(std::vector<IdPair>& pairs) {
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
}

}  // namespace

Automaton::Automaton(std::shared_ptr<const Grammar> grammar, AutomatonLimits limits)
    : grammar_(std::move(grammar)),
      limits_(limits),
      class_count_(grammar_->class_count()),
      returns_(grammar_->rule_count()) {
  const State dead = intern_state();
  HEARTH_CHECK(dead == kDead);
  std::vector<IdPair> bottom = {{kWholeText, 0}};
  const uint32_t stack = intern_stack(bottom);
  clear_scratch();
  enter({grammar_->start_of(grammar_->root()), stack});
  leave_and_call();
  begin_called_rules();
  start_ = intern_state();
}

void Automaton::clear_scratch() {
  open_.clear();
  entered_.clear();
  places_.clear();
  for (const IdPair& c : called_) returns_[c.second].clear();  // left over from an error
  called_.clear();
  ways_ = 0;
}

void Automaton::spend(size_t ways) {
  ways_ += ways;
  work_ += ways;
  if (ways_ > limits_.ways_max)
    throw Error(Errc::resource_exhausted,
                "grammar: the text can be read in too many ways at once, at most {} are followed",
                limits_.ways_max);
  if (work_ > limits_.work_max)
    throw Error(Errc::resource_exhausted, "grammar: its states take more than {} steps to find",
                limits_.work_max);
}

Automaton::State Automaton::step(State state, uint8_t byte_class) {
  clear_scratch();
  for (const IdPair& place : states_[state])
    if (place.first != kWholeText && grammar_->reads(place.first, byte_class))
      enter({grammar_->terminal(place.first).next, place.second});
  leave_and_call();
  begin_called_rules();
  const State result = intern_state();
  successors_[state * class_count_ + byte_class] = result;
  return result;
}

void Automaton::enter(IdPair place) {
  spend(1);
  if (entered_.insert((uint64_t{place.first} << 32) | place.second).second) open_.push_back(place);
}

void Automaton::add_place(uint32_t terminal, uint32_t stack) {
  spend(1);
  places_.push_back({terminal, stack});
}

// What follows the bytes read: the terminals behind each place, and behind each place to return to
// where a rule may end. Rules that are called are only noted.
void Automaton::leave_and_call() {
  for (size_t i = 0; i < open_.size(); ++i) {
    const auto [position, stack] = open_[i];
    if (position == kWholeText) {
      add_place(kWholeText, 0);
      continue;
    }
    const Grammar::Position at = grammar_->position(position);
    for (const uint32_t terminal : at.terminals) add_place(terminal, stack);
    for (const Grammar::Call& c : at.calls) call(c, stack);
    if (at.may_end)
      for (const IdPair& back : stacks_[stack]) enter(back);
  }
}

void Automaton::call(const Grammar::Call& c, uint32_t stack) {
  spend(1);
  std::vector<IdPair>& returns = returns_[c.rule];
  if (returns.empty()) {
    called_.push_back({grammar_->rank_of(c.rule), c.rule});
    std::push_heap(called_.begin(), called_.end(), std::greater());
  }
  if (grammar_->position(c.back).is_end()) {
    const auto outer = stacks_[stack];
    spend(outer.size());
    returns.insert(returns.end(), outer.begin(), outer.end());
  } else {
    returns.push_back({c.back, stack});
  }
}

// In the order of ranks all calls of a rule are known before it begins, because only rules of
// lower rank can begin with it. That a rule may end at once does not matter here: its callers'
// positions see through it.
void Automaton::begin_called_rules() {
  while (!called_.empty()) {
    const uint32_t rule = called_.front().second;
    std::erase_if(returns_[rule], [&](const IdPair& back) {
      return back.first != kWholeText && depths_[back.second] >= limits_.depth_max;
    });
    const bool is_too_deep = returns_[rule].empty();
    const uint32_t stack = is_too_deep ? 0 : intern_stack(returns_[rule]);
    returns_[rule].clear();
    std::pop_heap(called_.begin(), called_.end(), std::greater());
    called_.pop_back();
    if (is_too_deep) continue;
    const Grammar::Position at = grammar_->position(grammar_->start_of(rule));
    for (const uint32_t terminal : at.terminals) add_place(terminal, stack);
    for (const Grammar::Call& c : at.calls) call(c, stack);
  }
}

uint32_t Automaton::intern_stack(std::vector<IdPair>& places) {
  sort_and_drop_doubles(places);
  int depth = 0;
  for (const IdPair& p : places)
    if (p.first != kWholeText) depth = std::max(depth, depths_[p.second] + 1);
  const uint32_t id = stacks_.intern(places);
  if (id == depths_.size()) depths_.push_back(depth);
  return id;
}

Automaton::State Automaton::intern_state() {
  sort_and_drop_doubles(places_);
  const bool is_complete = !places_.empty() && places_.back().first == kWholeText;
  if (memory_bytes() > limits_.memory_bytes_max)
    throw Error(Errc::resource_exhausted, "grammar: its states need more than {} bytes",
                limits_.memory_bytes_max);
  const State id = states_.intern(places_);
  if (id < is_complete_.size()) return id;
  is_complete_.push_back(is_complete);
  successors_.resize(successors_.size() + class_count_, places_.empty() ? kDead : kUnknown);
  return id;
}

// A stack's number is above the numbers of the stacks below it: ascending order meets those first.
Automaton::State Automaton::adopt(const Automaton& other, State state) {
  std::vector<uint32_t> name_here(other.stacks_.count(), kUnknown);
  std::vector<bool> is_needed(other.stacks_.count());
  for (const IdPair& place : other.states_[state]) is_needed[place.second] = true;
  for (uint32_t stack = static_cast<uint32_t>(is_needed.size()); stack-- > 0;)
    if (is_needed[stack])
      for (const IdPair& back : other.stacks_[stack])
        if (back.first != kWholeText) is_needed[back.second] = true;
  const auto renamed = [&](std::span<const IdPair> pairs) {
    std::vector<IdPair> out(pairs.begin(), pairs.end());
    for (IdPair& p : out)
      if (p.first != kWholeText) p.second = name_here[p.second];
    return out;
  };
  for (uint32_t stack = 0; stack < is_needed.size(); ++stack) {
    if (!is_needed[stack]) continue;
    std::vector<IdPair> places = renamed(other.stacks_[stack]);
    name_here[stack] = intern_stack(places);
  }
  clear_scratch();
  places_ = renamed(other.states_[state]);
  return intern_state();
}

size_t Automaton::memory_bytes() const {
  return states_.memory_bytes() + stacks_.memory_bytes() + depths_.capacity() * sizeof(int) +
         successors_.capacity() * sizeof(State) + is_complete_.capacity() / 8;
}

}  // namespace hearth::llm
