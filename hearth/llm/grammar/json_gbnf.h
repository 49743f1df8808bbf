// JSON (RFC 8259) in GBNF: any value, with white space between all tokens.
#pragma once
#include <string_view>

namespace hearth::llm {

/// At most 20 characters of white space in a row: models that may go on forever sometimes do.
inline constexpr std::string_view kJsonGbnf = R"gbnf(
root    ::= ws value ws
value   ::= object | array | string | number | "true" | "false" | "null"
object  ::= "{" ws (member ("," ws member)*)? "}"
member  ::= string ws ":" ws value ws
array   ::= "[" ws (value ws ("," ws value ws)*)? "]"
string  ::= "\"" ([^"\\\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}))* "\""
number  ::= "-"? ("0" | [1-9] [0-9]*) ("." [0-9]+)? ([eE] [-+]? [0-9]+)?
ws      ::= [ \t\n\r]{0,20}
)gbnf";

}  // namespace hearth::llm
