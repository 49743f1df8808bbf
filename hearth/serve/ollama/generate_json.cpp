#include "hearth/serve/ollama/generate_json.h"

#include <limits>
#include <utility>

#include "hearth/serve/ollama/limits.h"

namespace hearth::serve::ollama {
namespace {

std::vector<int32_t> read_context(const Fields& body) {
  std::vector<int32_t> ids;
  for (const Json* id :
       body.try_list("context", kContextIdsMax).value_or(std::vector<const Json*>{})) {
    // Counted by the elements that went before, which are all ids.
    const std::string key = fmt::format("context[{}]", ids.size());
    if (!id->is_number_integer()) body.wrong(key, "must be a token id");
    const int64_t value = id->get<int64_t>();
    if (value < 0 || value > std::numeric_limits<int32_t>::max())
      body.wrong(key, "must be a token id");
    ids.push_back(static_cast<int32_t>(value));
  }
  return ids;
}

bool has_text(const Fields& body, std::string_view key) {
  return !body.try_string(key).value_or("").empty();
}

void refuse_with_raw(const Fields& body) {
  const Json* context = body.find("context");
  if (has_text(body, "template") || has_text(body, "system") || (context && !context->empty()))
    throw Error(Errc::invalid_argument, "raw mode does not support template, system, or context");
}

ChatPrompt read_chat_prompt(const Fields& body, std::string prompt) {
  ChatPrompt chat;
  if (has_text(body, "system"))
    chat.messages.push_back({.role = Role::system, .content = body.string("system")});
  chat.messages.push_back({.role = Role::user, .content = std::move(prompt)});
  if (has_text(body, "template")) chat.template_text = body.string("template");
  chat.earlier_ids = read_context(body);
  chat.thinking = read_think(body);
  return chat;
}

}  // namespace

AnswerCall parse_generate(std::string_view text, const store::ModelParameters& defaults) {
  const Json json = parse_body(text);
  const Fields body(json);
  AnswerCall call = read_answer_call(body, defaults);
  refuse_images(body);
  std::string prompt = body.try_string("prompt").value_or("");
  const std::string suffix = body.try_string("suffix").value_or("");
  const bool is_raw = body.try_bool("raw").value_or(false);
  if (is_raw) refuse_with_raw(body);
  if (prompt.empty() && suffix.empty()) call.purpose = purpose_of_nothing(call);
  if (is_raw || !suffix.empty()) {
    TextPrompt continued{.text = std::move(prompt), .suffix = {}};
    if (!suffix.empty()) continued.suffix = suffix;
    call.request.prompt = std::move(continued);
  } else {
    call.request.prompt = read_chat_prompt(body, std::move(prompt));
  }
  call.request.wants_ids = !is_raw;
  return call;
}

}  // namespace hearth::serve::ollama
