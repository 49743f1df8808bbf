// Template source to tokens, with Jinja's white-space control (trim_blocks and lstrip_blocks on)
// already applied.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/llm/tokenizer/jinja/position.h"

namespace hearth::llm::jinja {

enum class TokenType : uint8_t {
  data,  // text outside tags
  block_begin,
  block_end,
  variable_begin,
  variable_end,
  name,
  string,   // `text` is the value, escapes resolved
  integer,  // `integer`
  real,     // `real`
  symbol,   // operators and brackets, as written
  end
};

struct Token {
  TokenType type = TokenType::end;
  Position at;
  std::string text;
  int64_t integer = 0;
  double real = 0;
};

/// All tokens, ending with one of type `end`. `source` is UTF-8; line ends of all kinds become
/// "\n", and one at the very end is dropped. Errors: corrupt_data with the position.
std::vector<Token> tokenize(std::string_view source);

}  // namespace hearth::llm::jinja
