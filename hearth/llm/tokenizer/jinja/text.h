// Unicode text as Python's str sees it: counted in characters, with its ideas of case, space and
// printable.
//
// All functions take UTF-8. A byte that is not part of a valid character counts as one character
// and passes unchanged.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::llm::jinja {

struct Character {
  char32_t code = 0;  // of an invalid byte: 0xDC00 + byte, which no valid text contains
  size_t bytes = 0;
};

/// The character that begins at byte `at` < s.size().
Character character_at(std::string_view s, size_t at);
/// Appends `code`; values that are no character become U+FFFD.
void append_character(std::string& out, char32_t code);

/// Number of characters.
size_t length(std::string_view s);
/// Byte offset of character `index`, which is at most length(s).
size_t byte_offset(std::string_view s, size_t index);

bool is_space(char32_t c);
bool is_upper(char32_t c);
bool is_lower(char32_t c);
bool is_alpha(char32_t c);
bool is_decimal(char32_t c);
bool is_numeric(char32_t c);
/// Letters, marks, digits and '_': what may stand in a name.
bool is_word(char32_t c);
/// False for what Python's repr() escapes.
bool is_printable(char32_t c);

std::string upper(std::string_view s);
std::string lower(std::string_view s);
/// First character upper, the rest lower.
std::string capitalize(std::string_view s);
/// str.title(): upper after every character that has no case.
std::string title(std::string_view s);
std::string swapcase(std::string_view s);

enum class Side { left, right, both };
/// Without characters of `set`, or without white space, at the given side. A view of `s`.
std::string_view strip(std::string_view s, std::optional<std::string_view> set, Side side);

/// str.split(separator, splits_max): views of `s`. No separator: at runs of white space.
/// `splits_max` < 0: no limit.
std::vector<std::string_view> split(std::string_view s, std::optional<std::string_view> separator,
                                    int64_t splits_max);
/// The same from the right.
std::vector<std::string_view> rsplit(std::string_view s, std::optional<std::string_view> separator,
                                     int64_t splits_max);
std::vector<std::string_view> split_lines(std::string_view s, bool keep_ends);

/// `s` with & < > " ' as character references, as MarkupSafe writes them.
std::string escape_html(std::string_view s);

}  // namespace hearth::llm::jinja
