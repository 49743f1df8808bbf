#include "hearth/serve/anthropic/routes.h"

#include <memory>
#include <utility>

#include "hearth/serve/anthropic/error_json.h"
#include "hearth/serve/anthropic/message_writer.h"
#include "hearth/serve/anthropic/messages_call.h"
#include "hearth/serve/anthropic/wire.h"
#include "hearth/serve/api/answer_writer.h"
#include "hearth/serve/api/json_text.h"

namespace hearth::serve::anthropic {
namespace {

MessagesCall read_request(const http::Request& request, Endpoint endpoint) {
  const Json body = parse_body(request.body);
  MessagesCall call = read_messages_call(Fields(body), endpoint);
  call.call.caller = request.caller;
  call.call.closed = request.closed;
  return call;
}

// The texts that the client asked to stop at.
std::vector<std::string> stop_sequences(const AnswerRequest& request) {
  const auto stop = request.options.find("stop");
  if (stop == request.options.end()) return {};
  return std::get<std::vector<std::string>>(stop->second);
}

void post_messages(const http::Request& request, http::Responder& responder, ModelService& models) {
  MessagesCall call = read_request(request, Endpoint::messages);
  auto writer =
      make_message_writer(std::move(responder), {.request_id = request.id,
                                                 .stop_sequences = stop_sequences(call.request),
                                                 .is_streamed = call.is_streamed});
  submit_answer(models, std::move(call.call), std::move(call.request), std::move(writer));
}

void post_count_tokens(const http::Request& request, http::Responder& responder,
                       ModelService& models) {
  MessagesCall call = read_request(request, Endpoint::count_tokens);
  const auto later = std::make_shared<http::Responder>(std::move(responder));
  models.submit(
      std::move(call.call),
      [later, id = request.id, prompt = std::move(call.request)](Turn& turn) {
        const Json count = {{"input_tokens", turn.engine.count_tokens(prompt)}};
        http::Response response = http::Response::json(200, json_text(count));
        response.headers.set(kRequestIdHeader, id);
        later->send(std::move(response));
      },
      [later, id = request.id](const Error& error) { later->send(error_response(error, id)); });
}

using Post = void (*)(const http::Request&, http::Responder&, ModelService&);

// What a request itself has wrong is answered in this API's form, with the request's name.
http::Handler with_errors(Post post, ModelService& models) {
  return [post, &models](const http::Request& request, http::Responder& responder) {
    try {
      post(request, responder, models);
    } catch (const Error& error) {
      if (!responder) throw;
      responder.send(error_response(error, request.id));
    }
  };
}

}  // namespace

void add_routes(http::Router& router, ModelService& models) {
  router.stream("POST", "/v1/messages", with_errors(post_messages, models));
  router.stream("POST", "/v1/messages/count_tokens", with_errors(post_count_tokens, models));
}

}  // namespace hearth::serve::anthropic
