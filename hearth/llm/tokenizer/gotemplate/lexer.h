// The source of a template in Go's language to tokens, with the space that its markers trim taken
// away (https://pkg.go.dev/text/template, "Text and spaces").
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/llm/tokenizer/chat_template.h"
#include "hearth/llm/tokenizer/jinja/position.h"

namespace hearth::llm::gotemplate {

using jinja::Position;

enum class TokenKind : uint8_t {
  text,      // between actions
  begin,     // {{
  end,       // }}
  word,      // if, eq, true
  field,     // .Name, `text` without the dot
  dot,       // .
  variable,  // $name, `text` with the dollar
  string,    // "a" or `a`, `text` is what it says
  integer,
  real,
  declare,  // :=
  assign,   // =
  comma,
  pipe,
  open,   // (
  close,  // )
  finish
};

struct Token {
  TokenKind kind = TokenKind::finish;
  bool is_after_space = false;  // `.A .B` are two operands, `.A.B` is one
  Position at;
  std::string text;
  int64_t integer = 0;
  double real = 0;
};

/// Ends with TokenKind::finish. Errors: corrupt_data with line and column; unsupported (complex
/// numbers); resource_exhausted past limits.source_bytes_max.
std::vector<Token> lex(std::string_view source, const ChatTemplateLimits& limits);

/// "chat template, line 1, column 2: `message`".
[[noreturn]] void fail_at(Position at, Errc code, std::string_view message);

}  // namespace hearth::llm::gotemplate
