#include "hearth/llm/tokenizer/jinja/strftime.h"

#include <fmt/format.h>

#include <ctime>

namespace hearth::llm::jinja {
namespace {

constexpr std::string_view kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};
constexpr std::string_view kMonths[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};

// Long because it is a table: one row a directive.
std::string directive(const std::tm& t, int64_t unix_s, char letter) {
  const auto day = kDays[static_cast<size_t>(t.tm_wday)];
  const auto month = kMonths[static_cast<size_t>(t.tm_mon)];
  const int year = t.tm_year + 1900, hour12 = t.tm_hour % 12 == 0 ? 12 : t.tm_hour % 12;
  switch (letter) {
    case 'a':
      return std::string(day.substr(0, 3));
    case 'A':
      return std::string(day);
    case 'b':
    case 'h':
      return std::string(month.substr(0, 3));
    case 'B':
      return std::string(month);
    case 'c':
      return format_time(unix_s, "%a %b %e %H:%M:%S %Y");
    case 'C':
      return fmt::format("{:02}", year / 100);
    case 'd':
      return fmt::format("{:02}", t.tm_mday);
    case 'D':
    case 'x':
      return format_time(unix_s, "%m/%d/%y");
    case 'e':
      return fmt::format("{:2}", t.tm_mday);
    case 'f':
      return "000000";
    case 'F':
      return format_time(unix_s, "%Y-%m-%d");
    case 'H':
      return fmt::format("{:02}", t.tm_hour);
    case 'I':
      return fmt::format("{:02}", hour12);
    case 'j':
      return fmt::format("{:03}", t.tm_yday + 1);
    case 'k':
      return fmt::format("{:2}", t.tm_hour);
    case 'l':
      return fmt::format("{:2}", hour12);
    case 'm':
      return fmt::format("{:02}", t.tm_mon + 1);
    case 'M':
      return fmt::format("{:02}", t.tm_min);
    case 'n':
      return "\n";
    case 'p':
      return t.tm_hour < 12 ? "AM" : "PM";
    case 'P':
      return t.tm_hour < 12 ? "am" : "pm";
    case 'r':
      return format_time(unix_s, "%I:%M:%S %p");
    case 'R':
      return format_time(unix_s, "%H:%M");
    case 's':
      return std::to_string(unix_s);
    case 'S':
      return fmt::format("{:02}", t.tm_sec);
    case 't':
      return "\t";
    case 'T':
    case 'X':
      return format_time(unix_s, "%H:%M:%S");
    case 'u':
      return std::to_string(t.tm_wday == 0 ? 7 : t.tm_wday);
    case 'w':
      return std::to_string(t.tm_wday);
    case 'U':
      return fmt::format("{:02}", (t.tm_yday + 7 - t.tm_wday) / 7);
    case 'W':
      return fmt::format("{:02}", (t.tm_yday + 7 - (t.tm_wday + 6) % 7) / 7);
    case 'y':
      return fmt::format("{:02}", year % 100);
    case 'Y':
      return std::to_string(year);
    case 'z':
    case 'Z':
      return "";
    case '%':
      return "%";
    default:
      break;
  }
  char buffer[16];
  const char pattern[] = {'%', letter, 0};  // %G %g %V: numbers in every locale
  const bool is_week = letter == 'G' || letter == 'g' || letter == 'V';
  if (is_week && std::strftime(buffer, sizeof buffer, pattern, &t) > 0) return buffer;
  return std::string("%") + letter;
}

}  // namespace

std::string format_time(int64_t unix_s, std::string_view format) {
  const auto seconds = static_cast<std::time_t>(unix_s);
  std::tm t{};
  if (gmtime_r(&seconds, &t) == nullptr) t = {.tm_mday = 1, .tm_year = 70};
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    ++i;
    const bool is_unpadded = format[i] == '-' && i + 1 < format.size();  // glibc's %-d
    if (is_unpadded) ++i;
    std::string piece = directive(t, unix_s, format[i]);
    while (is_unpadded && piece.size() > 1 && (piece[0] == '0' || piece[0] == ' '))
      piece.erase(0, 1);
    out += piece;
  }
  return out;
}

}  // namespace hearth::llm::jinja
