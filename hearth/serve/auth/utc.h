// Days and times as the files and reports of keys write them, always in UTC.
#pragma once
#include <chrono>
#include <string>

namespace hearth::serve {

using WallTime = std::chrono::system_clock::time_point;

/// "2026-11-21": quotas begin anew with each.
std::string utc_day(WallTime time);
/// "2026-11-21T15:20:48Z".
std::string utc_text(WallTime time);
/// How long until the next day begins; at least one second.
std::chrono::seconds until_next_utc_day(WallTime time);

}  // namespace hearth::serve
