// How handlers of this API answer: a JSON object, server-sent events, or an error at any time.
#pragma once
#include <functional>
#include <optional>
#include <string_view>

#include "hearth/serve/http/responder.h"
#include "hearth/serve/http/router.h"
#include "hearth/serve/http/streaming.h"
#include "hearth/serve/output/message.h"
#include "hearth/serve/pool/model_service.h"

namespace hearth::serve::openai {

/// One thread at a time.
class Reply {
 public:
  explicit Reply(http::Responder responder) : responder_(std::move(responder)) {}

  /// The whole answer, status 200.
  void send(const Json& body);
  /// The same for what is JSON text already.
  void send_text(std::string body);
  /// False when the client is gone.
  bool event(const Json& data, std::string_view name = "");
  /// The last line of a stream of chunks: "data: [DONE]".
  void send_done();
  void finish();
  /// Before the first event an answer with the error's status; behind it an event.
  void fail(const Error& error);
  bool is_streaming() const { return events_.has_value(); }

 private:
  http::Responder responder_;  // until the first event
  std::optional<http::SseStream> events_;
};

/// `handler`, whose errors are answered in the form of this API.
http::Handler with_errors(http::Handler handler);

/// Submits `call`, taking the responder; the object that `make` gives in its turn is the answer,
/// and what it throws the error.
void submit_object(ModelService& models, ModelCall call, http::Responder& responder,
                   std::function<Json(Turn&)> make);
/// The same for what is JSON text already.
void submit_text(ModelService& models, ModelCall call, http::Responder& responder,
                 std::function<std::string(Turn&)> make);

/// "chatcmpl-" and 24 random letters and digits. Thread-safe.
std::string make_id(std::string_view prefix);
/// Seconds since 1970.
int64_t unix_now();

}  // namespace hearth::serve::openai
