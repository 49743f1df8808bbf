// Expressions of the template language, in Jinja's precedence:
// if-else, or, and, not, comparisons, + -, ~, * / // %, **, unary + -, then . [] () | is.
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hearth/llm/tokenizer/chat_template.h"
#include "hearth/llm/tokenizer/jinja/syntax.h"
#include "hearth/llm/tokenizer/jinja/token_stream.h"

namespace hearth::llm::jinja {

class ExpressionParser {
 public:
  ExpressionParser(TokenStream& tokens, Template& result, const ChatTemplateLimits& limits);

  /// One expression. Without `with_conditional`, a trailing `if` is left alone (it belongs to the
  /// `for`).
  const Expression* expression(bool with_conditional = true);
  /// One expression, or a tuple of several separated by commas, up to the end of the tag.
  const Expression* expression_or_tuple(bool with_conditional = true);
  const Expression* unary(bool with_filters = true);
  /// The filters after a block's head, whose subject (null) is the block's text: `| a | b(1)`,
  /// possibly none.
  std::vector<const Expression*> block_filters();
  /// The same where the first has no bar: `a | b(1)`.
  std::vector<const Expression*> first_block_filters();
  Target target(bool with_attributes);

  SymbolId symbol(std::string_view name);
  std::string_view keep(std::string text);

  /// Counts one level of nesting for its scope. Errors: resource_exhausted past nesting_max.
  class Nesting {
   public:
    explicit Nesting(ExpressionParser& parser);
    ~Nesting() { --parser_.depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    ExpressionParser& parser_;
  };

  /// Inside an `if`, unknown filters and tests become errors only when reached.
  int conditional_depth = 0;
  /// The macro whose body is being parsed, which is told when it mentions caller, varargs or
  /// kwargs.
  MacroDefinition* macro = nullptr;

 private:
  template <class Form>
  const Expression* make(const Position& at, Form form) {
    return &result_.expressions.emplace_back(Expression{at, std::move(form)});
  }

  using Level = const Expression* (ExpressionParser::*)();
  const Expression* logic(bool is_and);
  const Expression* disjunction() { return logic(false); }
  const Expression* conjunction() { return logic(true); }
  const Expression* negation();
  const Expression* comparison();
  const Expression* arithmetic(
      Level next_level, std::initializer_list<std::pair<std::string_view, Operator>> operators);
  const Expression* sum();
  const Expression* concatenation();
  const Expression* product();
  const Expression* power();
  const Expression* operand() { return unary(true); }

  const Expression* primary();
  const Expression* name();
  const Expression* parenthesised();
  const Expression* list();
  const Expression* mapping();
  const Expression* postfix(const Expression* object);
  const Expression* filters(const Expression* subject);
  const Expression* dotted(const Expression* object);
  const Expression* subscript(const Expression* object);
  const Expression* slice(const Expression* object, const Position& at);
  /// At the filter's name, behind the bar.
  const Expression* filter(const Expression* subject);
  const Expression* test(const Expression* subject);
  void argument(Arguments& given);
  Arguments arguments();
  std::string dotted_name();
  void check_known(const Builtin* builtin, std::string_view what, std::string_view name,
                   const Position& at);
  bool is_tuple_end() const;

  TokenStream& tokens_;
  Template& result_;
  int nesting_max_;
  int depth_ = 0;
  std::unordered_map<std::string_view, SymbolId> ids_;
};

}  // namespace hearth::llm::jinja
