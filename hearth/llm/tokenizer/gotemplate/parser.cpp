#include "hearth/llm/tokenizer/gotemplate/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "hearth/llm/tokenizer/gotemplate/function.h"
#include "hearth/llm/tokenizer/gotemplate/lexer.h"

namespace hearth::llm::gotemplate {
namespace {

constexpr size_t kVariablesMax = 1000;  // visible at once: each use looks through them

class Parser {
 public:
  Parser(std::string_view source, const ChatTemplateLimits& limits)
      : tokens_(lex(source, limits)), limits_(limits) {}

  Tree run() {
    Body& body = tree_.bodies.emplace_back();
    std::string word = parse_body(body, Ends::none);
    if (!word.empty()) fail(fmt::format("unexpected {{{{{}}}}}", word));
    tree_.main = {.body = &body, .slots = slots_};
    return std::move(tree_);
  }

 private:
  using Kind = Statement::Kind;
  // Which words may end a body.
  enum class Ends { none, end, end_or_else };

  // Variables of one template, or of one block of it.
  class Scope {
   public:
    explicit Scope(std::vector<std::string>& variables)
        : variables_(variables), size_(variables.size()) {}
    ~Scope() { variables_.resize(size_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    std::vector<std::string>& variables_;
    size_t size_;
  };

  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) {
      if (++parser.nesting_ > parser.limits_.nesting_max)
        fail_at(
            parser.token().at, Errc::resource_exhausted,
            fmt::format("nested deeper than {} levels (nesting_max)", parser.limits_.nesting_max));
    }
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Parser& parser_;
  };

  const Token& token() const { return tokens_[at_]; }
  bool is(TokenKind kind) const { return token().kind == kind; }
  bool is_word(std::string_view word) const { return is(TokenKind::word) && token().text == word; }
  Token take() { return std::move(tokens_[at_++]); }
  bool take_if(TokenKind kind) {
    if (!is(kind)) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (!is_word(word)) return false;
    ++at_;
    return true;
  }
  [[noreturn]] void fail(std::string_view message) const {
    fail_at(token().at, Errc::corrupt_data, message);
  }
  void expect_end(std::string_view in) {
    if (!take_if(TokenKind::end)) fail(fmt::format("unexpected word in {{{{{}}}}}", in));
  }

  // Statements up to "end" or "else", which is taken and returned, or the source's end ("").
  std::string parse_body(Body& body, Ends ends) {
    const Nesting nesting(*this);
    while (!is(TokenKind::finish)) {
      if (is(TokenKind::text)) {
        Statement& statement = add(body, Kind::text);
        statement.text = take().text;
        continue;
      }
      take();  // {{
      if (is_word("end") || is_word("else")) {
        const bool fits = ends == Ends::end_or_else || (ends == Ends::end && is_word("end"));
        if (!fits) fail(fmt::format("unexpected {{{{{}}}}}", token().text));
        return take().text;
      }
      parse_action(body);
    }
    if (ends != Ends::none) fail("unexpected end of the template: {{end}} is missing");
    return {};
  }

  Statement& add(Body& body, Kind kind) {
    Statement& statement = body.statements.emplace_back();
    statement.kind = kind;
    statement.at = token().at;
    statement.order = is_main_ ? ++order_ : 0;
    return statement;
  }

  void parse_action(Body& body) {
    if (take_word("if")) return parse_branch(body, Kind::if_, "if");
    if (take_word("with")) return parse_branch(body, Kind::with, "with");
    if (take_word("range")) return parse_branch(body, Kind::range, "range");
    if (take_word("template")) return parse_template(body);
    if (take_word("define")) return parse_define();
    if (take_word("block")) return parse_block(body);
    if (is_word("break") || is_word("continue")) return parse_jump(body);
    Statement& statement = add(body, Kind::output);
    const bool wrote_response = writes_response_;
    writes_response_ = false;
    Pipeline& pipeline = parse_pipeline(1);
    statement.pipeline = &pipeline;
    if (!pipeline.slots.empty()) statement.kind = Kind::set;
    if (writes_response_ && is_main_ && tree_.cut_after == 0) tree_.cut_after = statement.order;
    writes_response_ = wrote_response;
    expect_end("an action");
  }

  void parse_jump(Body& body) {
    const std::string word = token().text;
    if (loops_ == 0) fail(fmt::format("{{{{{}}}}} outside {{{{range}}}}", word));
    add(body, word == "break" ? Kind::break_ : Kind::continue_);
    take();
    expect_end(word);
  }

  // Statements move while a body grows, so they are filled before it does.
  void parse_branch(Body& body, Kind kind, std::string_view word) {
    const Scope scope(variables_);
    Statement branch = add(body, kind);
    const size_t place = body.statements.size() - 1;
    branch.pipeline = &parse_pipeline(kind == Kind::range ? 2 : 1);
    expect_end(word);
    Body& inner = tree_.bodies.emplace_back();
    branch.body = &inner;
    loops_ += kind == Kind::range;
    const std::string end = parse_in_scope(inner, Ends::end_or_else);
    loops_ -= kind == Kind::range;
    if (end == "else")
      branch.otherwise = parse_else(kind);
    else
      expect_end("end");
    body.statements[place] = std::move(branch);
  }

  std::string parse_in_scope(Body& body, Ends ends) {
    const Scope scope(variables_);
    return parse_body(body, ends);
  }

  // `else if` is an if of its own in the else, and their end is one.
  const Body* parse_else(Kind kind) {
    Body& body = tree_.bodies.emplace_back();
    const std::string_view word = kind == Kind::if_ ? "if" : kind == Kind::with ? "with" : "";
    if (!word.empty() && take_word(word)) {
      const Nesting nesting(*this);
      parse_branch(body, kind, word);
      return &body;
    }
    expect_end("else");
    parse_in_scope(body, Ends::end);
    expect_end("end");
    return &body;
  }

  std::string parse_name(std::string_view word) {
    if (!is(TokenKind::string)) fail(fmt::format("{{{{{}}}}} needs a name in quotes", word));
    return take().text;
  }

  void parse_template(Body& body) {
    Statement called = add(body, Kind::template_);
    const size_t place = body.statements.size() - 1;
    called.text = parse_name("template");
    if (!is(TokenKind::end)) called.pipeline = &parse_pipeline(0);
    expect_end("template");
    body.statements[place] = std::move(called);
  }

  void parse_define() {
    if (nesting_ > 1) fail("{{define}} inside another block");
    const std::string name = parse_name("define");
    expect_end("define");
    parse_definition(name);
  }

  void parse_block(Body& body) {
    Statement called = add(body, Kind::template_);
    const size_t place = body.statements.size() - 1;
    called.text = parse_name("block");
    called.pipeline = &parse_pipeline(0);
    expect_end("block");
    parse_definition(called.text);
    body.statements[place] = std::move(called);
  }

  // A template of its own: it sees no variables but its own $.
  void parse_definition(const std::string& name) {
    if (tree_.definitions.contains(name))
      fail(fmt::format("template \"{}\" is defined twice", name));
    auto variables = std::exchange(variables_, {"$"});
    const size_t slots = std::exchange(slots_, 1);
    const int loops = std::exchange(loops_, 0);
    const bool is_main = std::exchange(is_main_, false);
    Body& body = tree_.bodies.emplace_back();
    parse_body(body, Ends::end);
    expect_end("end");
    tree_.definitions[name] = {.body = &body, .slots = slots_};
    variables_ = std::move(variables);
    slots_ = slots;
    loops_ = loops;
    is_main_ = is_main;
  }

  // `variables_max`: how many it may set.
  Pipeline& parse_pipeline(size_t variables_max) {
    Pipeline& pipeline = tree_.pipelines.emplace_back();
    pipeline.at = token().at;
    const std::vector<std::string> declared = parse_targets(pipeline, variables_max);
    do {
      pipeline.commands.push_back(parse_command(!pipeline.commands.empty()));
    } while (take_if(TokenKind::pipe));
    // A variable is not visible in its own value.
    for (const std::string& name : declared) pipeline.slots.push_back(declare(name));
    return pipeline;
  }

  // "$x :=" declares, "$x =" sets; names that are declared are returned.
  std::vector<std::string> parse_targets(Pipeline& pipeline, size_t variables_max) {
    if (variables_max == 0 || !is(TokenKind::variable)) return {};
    size_t count = 1;
    if (tokens_[at_ + 1].kind == TokenKind::comma && tokens_[at_ + 2].kind == TokenKind::variable)
      count = 2;
    const TokenKind sign = tokens_[at_ + 2 * count - 1].kind;
    if (sign != TokenKind::declare && sign != TokenKind::assign) return {};
    if (count > variables_max) fail("too many variables");
    std::vector<std::string> names;
    for (size_t i = 0; i < count; ++i) {
      if (sign == TokenKind::declare)
        names.push_back(token().text);
      else
        pipeline.slots.push_back(slot_of(token()));
      at_ += 2;
    }
    return names;
  }

  size_t declare(const std::string& name) {
    if (variables_.size() >= kVariablesMax)
      fail_at(token().at, Errc::resource_exhausted,
              fmt::format("more than {} variables", kVariablesMax));
    variables_.push_back(name);
    slots_ = std::max(slots_, variables_.size());
    return variables_.size() - 1;
  }

  size_t slot_of(const Token& name) const {
    for (size_t i = variables_.size(); i-- > 0;)
      if (variables_[i] == name.text) return i;
    fail_at(name.at, Errc::corrupt_data, fmt::format("undefined variable \"{}\"", name.text));
  }

  Command parse_command(bool is_piped) {
    Command command;
    while (can_begin_operand()) {
      if (!command.empty() && !token().is_after_space) fail("operands need space between them");
      command.push_back(parse_operand());
      // As an argument, a function is called without any.
      if (command.size() > 1 && command.back().function) check_arguments(command.back(), 0);
    }
    if (command.empty()) fail("missing value");
    const Operand& first = command.front();
    const size_t arguments = command.size() - 1 + (is_piped ? 1 : 0);
    if (first.kind != Operand::Kind::function) {
      if (arguments > 0)
        fail_at(first.at, Errc::corrupt_data, "what is no function was given arguments");
      if (first.kind == Operand::Kind::literal && first.fields.empty() &&
          std::holds_alternative<std::monostate>(first.literal.data))
        fail_at(first.at, Errc::corrupt_data, "nil is not a command");
      return command;
    }
    check_arguments(first, arguments);
    return command;
  }

  static void check_arguments(const Operand& called, size_t count) {
    const Function& function = *called.function;
    if (count >= function.arguments_min && count <= function.arguments_max) return;
    fail_at(called.at, Errc::corrupt_data,
            fmt::format("wrong number of arguments for {}: {}", function.name, count));
  }

  bool can_begin_operand() const {
    switch (token().kind) {
      case TokenKind::word:
      case TokenKind::field:
      case TokenKind::dot:
      case TokenKind::variable:
      case TokenKind::string:
      case TokenKind::integer:
      case TokenKind::real:
      case TokenKind::open:
        return true;
      default:
        return false;
    }
  }

  Operand parse_operand() {
    Operand operand;
    operand.at = token().at;
    if (is(TokenKind::field)) {
      add_field(operand);
    } else if (is(TokenKind::variable)) {
      operand.kind = Operand::Kind::variable;
      operand.slot = slot_of(token());
      take();
    } else if (is(TokenKind::open)) {
      parse_parentheses(operand);
    } else if (is(TokenKind::word)) {
      parse_word(operand);
    } else if (!take_if(TokenKind::dot)) {
      operand.kind = Operand::Kind::literal;
      operand.literal = literal(take());
    }
    while (is(TokenKind::field) && !token().is_after_space) {
      if (operand.kind == Operand::Kind::literal || operand.kind == Operand::Kind::function)
        fail("a field of a constant");
      add_field(operand);
    }
    return operand;
  }

  void add_field(Operand& operand) {
    Token field = take();
    const bool is_of_dot = operand.kind == Operand::Kind::dot;
    writes_response_ = writes_response_ || (is_of_dot && field.text == "Response");
    tree_.names.insert(field.text);
    operand.fields.push_back(std::move(field.text));
  }

  void parse_parentheses(Operand& operand) {
    const Nesting nesting(*this);
    take();
    operand.kind = Operand::Kind::pipeline;
    operand.pipeline = &parse_pipeline(0);
    if (!take_if(TokenKind::close)) fail("unclosed parenthesis");
  }

  void parse_word(Operand& operand) {
    const Token word = take();
    if (word.text == "true" || word.text == "false" || word.text == "nil") {
      operand.kind = Operand::Kind::literal;
      if (word.text != "nil") operand.literal = word.text == "true";
      return;
    }
    operand.kind = Operand::Kind::function;
    operand.function = find_function(word.text);
    if (!operand.function)
      fail_at(word.at, Errc::corrupt_data,
              fmt::format("function \"{}\" is not defined", word.text));
    if (operand.function->kind == Function::Kind::unsupported)
      fail_at(word.at, Errc::unsupported, fmt::format("function \"{}\"", word.text));
  }

  static TemplateValue literal(Token token) {
    if (token.kind == TokenKind::integer) return token.integer;
    if (token.kind == TokenKind::real) return token.real;
    return std::move(token.text);
  }

  std::vector<Token> tokens_;
  const ChatTemplateLimits& limits_;
  size_t at_ = 0;
  Tree tree_;
  std::vector<std::string> variables_ = {"$"};
  size_t slots_ = 1;
  int loops_ = 0, nesting_ = 0;
  bool is_main_ = true;
  uint32_t order_ = 0;
  bool writes_response_ = false;
};

}  // namespace

Tree parse(std::string_view source, const ChatTemplateLimits& limits) {
  return Parser(source, limits).run();
}

}  // namespace hearth::llm::gotemplate
