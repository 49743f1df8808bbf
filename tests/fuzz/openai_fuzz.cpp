// Any bytes as the body of a request. Only hearth::Error may come out; what is accepted keeps to
// the limits, and can be answered.
//
// Input: a byte for the endpoint, then the body.
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/serve/api/json_text.h"
#include "hearth/serve/openai/chat_choice.h"
#include "hearth/serve/openai/chat_request.h"
#include "hearth/serve/openai/completion_request.h"
#include "hearth/serve/openai/embedding_json.h"
#include "hearth/serve/openai/limits.h"
#include "hearth/serve/openai/rerank_json.h"
#include "hearth/serve/openai/response_events.h"

namespace {

using namespace hearth::serve;
using namespace hearth::serve::openai;

AnswerChunk sample_chunk() {
  return {.delta = {.content = "a\xC3", .thinking = "b", .tool_calls = {{.id = "1", .name = "f"}}},
          .logprobs = {{.chosen = {"\xFF", -1}, .top = {{"x", -2}}}}};
}

void check_chat(const Json& body) {
  const AnswerCall call = read_chat_request(body);
  HEARTH_CHECK(spread_choices(call, 1).size() == static_cast<size_t>(call.choices));
  HEARTH_CHECK(call.choices <= kChoicesMax && !call.call.model.empty());
  ChatChoice choice(0, call.request);
  HEARTH_CHECK(!choice.begin().empty() && !choice.chunk(sample_chunk()).empty());
  HEARTH_CHECK(!json_text(choice.finish({})).empty() && !json_text(choice.whole()).empty());
}

void check_completion(const Json& body) {
  const CompletionCall call = read_completion_request(body);
  const size_t answers = call.prompts.size() * call.answer.choices;
  HEARTH_CHECK(answers >= 1 && answers <= static_cast<size_t>(kChoicesMax));
}

void check_responses(const Json& body) {
  const ResponsesCall call = read_responses_request(body);
  ResponseEvents events("key", 0, call);
  HEARTH_CHECK(events.begin("m").size() == 2);
  HEARTH_CHECK(!events.chunk(sample_chunk()).empty());
  HEARTH_CHECK(!json_text(events.end({}, 0).back()).empty());
  HEARTH_CHECK(events.response()["output"].size() == 3);
}

void check_embedding(const Json& body) {
  const EmbeddingCall call = read_embedding_request(body);
  HEARTH_CHECK(!call.request.inputs.empty() && call.request.inputs.size() <= kInputsMax);
}

void check_rerank(const Json& body) {
  const RerankCall call = read_rerank_request(body);
  Relevance relevance;
  relevance.scores.assign(call.request.documents.size(), 1);
  HEARTH_CHECK(!json_text(rerank_json(relevance, call, "m")).empty());
}

constexpr void (*kChecks[])(const Json&) = {check_chat, check_completion, check_responses,
                                            check_embedding, check_rerank};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    kChecks[data[0] % std::size(kChecks)](parse_body(text));
  } catch (const hearth::Error&) {
  }
  return 0;
}
