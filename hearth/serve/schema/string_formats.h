// The formats of strings that JSON Schema names (draft 2020-12, validation, section 7.3), as
// patterns.
#pragma once
#include <optional>
#include <string_view>

namespace hearth::serve {

/// A pattern for `format`, of which each text is of that format; not the reverse: years are 1000 to
/// 9999, addresses and names plain ASCII, seconds below 60. Nothing for a format that says nothing
/// to us.
std::optional<std::string_view> pattern_of_format(std::string_view format);

}  // namespace hearth::serve
