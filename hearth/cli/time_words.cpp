#include "hearth/cli/time_words.h"

#include <fmt/format.h>

#include <charconv>

namespace hearth::cli {
namespace {

using std::chrono::seconds;

// A number of exactly `digits` digits at the front of `text`, which it takes away.
std::optional<int> take_number(std::string_view& text, size_t digits) {
  int value = 0;
  if (text.size() < digits) return {};
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc() || end != text.data() + digits || text[0] == '-') return {};
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// "Z", "+02:00" or "-0130" as seconds east of Greenwich.
std::optional<seconds> take_offset(std::string_view& text) {
  if (take(text, "Zz")) return seconds(0);
  const bool is_west = text.starts_with('-');
  if (!take(text, "+-")) return {};
  const auto hours = take_number(text, 2);
  take(text, ":");
  const auto minutes = take_number(text, 2);
  if (!hours || !minutes) return {};
  const seconds east(*hours * 3600 + *minutes * 60);
  return is_west ? -east : east;
}

struct Unit {
  int64_t size_s;
  std::string_view name;
};
constexpr Unit kUnits[] = {{365 * 86400, "year"}, {30 * 86400, "month"}, {7 * 86400, "week"},
                           {86400, "day"},        {3600, "hour"},        {60, "minute"},
                           {1, "second"}};

std::string in_words(int64_t duration_s) {
  for (const Unit& unit : kUnits)
    if (duration_s >= unit.size_s) {
      const int64_t count = duration_s / unit.size_s;
      return fmt::format("{} {}{}", count, unit.name, count == 1 ? "" : "s");
    }
  return "0 seconds";
}

constexpr int64_t kForEverS = int64_t{100} * 365 * 86400;

}  // namespace

std::optional<std::chrono::sys_seconds> parse_time(std::string_view text) {
  using namespace std::chrono;
  const auto y = take_number(text, 4);
  const bool dash1 = take(text, "-");
  const auto m = take_number(text, 2);
  const bool dash2 = take(text, "-");
  const auto d = take_number(text, 2);
  const bool separator = take(text, "Tt ");
  const auto hour = take_number(text, 2);
  const bool colon1 = take(text, ":");
  const auto minute = take_number(text, 2);
  const bool colon2 = take(text, ":");
  const auto second = take_number(text, 2);
  if (!y || !m || !d || !hour || !minute || !second || !dash1 || !dash2 || !separator || !colon1 ||
      !colon2)
    return {};
  if (take(text, "."))
    while (take(text, "0123456789")) {
    }
  const auto offset = take_offset(text);
  const year_month_day date{year(*y), month(static_cast<unsigned>(*m)),
                            day(static_cast<unsigned>(*d))};
  if (!offset || !text.empty() || !date.ok()) return {};
  return sys_days(date) + hours(*hour) + minutes(*minute) + seconds(*second) - *offset;
}

std::string relative_time(std::string_view text, std::chrono::system_clock::time_point now) {
  const auto time = parse_time(text);
  if (!time) return std::string(text);
  const int64_t ahead_s = (*time - std::chrono::floor<seconds>(now)).count();
  if (ahead_s > kForEverS) return "for ever";
  if (ahead_s > 0) return "in " + in_words(ahead_s);
  if (ahead_s > -5) return "just now";
  return in_words(-ahead_s) + " ago";
}

}  // namespace hearth::cli
