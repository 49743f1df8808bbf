// The tree of a parsed template in Go's language.
#pragma once
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "hearth/llm/tokenizer/chat_template.h"
#include "hearth/llm/tokenizer/jinja/position.h"

namespace hearth::llm::gotemplate {

using jinja::Position;
struct Function;
struct Pipeline;
struct Body;

/// A value that stands by itself, and the fields that are looked up in it one after the other.
struct Operand {
  enum class Kind : uint8_t { dot, variable, literal, function, pipeline };

  Kind kind = Kind::dot;
  Position at;
  TemplateValue literal;
  size_t slot = 0;                     // variable: its place in the frame
  const Function* function = nullptr;  // called with the operands that follow it
  const Pipeline* pipeline = nullptr;  // in parentheses
  std::vector<std::string> fields;
};

using Command = std::vector<Operand>;  // never empty

struct Pipeline {
  Position at;
  std::vector<Command> commands;  // never empty; each is the last argument of the next
  std::vector<size_t> slots;      // variables that take the value; a range may have two
};

struct Statement {
  enum class Kind : uint8_t { text, output, set, if_, with, range, break_, continue_, template_ };

  Kind kind = Kind::text;
  Position at;
  /// Of the main template in the order of the source, from 1; 0 in others. Tree::cut_after.
  uint32_t order = 0;
  std::string text;                    // text; template_: the name
  const Pipeline* pipeline = nullptr;  // of all but text, break_, continue_; template_: or none
  const Body* body = nullptr;
  const Body* otherwise = nullptr;
};

struct Body {
  std::vector<Statement> statements;
};

/// A template that can be called.
struct Definition {
  const Body* body = nullptr;
  size_t slots = 1;  // of its variables; the first is $
};

/// Deques, so that addresses stay and no destructor recurses, however deep the tree.
struct Tree {
  std::deque<Pipeline> pipelines;
  std::deque<Body> bodies;
  std::map<std::string, Definition, std::less<>> definitions;
  Definition main;
  std::set<std::string, std::less<>> names;  // of all fields that are looked up somewhere
  /// Statement::order of the first that writes .Response; 0: none.
  uint32_t cut_after = 0;
};

}  // namespace hearth::llm::gotemplate
