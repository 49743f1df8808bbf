// The syntax tree of a parsed template.
//
// Expressions live in the Template's deque and point to each other, so that destroying a tree never
// recurses however deep it is. Names are numbered once (SymbolId); literals view strings that the
// Template owns.
#pragma once
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "hearth/llm/tokenizer/jinja/builtin.h"
#include "hearth/llm/tokenizer/jinja/operations.h"
#include "hearth/llm/tokenizer/jinja/position.h"
#include "hearth/llm/tokenizer/jinja/value.h"

namespace hearth::llm::jinja {

using SymbolId = int;

struct Expression;

struct Arguments {
  std::vector<const Expression*> positional;
  std::vector<std::pair<std::string_view, const Expression*>> named;
  const Expression* positional_rest = nullptr;  // *rest
  const Expression* named_rest = nullptr;       // **rest
};

struct Literal {
  Value value;
};
struct Name {
  SymbolId symbol;
};
struct Attribute {
  const Expression* object;
  std::string_view name;
};
struct Item {
  const Expression* object;
  const Expression* index;
};
struct Slice {  // parts left out are null
  const Expression* object;
  const Expression* start;
  const Expression* stop;
  const Expression* step;
};
struct Invocation {
  const Expression* callee;
  Arguments arguments;
};
/// A filter or test; `builtin` is null when the name is unknown, which is an error only if it is
/// reached.
struct Filter {
  const Expression*
      subject;  // null in {% filter %} and {% set x | f %}, where the block's text is the subject
  const Builtin* builtin;
  std::string_view name;
  Arguments arguments;
};
struct Test {
  const Expression* subject;
  const Builtin* builtin;
  std::string_view name;
  Arguments arguments;
};
struct Not {
  const Expression* operand;
};
struct Sign {
  bool is_minus;
  const Expression* operand;
};
/// first op1 a op2 b …, of one precedence, from the left.
struct Arithmetic {
  const Expression* first;
  std::vector<std::pair<Operator, const Expression*>> rest;
  std::vector<Position> positions;  // of each operator
};
struct Concatenation {
  std::vector<const Expression*> parts;
};
struct Logic {
  bool is_and;
  std::vector<const Expression*> parts;
};
enum class Relation : uint8_t { equal, unequal, less, at_most, greater, at_least, in, not_in };
/// a < b <= c: every neighbouring pair must hold.
struct Comparison {
  const Expression* first;
  std::vector<std::pair<Relation, const Expression*>> rest;
};
struct Conditional {
  const Expression* condition;
  const Expression* then;
  const Expression* otherwise;  // null: undefined
};
struct SequenceDisplay {
  SequenceKind kind;
  std::vector<const Expression*> items;
};
struct MappingDisplay {
  std::vector<std::pair<const Expression*, const Expression*>> entries;
};

struct Expression {
  Position at;
  std::variant<Literal, Name, Attribute, Item, Slice, Invocation, Filter, Test, Not, Sign,
               Arithmetic, Concatenation, Logic, Comparison, Conditional, SequenceDisplay,
               MappingDisplay>
      form;
};

/// What `for` and `set` assign to: a name, an attribute of a namespace, or a tuple of targets.
struct Target {
  Position at;
  SymbolId symbol = 0;
  std::string_view attribute;  // empty: the name itself
  std::vector<Target> parts;   // not empty: unpacks
  bool is_tuple = false;
};

struct Statement;
using Body = std::vector<Statement>;

struct Text {
  std::string_view text;
};
struct Output {
  const Expression* value;
};
struct If {
  std::vector<std::pair<const Expression*, Body>> branches;
  Body otherwise;
};
struct For {
  Target target;
  const Expression* items;
  const Expression* condition;  // null: every item
  Body body, otherwise;
};
struct SetValue {
  Target target;
  const Expression* value;
};
struct SetBlock {
  Target target;
  std::vector<const Expression*> filters;
  Body body;
};
struct FilterBlock {
  std::vector<const Expression*> filters;
  Body body;
};
struct With {
  std::vector<std::pair<Target, const Expression*>> values;
  Body body;
};
struct MacroParameter {
  SymbolId symbol;
  std::string_view name;
  const Expression* default_value;  // null: undefined unless given
};
struct MacroDefinition {
  std::string_view name;
  std::vector<MacroParameter> parameters;
  Body body;
  // Whether the body mentions them; a macro that does not refuses what would go there.
  bool uses_varargs = false, uses_kwargs = false, uses_caller = false;
};
struct DefineMacro {
  SymbolId symbol;
  MacroDefinition definition;
};
struct CallBlock {
  const Expression* call;  // an Invocation
  MacroDefinition caller;
};
/// {% generation %}: marks the assistant's words for training; here only a scope.
struct Scoped {
  Body body;
};
struct Break {};
struct Continue {};

struct Statement {
  Position at;
  std::variant<Text, Output, If, For, SetValue, SetBlock, FilterBlock, With, DefineMacro, CallBlock,
               Scoped, Break, Continue>
      form;
};

/// Symbols with a fixed number, because the interpreter itself gives them values.
enum FixedSymbol : SymbolId { kLoop, kCaller, kVarargs, kKwargs };

struct Template {
  Body body;
  std::deque<Expression> expressions;
  std::deque<std::string> strings;        // what string_views and literals of the tree view
  std::vector<std::string_view> symbols;  // SymbolId to name
};

}  // namespace hearth::llm::jinja
