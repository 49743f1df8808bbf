// A choice of /v1/chat/completions.
#pragma once
#include "hearth/serve/engine/answer_request.h"
#include "hearth/serve/openai/choice.h"

namespace hearth::serve::openai {

/// The first delta of a stream has the role and an empty content, the last choice an empty delta
/// with the reason; thoughts, content and calls come in deltas of their own, each call whole with
/// its arguments as text. Thoughts have both names that clients look for, `reasoning` and
/// `reasoning_content`.
///
/// Where parallel calls are not allowed, only the first is passed on. Other violations of
/// tool_choice are passed on as the model wrote them, since a stream cannot take them back; all are
/// told in warnings().
class ChatChoice : public Choice {
 public:
  /// `request` holds a ChatPrompt.
  ChatChoice(int index, const AnswerRequest& request);
  std::vector<Json> begin() override;
  std::vector<Json> chunk(const AnswerChunk& chunk) override;
  Json finish(const AnswerEnd& end) override;
  Json whole() const override;
  std::vector<std::string> warnings() const override { return warnings_; }
  int thinking_tokens() const override { return thinking_tokens_; }

 private:
  Json choice(Json delta) const;
  void add_calls(const std::vector<ToolCall>& calls, std::vector<Json>& out);
  Json call_json(const ToolCall& call, size_t index) const;

  int index_;
  std::vector<Tool> tools_;
  ToolChoice tool_choice_;
  bool wants_logprobs_;
  AnswerDelta answer_;  // so far, with every call that the model made
  size_t calls_sent_ = 0;
  Json logprobs_ = Json::array();
  int thinking_tokens_ = 0;
  std::string finish_reason_;
  std::vector<std::string> warnings_;
};

}  // namespace hearth::serve::openai
