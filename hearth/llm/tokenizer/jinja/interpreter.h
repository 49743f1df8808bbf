// Runs a parsed template once.
#pragma once
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hearth/llm/tokenizer/jinja/runtime.h"
#include "hearth/llm/tokenizer/jinja/scope.h"
#include "hearth/llm/tokenizer/jinja/syntax.h"

namespace hearth::llm::jinja {

class Interpreter {
 public:
  Interpreter(Runtime& rt, const Template& parsed);

  /// Gives the global variable `name` its value; ignored when the template does not mention it.
  void set_global(std::string_view name, const Value& value);
  /// The rendered text. Errors: invalid_argument, unsupported, resource_exhausted, with line and
  /// column.
  std::string run();

 private:
  enum class Flow { next, leave_loop, next_item };
  using NamedValue = std::pair<std::string_view, Value>;

  // Statements.
  Flow execute(const Body& body);
  Flow execute(const Text& form);
  Flow execute(const Output& form);
  Flow execute(const If& form);
  Flow execute(const For& form);
  Flow execute(const SetValue& form);
  Flow execute(const SetBlock& form);
  Flow execute(const FilterBlock& form);
  Flow execute(const With& form);
  Flow execute(const DefineMacro& form);
  Flow execute(const CallBlock& form);
  Flow execute(const Scoped& form);
  Flow execute(const Break&) { return Flow::leave_loop; }
  Flow execute(const Continue&) { return Flow::next_item; }
  std::vector<Value> loop_items(const For& form);

  // Expressions.
  Value evaluate(const Expression& expression);
  Value evaluate_or_none(const Expression* expression) {
    return expression ? evaluate(*expression) : Value::none();
  }
  Value evaluate(const Literal& form, const Position&) { return form.value; }
  Value evaluate(const Name& form, const Position&) { return lookup(form.symbol); }
  Value evaluate(const Attribute& form, const Position& at);
  Value evaluate(const Item& form, const Position& at);
  Value evaluate(const Slice& form, const Position& at);
  Value evaluate(const Invocation& form, const Position& at);
  Value evaluate(const Filter& form, const Position& at);
  Value evaluate(const Test& form, const Position& at);
  Value evaluate(const Not& form, const Position& at);
  Value evaluate(const Sign& form, const Position& at);
  Value evaluate(const Arithmetic& form, const Position& at);
  Value evaluate(const Concatenation& form, const Position& at);
  Value evaluate(const Logic& form, const Position& at);
  Value evaluate(const Comparison& form, const Position& at);
  Value evaluate(const Conditional& form, const Position& at);
  Value evaluate(const SequenceDisplay& form, const Position& at);
  Value evaluate(const MappingDisplay& form, const Position& at);
  bool holds(Relation relation, const Value& a, const Value& b);

  // Calls.
  ArgumentValues evaluate(const Arguments& arguments);
  Value call(const Value& callee, const ArgumentValues& arguments);
  Value call_macro(const Macro& macro, const ArgumentValues& arguments);
  void bind_parameters(const MacroDefinition& definition, const ArgumentValues& arguments,
                       Scope& scope);
  void bind_surplus(const MacroDefinition& definition, const ArgumentValues& arguments,
                    Scope& scope);
  Value apply_filter(const Filter& filter, const Value& subject, const Position& at);

  // Variables and output.
  Value lookup(SymbolId symbol);
  void assign(const Target& target, const Value& value);
  void write(std::string_view text);
  /// Runs `body` in a scope of its own and gives what it wrote, filtered; nothing when a break or
  /// continue in it left, which `flow` then is.
  std::optional<Value> capture(const Body& body, const std::vector<const Expression*>& filters,
                               Flow& flow);
  Value take_output(size_t begin);

  /// Opens a scope for the guard's lifetime. Scopes are reused unless a macro was defined in them.
  class ScopeGuard {
   public:
    ScopeGuard(Interpreter& interpreter, Scope* outer);
    ~ScopeGuard();
    ScopeGuard(const ScopeGuard&) = delete;
    ScopeGuard& operator=(const ScopeGuard&) = delete;
    Scope& operator*() const { return *scope_; }

   private:
    Interpreter& interpreter_;
    Scope* previous_;
    Scope* scope_;
  };

  Runtime& rt_;
  const Template& template_;
  std::vector<Value> globals_;    // by symbol
  std::vector<bool> has_global_;  // by symbol
  std::deque<Scope> scopes_;
  std::vector<Scope*> free_scopes_;
  Scope* scope_ = nullptr;  // null: the template's top level, whose variables are the globals
  std::string output_;
};

}  // namespace hearth::llm::jinja
