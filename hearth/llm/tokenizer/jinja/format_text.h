// Building texts from texts: replacing, padding, printf-style and brace-style formatting, as Python
// does them.
#pragma once
#include <string>
#include <string_view>

#include "hearth/llm/tokenizer/jinja/builtin.h"
#include "hearth/llm/tokenizer/jinja/runtime.h"
#include "hearth/llm/tokenizer/jinja/value.h"

namespace hearth::llm::jinja {

/// Up to `count` occurrences from the left (all when negative). An empty `old_part` matches between
/// all characters.
Value replace_text(Runtime& rt, std::string_view s, std::string_view old_part,
                   std::string_view new_part, int64_t count);

enum class Alignment { left, right, center };
/// Padded to `width` characters with `fill`, one character.
Value justify(Runtime& rt, std::string_view s, int64_t width, Alignment alignment,
              std::string_view fill);

/// format % values: the positional arguments, or the named ones for %(name)s.
std::string format_percent(Runtime& rt, std::string_view format, const ArgumentValues& values);
/// format.format(...): {}, {0}, {name}, {0.attribute[item]}, conversions !r and !s, and format
/// specifications.
std::string format_braces(Runtime& rt, std::string_view format, const ArgumentValues& values);

}  // namespace hearth::llm::jinja
