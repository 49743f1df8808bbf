// A request for answers as the endpoints read it, and the fields that they share.
#pragma once
#include <string>
#include <vector>

#include "hearth/serve/api/json_fields.h"
#include "hearth/serve/engine/answer_request.h"
#include "hearth/serve/pool/model_service.h"

namespace hearth::serve::openai {

struct AnswerCall {
  ModelCall call;  // but for `caller` and `closed`, which the body does not hold
  AnswerRequest request;
  int choices = 1;  // answers to each prompt
  bool is_streamed = false;
  bool includes_usage = false;  // at the end of the stream
};

/// `model`, `keep_alive`, and how urgent it is: `priority` (vLLM's number, where more than 0 is
/// batch, or "interactive" or "batch") or `service_tier` "flex", which is batch. Errors:
/// FieldError.
ModelCall read_call(const Fields& body);

/// All that shapes an answer but its prompt: options under OpenAI's, llama-server's and vLLM's
/// names, `stop`, `logit_bias`, format, `lora`, `n`, `stream`. Where the request is silent,
/// temperature and top_p are 1 unless the model says otherwise (AnswerRequest::defaults). A full
/// context ends the answer, as clients of this API expect ("length"). Errors: FieldError, also for
/// a known field that Hearth does not obey and that would change the answer.
AnswerCall read_answer_call(const Fields& body);

/// The form that `response_format`, `json_schema`, `grammar`, `guided_json`, `guided_grammar` or
/// `structured_outputs` ask for. Errors: FieldError (several of them, an unknown type, past
/// kFormatBytesMax).
AnswerFormat read_format(const Fields& body);
/// The same of one such object, whose schema stands in `json_schema.schema`, in `schema` or beside
/// its type; it is `key` of `parent`.
AnswerFormat read_typed_format(const Fields& parent, std::string_view key);

/// none, minimal, low, medium, high, xhigh, ultra or max, of the field `key`. Errors: FieldError.
std::optional<Thinking> read_effort(const Fields& fields, std::string_view key);

/// The ids in a list at `key`; `where` names it in errors. Errors: FieldError.
std::vector<int32_t> read_ids(const Json& list, const std::string& where);

/// One request for each choice: the same but for the seed, which counts up from the request's, or
/// from `fallback_seed` where it has none. A single choice stays as it is.
std::vector<AnswerRequest> spread_choices(const AnswerCall& call, int64_t fallback_seed);

}  // namespace hearth::serve::openai
