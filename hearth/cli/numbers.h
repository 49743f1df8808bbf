// Numbers as users type them, with errors that name what was typed and what is allowed.
#pragma once
#include <cstdint>
#include <string_view>

namespace hearth::cli {

/// `text` as a whole number in [low, high]. Errors: invalid_argument, naming `name`, the text and
/// the range.
int64_t parse_integer(std::string_view name, std::string_view text, int64_t low, int64_t high);

/// `text` as a number in [low, high]; "nan" and "inf" are refused. Errors as parse_integer.
double parse_number(std::string_view name, std::string_view text, double low, double high);

}  // namespace hearth::cli
