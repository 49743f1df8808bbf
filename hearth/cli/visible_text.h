// Text of unknown origin for a terminal: what a model or a file says must not steer it.
#pragma once
#include <string>
#include <string_view>

namespace hearth::cli {

/// `text` with control characters (ESC above all) and bytes that are no UTF-8 spelled as \x1b. Line
/// breaks and tabs stay, and so does a carriage return before a line break or at the end.
std::string visible_text(std::string_view text);

/// For one line: as visible_text, and line breaks, tabs and backslashes as \n, \r, \t and \\.
std::string visible_line(std::string_view text);

}  // namespace hearth::cli
