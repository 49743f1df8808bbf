// Any text as the body of a request to Ollama's API. Only hearth::Error may come out, and what is
// typed keeps the limits.
//
// Input: a byte for the endpoint, then the body.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/serve/ollama/chat_json.h"
#include "hearth/serve/ollama/create_json.h"
#include "hearth/serve/ollama/embed_json.h"
#include "hearth/serve/ollama/generate_json.h"
#include "hearth/serve/ollama/limits.h"

namespace {

using namespace hearth;
using namespace hearth::serve::ollama;

void check_answer(const AnswerCall& call) {
  HEARTH_CHECK(!call.call.model.empty());
  HEARTH_CHECK(call.request.logprobs >= -1 && call.request.logprobs <= kTopLogprobsMax);
  HEARTH_CHECK(call.request.format.text.size() <= kSchemaBytesMax);
  for (const auto& [name, value] : call.call.options)
    HEARTH_CHECK(static_cast<size_t>(*store::parameter_type(name)) == value.index());
  if (const auto* chat = std::get_if<serve::ChatPrompt>(&call.request.prompt)) {
    HEARTH_CHECK(chat->messages.size() <= kMessagesMax && chat->tools.size() <= kToolsMax);
    for (const serve::Message& message : chat->messages)
      for (const serve::ToolCall& made : message.tool_calls)
        HEARTH_CHECK(made.arguments.is_object());
  }
}

void check_create(const CreateCall& call) {
  HEARTH_CHECK(call.from.empty() != call.files.empty());
  for (const auto* files : {&call.files, &call.adapters})
    for (const auto& [name, digest] : *files)
      HEARTH_CHECK(!name.starts_with('/') && name.find("..") != 0);
}

void parse(unsigned endpoint, std::string_view body) {
  switch (endpoint % 5) {
    case 0:
      return check_answer(parse_generate(body, {}));
    case 1:
      return check_answer(parse_chat(body, {}));
    case 2:
      return HEARTH_CHECK(parse_embed(body).request.inputs.size() <= kInputsMax);
    case 3:
      return HEARTH_CHECK(parse_embeddings(body).request.inputs.size() <= 1);
    default:
      return check_create(parse_create(body));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  try {
    parse(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  } catch (const Error& error) {
    HEARTH_CHECK(error.code() == Errc::invalid_argument || error.code() == Errc::unsupported);
  }
  return 0;
}
