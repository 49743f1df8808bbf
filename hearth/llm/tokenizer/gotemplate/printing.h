// Values as text: as Go's fmt prints them, as encoding/json writes them, and printf.
#pragma once
#include <string>
#include <string_view>

#include "hearth/llm/tokenizer/gotemplate/function.h"

namespace hearth::llm::gotemplate {

/// `value` at the end of `out`, as %v. nil is nothing. Objects and lists of objects are JSON, as
/// Ollama's tools and arguments print themselves; other lists are Go's "[a b]".
void append_text(Rendering& r, std::string& out, Value value);
/// json.Marshal: no spaces, < > & escaped.
void append_json(Rendering& r, std::string& out, Value value);
/// strconv.Quote, but for letters beyond ASCII, which all stay.
void append_quoted(Rendering& r, std::string& out, std::string_view text);
/// fmt.Sprintf for %v %s %d %q %t %f %g %e %x, with the flags - + 0 and space, width and precision.
/// What does not fit shows in the text, as in Go: "%!d(string=a)".
std::string format(Rendering& r, std::string_view pattern, Arguments arguments);

}  // namespace hearth::llm::gotemplate
