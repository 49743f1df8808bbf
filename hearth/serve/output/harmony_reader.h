// The messages and channels of gpt-oss ("harmony",
// https://cookbook.openai.com/articles/openai-harmony; the chat template of gpt-oss-120b).
#pragma once
#include "hearth/serve/output/answer_reader.h"

namespace hearth::serve {

/// The answer continues "<|start|>assistant", which ends the prompt: a header, <|message|>, a text,
/// <|end|> or another end; then maybe <|start|>assistant and so on. Channel "analysis" holds
/// thoughts; a message to functions.NAME on any channel is a call, whose text is a JSON object;
/// everything else is content. Broken headers and calls are content, unchanged.
class HarmonyReader : public AnswerReader {
 public:
  /// `reads_calls`: false leaves calls in the content.
  HarmonyReader(bool reads_calls, const AnswerLimits& limits, CallCounter& counter);
  void push(char byte, DeltaList& out) override;
  void finish(DeltaList& out) override;

 private:
  enum class State { header, content, thinking, call };
  void push_header(char byte, DeltaList& out);
  void push_body(char byte, DeltaList& out);
  void leave_header();
  void add(std::string_view text, DeltaList& out);
  void end_call(std::string_view end, DeltaList& out);

  bool reads_calls_;
  const AnswerLimits& limits_;
  CallCounter& counter_;
  State state_ = State::header;
  std::string header_;
  std::string name_;  // of the call that is being read
  std::string json_;  // its arguments so far
  TagWatch ends_;
};

}  // namespace hearth::serve
