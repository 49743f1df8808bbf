#include "hearth/cli/time_words.h"

#include <gtest/gtest.h>

namespace hearth::cli {
namespace {

std::chrono::system_clock::time_point at(int64_t unix_s) {
  return std::chrono::system_clock::time_point(std::chrono::seconds(unix_s));
}

TEST(TimeWords, ReadsRfc3339) {
  // date -u -d 2026-11-21T15:00:00Z +%s
  EXPECT_EQ(parse_time("2026-11-21T15:00:00Z"), at(1795273200));
  EXPECT_EQ(parse_time("2026-11-21T15:00:00.123456789Z"), at(1795273200));
  EXPECT_EQ(parse_time("2026-11-21T17:00:00+02:00"), at(1795273200));
  EXPECT_EQ(parse_time("2026-11-21T13:30:00-01:30"), at(1795273200));
  for (const char* text :
       {"", "yesterday", "2026-11-21", "2026-11-21T15:00:00", "2026-02-30T15:00:00Z",
        "2026-11-21T15:00:00Zx", "2026-11-21T15:0:00Z", "-026-11-21T15:00:00Z"})
    EXPECT_FALSE(parse_time(text)) << text;
}

TEST(TimeWords, SaysHowLongAgoAndHowSoon) {
  const auto now = at(1795273200);  // 2026-11-21T15:00:00Z
  const std::pair<const char*, const char*> rows[] = {
      {"2026-11-21T14:59:58Z", "just now"},
      {"2026-11-21T14:59:10Z", "50 seconds ago"},
      {"2026-11-21T14:58:59Z", "1 minute ago"},
      {"2026-11-21T12:00:00Z", "3 hours ago"},
      {"2026-11-19T15:00:00Z", "2 days ago"},
      {"2026-11-01T15:00:00Z", "2 weeks ago"},
      {"2026-08-01T15:00:00Z", "3 months ago"},
      {"2024-11-01T15:00:00Z", "2 years ago"},
      {"2026-11-21T15:04:30Z", "in 4 minutes"},
      {"2318-11-21T15:04:30Z", "for ever"},
      {"not a time", "not a time"},
  };
  for (const auto& [text, words] : rows) EXPECT_EQ(relative_time(text, now), words) << text;
}

}  // namespace
}  // namespace hearth::cli
