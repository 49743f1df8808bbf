#include "hearth/base/units.h"

#include <fmt/format.h>

#include <cmath>
#include <initializer_list>

namespace hearth {
namespace {

std::string scaled(double value, double step, std::initializer_list<const char*> suffixes) {
  auto suffix = suffixes.begin();
  // 0.05 below the step would print as "1024.0", so it already moves to the next suffix.
  while (value >= step - 0.05 && suffix + 1 != suffixes.end()) {
    value /= step;
    ++suffix;
  }
  if (suffix == suffixes.begin()) return fmt::format("{:.0f}{}", value, *suffix);
  return fmt::format("{:.1f}{}", value, *suffix);
}

}  // namespace

std::string format_bytes(uint64_t bytes) {
  return scaled(static_cast<double>(bytes), 1024, {" B", " KiB", " MiB", " GiB", " TiB", " PiB"});
}

std::string format_count(uint64_t count) {
  return scaled(static_cast<double>(count), 1000, {"", " K", " M", " B", " T"});
}

std::string format_seconds(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "-";
  // As above: 0.99996 s is "1.0 s" and not "1000.0 ms".
  if (seconds < 0.99995e-3) return fmt::format("{:.1f} us", seconds * 1e6);
  if (seconds < 0.99995) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace hearth
