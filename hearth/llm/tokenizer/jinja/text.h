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

#include "hearth/base/function_ref.h"

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

/// Is given one part of a text after the other, views of it: a text may have more parts than there
/// is memory to list them, so who takes them pays for them.
using TakePart = FunctionRef<void(std::string_view part)>;
/// str.split(separator, splits_max). No separator: at runs of white space. `splits_max` < 0: no
/// limit.
void split(std::string_view s, std::optional<std::string_view> separator, int64_t splits_max,
           TakePart take);
/// The same from the right: the last part comes first.
void rsplit(std::string_view s, std::optional<std::string_view> separator, int64_t splits_max,
            TakePart take);
void split_lines(std::string_view s, bool keep_ends, TakePart take);

/// The number that `digits` spell (digits, point, exponent; no sign): infinity when it is too large
/// for a double, 0 when it is too small. Nothing when they spell none.
std::optional<double> read_real(std::string_view digits);

}  // namespace hearth::llm::jinja
