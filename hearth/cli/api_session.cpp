#include "hearth/cli/api_session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <random>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/cli/terminal.h"

namespace hearth::cli {
namespace {

using Clock = std::chrono::steady_clock;
using serve::Json;

constexpr std::string_view kThinkBegin = "<think>\n", kThinkEnd = "\n</think>\n\n";

uint64_t random_seed() {
  std::random_device device;
  // 31 bits: what every server that speaks this API takes.
  return device() >> 1;
}

struct OptionRow {
  std::string_view name;
  Json (*value)(const GenerateSettings&);
};
// Only what was set is sent: the rest is the model's own choice (PARAMETER), then the server's.
constexpr OptionRow kOptions[] = {
    {"temperature", [](const GenerateSettings& s) { return Json(s.sampling.temperature); }},
    {"top_k", [](const GenerateSettings& s) { return Json(s.sampling.top_k); }},
    {"top_p", [](const GenerateSettings& s) { return Json(s.sampling.top_p); }},
    {"min_p", [](const GenerateSettings& s) { return Json(s.sampling.min_p); }},
    {"typical_p", [](const GenerateSettings& s) { return Json(s.sampling.typical_p); }},
    {"repeat_penalty", [](const GenerateSettings& s) { return Json(s.sampling.repeat_penalty); }},
    {"repeat_last_n", [](const GenerateSettings& s) { return Json(s.sampling.repeat_last_n); }},
    {"presence_penalty",
     [](const GenerateSettings& s) { return Json(s.sampling.presence_penalty); }},
    {"frequency_penalty",
     [](const GenerateSettings& s) { return Json(s.sampling.frequency_penalty); }},
    {"num_predict", [](const GenerateSettings& s) { return Json(s.tokens_max); }},
    {"stop", [](const GenerateSettings& s) { return Json(s.stop); }},
};

Json options_json(const GenerateSettings& settings, int context, uint64_t seed) {
  Json options = {{"seed", seed}};
  for (const OptionRow& row : kOptions)
    if (settings.given.count(row.name)) options[std::string(row.name)] = row.value(settings);
  if (context > 0) options["num_ctx"] = context;
  return options;
}

// "true" and "false" are switches, other words levels.
Json think_json(const std::string& think) {
  if (think == "true") return true;
  if (think == "false") return false;
  return think;
}

Json format_json(const std::string& format) {
  if (format.empty()) return nullptr;
  if (format == "json") return format;
  Json schema = Json::parse(format, nullptr, /*allow_exceptions=*/false);
  if (!schema.is_object())
    throw Error(Errc::invalid_argument, "--format: neither \"json\" nor a JSON Schema: {}", format);
  return schema;
}

// The API takes seconds as a number only, and texts as durations only.
Json keep_alive_json(const std::string& time) {
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(time.data(), time.data() + time.size(), seconds);
  if (error == std::errc() && end == time.data() + time.size()) return seconds;
  return time;
}

// Text with its thoughts marked, as it streams.
class ThinkMarks {
 public:
  explicit ThinkMarks(bool hides_thinking) : hides_thinking_(hides_thinking) {}

  std::string take(std::string_view thinking, std::string_view content) {
    std::string text;
    if (!thinking.empty() && !hides_thinking_) {
      if (!std::exchange(is_thinking_, true)) text += kThinkBegin;
      text += thinking;
    }
    if (!content.empty()) {
      if (std::exchange(is_thinking_, false)) text += kThinkEnd;
      text += content;
    }
    return text;
  }

 private:
  bool hides_thinking_;
  bool is_thinking_ = false;
};

std::string text_at(const Json& json, std::string_view key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

int64_t number_at(const Json& json, std::string_view key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

void read_end(const Json& line, Answer& answer) {
  using std::chrono::nanoseconds;
  llm::GenerateResult& result = answer.result;
  result.reason =
      text_at(line, "done_reason") == "length" ? llm::FinishReason::length : llm::FinishReason::end;
  result.prompt_tokens = static_cast<int>(number_at(line, "prompt_eval_count"));
  result.generated_tokens = static_cast<int>(number_at(line, "eval_count"));
  result.prompt_time = nanoseconds(number_at(line, "prompt_eval_duration"));
  result.decode_time = nanoseconds(number_at(line, "eval_duration"));
  answer.load_time = nanoseconds(number_at(line, "load_duration"));
  answer.total_time = nanoseconds(number_at(line, "total_duration")) - answer.load_time;
}

}  // namespace

ApiSession::ApiSession(std::unique_ptr<serve::Api> api, ApiSessionOptions options)
    : api_(std::move(api)),
      options_(std::move(options)),
      format_(format_json(options_.format)),
      shown_(serve::show_model(*api_, options_.model, /*verbose=*/false)) {}

Json ApiSession::request(const std::string& prompt, const GenerateSettings& settings,
                         uint64_t seed) const {
  Json body = {{"model", options_.model},
               {"options", options_json(settings, options_.context, seed)}};
  if (!options_.think.empty()) body["think"] = think_json(options_.think);
  if (!options_.keep_alive.empty()) body["keep_alive"] = keep_alive_json(options_.keep_alive);
  if (!format_.is_null()) body["format"] = format_;
  body["shift"] = settings.context_full == llm::ContextFull::shift;
  body["truncate"] = settings.context_full != llm::ContextFull::error;
  if (!is_chat()) {
    body["prompt"] = prompt;
    body["raw"] = true;
    return body;
  }
  Json messages = Json::array();
  if (!system_.empty()) messages.push_back({{"role", "system"}, {"content", system_}});
  for (const serve::Message& turn : turns_)
    messages.push_back({{"role", name(turn.role)}, {"content", turn.content}});
  messages.push_back({{"role", "user"}, {"content", prompt}});
  body["messages"] = std::move(messages);
  return body;
}

Answer ApiSession::answer(const std::string& prompt, const GenerateSettings& settings,
                          std::stop_token cancelled, FunctionRef<void(std::string_view)> on_text) {
  Answer answer;
  answer.seed = settings.seed.value_or(random_seed());
  const auto started = Clock::now();
  ThinkMarks marks(options_.hides_thinking);
  std::string content;
  bool is_done = false;
  const auto on_line = [&](const Json& line) {
    const Json message = line.value("message", Json::object());
    const std::string piece = text_at(message, "content") + text_at(line, "response");
    const std::string text =
        marks.take(text_at(message, "thinking") + text_at(line, "thinking"), piece);
    content += piece;
    answer.text += text;
    if (!text.empty()) on_text(text);
    is_done = line.value("done", false);
    if (is_done) read_end(line, answer);
  };
  try {
    api_->stream("POST", is_chat() ? "/api/chat" : "/api/generate",
                 request(prompt, settings, answer.seed), on_line, cancelled);
    if (!is_done)
      throw Error(Errc::unavailable, "{}: the answer ended before it was whole", api_->where());
  } catch (const Error&) {
    if (!cancelled.stop_requested()) throw;
    // What was said until Ctrl-C stays part of the conversation.
    answer.result.reason = llm::FinishReason::cancelled;
    answer.total_time = Clock::now() - started;
  }
  if (is_chat()) {
    turns_.push_back({.role = serve::Role::user, .content = prompt});
    turns_.push_back({.role = serve::Role::assistant, .content = content});
  }
  return answer;
}

std::string ApiSession::summary() const {
  return fmt::format("{} parameters, {}, at {}", shown_.parameter_size, shown_.quantization_level,
                     api_->where());
}

std::string ApiSession::info_text() const {
  Table table({{""}, {""}});
  table.row({"architecture", shown_.family});
  table.row({"parameters", shown_.parameter_size});
  table.row({"quantisation", shown_.quantization_level});
  if (shown_.context_length)
    table.row({"context length", fmt::format("{}", *shown_.context_length)});
  if (shown_.embedding_length)
    table.row({"embedding length", fmt::format("{}", *shown_.embedding_length)});
  table.row({"can", fmt::format("{}", fmt::join(shown_.capabilities, ", "))});
  return table.text("  ") + (shown_.parameters.empty() ? "" : shown_.parameters + "\n");
}

}  // namespace hearth::cli
