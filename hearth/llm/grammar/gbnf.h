// Grammars as text: GBNF, the notation of llama.cpp (its grammars/README.md).
//
//   root  ::= "yes" | "no" ws     # alternatives; a comment
//   ws    ::= [ \t\n]*            # characters; also [^"\\], [a-z_-], [\u4E00-\u9FFF]
//   date  ::= [0-9]{4} ("-" [0-9]{2}){1,2}
//
// A rule ends with its line, except inside parentheses, after ::= and after |. Names are letters,
// digits, - and _. `.` is any character. Escapes in literals and sets: \n \r \t \\ \" \[ \] \-
// \^ and, as hexadecimal numbers of a character, \xHH \uHHHH \UHHHHHHHH. `* + ? {m} {m,} {m,n}`
// apply to the item before them.
#pragma once
#include <cstddef>
#include <string_view>

#include "hearth/llm/grammar/grammar.h"

namespace hearth::llm {

struct GbnfLimits {
  size_t source_bytes_max = 1 << 20;
  int group_depth_max = 64;  // parentheses inside parentheses
  GrammarLimits grammar = {};
};

/// The grammar whose rule `root` is the whole text. Errors: invalid_argument with line and column
/// (from 1, in characters) and what was expected there, or naming the rule that is not defined,
/// defined twice, left-recursive or without end; unsupported for llama.cpp's token terminals
/// <[id]>; resource_exhausted naming the limit.
Grammar parse_gbnf(std::string_view source, const GbnfLimits& limits = {});

}  // namespace hearth::llm
