// An answer of /v1/responses as the sequence of its events, and as one object.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "hearth/serve/engine/answer_stream.h"
#include "hearth/serve/openai/responses_request.h"

namespace hearth::serve::openai {

/// Pure. Every event has a "type", which is also its name, and a "sequence_number" from 0. An item
/// and its part are added before a delta names them and done when the next item begins; thoughts
/// are reasoning items (as a summary that leaves nothing out), text is a message, each call an item
/// of its own. An answer of nothing is an empty message.
///
/// Tool choice as of ChatChoice: what the model did wrong stands in `warnings` of the response.
class ResponseEvents {
 public:
  /// `key` is what the ids of the response and its items have in common.
  ResponseEvents(std::string key, int64_t created_at, const ResponsesCall& call);

  std::vector<Json> begin(const std::string& model);
  std::vector<Json> chunk(const AnswerChunk& chunk);
  std::vector<Json> end(const AnswerEnd& end, int64_t completed_at);
  /// In the middle of a stream: response.failed, and an `error` event, at which the official
  /// clients throw.
  std::vector<Json> fail(const Error& error);

  /// As it stands; whole after end().
  const Json& response() const { return response_; }

 private:
  enum class Open { nothing, reasoning, message };

  void emit(std::string_view type, Json fields);
  Json place() const;  // which item and part a delta belongs to
  void open(Open kind);
  void close(std::string_view status);
  void close_message(std::string_view status);
  void close_reasoning();
  void add_thinking(const std::string& text);
  void add_content(const std::string& text);
  void add_call(const ToolCall& call);
  std::string item_id(std::string_view prefix) const;
  void set_usage(const AnswerEnd& end);
  std::vector<Json> take();

  std::string key_;
  std::vector<Tool> tools_;
  ToolChoice tool_choice_;
  bool wants_logprobs_;
  Json response_;
  std::vector<std::string> warnings_;
  int sequence_ = 0;
  std::vector<Json> events_;  // not taken yet
  AnswerDelta answer_;

  Open open_ = Open::nothing;
  std::string text_;               // of the open item
  Json logprobs_ = Json::array();  // of the open message
  Json pending_ = Json::array();   // of tokens whose text has not come yet
};

}  // namespace hearth::serve::openai
