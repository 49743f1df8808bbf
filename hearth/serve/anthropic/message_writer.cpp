#include "hearth/serve/anthropic/message_writer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "hearth/serve/anthropic/content_blocks.h"
#include "hearth/serve/anthropic/error_json.h"
#include "hearth/serve/anthropic/wire.h"
#include "hearth/serve/api/error_answer.h"
#include "hearth/serve/api/json_text.h"
#include "hearth/serve/http/request_id.h"
#include "hearth/serve/http/streaming.h"

namespace hearth::serve::anthropic {
namespace {

std::string make_message_id() {
  // As random as a request's id, under another prefix.
  return "msg_" + http::make_request_id().substr(std::string_view("req_").size());
}

Json message_json(const std::string& model, Json content) {
  return {{"id", make_message_id()},       {"type", "message"},
          {"role", "assistant"},           {"model", model},
          {"content", std::move(content)}, {"stop_reason", nullptr},
          {"stop_sequence", nullptr}};
}

// Anthropic counts what came out of the cache apart from the input, not as a part of it.
Json usage_json(const AnswerEnd& end) {
  return {{"input_tokens", end.prompt_tokens - end.prompt_tokens_cached},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", end.prompt_tokens_cached},
          {"output_tokens", end.generated_tokens}};
}

/// stop_reason and stop_sequence.
class StopFields {
 public:
  StopFields(const AnswerEnd& end, bool has_calls, const std::vector<std::string>& sequences) {
    // An answer that was cut off is not "tool_use" even if it has made a call: more may be missing.
    if (end.reason == AnswerReason::length)
      reason_ = "max_tokens";
    else if (has_calls)
      reason_ = "tool_use";
    else if (std::count(sequences.begin(), sequences.end(), end.stop_string))
      sequence_ = end.stop_string;
    if (!sequence_.is_null()) reason_ = "stop_sequence";
  }
  void put_into(Json& json) const {
    json["stop_reason"] = reason_;
    json["stop_sequence"] = sequence_;
  }

 private:
  const char* reason_ = "end_turn";
  Json sequence_ = nullptr;
};

class WholeMessage : public AnswerWriter {
 public:
  WholeMessage(http::Responder responder, MessageOptions options)
      : responder_(std::move(responder)), options_(std::move(options)) {}

  void begin(const std::string& model) override { model_ = model; }
  bool chunk(const AnswerChunk& chunk) override {
    blocks_.add(chunk.delta);
    has_calls_ = has_calls_ || !chunk.delta.tool_calls.empty();
    return !responder_.is_closed();
  }
  void end(const AnswerEnd& end, const AnswerTimes&) override {
    Json message = message_json(model_, blocks_.blocks());
    StopFields(end, has_calls_, options_.stop_sequences).put_into(message);
    message["usage"] = usage_json(end);
    http::Response response = http::Response::json(200, json_text(message));
    response.headers.set(kRequestIdHeader, options_.request_id);
    responder_.send(std::move(response));
  }
  void fail(const Error& error) override {
    responder_.send(error_response(error, options_.request_id));
  }

 private:
  http::Responder responder_;
  const MessageOptions options_;
  std::string model_;
  BlockList blocks_;
  bool has_calls_ = false;
};

class StreamedMessage : public AnswerWriter {
 public:
  StreamedMessage(http::Responder responder, MessageOptions options)
      : responder_(std::move(responder)),
        options_(std::move(options)),
        blocks_([this](const Json& event) { return send(event); }) {}

  void begin(const std::string& model) override {
    responder_.start({.status = 200,
                      .headers = {{"content-type", "text/event-stream"},
                                  {"cache-control", "no-cache"},
                                  {"x-accel-buffering", "no"},
                                  {kRequestIdHeader, options_.request_id}},
                      .body = {}});
    events_.emplace(std::move(responder_));
    // What the prompt cost is known at the end; message_delta says it then.
    Json message = message_json(model, Json::array());
    message["usage"] = usage_json({});
    send({{"type", "message_start"}, {"message", std::move(message)}});
    send({{"type", "ping"}});
  }
  bool chunk(const AnswerChunk& chunk) override {
    has_calls_ = has_calls_ || !chunk.delta.tool_calls.empty();
    return blocks_.add(chunk.delta);
  }
  void end(const AnswerEnd& end, const AnswerTimes&) override {
    blocks_.close();
    Json delta = Json::object();
    StopFields(end, has_calls_, options_.stop_sequences).put_into(delta);
    send({{"type", "message_delta"}, {"delta", std::move(delta)}, {"usage", usage_json(end)}});
    send({{"type", "message_stop"}});
    events_->finish();
  }
  void fail(const Error& error) override {
    if (!events_) return responder_.send(error_response(error, options_.request_id));
    const int status = status_of(error);
    events_->fail(status, json_text(error_json(status, error.what(), options_.request_id)),
                  "error");
  }

 private:
  // Every event is named by its field "type".
  bool send(const Json& event) {
    return events_->event(json_text(event), event["type"].get_ref<const std::string&>());
  }

  http::Responder responder_;  // until begin()
  std::optional<http::SseStream> events_;
  const MessageOptions options_;
  BlockEvents blocks_;
  bool has_calls_ = false;
};

}  // namespace

std::shared_ptr<AnswerWriter> make_message_writer(http::Responder responder,
                                                  MessageOptions options) {
  if (options.is_streamed)
    return std::make_shared<StreamedMessage>(std::move(responder), std::move(options));
  return std::make_shared<WholeMessage>(std::move(responder), std::move(options));
}

}  // namespace hearth::serve::anthropic
