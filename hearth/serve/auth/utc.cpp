#include "hearth/serve/auth/utc.h"

#include <fmt/format.h>

namespace hearth::serve {
namespace {

using std::chrono::days;
using std::chrono::floor;

std::chrono::seconds since_midnight(WallTime time) {
  return floor<std::chrono::seconds>(time) - floor<days>(time);
}

}  // namespace

std::string utc_day(WallTime time) {
  const std::chrono::year_month_day date(floor<days>(time));
  return fmt::format("{:04}-{:02}-{:02}", int{date.year()}, unsigned{date.month()},
                     unsigned{date.day()});
}

std::string utc_text(WallTime time) {
  const std::chrono::hh_mm_ss clock(since_midnight(time));
  return fmt::format("{}T{:02}:{:02}:{:02}Z", utc_day(time), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

std::chrono::seconds until_next_utc_day(WallTime time) { return days(1) - since_midnight(time); }

}  // namespace hearth::serve
