// POST /v1/responses: its body, typed. Stateless: what was answered before comes with the input.
#pragma once
#include <string>
#include <vector>

#include "hearth/serve/openai/answer_call.h"

namespace hearth::serve::openai {

struct ResponsesCall {
  AnswerCall answer;
  Json shown;  // the fields of the request that the response repeats, null where it has none
  std::vector<std::string> warnings;  // what of the request was passed over
};

/// `input` is a text or a list of items: messages, function_call, function_call_output, reasoning.
/// `instructions` is a system message in front. Of the tools, functions are offered; others
/// (web_search, …) are passed over with a warning, as agents send them unasked. Errors: FieldError,
/// also for what needs kept state: previous_response_id, conversation, background, item_reference.
ResponsesCall read_responses_request(const Json& body);

}  // namespace hearth::serve::openai
