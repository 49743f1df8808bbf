// Regular expressions of `pattern`, as grammars of what stands between a JSON string's quotes.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "hearth/serve/schema/json_text.h"

namespace hearth::serve {

/// The strings of `length` characters in which ECMA-262's `pattern` is found. Alternatives at the
/// outermost level may each have ^ and $; where one has none, anything may stand there. \s is white
/// space of ASCII, \W of ASCII; \d and \w as in ECMA-262. Errors: unsupported (lookaround,
/// backreferences, \b, \p, anchors elsewhere, a length that is not the pattern's own), each naming
/// the character; invalid_argument (no regular expression); resource_exhausted. `place`: where the
/// pattern stands, for errors.
Expr strings_of_pattern(llm::GrammarBuilder& builder, JsonText& json, std::string_view pattern,
                        const Counts& length, std::string_view place);

}  // namespace hearth::serve
