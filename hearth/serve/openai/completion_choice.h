// A choice of /v1/completions.
#pragma once
#include <string>

#include "hearth/serve/openai/choice.h"

namespace hearth::serve::openai {

class CompletionChoice : public Choice {
 public:
  /// `echo` stands before the answer's text.
  CompletionChoice(int index, std::string echo, bool wants_logprobs);
  std::vector<Json> begin() override;
  std::vector<Json> chunk(const AnswerChunk& chunk) override;
  Json finish(const AnswerEnd& end) override;
  Json whole() const override;
  std::vector<std::string> warnings() const override { return warnings_; }

 private:
  Json choice(std::string text) const;

  int index_;
  std::string echo_;
  bool wants_logprobs_;
  std::string text_;
  std::vector<TokenLogprobs> tokens_;
  size_t offset_;  // in characters, of the next token
  std::string finish_reason_;
  std::vector<std::string> warnings_;
};

}  // namespace hearth::serve::openai
