// Moments as text in the APIs' JSON.
#pragma once
#include <chrono>
#include <string>

namespace hearth::serve {

/// "2026-11-21T15:20:49.000000123Z" (RFC 3339, 5.6): UTC, always nine digits of a second, from
/// 1677 to 2262.
std::string rfc3339(std::chrono::system_clock::time_point time);

}  // namespace hearth::serve
