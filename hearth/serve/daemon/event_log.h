// What a daemon says while it runs: one line an event, for people on a terminal, for programs
// elsewhere.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace hearth::serve {

/// Never the text of a prompt or an answer.
struct EventField {
  std::string_view name;
  std::variant<std::string_view, int64_t, double> value;
};

/// Foreign text (paths, names of models) that neither breaks a line nor steers a terminal: as it is
/// where it is plain, else in quotes with escapes.
std::string readable(std::string_view foreign);

/// Thread-safe: lines do not mix.
class EventLog {
 public:
  enum class Form {
    text,  // 15:04:05 model.loaded model=tales seconds=0.02
    json,  // {"time":"2026-11-21T15:04:05.123Z","event":"model.loaded","model":"tales",…}
  };
  using Write = std::function<void(std::string_view line)>;  // with its line break; never throws

  EventLog(Form form, Write write) : form_(form), write_(std::move(write)) {}

  /// `name` is stable, lower case with dots ("model.loaded"). `sentence`, where given, is what
  /// people read instead; what is foreign in it is readable() already.
  void event(std::string_view name, std::initializer_list<EventField> fields = {},
             std::string_view sentence = "");
  /// The line without writing it.
  std::string line(std::string_view name, std::initializer_list<EventField> fields,
                   std::chrono::system_clock::time_point now, std::string_view sentence = "") const;

 private:
  const Form form_;
  const Write write_;
  std::mutex mutex_;  // of write_
};

}  // namespace hearth::serve
