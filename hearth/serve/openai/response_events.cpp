#include "hearth/serve/openai/response_events.h"

#include <utility>

#include "hearth/serve/api/json_text.h"
#include "hearth/serve/openai/choice.h"
#include "hearth/serve/openai/error_json.h"
#include "hearth/serve/openai/logprobs_json.h"

namespace hearth::serve::openai {
namespace {

Json text_part(const std::string& text, Json logprobs) {
  return {{"type", "output_text"},
          {"text", text},
          {"annotations", Json::array()},
          {"logprobs", std::move(logprobs)}};
}

Json summary_part(const std::string& text) { return {{"type", "summary_text"}, {"text", text}}; }

Json message_item(const std::string& id, std::string_view status, Json content) {
  return {{"id", id},
          {"type", "message"},
          {"status", status},
          {"role", "assistant"},
          {"content", std::move(content)}};
}

Json reasoning_item(const std::string& id, Json summary) {
  return {{"id", id}, {"type", "reasoning"}, {"summary", std::move(summary)}};
}

}  // namespace

ResponseEvents::ResponseEvents(std::string key, int64_t created_at, const ResponsesCall& call)
    : key_(std::move(key)),
      wants_logprobs_(call.answer.request.logprobs >= 0),
      warnings_(call.warnings) {
  const auto& prompt = std::get<ChatPrompt>(call.answer.request.prompt);
  tools_ = prompt.tools;
  tool_choice_ = prompt.tool_choice;
  response_ = {{"id", "resp_" + key_},          {"object", "response"},
               {"created_at", created_at},      {"completed_at", nullptr},
               {"status", "in_progress"},       {"error", nullptr},
               {"incomplete_details", nullptr}, {"model", nullptr},
               {"output", Json::array()},       {"usage", nullptr}};
  response_.update(call.shown);
  if (!warnings_.empty()) response_["warnings"] = warnings_;
}

void ResponseEvents::emit(std::string_view type, Json fields) {
  Json event = {{"type", type}, {"sequence_number", sequence_++}};
  event.update(fields);
  events_.push_back(std::move(event));
}

std::vector<Json> ResponseEvents::take() { return std::exchange(events_, {}); }

// Items are numbered in the order they began; the open one is not in `output` yet.
std::string ResponseEvents::item_id(std::string_view prefix) const {
  return fmt::format("{}_{}{:02}", prefix, key_, response_["output"].size());
}

Json ResponseEvents::place() const {
  const size_t index = response_["output"].size();
  if (open_ == Open::reasoning)
    return {{"item_id", item_id("rs")}, {"output_index", index}, {"summary_index", 0}};
  return {{"item_id", item_id("msg")}, {"output_index", index}, {"content_index", 0}};
}

std::vector<Json> ResponseEvents::begin(const std::string& model) {
  response_["model"] = model;
  emit("response.created", {{"response", response_}});
  emit("response.in_progress", {{"response", response_}});
  return take();
}

void ResponseEvents::open(Open kind) {
  if (open_ == kind) return;
  close("completed");
  open_ = kind;
  const bool is_message = kind == Open::message;
  Json item = is_message ? message_item(item_id("msg"), "in_progress", Json::array())
                         : reasoning_item(item_id("rs"), Json::array());
  emit("response.output_item.added",
       {{"output_index", response_["output"].size()}, {"item", std::move(item)}});
  Json part = place();
  part["part"] = is_message ? text_part("", Json::array()) : summary_part("");
  emit(is_message ? "response.content_part.added" : "response.reasoning_summary_part.added",
       std::move(part));
}

void ResponseEvents::close(std::string_view status) {
  if (open_ == Open::nothing) return;
  open_ == Open::message ? close_message(status) : close_reasoning();
  emit("response.output_item.done",
       {{"output_index", response_["output"].size() - 1}, {"item", response_["output"].back()}});
  open_ = Open::nothing;
  text_.clear();
}

void ResponseEvents::close_message(std::string_view status) {
  for (Json& token : pending_) logprobs_.push_back(std::move(token));
  pending_ = Json::array();
  Json done = place();
  done["text"] = text_;
  done["logprobs"] = logprobs_;
  emit("response.output_text.done", std::move(done));
  const Json part = text_part(text_, std::exchange(logprobs_, Json::array()));
  Json part_done = place();
  part_done["part"] = part;
  emit("response.content_part.done", std::move(part_done));
  response_["output"].push_back(message_item(item_id("msg"), status, Json::array({part})));
}

void ResponseEvents::close_reasoning() {
  Json done = place();
  done["text"] = text_;
  emit("response.reasoning_summary_text.done", std::move(done));
  Json part_done = place();
  part_done["part"] = summary_part(text_);
  emit("response.reasoning_summary_part.done", std::move(part_done));
  response_["output"].push_back(reasoning_item(item_id("rs"), Json::array({summary_part(text_)})));
}

void ResponseEvents::add_thinking(const std::string& text) {
  open(Open::reasoning);
  text_ += text;
  Json delta = place();
  delta["delta"] = text;
  emit("response.reasoning_summary_text.delta", std::move(delta));
}

void ResponseEvents::add_content(const std::string& text) {
  open(Open::message);
  text_ += text;
  for (const Json& token : pending_) logprobs_.push_back(token);
  Json delta = place();
  delta["delta"] = text;
  delta["logprobs"] = std::exchange(pending_, Json::array());
  emit("response.output_text.delta", std::move(delta));
}

void ResponseEvents::add_call(const ToolCall& call) {
  if (!tool_choice_.allows_parallel && !answer_.tool_calls.empty()) {
    answer_.tool_calls.push_back(call);
    return;
  }
  answer_.tool_calls.push_back(call);
  close("completed");
  const size_t index = response_["output"].size();
  const std::string arguments = json_text(call.arguments);
  Json item = {{"id", item_id("fc")}, {"type", "function_call"}, {"status", "in_progress"},
               {"call_id", call.id},  {"name", call.name},       {"arguments", ""}};
  const Json place = {{"item_id", item["id"]}, {"output_index", index}};
  emit("response.output_item.added", {{"output_index", index}, {"item", item}});
  Json delta = place;
  delta["delta"] = arguments;
  emit("response.function_call_arguments.delta", std::move(delta));
  Json done = place;
  done["name"] = call.name;
  done["arguments"] = arguments;
  emit("response.function_call_arguments.done", std::move(done));
  item["status"] = "completed";
  item["arguments"] = arguments;
  emit("response.output_item.done", {{"output_index", index}, {"item", item}});
  response_["output"].push_back(std::move(item));
}

std::vector<Json> ResponseEvents::chunk(const AnswerChunk& chunk) {
  const AnswerDelta& delta = chunk.delta;
  answer_.thinking += delta.thinking;
  answer_.content += delta.content;
  if (!delta.thinking.empty()) add_thinking(delta.thinking);
  // The API has probabilities of an answer's text only, not of thoughts and calls.
  const bool is_text = delta.thinking.empty() && delta.tool_calls.empty();
  if (wants_logprobs_ && is_text)
    for (Json& token : chat_logprobs(chunk.logprobs)) pending_.push_back(std::move(token));
  if (!delta.content.empty()) add_content(delta.content);
  for (const ToolCall& call : delta.tool_calls) add_call(call);
  return take();
}

void ResponseEvents::set_usage(const AnswerEnd& end) {
  const int thinking = estimate_thinking_tokens(answer_, end.generated_tokens);
  response_["usage"] = {{"input_tokens", end.prompt_tokens},
                        {"input_tokens_details", {{"cached_tokens", end.prompt_tokens_cached}}},
                        {"output_tokens", end.generated_tokens},
                        {"output_tokens_details", {{"reasoning_tokens", thinking}}},
                        {"total_tokens", end.prompt_tokens + end.generated_tokens}};
}

std::vector<Json> ResponseEvents::end(const AnswerEnd& end, int64_t completed_at) {
  const bool is_cut = end.reason == AnswerReason::length;
  const std::string_view status = is_cut ? "incomplete" : "completed";
  if (open_ == Open::nothing && response_["output"].empty()) open(Open::message);
  close(status);
  response_["status"] = status;
  // Not completed_at of a whole response only: OpenAI leaves it null where the answer was cut.
  if (!is_cut) response_["completed_at"] = completed_at;
  if (is_cut) response_["incomplete_details"] = {{"reason", "max_output_tokens"}};
  set_usage(end);
  for (std::string& sentence : context_warnings(end)) warnings_.push_back(std::move(sentence));
  for (std::string& sentence : violations(answer_, tools_, tool_choice_))
    warnings_.push_back("tool_choice: " + std::move(sentence));
  if (!warnings_.empty()) response_["warnings"] = warnings_;
  emit(is_cut ? "response.incomplete" : "response.completed", {{"response", response_}});
  return take();
}

std::vector<Json> ResponseEvents::fail(const Error& error) {
  const Json object = error_json(error)["error"];
  response_["status"] = "failed";
  response_["error"] = {{"code", "server_error"}, {"message", error.what()}};
  emit("response.failed", {{"response", response_}});
  emit("error", {{"code", object["code"]},
                 {"message", error.what()},
                 {"param", object["param"]},
                 {"error", object}});
  return take();
}

}  // namespace hearth::serve::openai
