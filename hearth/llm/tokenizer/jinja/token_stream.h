// The parser's view of the tokens: one ahead, with the questions that Jinja's grammar asks.
#pragma once
#include <string_view>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/llm/tokenizer/jinja/lexer.h"

namespace hearth::llm::jinja {

class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& current() const { return tokens_[next_]; }
  /// The token after the current one; the last when there is none.
  const Token& ahead() const { return tokens_[next_ + 1 < tokens_.size() ? next_ + 1 : next_]; }
  /// Gives the current token and goes on. Never passes the end token.
  const Token& next() { return tokens_[next_ + 1 < tokens_.size() ? next_++ : next_]; }

  bool is(TokenType type) const { return current().type == type; }
  bool is_symbol(std::string_view symbol) const {
    return is(TokenType::symbol) && current().text == symbol;
  }
  bool is_name(std::string_view name) const {
    return is(TokenType::name) && current().text == name;
  }
  bool take_symbol(std::string_view symbol) { return is_symbol(symbol) && (next(), true); }
  bool take_name(std::string_view name) { return is_name(name) && (next(), true); }
  /// Errors: corrupt_data when the current token is another.
  const Token& expect(TokenType type, std::string_view what) {
    if (!is(type)) fail_expected(what);
    return next();
  }
  void expect_symbol(std::string_view symbol) {
    if (!take_symbol(symbol)) fail_expected(symbol);
  }
  void expect_name(std::string_view name) {
    if (!take_name(name)) fail_expected(name);
  }

  [[noreturn]] void fail(Errc code, const Position& at, std::string_view message) const {
    throw Error(code, "chat template, line {}, column {}: {}", at.line, at.column, message);
  }
  [[noreturn]] void fail_expected(std::string_view what) const {
    fail(Errc::corrupt_data, current().at,
         fmt::format("expected '{}', got {}", what, describe(current())));
  }
  static std::string describe(const Token& token) {
    switch (token.type) {
      case TokenType::end:
        return "end of template";
      case TokenType::block_begin:
      case TokenType::block_end:
        return "end of statement block";
      case TokenType::variable_begin:
      case TokenType::variable_end:
        return "end of print statement";
      case TokenType::data:
        return "template text";
      default:
        return fmt::format("'{}'", token.text);
    }
  }

 private:
  std::vector<Token> tokens_;
  size_t next_ = 0;
};

}  // namespace hearth::llm::jinja
