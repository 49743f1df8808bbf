#include "hearth/serve/daemon/event_log.h"

#include <fmt/chrono.h>

#include <algorithm>

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

bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c > ' ' && c < '\x7F' && c != '"'; });
}

// DEL, and U+0080 to U+009F in UTF-8: terminals obey them as they obey ESC sequences, and JSON
// does not make them visible. The latter's bytes also stand for nothing else in valid UTF-8.
bool has_late_control(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x7F') return true;
    if (text[i] != '\xC2' || i + 1 == text.size()) continue;
    const auto next = static_cast<unsigned char>(text[i + 1]);
    if (next >= 0x80 && next < 0xA0) return true;
  }
  return false;
}

Json to_json(const EventField& field) {
  return std::visit([](const auto& value) { return Json(value); }, field.value);
}

std::string value_text(const EventField& field) {
  if (const auto* number = std::get_if<double>(&field.value)) return fmt::format("{:.4g}", *number);
  if (const auto* integer = std::get_if<int64_t>(&field.value)) return fmt::format("{}", *integer);
  return readable(std::get<std::string_view>(field.value));
}

}  // namespace

std::string readable(std::string_view foreign) {
  if (is_plain(foreign)) return std::string(foreign);
  const bool escape_all = has_late_control(foreign);
  std::string text = Json(foreign).dump(-1, ' ', escape_all, Json::error_handler_t::replace);
  for (size_t del; (del = text.find('\x7F')) != text.npos;) text.replace(del, 1, "\\u007f");
  return text;
}

std::string EventLog::line(std::string_view name, std::initializer_list<EventField> fields,
                           TimePoint now, std::string_view sentence) const {
  if (form_ == Form::json) {
    Json json = {{"time", stamp(now)}, {"event", name}};
    for (const EventField& field : fields) json[std::string(field.name)] = to_json(field);
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  if (!sentence.empty()) return fmt::format("{} {}\n", clock_text(now), sentence);
  std::string text = fmt::format("{} {}", clock_text(now), name);
  for (const EventField& field : fields)
    text += fmt::format(" {}={}", field.name, value_text(field));
  return text + "\n";
}

void EventLog::event(std::string_view name, std::initializer_list<EventField> fields,
                     std::string_view sentence) {
  const std::string text = line(name, fields, std::chrono::system_clock::now(), sentence);
  const std::lock_guard lock(mutex_);
  write_(text);
}

}  // namespace hearth::serve
