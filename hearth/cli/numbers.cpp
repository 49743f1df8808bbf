#include "hearth/cli/numbers.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

#include "hearth/base/error.h"

namespace hearth::cli {
namespace {

// An open end reads better than the largest 64-bit number.
std::string range_text(int64_t low, int64_t high) {
  constexpr int64_t kOpen = std::numeric_limits<int64_t>::max();
  return high == kOpen ? fmt::format("{} or more", low) : fmt::format("{} to {}", low, high);
}

template <class Number>
bool parse_whole(std::string_view text, Number& value) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const char* end = text.data() + text.size();
  const auto [stopped, problem] = std::from_chars(text.data(), end, value);
  return problem == std::errc() && stopped == end;
}

}  // namespace

int64_t parse_integer(std::string_view name, std::string_view text, int64_t low, int64_t high) {
  int64_t value = 0;
  if (!parse_whole(text, value))
    throw Error(Errc::invalid_argument, "{}: '{}' is not a whole number, must be {}", name, text,
                range_text(low, high));
  if (value < low || value > high)
    throw Error(Errc::invalid_argument, "{}: {} is out of range, must be {}", name, value,
                range_text(low, high));
  return value;
}

double parse_number(std::string_view name, std::string_view text, double low, double high) {
  double value = 0;
  if (!parse_whole(text, value) || !std::isfinite(value))
    throw Error(Errc::invalid_argument, "{}: '{}' is not a number, must be {} to {}", name, text,
                low, high);
  if (value < low || value > high)
    throw Error(Errc::invalid_argument, "{}: {} is out of range, must be {} to {}", name, value,
                low, high);
  return value;
}

}  // namespace hearth::cli
