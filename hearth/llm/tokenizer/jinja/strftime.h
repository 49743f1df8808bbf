// Dates as text, in English whatever the process's locale.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::llm::jinja {

/// strftime(3) in the C locale for a UTC time; %f gives "000000", %Z and %z give nothing, as for a
/// Python datetime without a time zone. Unknown directives stay as they are.
std::string format_time(int64_t unix_s, std::string_view format);

}  // namespace hearth::llm::jinja
