#include "hearth/serve/api/keep_alive.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace hearth::serve {
namespace {

struct Unit {
  std::string_view name;
  double nanoseconds;
};

// "ms" before "m" and "s": the first that fits is taken.
constexpr Unit kUnits[] = {
    {"ns", 1},   {"us", 1e3}, {"\u00B5s", 1e3}, {"\u03BCs", 1e3},
    {"ms", 1e6}, {"s", 1e9},  {"m", 60e9},      {"h", 3600e9},
};

KeepAlive clamped(double nanoseconds) {
  // The largest double below 2^63.
  constexpr double kMax = 9223372036854774784.0;
  return KeepAlive(static_cast<int64_t>(std::clamp(nanoseconds, -kMax, kMax)));
}

// A number in front of `text` without sign or exponent, which goes; nothing when there is none.
std::optional<double> take_number(std::string_view& text) {
  const size_t size = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + size, number, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + size) return std::nullopt;
  text.remove_prefix(size);
  return number;
}

const Unit* take_unit(std::string_view& text) {
  for (const Unit& unit : kUnits)
    if (text.starts_with(unit.name)) {
      text.remove_prefix(unit.name.size());
      return &unit;
    }
  return nullptr;
}

}  // namespace

std::optional<KeepAlive> parse_duration(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return KeepAlive(0);
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const auto number = take_number(text);
    const Unit* unit = number ? take_unit(text) : nullptr;
    if (!unit) return std::nullopt;
    total += *number * unit->nanoseconds;
  }
  return clamped(is_negative ? -total : total);
}

std::optional<KeepAlive> read_keep_alive(const Fields& body) {
  const Json* field = body.find("keep_alive");
  if (!field) return std::nullopt;
  if (field->is_number()) return clamped(field->get<double>() * 1e9);
  const auto duration =
      field->is_string() ? parse_duration(field->get<std::string>()) : std::nullopt;
  if (!duration)
    body.wrong("keep_alive", "must be a number of seconds or a duration such as '5m' or '1h30m'");
  return duration;
}

}  // namespace hearth::serve
