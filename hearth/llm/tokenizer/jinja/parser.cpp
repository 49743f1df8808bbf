#include "hearth/llm/tokenizer/jinja/parser.h"

#include <algorithm>

#include "hearth/llm/tokenizer/jinja/expression_parser.h"
#include "hearth/llm/tokenizer/jinja/lexer.h"
#include "hearth/llm/tokenizer/jinja/token_stream.h"

namespace hearth::llm::jinja {
namespace {

// Tags of Jinja that need other templates or settings this engine does not have.
constexpr std::string_view kUnsupportedTags[] = {"include", "import", "from",  "extends",   "block",
                                                 "do",      "trans",  "debug", "autoescape"};

class StatementParser {
 public:
  StatementParser(std::string_view source, const ChatTemplateLimits& limits)
      : tokens_(tokenize(source)), expressions_(tokens_, result_, limits) {}

  Template run() {
    result_.body = body({});
    return std::move(result_);
  }

 private:
  using EndTags = std::initializer_list<std::string_view>;

  /// Statements up to one of `ends`, whose name becomes the current token (or to the end of the
  /// template).
  Body body(EndTags ends);
  /// The same, and past the whole end tag, which is the only one.
  Body block(std::string_view end);
  Statement statement();
  void end_tag() { tokens_.expect(TokenType::block_end, "end of statement block"); }

  Statement if_statement(const Position& at);
  Statement for_statement(const Position& at);
  Statement set_statement(const Position& at);
  Statement filter_statement(const Position& at);
  Statement with_statement(const Position& at);
  Statement macro_statement(const Position& at);
  Statement call_statement(const Position& at);
  Statement loop_control(const Position& at, bool is_break);
  void parameters(MacroDefinition& definition);
  void macro_body(MacroDefinition& definition, std::string_view end);

  TokenStream tokens_;
  Template result_;
  ExpressionParser expressions_;
  int loop_depth_ = 0;
};

Body StatementParser::body(EndTags ends) {
  const ExpressionParser::Nesting nesting(expressions_);
  Body statements;
  while (!tokens_.is(TokenType::end)) {
    const Token& token = tokens_.next();
    if (token.type == TokenType::data) {
      statements.push_back({token.at, Text{expressions_.keep(token.text)}});
    } else if (token.type == TokenType::variable_begin) {
      statements.push_back({token.at, Output{expressions_.expression_or_tuple()}});
      tokens_.expect(TokenType::variable_end, "end of print statement");
    } else {
      if (!tokens_.is(TokenType::name)) tokens_.fail_expected("name of a tag");
      if (std::find(ends.begin(), ends.end(), tokens_.current().text) != ends.end())
        return statements;
      statements.push_back(statement());
    }
  }
  if (ends.size() > 0)
    tokens_.fail(Errc::corrupt_data, tokens_.current().at,
                 fmt::format("unexpected end of template, '{}' is missing", *(ends.end() - 1)));
  return statements;
}

Body StatementParser::block(std::string_view end) {
  Body statements = body({end});
  tokens_.next();
  end_tag();
  return statements;
}

Statement StatementParser::statement() {
  const Token& token = tokens_.next();
  const std::string_view tag = token.text;
  const Position at = token.at;
  if (tag == "if") return if_statement(at);
  if (tag == "for") return for_statement(at);
  if (tag == "set") return set_statement(at);
  if (tag == "filter") return filter_statement(at);
  if (tag == "with") return with_statement(at);
  if (tag == "macro") return macro_statement(at);
  if (tag == "call") return call_statement(at);
  if (tag == "break" || tag == "continue") return loop_control(at, tag == "break");
  if (tag == "generation") {
    end_tag();
    return {at, Scoped{block("endgeneration")}};
  }
  const bool is_known = std::find(std::begin(kUnsupportedTags), std::end(kUnsupportedTags), tag) !=
                        std::end(kUnsupportedTags);
  tokens_.fail(is_known ? Errc::unsupported : Errc::corrupt_data, at,
               is_known ? fmt::format("the tag '{}' is not supported", tag)
                        : fmt::format("unknown tag '{}'", tag));
}

Statement StatementParser::if_statement(const Position& at) {
  If form;
  ++expressions_.conditional_depth;
  while (true) {
    const Expression* condition = expressions_.expression_or_tuple(/*with_conditional=*/false);
    end_tag();
    form.branches.emplace_back(condition, body({"elif", "else", "endif"}));
    const std::string& tag = tokens_.next().text;
    if (tag == "elif") continue;
    if (tag == "else") {
      end_tag();
      form.otherwise = body({"endif"});
      tokens_.next();
    }
    break;
  }
  --expressions_.conditional_depth;
  end_tag();
  return {at, std::move(form)};
}

Statement StatementParser::for_statement(const Position& at) {
  For form;
  form.target = expressions_.target(/*with_attributes=*/false);
  tokens_.expect_name("in");
  form.items = expressions_.expression_or_tuple(/*with_conditional=*/false);
  form.condition = tokens_.take_name("if") ? expressions_.expression() : nullptr;
  if (tokens_.is_name("recursive"))
    tokens_.fail(Errc::unsupported, tokens_.current().at, "recursive loops are not supported");
  end_tag();
  ++loop_depth_;
  form.body = body({"else", "endfor"});
  --loop_depth_;
  if (tokens_.next().text == "else") {
    end_tag();
    form.otherwise = body({"endfor"});
    tokens_.next();
  }
  end_tag();
  return {at, std::move(form)};
}

Statement StatementParser::set_statement(const Position& at) {
  Target target = expressions_.target(/*with_attributes=*/true);
  if (tokens_.take_symbol("=")) {
    const Expression* value = expressions_.expression_or_tuple();
    end_tag();
    return {at, SetValue{std::move(target), value}};
  }
  auto filters = expressions_.block_filters();
  end_tag();
  return {at, SetBlock{std::move(target), std::move(filters), block("endset")}};
}

Statement StatementParser::filter_statement(const Position& at) {
  auto filters = expressions_.first_block_filters();
  end_tag();
  return {at, FilterBlock{std::move(filters), block("endfilter")}};
}

Statement StatementParser::with_statement(const Position& at) {
  With form;
  while (!tokens_.is(TokenType::block_end)) {
    if (!form.values.empty()) tokens_.expect_symbol(",");
    Target target;
    target.at = tokens_.current().at;
    target.symbol = expressions_.symbol(tokens_.expect(TokenType::name, "name").text);
    tokens_.expect_symbol("=");
    form.values.emplace_back(std::move(target), expressions_.expression());
  }
  end_tag();
  form.body = block("endwith");
  return {at, std::move(form)};
}

void StatementParser::parameters(MacroDefinition& definition) {
  tokens_.expect_symbol("(");
  while (!tokens_.is_symbol(")")) {
    if (!definition.parameters.empty()) tokens_.expect_symbol(",");
    const Token& token = tokens_.expect(TokenType::name, "parameter name");
    MacroParameter parameter{expressions_.symbol(token.text), expressions_.keep(token.text),
                             nullptr};
    if (tokens_.take_symbol("="))
      parameter.default_value = expressions_.expression();
    else if (!definition.parameters.empty() &&
             definition.parameters.back().default_value != nullptr)
      tokens_.fail(Errc::corrupt_data, token.at,
                   "parameter without a default after one with a default");
    definition.parameters.push_back(parameter);
  }
  tokens_.next();
}

void StatementParser::macro_body(MacroDefinition& definition, std::string_view end) {
  MacroDefinition* const outer = std::exchange(expressions_.macro, &definition);
  const int outer_conditional = std::exchange(expressions_.conditional_depth, 0);
  const int outer_loops = std::exchange(loop_depth_, 0);
  definition.body = block(end);
  expressions_.macro = outer;
  expressions_.conditional_depth = outer_conditional;
  loop_depth_ = outer_loops;
  if (outer == nullptr) return;
  outer->uses_caller = outer->uses_caller || definition.uses_caller;
  outer->uses_varargs = outer->uses_varargs || definition.uses_varargs;
  outer->uses_kwargs = outer->uses_kwargs || definition.uses_kwargs;
}

Statement StatementParser::macro_statement(const Position& at) {
  DefineMacro form{};
  const std::string& name = tokens_.expect(TokenType::name, "name of the macro").text;
  form.symbol = expressions_.symbol(name);
  form.definition.name = expressions_.keep(name);
  parameters(form.definition);
  end_tag();
  macro_body(form.definition, "endmacro");
  return {at, std::move(form)};
}

Statement StatementParser::call_statement(const Position& at) {
  CallBlock form{};
  form.caller.name = "caller";
  if (tokens_.is_symbol("(")) parameters(form.caller);
  form.call = expressions_.expression();
  if (!std::holds_alternative<Invocation>(form.call->form))
    tokens_.fail(Errc::corrupt_data, at, "the tag 'call' needs a call");
  end_tag();
  macro_body(form.caller, "endcall");
  return {at, std::move(form)};
}

Statement StatementParser::loop_control(const Position& at, bool is_break) {
  if (loop_depth_ == 0)
    tokens_.fail(Errc::corrupt_data, at,
                 fmt::format("'{}' outside of a loop", is_break ? "break" : "continue"));
  end_tag();
  if (is_break) return {at, Break{}};
  return {at, Continue{}};
}

}  // namespace

Template parse_template(std::string_view source, const ChatTemplateLimits& limits) {
  if (source.size() > limits.source_bytes_max)
    throw Error(Errc::resource_exhausted, "chat template has {} bytes, above {} (source_bytes_max)",
                source.size(), limits.source_bytes_max);
  return StatementParser(source, limits).run();
}

}  // namespace hearth::llm::jinja
