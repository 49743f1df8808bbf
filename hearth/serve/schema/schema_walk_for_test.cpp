#include "hearth/serve/schema/schema_walk_for_test.h"

#include <map>
#include <utility>

namespace hearth::serve {
namespace {

Pieces every_byte() {
  Pieces pieces;
  for (int byte = 0; byte < 256; ++byte) pieces.emplace_back(1, static_cast<char>(byte));
  return pieces;
}

// The fewest bytes that make `text` complete, found breadth first.
std::string shortest_end(const std::shared_ptr<const llm::Grammar>& grammar,
                         std::string_view text) {
  using llm::Automaton;
  Automaton automaton(grammar);
  std::map<Automaton::State, std::string> ends;
  std::vector<Automaton::State> open = {automaton.next(automaton.start(), text)};
  ends[open[0]];
  for (size_t i = 0; i < open.size(); ++i) {
    const std::string end = ends[open[i]];
    if (automaton.is_complete(open[i])) return end;
    for (int byte = 0; byte < 256; ++byte) {
      const Automaton::State next = automaton.next(open[i], static_cast<uint8_t>(byte));
      if (next != Automaton::kDead && ends.emplace(next, end + static_cast<char>(byte)).second)
        open.push_back(next);
    }
  }
  return "";
}

// Takes a token if the mask has it.
bool take(llm::Matcher& matcher, int32_t id) {
  return llm::is_allowed(matcher.allowed(), id) && matcher.accept_token(id);
}

}  // namespace

Pieces small_vocabulary() {
  Pieces pieces = every_byte();
  for (const char* piece : {"{\"",  "\":",   "\": ", "\", \"", "\",",  "[{", "}]", "}}", "},",
                            "true", "false", "null", ", ",     "\n  ", "  ", "10", "20", "0.",
                            "\\n",  "\\u00", "name", "a",      "-0",   "T1", "ä"})
    pieces.emplace_back(piece);
  pieces.emplace_back();
  return pieces;
}

Pieces large_vocabulary(size_t size) {
  Pieces pieces = every_byte();
  Rng rng(20'26);
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyz     etaoinABCDEFxyz0123456789{}[]\",:.-_\\/\n";
  while (pieces.size() + 1 < size) {
    std::string piece;
    for (uint64_t length = 1 + rng.below(10); piece.size() < length;)
      piece += rng.below(30) == 0 ? "é" : std::string(1, kLetters[rng.below(kLetters.size())]);
    pieces.push_back(std::move(piece));
  }
  pieces.emplace_back();
  return pieces;
}

std::shared_ptr<llm::TokenTrie> trie_of(const Pieces& pieces) {
  return std::make_shared<llm::TokenTrie>(pieces,
                                          std::vector{static_cast<int32_t>(pieces.size()) - 1});
}

Form::Form(llm::Grammar grammar_in, std::shared_ptr<llm::TokenTrie> trie)
    : grammar(std::make_shared<llm::Grammar>(std::move(grammar_in))),
      constraint(std::make_shared<llm::Constraint>(
          grammar, std::move(trie), llm::ConstraintLimits{.automaton = {.depth_max = 256}})) {}

Walk random_walk(const Form& form, const Pieces& pieces, Rng& rng, int tokens) {
  const auto end = static_cast<int32_t>(pieces.size()) - 1;
  llm::Matcher matcher(form.constraint);
  Walk walk;
  for (int i = 0; i < tokens && !walk.has_ended; ++i) {
    const llm::TokenMask mask = matcher.allowed();
    std::vector<int32_t> allowed;
    for (int32_t id = 0; id <= end; ++id)
      if (llm::is_allowed(mask, id)) allowed.push_back(id);
    const int32_t id = allowed[rng.below(allowed.size())];
    if (!matcher.accept_token(id)) return walk;
    walk.has_ended = id == end;
    walk.text += pieces[id];
  }
  if (walk.has_ended) return walk;
  for (const char byte : shortest_end(form.grammar, walk.text)) {
    if (!take(matcher, static_cast<uint8_t>(byte))) return walk;
    walk.text += byte;
  }
  walk.has_ended = take(matcher, end);
  return walk;
}

bool accepts(const std::shared_ptr<llm::Constraint>& constraint, std::string_view text) {
  llm::Matcher matcher(constraint);
  return matcher.accept(text) && matcher.is_complete();
}

}  // namespace hearth::serve
