#include "hearth/serve/api/rfc3339.h"

#include <fmt/format.h>

#include <ctime>

namespace hearth::serve {

std::string rfc3339(std::chrono::system_clock::time_point time) {
  using std::chrono::floor, std::chrono::nanoseconds, std::chrono::seconds;
  const nanoseconds since_epoch = time.time_since_epoch();
  const seconds whole = floor<seconds>(since_epoch);
  const std::time_t count = whole.count();
  std::tm t = {};
  gmtime_r(&count, &t);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", t.tm_year + 1900, t.tm_mon + 1,
                     t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, (since_epoch - whole).count());
}

}  // namespace hearth::serve
