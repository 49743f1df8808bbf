#include "hearth/serve/daemon/event_log.h"

#include <fmt/chrono.h>

#include "hearth/serve/output/message.h"

namespace hearth::serve {
namespace {

using TimePoint = std::chrono::system_clock::time_point;

std::string clock_text(TimePoint now) {
  return fmt::format("{:%H:%M:%S}", fmt::localtime(std::chrono::system_clock::to_time_t(now)));
}

std::string stamp(TimePoint now) {
  const auto since_epoch =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(now)),
                     since_epoch.count() % 1000);
}

// Foreign text (paths, names of models) must neither break the line nor steer a terminal.
bool is_plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '\x7F') return false;
  return true;
}

Json to_json(const EventField& field) {
  return std::visit([](const auto& value) { return Json(value); }, field.value);
}

std::string value_text(const EventField& field) {
  if (const auto* number = std::get_if<double>(&field.value)) return fmt::format("{:.4g}", *number);
  if (const auto* integer = std::get_if<int64_t>(&field.value)) return fmt::format("{}", *integer);
  const std::string_view text = std::get<std::string_view>(field.value);
  if (is_plain(text)) return std::string(text);
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string EventLog::line(std::string_view name, std::initializer_list<EventField> fields,
                           TimePoint now) const {
  if (form_ == Form::json) {
    Json json = {{"time", stamp(now)}, {"event", name}};
    for (const EventField& field : fields) json[std::string(field.name)] = to_json(field);
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  std::string text = fmt::format("{} {}", clock_text(now), name);
  for (const EventField& field : fields)
    text += fmt::format(" {}={}", field.name, value_text(field));
  return text + "\n";
}

void EventLog::event(std::string_view name, std::initializer_list<EventField> fields) {
  const std::string text = line(name, fields, std::chrono::system_clock::now());
  const std::lock_guard lock(mutex_);
  write_(text);
}

}  // namespace hearth::serve
