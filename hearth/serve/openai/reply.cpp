#include "hearth/serve/openai/reply.h"

#include <chrono>
#include <memory>
#include <random>
#include <utility>

#include "hearth/base/rng.h"
#include "hearth/serve/api/json_text.h"
#include "hearth/serve/openai/error_json.h"

namespace hearth::serve::openai {

void Reply::send(const Json& body) { send_text(json_text(body)); }

void Reply::send_text(std::string body) {
  responder_.send(http::Response::json(200, std::move(body)));
}

bool Reply::event(const Json& data, std::string_view name) {
  if (!events_) events_.emplace(std::move(responder_));
  return events_->event(json_text(data), name);
}

void Reply::send_done() { events_->event("[DONE]"); }

void Reply::finish() { events_->finish(); }

void Reply::fail(const Error& error) {
  if (!events_) return responder_.send(error_response(error));
  events_->fail(0, json_text(error_json(error)));
}

http::Handler with_errors(http::Handler handler) {
  return [handler = std::move(handler)](const http::Request& request, http::Responder& responder) {
    try {
      handler(request, responder);
    } catch (const Error& error) {
      if (!responder) throw;
      responder.send(error_response(error));
    }
  };
}

void submit_object(ModelService& models, ModelCall call, http::Responder& responder,
                   std::function<Json(Turn&)> make) {
  submit_text(models, std::move(call), responder,
              [make = std::move(make)](Turn& turn) { return json_text(make(turn)); });
}

void submit_text(ModelService& models, ModelCall call, http::Responder& responder,
                 std::function<std::string(Turn&)> make) {
  const auto reply = std::make_shared<Reply>(std::move(responder));
  models.submit(
      std::move(call),
      [reply, make = std::move(make)](Turn& turn) { reply->send_text(make(turn)); },
      [reply](const Error& error) { reply->fail(error); });
}

std::string make_id(std::string_view prefix) {
  static constexpr std::string_view kLetters =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  thread_local Rng rng(uint64_t{std::random_device()()} << 32 | std::random_device()());
  std::string id(prefix);
  for (int i = 0; i < 24; ++i) id += kLetters[rng.below(kLetters.size())];
  return id;
}

int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace hearth::serve::openai
