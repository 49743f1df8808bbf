#include "hearth/llm/grammar/grammar_compiler.h"

#include <algorithm>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/llm/grammar/utf8_ranges.h"

namespace hearth::llm {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

}  // namespace

// The least set of expressions that contains those for which `always` is true, sequences of which
// all parts are in it, choices of which one is, repetitions and rules whose part is. Linear: each
// expression counts down what it still waits for.
std::vector<bool> GrammarCompiler::holds_for(
    bool (*always)(const GrammarBuilder::Expression&)) const {
  using Kind = GrammarBuilder::Kind;
  const auto& expressions = source_.expressions_;
  std::vector<std::vector<Expr>> waiting(expressions.size());
  std::vector<size_t> missing(expressions.size());
  std::vector<Expr> found;
  for (Expr i = 0; i < expressions.size(); ++i) {
    const auto& e = expressions[i];
    missing[i] = e.kind == Kind::sequence ? e.parts.size() : 1;
    if (e.kind == Kind::use) waiting[source_.rules_[e.rule].body].push_back(i);
    for (const Expr part : e.parts) waiting[part].push_back(i);
    if (missing[i] == 0 || always(e)) {
      missing[i] = 0;
      found.push_back(i);
    }
  }
  for (size_t i = 0; i < found.size(); ++i)
    for (const Expr user : waiting[found[i]])
      if (missing[user] > 0 && --missing[user] == 0) found.push_back(user);
  std::vector<bool> holds(expressions.size());
  for (const Expr e : found) holds[e] = true;
  return holds;
}

void GrammarCompiler::check_rules() {
  using Kind = GrammarBuilder::Kind;
  using Expression = GrammarBuilder::Expression;
  for (const auto& rule : source_.rules_)
    if (!rule.is_defined)
      throw Error(Errc::invalid_argument, "grammar: rule '{}' is used but not defined", rule.name);
  const std::vector<bool> can_end = holds_for([](const Expression& e) {
    return e.kind == Kind::text || e.kind == Kind::bytes || e.kind == Kind::characters ||
           (e.kind == Kind::repeat && e.min == 0);
  });
  // With this, whatever has been matched so far has a continuation that completes it.
  for (const auto& rule : source_.rules_)
    if (!can_end[rule.body])
      throw Error(Errc::invalid_argument, "grammar: rule '{}' can never end", rule.name);
  is_nullable_ = holds_for([](const Expression& e) {
    return (e.kind == Kind::text && e.text.empty()) || (e.kind == Kind::repeat && e.min == 0);
  });
}

uint32_t GrammarCompiler::add_place(Place place) {
  if (places_.size() >= source_.limits_.positions_max)
    throw Error(Errc::resource_exhausted, "grammar: expands to more than {} positions",
                source_.limits_.positions_max);
  places_.push_back(std::move(place));
  return static_cast<uint32_t>(places_.size() - 1);
}

uint32_t GrammarCompiler::read(const ByteSet& bytes, uint32_t next) {
  const auto [entry, is_new] =
      byte_set_ids_.try_emplace(bytes.to_string(), grammar_.byte_sets_.size());
  if (is_new) grammar_.byte_sets_.push_back(bytes);
  return add_place({.kind = PlaceKind::read, .what = entry->second, .next = next});
}

uint32_t GrammarCompiler::place_characters(const std::vector<CodeRange>& ranges, uint32_t next) {
  std::vector<uint32_t> ways;
  for (const ByteSequence& sequence : utf8_sequences(ranges)) {
    uint32_t at = next;
    for (size_t i = sequence.size(); i-- > 0;) at = read(sequence[i], at);
    ways.push_back(at);
  }
  if (ways.size() == 1) return ways[0];
  return add_place({.kind = PlaceKind::fork, .ways = std::move(ways)});
}

// Each optional copy can leave for `next` at once, so that a place leads to one copy and one exit
// however many copies are left.
uint32_t GrammarCompiler::place_repeat(const GrammarBuilder::Expression& e, uint32_t next) {
  uint32_t at = next;
  if (e.max == GrammarBuilder::kUnbounded) {
    at = add_place({.kind = PlaceKind::fork});
    const uint32_t body = place(e.parts[0], at);
    places_[at].ways = {body, next};
  }
  for (int i = e.min; i < e.max; ++i) {
    const uint32_t body = place(e.parts[0], at);
    at = add_place({.kind = PlaceKind::fork, .ways = {body, next}});
  }
  for (int i = 0; i < e.min; ++i) at = place(e.parts[0], at);
  return at;
}

// The place from which `expr` is read and then what stands at `next`.
uint32_t GrammarCompiler::place(Expr expr, uint32_t next) {
  using Kind = GrammarBuilder::Kind;
  // Copies of nothing make no places, but they take time too.
  if (++steps_ > 16 * source_.limits_.positions_max)
    throw Error(Errc::resource_exhausted, "grammar: expands to more than {} expressions",
                16 * source_.limits_.positions_max);
  const auto& e = source_.expressions_[expr];
  switch (e.kind) {
    case Kind::text: {
      for (size_t i = e.text.size(); i-- > 0;)
        next = read(ByteSet().set(static_cast<uint8_t>(e.text[i])), next);
      return next;
    }
    case Kind::bytes:
      return read(e.bytes, next);
    case Kind::characters:
      return place_characters(e.ranges, next);
    case Kind::sequence:
      for (size_t i = e.parts.size(); i-- > 0;) next = place(e.parts[i], next);
      return next;
    case Kind::choice: {
      std::vector<uint32_t> ways;
      for (const Expr part : e.parts) ways.push_back(place(part, next));
      return add_place({.kind = PlaceKind::fork, .ways = std::move(ways)});
    }
    case Kind::repeat:
      return place_repeat(e, next);
    case Kind::use:
      break;
  }
  return add_place({.kind = PlaceKind::call, .what = e.rule, .next = next});
}

uint32_t GrammarCompiler::position_at(uint32_t place) {
  uint32_t& position = position_of_place_[place];
  if (position == kNone) {
    position = static_cast<uint32_t>(places_of_positions_.size());
    places_of_positions_.push_back(place);
  }
  return position;
}

void GrammarCompiler::link(uint32_t place) {
  const Place& p = places_[place];
  if (p.kind == PlaceKind::end) {
    grammar_.positions_.back().may_end = true;
  } else if (p.kind == PlaceKind::call) {
    grammar_.call_links_.push_back({p.what, position_at(p.next)});
  } else if (p.kind == PlaceKind::read) {
    uint32_t& terminal = terminal_of_place_[place];
    if (terminal == kNone) {
      terminal = static_cast<uint32_t>(grammar_.terminals_.size());
      grammar_.terminals_.push_back({p.what, position_at(p.next)});
    }
    grammar_.terminal_links_.push_back(terminal);
  }
  if (grammar_.call_links_.size() + grammar_.terminal_links_.size() > source_.limits_.links_max)
    throw Error(Errc::resource_exhausted, "grammar: expands to more than {} links",
                source_.limits_.links_max);
}

// Everything that is reachable from `start` without reading a byte, seeing through rules that can
// be empty.
void GrammarCompiler::link_position(uint32_t start) {
  const auto mark = static_cast<uint32_t>(grammar_.positions_.size());
  const auto terminals = static_cast<uint32_t>(grammar_.terminal_links_.size());
  const auto calls = static_cast<uint32_t>(grammar_.call_links_.size());
  grammar_.positions_.push_back({terminals, terminals, calls, calls, false});
  std::vector<uint32_t> open = {start};
  while (!open.empty()) {
    const uint32_t at = open.back();
    open.pop_back();
    if (std::exchange(seen_by_[at], mark) == mark) continue;
    // Forks cost time even where they link nothing.
    if (++steps_ > 16 * source_.limits_.links_max)
      throw Error(Errc::resource_exhausted, "grammar: expands to more than {} forks",
                  16 * source_.limits_.links_max);
    link(at);
    const Place& p = places_[at];
    open.insert(open.end(), p.ways.begin(), p.ways.end());
    if (p.kind == PlaceKind::call && is_nullable_[source_.rules_[p.what].body])
      open.push_back(p.next);
  }
  Grammar::Links& links = grammar_.positions_.back();
  links.terminals_end = static_cast<uint32_t>(grammar_.terminal_links_.size());
  links.calls_end = static_cast<uint32_t>(grammar_.call_links_.size());
}

// Depth first, so that a rule gets its rank after all that it can begin with: ranks count down.
void GrammarCompiler::visit_rule(uint32_t rule, std::vector<uint32_t>& path) {
  path.push_back(rule);
  if (visits_[rule] == Visit::open) {
    std::string names;
    for (auto at = std::find(path.begin(), path.end(), rule); at != path.end(); ++at)
      names += (names.empty() ? "" : " -> ") + source_.rules_[*at].name;
    throw Error(Errc::invalid_argument, "grammar: rule '{}' is left-recursive: {}",
                source_.rules_[rule].name, names);
  }
  if (visits_[rule] == Visit::unseen) {
    visits_[rule] = Visit::open;
    for (const Grammar::Call& call : grammar_.position(grammar_.starts_[rule]).calls)
      visit_rule(call.rule, path);
    visits_[rule] = Visit::done;
    grammar_.ranks_[rule] = --ranks_left_;
  }
  path.pop_back();
}

void GrammarCompiler::rank_rules() {
  ranks_left_ = static_cast<uint32_t>(grammar_.rule_count());
  visits_.resize(grammar_.rule_count());
  grammar_.ranks_.resize(grammar_.rule_count());
  std::vector<uint32_t> path;
  for (uint32_t rule = 0; rule < grammar_.rule_count(); ++rule) visit_rule(rule, path);
}

// Each set parts the classes that stand so far in two: what is in it, and the rest.
void GrammarCompiler::find_byte_classes() {
  auto& class_of = grammar_.class_of_;
  int count = 1;
  for (const ByteSet& set : grammar_.byte_sets_) {
    int split[256][2];
    std::fill_n(&split[0][0], 512, -1);
    count = 0;
    for (int b = 0; b < 256; ++b) {
      int& id = split[class_of[b]][set[b]];
      if (id < 0) id = count++;
      class_of[b] = static_cast<uint8_t>(id);
    }
  }
  grammar_.class_bytes_.resize(count);
  for (int b = 0; b < 256; ++b) grammar_.class_bytes_[class_of[b]] = static_cast<uint8_t>(b);
}

Grammar GrammarCompiler::compile(uint32_t root) {
  check_rules();
  grammar_.root_ = root;
  const uint32_t end = add_place({.kind = PlaceKind::end});  // pops, whatever the rule
  std::vector<uint32_t> start_places;
  for (const auto& rule : source_.rules_) start_places.push_back(place(rule.body, end));
  position_of_place_.assign(places_.size(), kNone);
  terminal_of_place_.assign(places_.size(), kNone);
  seen_by_.assign(places_.size(), kNone);
  for (const uint32_t at : start_places) grammar_.starts_.push_back(position_at(at));
  for (size_t i = 0; i < places_of_positions_.size(); ++i) link_position(places_of_positions_[i]);
  rank_rules();
  find_byte_classes();
  return std::move(grammar_);
}

}  // namespace hearth::llm
