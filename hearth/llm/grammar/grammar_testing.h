// What tests of grammars share: reading a whole text.
#pragma once
#include <memory>
#include <string_view>

#include "hearth/llm/grammar/automaton.h"
#include "hearth/llm/grammar/gbnf.h"

namespace hearth::llm {

struct Reading {
  bool is_viable;    // some text of the language begins so
  bool is_complete;  // it is in the language
};

inline Reading read(Automaton& automaton, std::string_view text) {
  const Automaton::State state = automaton.next(automaton.start(), text);
  return {state != Automaton::kDead, automaton.is_complete(state)};
}

inline Automaton automaton_of(std::string_view gbnf) {
  return Automaton(std::make_shared<Grammar>(parse_gbnf(gbnf)));
}

inline bool matches(std::string_view gbnf, std::string_view text) {
  Automaton automaton = automaton_of(gbnf);
  return read(automaton, text).is_complete;
}

}  // namespace hearth::llm
