// A request to /v1/messages or /v1/messages/count_tokens as a typed call.
#pragma once
#include <string>
#include <vector>

#include "hearth/serve/api/json_fields.h"
#include "hearth/serve/engine/answer_request.h"
#include "hearth/serve/pool/model_service.h"

namespace hearth::serve::anthropic {

struct MessagesCall {
  ModelCall call;  // but for `caller` and `closed`, which the body does not hold
  AnswerRequest request;
  bool is_streamed = false;
};

enum class Endpoint { messages, count_tokens };  // the latter needs no max_tokens

/// Where the request is silent, temperature and top_p are 1 unless the model says otherwise, and
/// nothing is thought: thinking is for who asks for it. A conversation longer than the context is
/// an error and a full one ends the answer, since this API has no way to say that turns were left
/// out. Passed over: metadata, service_tier, cache_control, container, betas. Errors: FieldError,
/// invalid_argument.
MessagesCall read_messages_call(const Fields& body, Endpoint endpoint);

/// `thinking` and `output_config.effort` as a level. A budget of tokens counts as low up to 4096,
/// medium up to 16384, high up to 32768, then max; without a budget the effort says it. Errors:
/// FieldError.
Thinking read_thinking(const Fields& body);

}  // namespace hearth::serve::anthropic
