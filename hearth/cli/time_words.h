// Times of the API as people read them: "3 hours ago", "in 4 minutes".
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::cli {

/// RFC 3339, with any offset; a fraction is dropped. Nothing for other text. Seconds, because the
/// system clock's nanoseconds end in 2262, before "for ever" does.
std::optional<std::chrono::sys_seconds> parse_time(std::string_view text);

/// "just now", "5 minutes ago", "2 days ago", "3 months ago", "in 4 minutes", "for ever" for what
/// is more than a century away; the text itself where it is no time.
std::string relative_time(std::string_view text, std::chrono::system_clock::time_point now);

}  // namespace hearth::cli
