#include "hearth/serve/openai/responses_request.h"

#include <utility>

#include "hearth/serve/openai/limits.h"
#include "hearth/serve/openai/messages.h"
#include "hearth/serve/openai/response_items.h"

namespace hearth::serve::openai {
namespace {

void check_stateless(const Fields& body) {
  if (body.has("previous_response_id"))
    body.wrong("previous_response_id",
               "needs kept responses, but none are kept: send the whole conversation as input");
  if (body.has("prompt")) body.wrong("prompt", "names a kept prompt, but none are kept");
  if (body.try_bool("background").value_or(false))
    body.wrong("background", "needs kept responses, but none are kept");
}

std::vector<Tool> read_flat_tools(const Fields& body, std::vector<std::string>& warnings) {
  std::vector<Tool> tools;
  const auto list = body.try_list("tools", kToolsMax);
  if (!list) return tools;
  for (size_t i = 0; i < list->size(); ++i) {
    const Fields tool(*(*list)[i], fmt::format("tools[{}]", i));
    const std::string type = tool.string("type");
    if (type == "function")
      tools.push_back(read_function(tool));
    else
      warnings.push_back(fmt::format("tools[{}] was left out: there is no '{}' here", i, type));
  }
  return tools;
}

// Logprobs are asked for in `include`, or by saying how many.
int read_logprobs(const Fields& body) {
  const int64_t top = body.try_integer("top_logprobs").value_or(0);
  if (top < 0 || top > kTopLogprobsMax)
    body.wrong("top_logprobs", fmt::format("must be from 0 to {}", kTopLogprobsMax));
  bool wants = top > 0;
  if (const auto include = body.try_strings("include", 32))
    for (const std::string& what : *include) wants |= what == "message.output_text.logprobs";
  return wants ? static_cast<int>(top) : -1;
}

// OpenAI's default: a conversation that does not fit is an error, which agents wait for to shorten
// it themselves.
Overflow read_truncation(const Fields& body) {
  const std::string truncation = body.try_string("truncation").value_or("disabled");
  if (truncation == "auto") return Overflow::truncate;
  if (truncation != "disabled") body.wrong("truncation", "must be auto or disabled");
  return Overflow::error;
}

ChatPrompt read_prompt(const Fields& body, std::vector<std::string>& warnings) {
  ChatPrompt prompt;
  prompt.messages = read_input(body);
  if (auto instructions = body.try_string("instructions")) {
    Message system;
    system.role = Role::system;
    system.content = *std::move(instructions);
    prompt.messages.insert(prompt.messages.begin(), std::move(system));
  }
  prompt.tools = read_flat_tools(body, warnings);
  prompt.tool_choice = read_tool_choice(body, prompt.tools);
  if (const auto reasoning = body.try_object("reasoning"))
    prompt.thinking = read_effort(*reasoning, "effort");
  return prompt;
}

Json shown_or(const Fields& body, std::string_view key, Json otherwise) {
  const Json* field = body.find(key);
  return field ? *field : std::move(otherwise);
}

Json shown_fields(const Fields& body) {
  Json reasoning = shown_or(body, "reasoning", Json::object());
  for (const char* key : {"effort", "summary"})
    if (!reasoning.contains(key)) reasoning[key] = nullptr;
  Json text = shown_or(body, "text", Json::object());
  if (!text.contains("format")) text["format"] = {{"type", "text"}};
  Json shown = {{"background", false},
                {"max_tool_calls", nullptr},
                {"previous_response_id", nullptr},
                {"service_tier", "default"},
                {"store", false}};
  struct Row {
    const char* key;
    Json otherwise;
  };
  const Row rows[] = {{"instructions", nullptr},
                      {"max_output_tokens", nullptr},
                      {"metadata", Json::object()},
                      {"parallel_tool_calls", true},
                      {"temperature", nullptr},
                      {"tool_choice", "auto"},
                      {"tools", Json::array()},
                      {"top_logprobs", 0},
                      {"top_p", nullptr},
                      {"truncation", "disabled"},
                      {"user", nullptr}};
  for (const Row& row : rows) shown[row.key] = shown_or(body, row.key, row.otherwise);
  shown["reasoning"] = std::move(reasoning);
  shown["text"] = std::move(text);
  return shown;
}

}  // namespace

ResponsesCall read_responses_request(const Json& json) {
  const Fields body(json);
  check_stateless(body);
  ResponsesCall call{.answer = read_answer_call(body), .shown = {}, .warnings = {}};
  if (call.answer.choices > 1) body.wrong("n", "must be 1: a response has one answer");
  call.answer.request.prompt = read_prompt(body, call.warnings);
  call.answer.request.logprobs = read_logprobs(body);
  call.answer.request.overflow = read_truncation(body);
  if (const auto text = body.try_object("text"); text && text->has("format"))
    call.answer.request.format = read_typed_format(*text, "format");
  call.shown = shown_fields(body);
  return call;
}

}  // namespace hearth::serve::openai
