// POST /v1/responses.
#include <utility>

#include "hearth/serve/api/answer_writer.h"
#include "hearth/serve/api/json_text.h"
#include "hearth/serve/openai/error_json.h"
#include "hearth/serve/openai/handlers.h"
#include "hearth/serve/openai/reply.h"
#include "hearth/serve/openai/response_events.h"
#include "hearth/serve/openai/responses_request.h"

namespace hearth::serve::openai {
namespace {

/// Streams the events, or lets them go and sends the response that they have made.
class ResponseWriter : public AnswerWriter {
 public:
  ResponseWriter(ResponseEvents events, bool is_streamed, Reply reply)
      : events_(std::move(events)), is_streamed_(is_streamed), reply_(std::move(reply)) {}

  void begin(const std::string& model) override { send(events_.begin(model)); }
  bool chunk(const AnswerChunk& chunk) override { return send(events_.chunk(chunk)); }
  void end(const AnswerEnd& end, const AnswerTimes&) override {
    send(events_.end(end, unix_now()));
    is_streamed_ ? reply_.finish() : reply_.send(events_.response());
  }
  void fail(const Error& error) override {
    if (!reply_.is_streaming()) return reply_.fail(error);
    send(events_.fail(error));
    reply_.finish();
  }

 private:
  bool send(const std::vector<Json>& events) {
    if (!is_streamed_) return true;
    for (const Json& event : events)
      if (!reply_.event(event, event["type"].get_ref<const std::string&>())) return false;
    return true;
  }

  ResponseEvents events_;
  bool is_streamed_;
  Reply reply_;
};

}  // namespace

void post_response(const http::Request& request, http::Responder& responder, const Deps& deps) {
  ResponsesCall call = read_responses_request(parse_body(request.body));
  auto writer =
      std::make_shared<ResponseWriter>(ResponseEvents(make_id(""), unix_now(), call),
                                       call.answer.is_streamed, Reply(std::move(responder)));
  submit_answer(deps.models, with_client(call.answer.call, request), std::move(call.answer.request),
                std::move(writer));
}

void find_response(const http::Request& request, http::Responder& responder, const Deps&) {
  const std::string message =
      fmt::format("response '{}' not found: responses are not kept", request.parameter("id"));
  responder.send(http::Response::json(404, json_text(error_json(404, message))));
}

}  // namespace hearth::serve::openai
